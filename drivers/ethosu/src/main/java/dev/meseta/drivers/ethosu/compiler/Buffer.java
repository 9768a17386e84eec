package dev.meseta.drivers.ethosu.compiler;

import org.jspecify.annotations.Nullable;

/**
 * A piece of memory of a stream. Where it lies is decided when all that touches it is known.
 */
final class Buffer {
    /** What a buffer is for. */
    enum Role {
        INPUT,
        OUTPUT,
        CONSTANT,
        TEMPORARY
    }

    static final int CONSTANTS = 0;
    static final int MAPS = 1;
    static final int FAST = 2;

    final Role role;
    final long bytes;

    /** The bytes of a constant. */
    final byte @Nullable [] contents;

    /** Rows, columns and channels of the value that it is for; null if that is not one picture. */
    int @Nullable [] shape;

    /** The shape, where it is kept in bricks of 16 channels; else null: channels are innermost. */
    int @Nullable [] bricks;

    /** Another buffer whose memory it takes over; null if it has its own. */
    @Nullable
    Buffer alias;

    int region;
    long address = -1;

    Buffer(Role role, long bytes) {
        this(role, bytes, null);
    }

    private Buffer(Role role, long bytes, byte @Nullable [] contents) {
        this.role = role;
        this.bytes = bytes;
        this.contents = contents;
        this.region = role == Role.CONSTANT ? CONSTANTS : MAPS;
    }

    static Buffer constant(byte[] contents) {
        return new Buffer(Role.CONSTANT, contents.length, contents);
    }

    /** The one whose memory it is. */
    Buffer root() {
        Buffer b = this;
        while (b.alias != null) b = b.alias;
        return b;
    }
}
