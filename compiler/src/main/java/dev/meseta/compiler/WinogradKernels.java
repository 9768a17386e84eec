package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.V;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of 3×3 of a convolution, a constant, and their transform for {@link Winograd}.
 *
 * @param base where the first element is
 * @param steps from one element to the next by feature, channel, line and column; 0 where a constant is repeated
 */
record WinogradKernels(Tensor constant, long base, List<Long> steps) {
    /** Of a kernel. */
    private static final int ELEMENTS = 9;

    /** The steps by channel, line and column where all that belongs to a feature lies together. */
    private static final List<Long> CONTIGUOUS = List.of(9L, 3L, 1L);

    /** Channels that a thread takes at once. */
    private static final int CHANNELS = 8;

    /** Those that a group reads; null if they are not constant, or not as they are stored. */
    static @Nullable WinogradKernels of(Assembly a, Group g, V v) {
        Points points = new Points();
        List<Atom> loops = v.shape().stream().map(points::loop).toList();
        Point p =
                new Pull(points, g, a::place).at(v, loops.stream().map(Lin::of).toList());
        TileKernel.Operand o = TileKernel.Operand.of(p);
        if (o == null || o.place().constant() == null || o.storage() != DType.F32) return null;
        return new WinogradKernels(
                o.place().constant(),
                Panels.base(o.offset()),
                loops.stream().map(l -> Panels.coefficient(o.offset(), l)).toList());
    }

    /** The same of another constant. */
    WinogradKernels of(Tensor other) {
        return new WinogradKernels(other, base, steps);
    }

    /**
     * The kernels transformed: an element of a tile, then channels, then features.
     *
     * @param m transforms a line of a kernel
     */
    Tensor transformed(double[][] m, long channels, long features) {
        int c = Math.toIntExact(channels);
        int o = Math.toIntExact(features);
        Tensor to = Tensor.allocate(TensorType.of(DType.F32, (long) m.length * m.length, c, o));
        IntStream.range(0, Math.ceilDiv(c, CHANNELS)).parallel().forEach(block -> {
            int first = block * CHANNELS;
            transform(m, first, Math.min(CHANNELS, c - first), c, o, to.data());
        });
        return to;
    }

    /**
     * Transforms the kernels of some channels. By way of arrays, and a line of features at a time: a process that starts has none but the
     * JVM's quick compiler, in whose code an access to a segment takes far longer than one to an array.
     */
    private void transform(double[][] m, int first, int count, int channels, int features, MemorySegment to) {
        int n = m.length;
        float[] read = new float[features * count * ELEMENTS];
        for (int f = 0; f < features; f++) read(f, first, count, read, f * count * ELEMENTS);
        double[] kernels = new double[ELEMENTS * features];
        double[] lines = new double[n * 3 * features];
        double[] sums = new double[features];
        float[] result = new float[features];
        for (int channel = 0; channel < count; channel++) {
            for (int e = 0; e < ELEMENTS; e++)
                for (int f = 0; f < features; f++)
                    kernels[e * features + f] = read[(f * count + channel) * ELEMENTS + e];
            for (int i = 0; i < n; i++)
                for (int x = 0; x < 3; x++)
                    combine(m[i], kernels, x * features, 3 * features, lines, (i * 3 + x) * features, features);
            for (int i = 0; i < n * n; i++) {
                combine(m[i % n], lines, i / n * 3 * features, features, sums, 0, features);
                for (int f = 0; f < features; f++) result[f] = (float) sums[f];
                long at = ((long) i * channels + first + channel) * features;
                MemorySegment.copy(result, 0, to, ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, features);
            }
        }
    }

    /** Reads the kernels of some channels of a feature, one behind the other. */
    private void read(int feature, int channel, int channels, float[] to, int at) {
        long from = base + feature * steps.get(0) + channel * steps.get(1);
        MemorySegment data = constant.data();
        if (steps.subList(1, 4).equals(CONTIGUOUS)) {
            MemorySegment.copy(data, ValueLayout.JAVA_FLOAT_UNALIGNED, from * Float.BYTES, to, at, channels * ELEMENTS);
            return;
        }
        for (int k = 0; k < channels * ELEMENTS; k++) {
            long offset = k / ELEMENTS * steps.get(1) + k % ELEMENTS / 3 * steps.get(2) + k % 3 * steps.get(3);
            to[at + k] = data.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, from + offset);
        }
    }

    /** Adds up three lines, a step from each other, with factors. */
    private static void combine(double[] m, double[] from, int first, int step, double[] to, int at, int count) {
        double m0 = m[0];
        double m1 = m[1];
        double m2 = m[2];
        for (int f = 0; f < count; f++)
            to[at + f] = m0 * from[first + f] + m1 * from[first + step + f] + m2 * from[first + 2 * step + f];
    }
}
