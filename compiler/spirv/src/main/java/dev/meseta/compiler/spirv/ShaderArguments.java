package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Status;

/**
 * What a module reads of its launch. The uniform buffer at set 0, binding 0 holds eight bytes each: the buffers' addresses (or, of one that is an image of
 * texels, where it begins there), the extents,
 * the buffers' sizes in elements, the address of the status, the number that names the launch there, and the number of iterations.
 *
 * <p>The status is 16 bytes, zero at first: in the first four a code, {@code launch * CODES + what}, and an index in the last eight.
 *
 * @param buffers number of buffers
 * @param extents number of extents
 */
public record ShaderArguments(int buffers, int extents) {
    /** What happened: a {@link dev.meseta.compiler.kernel.Stmt.Check} failed. */
    public static final int POSITION_OUTSIDE = Status.POSITION_OUTSIDE;

    /** An index outside a local array. */
    public static final int LOCAL_ARRAY = Status.LOCAL_ARRAY;

    /** From here on: an index outside buffer number {@code what - BUFFER}. */
    public static final int BUFFER = Status.BUFFER;

    /** Codes of one launch. */
    public static final int CODES = 128;

    /** Size of the status in bytes. */
    public static final long STATUS_BYTES = 16;

    public static ShaderArguments of(Kernel kernel) {
        return new ShaderArguments(kernel.buffers().size(), kernel.extents());
    }

    /** Place of a buffer's address, in units of eight bytes; so the others. */
    public int buffer(int i) {
        return i;
    }

    public int extent(int i) {
        return buffers + i;
    }

    public int size(int i) {
        return buffers + extents + i;
    }

    public int status() {
        return 2 * buffers + extents;
    }

    public int launch() {
        return status() + 1;
    }

    public int grid() {
        return status() + 2;
    }

    /** Number of places. */
    public int count() {
        return status() + 3;
    }
}
