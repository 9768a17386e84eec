package dev.meseta.machine;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Status;

/**
 * What lies behind a kernel's argument pointer, eight bytes each: the buffers' addresses, the extents, the buffers' sizes in elements (read
 * in checking mode alone), the address of the status. The status is two I64, zero at first: a code and an index.
 *
 * @param buffers number of buffers
 * @param extents number of extents
 */
public record ArgumentLayout(int buffers, int extents) {
    /** Status code: a {@link dev.meseta.compiler.kernel.Stmt.Check} failed. */
    public static final long POSITION_OUTSIDE = Status.POSITION_OUTSIDE;

    /** Status code: an index outside a local array. */
    public static final long LOCAL_ARRAY = Status.LOCAL_ARRAY;

    /** Status codes from here on: an index outside buffer number {@code code - BUFFER}. */
    public static final long BUFFER = Status.BUFFER;

    /** Size of the status in bytes. */
    public static final long STATUS_BYTES = 16;

    public static ArgumentLayout of(Kernel kernel) {
        return new ArgumentLayout(kernel.buffers().size(), kernel.extents());
    }

    /** Byte offset of a buffer's address. */
    public long buffer(int i) {
        return 8L * i;
    }

    /** Byte offset of an extent. */
    public long extent(int i) {
        return 8L * (buffers + i);
    }

    /** Byte offset of a buffer's size. */
    public long size(int i) {
        return 8L * (buffers + extents + i);
    }

    /** Byte offset of the status' address. */
    public long status() {
        return 8L * (2 * buffers + extents);
    }

    /** Size of the whole in bytes. */
    public long bytes() {
        return status() + 8;
    }
}
