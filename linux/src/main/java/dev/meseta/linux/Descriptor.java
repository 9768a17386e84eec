package dev.meseta.linux;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open file, by its number. Who has it closes it; closing it again does nothing. The number stays valid until then, and must not be used
 * after. Thread-safe.
 */
public final class Descriptor implements AutoCloseable {
    private static final LibC CLOSE = LibC.function("close");
    private static final LibC FCNTL = LibC.function("fcntl");
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int CLOSED = -1;

    private final AtomicInteger number;

    private Descriptor(int number) {
        this.number = new AtomicInteger(number);
    }

    /** Takes over an open file of this process: closing this closes it. */
    public static Descriptor own(int number) {
        if (number < 0) throw new IllegalArgumentException("a descriptor is 0 or more, got " + number);
        return new Descriptor(number);
    }

    /** A new descriptor of the file that another one names; the caller closes both. */
    public static Descriptor duplicate(int number) {
        return new Descriptor((int) FCNTL.call("duplicating descriptor " + number, number, F_DUPFD_CLOEXEC, 0));
    }

    /** Throws {@link IllegalStateException} once it is closed. */
    public int number() {
        int n = number.get();
        if (n == CLOSED) throw new IllegalStateException("the descriptor is closed");
        return n;
    }

    /** Somebody else closes it from here on. */
    public void give() {
        number.set(CLOSED);
    }

    public Descriptor duplicate() {
        return duplicate(number());
    }

    @Override
    public void close() {
        int n = number.getAndSet(CLOSED);
        if (n != CLOSED) CLOSE.call("closing descriptor " + n, n);
    }

    @Override
    public String toString() {
        return "descriptor " + number.get();
    }
}
