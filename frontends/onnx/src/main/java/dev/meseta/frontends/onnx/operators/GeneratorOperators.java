package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;

/** Operators that make tensors out of a few numbers: ranges, identity matrices, windows of signal processing. */
final class GeneratorOperators {
    private GeneratorOperators() {}

    static void register(Registry r) {
        r.expand("EyeLike", 9, GeneratorOperators::eyeLike);
        r.expand("Range", 11, node -> c -> List.of(range(c)));
        window(r, "HannWindow", 0.5, 0.5, 0);
        window(r, "HammingWindow", 25 / 46.0, 21 / 46.0, 0);
        window(r, "BlackmanWindow", 0.42, 0.5, 0.08);
        r.expand("MelWeightMatrix", 17, GeneratorOperators::melWeights);
    }

    private static Lowering.Expand eyeLike(OperatorNode node) {
        long k = node.attributes().integer("k", 0);
        boolean typed = node.attributes().has("dtype");
        DType given = ElementTypes.attribute(node, "dtype", DType.F32);
        return c -> {
            GraphBuilder b = c.builder();
            Shape s = c.type(0).shape();
            if (s.rank() != 2) throw c.error("input is " + c.type(0) + ", expected a matrix");
            Value row = b.iota(DType.I64, Shape.of(List.of(s.dim(0), Dim.of(1))), 0);
            Value column = b.iota(DType.I64, Shape.of(List.of(Dim.of(1), s.dim(1))), 1);
            Value on = b.map(MapFunction.EQ, b.minus(column, row), b.scalar(DType.I64, k));
            return List.of(b.cast(on, typed ? given : c.type(0).dtype()));
        };
    }

    /** start, start + delta, … below limit. */
    private static Value range(LoweringContext c) {
        GraphBuilder b = c.builder();
        DType t = c.type(0).dtype();
        for (int i = 0; i < 3; i++) {
            if (c.type(i).shape().elements() != 1 || c.type(i).dtype() != t || !t.isArithmetic()) {
                throw c.error("start, limit and delta are " + c.type(0) + ", " + c.type(1) + " and " + c.type(2)
                        + ", expected one number each of one type");
            }
        }
        Tensor start = c.constant(0);
        Tensor limit = c.constant(1);
        Tensor delta = c.constant(2);
        if (Expansions.isZero(delta)) throw c.error("delta is 0");
        Dim size = t.isInteger()
                ? integerSteps(c, start.getLong(0), limit.getLong(0), delta.getLong(0))
                : Dim.of(floatSteps(c, start.getDouble(0), limit.getDouble(0), delta.getDouble(0)));
        // Narrow floats are computed in F32, so that long ranges keep their steps.
        DType w = t.computeType();
        Value i = b.iota(w, Shape.of(List.of(size)), 0);
        Value step = b.cast(Expansions.scalar(c, c.operand(2), "delta"), w);
        Value first = b.cast(Expansions.scalar(c, c.operand(0), "start"), w);
        return b.cast(b.plus(first, b.times(i, step)), t);
    }

    private static long floatSteps(LoweringContext c, double start, double limit, double delta) {
        double n = Math.ceil((limit - start) / delta);
        if (!(n < Long.MAX_VALUE))
            throw c.error("range from " + start + " to " + limit + " by " + delta + " does not end");
        return Math.max(0, (long) n);
    }

    private static Dim integerSteps(LoweringContext c, long start, long limit, long delta) {
        long n;
        try {
            n = Math.max(0, Math.ceilDiv(Math.subtractExact(limit, start), delta));
        } catch (ArithmeticException e) {
            throw c.error("range from " + start + " to " + limit + " has too many elements");
        }
        if (limit < 0 || start < 0) return Dim.of(n);
        Dim to = c.dims(1).getFirst();
        Dim from = c.dims(0).getFirst();
        if (start == 0 && delta == 1) return to.derive(n, to.term());
        Dim origin = to.isDynamic() ? to : from;
        return origin.derive(n, "range(" + from.term() + "," + to.term() + "," + delta + ")");
    }

