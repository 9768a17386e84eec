package dev.meseta.driver;

import dev.meseta.graph.MesetaException;
import org.jspecify.annotations.Nullable;

/** A device, or the runtime on its behalf, did not do what it was asked. The message says what, where, and what to do. */
public final class DeviceException extends MesetaException {
    private static final long serialVersionUID = 1L;

    /** What happened. */
    public enum Kind {
        /** The device does not do this at all. */
        UNSUPPORTED,
        /** No memory of this kind is left. */
        MEMORY,
        /** A buffer does not fit what a job needs, or is closed. */
        BUFFER,
        /** The job failed on the device. */
        FAILED,
        /** The job made no progress, and was given up. */
        HANG,
        /** The job was lost in a reset that another one caused: it may be submitted again. */
        RESET,
        /** The job waited for something that failed; the cause is what it failed with. */
        DEPENDENCY,
        /** Nobody wanted the job any more. */
        CANCELLED,
        /** The client hung the device too often. */
        BANNED,
        /** The device is gone. */
        LOST
    }

    private final Kind kind;

    public DeviceException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public DeviceException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public static DeviceException unsupported(String message) {
        return new DeviceException(Kind.UNSUPPORTED, message);
    }

    /** Says that a device is gone for good. */
    public static DeviceException lost(String device) {
        return new DeviceException(
                Kind.LOST, "device " + device + " is gone: it was unplugged, or failed beyond repair; open it anew");
    }

    public Kind kind() {
        return kind;
    }
}
