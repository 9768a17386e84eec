package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Real numbers that are bytes by scale and zero point, as models quantised with QuantizeLinear and DequantizeLinear have them before every
 * product. Products of such numbers are computed of the bytes, exactly, and scaled once.
 *
 * @param numbers I8 or U8
 * @param scale F32, one or one a place of the axis
 * @param zeroPoint as many as scales
 */
record Dequantized(Value numbers, Value scale, Value zeroPoint, int axis) {
    /** Sums of so many products of bytes do not leave 32 bits. */
    private static final long LONGEST_SUM = 32_768;

    /** Sums of fewer products are faster of real numbers. */
    private static final long SHORTEST_SUM = 4;

    /** What a value was made of; null if it is no such number. */
    static @Nullable Dequantized of(GraphBuilder b, Value v) {
        Node n = b.producer(v);
        if (n == null || !(n.op() instanceof Op.Dequantize o) || v.dtype() != DType.F32) return null;
        Value numbers = n.operand(0);
        boolean bytes = numbers.dtype() == DType.I8 || numbers.dtype() == DType.U8;
        return bytes && n.operand(1).dtype() == DType.F32
                ? new Dequantized(numbers, n.operand(1), n.operand(2), o.axis())
                : null;
    }

    private boolean hasOneScale() {
        return scale.shape().elements() == 1 && scale.rank() == 0;
    }

    private boolean isScaledAlong(int a) {
        return hasOneScale() || axis == a;
    }

    /** Whether kernels can widen the numbers where they multiply them, and need nothing else of them. */
    private boolean isPlainConstant(GraphBuilder b) {
        return b.known(numbers) != null && ConvolutionOperators.isZero(b, zeroPoint);
    }

    private static boolean isSum(long length) {
        return length >= SHORTEST_SUM && length <= LONGEST_SUM;
    }

    /** The product of two matrices or stacks of them; null if it is better computed of the real numbers. */
    static @Nullable Value matmul(LoweringContext c, Value left, Value right) {
        GraphBuilder b = c.builder();
        Dequantized y = of(b, right);
        if (y == null || left.rank() < 2 || right.rank() < 2 || !y.isScaledAlong(right.rank() - 1)) return null;
        Dequantized x = of(b, left);
        if (x != null && x.hasOneScale() && isSum(right.extent(right.rank() - 2))) {
            Value sums = QuantizeOperators.integerMatmul(c, x.numbers, x.zeroPoint, y.numbers, y.zeroPoint);
            return b.times(b.cast(sums, DType.F32), b.times(x.scale, y.scale));
        }
        if (x != null || !y.isPlainConstant(b)) return null;
        return b.times(b.matmul(left, b.cast(y.numbers, DType.F32), DType.F32), y.scale);
    }

    /** The product of two matrices, of which each may be transposed; null if it is better computed of the real numbers. */
    static @Nullable Value product(LoweringContext c, Value left, boolean transA, Value right, boolean transB) {
        GraphBuilder b = c.builder();
        Dequantized x = of(b, left);
        Dequantized y = of(b, right);
        if (y == null || !y.isScaledAlong(transB ? 0 : 1)) return null;
        int sum = transB ? 1 : 0;
        if (x == null && y.isPlainConstant(b)) {
            Op product = new Op.Contraction(List.of(), List.of(), List.of(transA ? 0 : 1), List.of(sum), DType.F32);
            return b.times(b.add(product, left, b.cast(y.numbers, DType.F32)), y.scale);
        }
        if (x == null || !x.hasOneScale() || !isSum(right.extent(sum))) return null;
        Value sums = QuantizeOperators.integerMatmul(
                c,
                transA ? b.transpose(x.numbers, 1, 0) : x.numbers,
                x.zeroPoint,
                transB ? b.transpose(y.numbers, 1, 0) : y.numbers,
                y.zeroPoint);
        return b.times(b.cast(sums, DType.F32), b.times(x.scale, y.scale));
    }

    /** A convolution without its bias; null if it is better computed of the real numbers. */
    static @Nullable Value convolution(LoweringContext c, Windows w, int groups, Value input, Value kernel) {
        GraphBuilder b = c.builder();
        Dequantized x = of(b, input);
        Dequantized k = of(b, kernel);
        if (x == null || k == null || !x.hasOneScale() || !k.isScaledAlong(0) || kernel.rank() < 3) return null;
        long length = 1;
        for (int i = 1; i < kernel.rank(); i++) length *= kernel.extent(i);
        if (kernel.extent(1) < SHORTEST_SUM || !isSum(length)) return null;
        Value sums =
                ConvolutionOperators.integerConvolution(c, w, groups, x.numbers, k.numbers, x.zeroPoint, k.zeroPoint);
        Value scale = k.hasOneScale() ? k.scale : Shorthand.along(b, k.scale, 1, sums.rank());
        return b.times(b.cast(sums, DType.F32), b.times(x.scale, scale));
    }
}
