package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.Program;
import org.jspecify.annotations.Nullable;

/** A piece of memory of a stream. Where it lies is decided when all that touches it is known. */
final class Buffer {
    /** Whether it is there for the stream alone; else it is a constant, or holds an input or a result. */
    final boolean temporary;

    final long bytes;

    /** The bytes of a constant. */
    final byte @Nullable [] contents;

    /** The value that it is for as a feature map; null if that is none. */
    @Nullable
    Place shape;

    /** Whether it is kept in bricks of 16 channels; else channels are innermost. */
    boolean bricks;

    int region;
    long address = -1;

    Buffer(boolean temporary, long bytes, byte @Nullable [] contents) {
        this.temporary = temporary;
        this.bytes = bytes;
        this.contents = contents;
    }

    static Buffer temporary(long bytes) {
        return new Buffer(true, bytes, null);
    }

    static Buffer constant(byte[] contents) {
        return new Buffer(false, contents.length, contents);
    }

    /** The bytes that it takes, with what the last brick leaves empty. */
    long storage() {
        return bricks && shape != null ? Bricks.row(shape) * shape.height() * shape.bytes() : bytes;
    }

    /** Whether it lies in the fast memory, or may. */
    boolean isFast() {
        return temporary && region != Program.MAPS;
    }
}
