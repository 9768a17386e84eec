package dev.meseta.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A Unix socket that keeps messages apart (SOCK_SEQPACKET) and carries open files beside the bytes: how two processes of one machine share
 * memory. Calls block. One thread may send while another receives.
 */
public final class UnixSocket implements AutoCloseable {
    /** Descriptors that one message can carry (SCM_MAX_FD). */
    public static final int MOST_DESCRIPTORS = 253;

    private static final LibC SOCKET = LibC.function("socket");
    private static final LibC SOCKETPAIR = LibC.function("socketpair");
    private static final LibC BIND = LibC.function("bind");
    private static final LibC LISTEN = LibC.function("listen");
    private static final LibC ACCEPT = LibC.function("accept4");
    private static final LibC CONNECT = LibC.function("connect");
    private static final LibC SENDMSG = LibC.function("sendmsg");
    private static final LibC RECVMSG = LibC.function("recvmsg");

    private static final int AF_UNIX = 1;
    private static final int SOCK_SEQPACKET = 5;
    private static final int CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int MSG_CTRUNC = 8;
    private static final int MSG_TRUNC = 0x20;
    private static final int LONGEST_PATH = 107;

    private final Descriptor descriptor;

    private UnixSocket(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * What was received.
     *
     * @param bytes the message; empty where the other end is closed
     * @param descriptors open files, which are now the receiver's to close
     */
    public record Message(byte[] bytes, List<Descriptor> descriptors) {}

    /** Two sockets that are connected to each other. */
    public record Pair(UnixSocket one, UnixSocket other) {}

    public static Pair pair() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment both = arena.allocate(JAVA_INT, 2);
            SOCKETPAIR.call("making two sockets", AF_UNIX, SOCK_SEQPACKET | CLOEXEC, 0, both.address());
            return new Pair(
                    new UnixSocket(Descriptor.own(both.getAtIndex(JAVA_INT, 0))),
                    new UnixSocket(Descriptor.own(both.getAtIndex(JAVA_INT, 1))));
        }
    }

    /** Makes the socket at a path, and waits there for those who {@link #connect}. The file must not exist; the caller deletes it. */
    public static UnixSocket listen(Path path) {
        UnixSocket s = open();
        try (Arena arena = Arena.ofConfined()) {
            BIND.call(
                    "making the socket " + path,
                    s.number(),
                    address(arena, path).address(),
                    bytes(path));
            LISTEN.call("waiting at " + path, s.number(), 16);
            return s;
        } catch (RuntimeException e) {
            s.close();
            throw e;
        }
    }

    /** Waits until somebody connects to a socket that listens. */
    public UnixSocket accept() {
        return new UnixSocket(Descriptor.own((int) ACCEPT.call("accepting a connection", number(), 0, 0, CLOEXEC)));
    }

    public static UnixSocket connect(Path path) {
        UnixSocket s = open();
        try (Arena arena = Arena.ofConfined()) {
            CONNECT.call(
                    "connecting to " + path, s.number(), address(arena, path).address(), bytes(path));
            return s;
        } catch (RuntimeException e) {
            s.close();
            throw e;
        }
    }

    private static UnixSocket open() {
        return new UnixSocket(
                Descriptor.own((int) SOCKET.call("making a socket", AF_UNIX, SOCK_SEQPACKET | CLOEXEC, 0)));
    }

    private static long bytes(Path path) {
        return Layouts.offset(Layouts.SOCKADDR_UN, "sun_path")
                + path.toString().getBytes(StandardCharsets.UTF_8).length
                + 1;
    }

    private static MemorySegment address(Arena arena, Path path) {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > LONGEST_PATH)
            throw new IllegalArgumentException(
                    "the path of a socket has at most " + LONGEST_PATH + " bytes, " + path + " has " + name.length);
        MemorySegment address = arena.allocate(Layouts.SOCKADDR_UN);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, JAVA_BYTE, Layouts.offset(Layouts.SOCKADDR_UN, "sun_path"), name.length);
        return address;
    }

    /**
     * Sends a message.
     *
     * @param bytes at least one
     * @param descriptors open files that the receiver gets copies of; they stay the caller's
     */
    public void send(byte[] bytes, int... descriptors) {
        if (bytes.length == 0) throw new IllegalArgumentException("a message has at least one byte");
        if (descriptors.length > MOST_DESCRIPTORS)
            throw new IllegalArgumentException(
                    "a message carries at most " + MOST_DESCRIPTORS + " descriptors, got " + descriptors.length);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocateFrom(JAVA_BYTE, bytes);
            MemorySegment message = message(arena, data, descriptors.length);
            if (descriptors.length > 0) {
                MemorySegment control = control(message);
                control.set(JAVA_LONG, 0, Layouts.CMSGHDR.byteSize() + 4L * descriptors.length);
                control.set(JAVA_INT, Layouts.offset(Layouts.CMSGHDR, "cmsg_level"), SOL_SOCKET);
                control.set(JAVA_INT, Layouts.offset(Layouts.CMSGHDR, "cmsg_type"), SCM_RIGHTS);
                for (int i = 0; i < descriptors.length; i++)
                    control.set(JAVA_INT, Layouts.CMSGHDR.byteSize() + 4L * i, descriptors[i]);
            }
            SENDMSG.call("sending a message", number(), message.address(), MSG_NOSIGNAL);
        }
    }

    /**
     * Waits for a message.
     *
     * @param most the longest message in bytes; a longer one is refused with {@link IllegalStateException}
     */
    public Message receive(int most) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(Math.max(1, most));
            MemorySegment message = message(arena, data, MOST_DESCRIPTORS);
            int got = (int) RECVMSG.call("receiving a message", number(), message.address(), MSG_CMSG_CLOEXEC);
            List<Descriptor> descriptors = received(message);
            int flags = message.get(JAVA_INT, Layouts.offset(Layouts.MSGHDR, "msg_flags"));
            if ((flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
                descriptors.forEach(Descriptor::close);
                throw new IllegalStateException("a message is longer than " + most + " bytes");
            }
            return new Message(data.asSlice(0, got).toArray(JAVA_BYTE), descriptors);
        }
    }

    private static List<Descriptor> received(MemorySegment message) {
        List<Descriptor> descriptors = new ArrayList<>();
        long length = message.get(JAVA_LONG, Layouts.offset(Layouts.MSGHDR, "msg_controllen"));
        if (length < Layouts.CMSGHDR.byteSize()) return descriptors;
        MemorySegment control = control(message);
        if (control.get(JAVA_INT, Layouts.offset(Layouts.CMSGHDR, "cmsg_type")) != SCM_RIGHTS) return descriptors;
        long end = control.get(JAVA_LONG, 0);
        for (long at = Layouts.CMSGHDR.byteSize(); at < end; at += 4)
            descriptors.add(Descriptor.own(control.get(JAVA_INT, at)));
        return descriptors;
    }

    /** A msghdr over data, with room for descriptors. */
    private static MemorySegment message(Arena arena, MemorySegment data, int descriptors) {
        MemorySegment vector = arena.allocate(Layouts.IOVEC);
        vector.set(JAVA_LONG, Layouts.offset(Layouts.IOVEC, "iov_base"), data.address());
        vector.set(JAVA_LONG, Layouts.offset(Layouts.IOVEC, "iov_len"), data.byteSize());
        MemorySegment message = arena.allocate(Layouts.MSGHDR);
        message.set(JAVA_LONG, Layouts.offset(Layouts.MSGHDR, "msg_iov"), vector.address());
        message.set(JAVA_LONG, Layouts.offset(Layouts.MSGHDR, "msg_iovlen"), 1);
        if (descriptors > 0) {
            long bytes = Layouts.CMSGHDR.byteSize() + (4L * descriptors + 7) / 8 * 8;
            MemorySegment control = arena.allocate(bytes, 8);
            message.set(JAVA_LONG, Layouts.offset(Layouts.MSGHDR, "msg_control"), control.address());
            message.set(JAVA_LONG, Layouts.offset(Layouts.MSGHDR, "msg_controllen"), bytes);
        }
        return message;
    }

    private static MemorySegment control(MemorySegment message) {
        return MemorySegment.ofAddress(message.get(JAVA_LONG, Layouts.offset(Layouts.MSGHDR, "msg_control")))
                .reinterpret(message.get(JAVA_LONG, Layouts.offset(Layouts.MSGHDR, "msg_controllen")));
    }

    private int number() {
        return descriptor.number();
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
