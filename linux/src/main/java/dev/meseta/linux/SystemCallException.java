package dev.meseta.linux;

import java.util.Map;

/** The operating system refused a call. The message says which, on what, and why. */
public final class SystemCallException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final Map<Integer, String> NAMES = Map.ofEntries(
            Map.entry(1, "EPERM: not permitted"),
            Map.entry(2, "ENOENT: there is no such file"),
            Map.entry(4, "EINTR: interrupted"),
            Map.entry(9, "EBADF: the descriptor is not open"),
            Map.entry(11, "EAGAIN: nothing is there yet"),
            Map.entry(12, "ENOMEM: not enough memory"),
            Map.entry(13, "EACCES: access is denied"),
            Map.entry(17, "EEXIST: the file exists"),
            Map.entry(19, "ENODEV: there is no such device"),
            Map.entry(22, "EINVAL: an argument is invalid"),
            Map.entry(23, "ENFILE: the system has too many open files"),
            Map.entry(24, "EMFILE: the process has too many open files"),
            Map.entry(25, "ENOTTY: the descriptor does not know the request"),
            Map.entry(28, "ENOSPC: no space is left"),
            Map.entry(62, "ETIME: it took too long"),
            Map.entry(75, "EOVERFLOW: something is too large"),
            Map.entry(32, "EPIPE: nobody reads at the other end"),
            Map.entry(98, "EADDRINUSE: the address is in use"),
            Map.entry(104, "ECONNRESET: the other end is gone"),
            Map.entry(111, "ECONNREFUSED: nobody listens"));

    // Reasons that callers look at, by their usual names.

    public static final int ENOENT = 2;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EFAULT = 14;
    public static final int EBUSY = 16;
    public static final int ENODEV = 19;
    public static final int EINVAL = 22;
    public static final int ENOTTY = 25;
    public static final int ETIME = 62;
    public static final int EOVERFLOW = 75;
    public static final int ETIMEDOUT = 110;

    private final int errno;

    SystemCallException(String what, int errno) {
        super(what + ": " + NAMES.getOrDefault(errno, "errno " + errno));
        this.errno = errno;
    }

    /** The system's number for the reason. */
    public int errno() {
        return errno;
    }
}