    /** a0 - a1 cos(2πn/N) + a2 cos(4πn/N), where N is the size, or one less if the window is symmetric. */
    private static void window(Registry r, String name, double a0, double a1, double a2) {
        r.expand(name, 17, node -> {
            DType dtype = ElementTypes.attribute(node, "output_datatype", DType.F32);
            boolean periodic = node.attributes().flag("periodic", true);
            return c -> {
                GraphBuilder b = c.builder();
                long size = Expansions.integer(c, 0, "size");
                if (size < 0) throw c.error("size is " + size);
                // A symmetric window of one element is its peak, as a limit: no division by 0.
                double period = periodic ? size : Math.max(1, size - 1);
                Dim d = c.dims(0).getFirst();
                Value n = b.iota(DType.F64, Shape.of(List.of(d)), 0);
                Value turn = b.times(n, b.scalar(DType.F64, 2 * Math.PI / period));
                Value y = MathOperators.linear(b, b.map(MapFunction.COS, turn), -a1, a0);
                if (a2 != 0) {
                    Value twice = b.map(MapFunction.COS, b.times(turn, b.scalar(DType.F64, 2.0)));
                    y = b.plus(y, MathOperators.linear(b, twice, a2, 0));
                }
                return List.of(b.cast(y, dtype));
            };
        });
    }

    private static Lowering.Expand melWeights(OperatorNode node) {
        DType dtype = ElementTypes.attribute(node, "output_datatype", DType.F32);
        return c -> {
            long bands = Expansions.integer(c, 0, "num_mel_bins");
            long dftLength = Expansions.integer(c, 1, "dft_length");
            long rate = Expansions.integer(c, 2, "sample_rate");
            double low = Expansions.real(c, 3, "lower_edge_hertz");
            double high = Expansions.real(c, 4, "upper_edge_hertz");
            if (bands < 1 || dftLength < 1 || rate < 1 || !(low >= 0) || !(high > low)) {
                throw c.error(bands + " bands of a DFT of " + dftLength + " at " + rate + " Hz from " + low + " to "
                        + high + " Hz make no sense");
            }
            Shape s = Shape.of(dftLength / 2 + 1, bands);
            if (new TensorType(DType.F64, s).bytes() > 1 << 30) throw c.error("a result of " + s + " is too large");
            Tensor weights = Tensor.allocate(DType.F64, s);
            long[] edges = melEdges((int) bands, dftLength, rate, low, high);
            for (int band = 0; band < bands; band++) {
                if (edges[band + 2] > dftLength / 2 + 1)
                    throw c.error("the upper edge, " + high + " Hz, is above half the sample rate");
                triangle(weights, band, bands, edges);
            }
            return List.of(c.builder().cast(c.builder().constant(weights), dtype));
        };
    }

    /** The bins of the spectrum at which the triangles begin, peak and end; equally spaced on the mel scale 2595 log10(1 + f / 700). */
    private static long[] melEdges(int bands, long dftLength, long rate, double low, double high) {
        double lowMel = 2595 * Math.log10(1 + low / 700);
        double highMel = 2595 * Math.log10(1 + high / 700);
        double step = (highMel - lowMel) / (bands + 2);
        long[] edges = new long[bands + 2];
        for (int i = 0; i < edges.length; i++) {
            double hertz = 700 * (Math.pow(10, (lowMel + i * step) / 2595) - 1);
            edges[i] = (long) Math.floor((dftLength + 1) * hertz / rate);
        }
        return edges;
    }

    private static void triangle(Tensor weights, int band, long bands, long[] edges) {
        long begin = edges[band];
        long peak = edges[band + 1];
        long end = edges[band + 2];
        if (begin == peak) weights.setDouble(peak * bands + band, 1);
        else
            for (long j = begin; j <= peak; j++)
                weights.setDouble(j * bands + band, (double) (j - begin) / (peak - begin));
        for (long j = peak; j < end; j++) weights.setDouble(j * bands + band, (double) (end - j) / (end - peak));
    }
}
