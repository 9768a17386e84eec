package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import java.util.ArrayList;
import java.util.List;

/**
 * How large a launch is at most, coarsely, so that launches of like sizes share code: what fits 32 bits is computed in 32 bits.
 *
 * @param extents for each extent, a number that it does not exceed
 * @param grid a number that the number of iterations does not exceed
 * @param bytes for each buffer, a number that its size in bytes does not exceed
 * @param alignments for each buffer, a power of two that its address is a multiple of
 * @param texels a bit for each buffer: whether it is read as an image of texels of 16 bytes
 */
public record Bounds(List<Long> extents, long grid, List<Long> bytes, List<Long> alignments, long texels) {
    /** More is of no use. */
    public static final long MOST_ALIGNED = 16;

    /** Buffers from this number on are never images. */
    public static final int MOST_TEXELS = 16;

    private static final int[] STEPS = {10, 14, 16, 18, 20, 22, 24, 26, 28, 31};

    public Bounds {
        extents = List.copyOf(extents);
        bytes = List.copyOf(bytes);
        alignments = List.copyOf(alignments);
    }

    /**
     * The bounds of a launch.
     *
     * @param alignments as in the record, not above {@link #MOST_ALIGNED}
     * @param texels as in the record; see {@link #mayBeTexels}
     */
    public static Bounds of(Kernel kernel, List<Long> extents, List<Long> alignments, long texels) {
        List<Long> bytes = new ArrayList<>();
        for (Kernel.Buffer b : kernel.buffers())
            bytes.add(above(Kernels.evaluate(b.elements(), extents) * b.dtype().bytes(), 31));
        return new Bounds(
                extents.stream().map(e -> above(e, 0)).toList(),
                above(Kernels.evaluate(kernel.grid(), extents), 0),
                bytes,
                alignments,
                texels);
    }

    /** Whether a buffer may be read as texels: one that the kernel does not write, of a low number. */
    public static boolean mayBeTexels(Kernel kernel, int buffer) {
        return buffer < MOST_TEXELS && kernel.buffers().get(buffer).access() == Kernel.Access.READ;
    }

    boolean isTexels(int buffer) {
        return buffer < MOST_TEXELS && (texels >> buffer & 1) != 0;
    }

    private static long above(long value, int least) {
        if (value < 0) return Long.MAX_VALUE;
        for (int step : STEPS) if (step >= least && value < 1L << step) return (1L << step) - 1;
        return Long.MAX_VALUE;
    }
}
