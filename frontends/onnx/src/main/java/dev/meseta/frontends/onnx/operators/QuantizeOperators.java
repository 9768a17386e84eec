package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Conversions between real numbers and few bits by scale and zero point, and matrix products of quantised numbers. Where a scale is one
 * number or one a place of an axis, they are the ops {@link Op.Quantize} and {@link Op.Dequantize}; blocks of an axis with a scale each,
 * and the precisions that those ops do not have, are scalar maps.
 */
final class QuantizeOperators {
    private QuantizeOperators() {}

    static void register(Registry r) {
        r.expand("QuantizeLinear", 10, QuantizeOperators::quantizeLinear);
        r.expand("DequantizeLinear", 10, QuantizeOperators::dequantizeLinear);
        r.expand("DynamicQuantizeLinear", 11, node -> QuantizeOperators::dynamicQuantize);
        r.expand(
                "MatMulInteger",
                10,
                node -> c ->
                        List.of(integerMatmul(c, c.operand(0), c.operandOrNull(2), c.operand(1), c.operandOrNull(3))));
        r.expand("QLinearMatMul", 10, node -> c -> List.of(quantizedMatmul(c)));
    }

    /** How the scales of one tensor lie. */
    private enum Layout {
        TENSOR,
        AXIS,
        BLOCKS
    }

    private static Layout layout(LoweringContext c, Value x, Value scale, long axis, long blockSize) {
        if (scale.shape().elements() == 1 && blockSize == 0) return Layout.TENSOR;
        int a = Expansions.axis(c, axis, x.rank());
        if (blockSize == 0) {
            if (scale.rank() != 1 || scale.extent(0) != x.extent(a)) {
                throw c.error("scale is " + scale.type() + " for " + x.type()
                        + ": expected one number, or one a place of axis " + a);
            }
            return Layout.AXIS;
        }
        boolean fits = scale.rank() == x.rank();
        for (int i = 0; fits && i < x.rank(); i++) {
            fits = i == a ? scale.extent(i) == Math.ceilDiv(x.extent(i), blockSize) : scale.extent(i) == x.extent(i);
        }
        if (!fits) {
            throw c.error("scale is " + scale.type() + " for " + x.type() + ": expected one number for each "
                    + blockSize + " places of axis " + a);
        }
        return Layout.BLOCKS;
    }

    /** Scales or zero points spread so that they broadcast over x. */
    private static Value spread(GraphBuilder b, Value v, Layout layout, Value x, int axis, long blockSize) {
        return switch (layout) {
            case TENSOR -> b.reshape(v, Shape.SCALAR);
            case AXIS -> Expansions.along(b, v, x.rank(), axis);
            case BLOCKS -> {
                Dim block = Dim.of(Math.min(blockSize, Math.max(1, x.extent(axis))));
                Dim blocks = v.shape().dim(axis);
                Shape apart = v.shape().insert(axis + 1, Dim.of(1));
                Value repeated = b.broadcast(b.reshape(v, apart), apart.with(axis + 1, block));
                Value joined = b.reshape(repeated, v.shape().with(axis, blocks.times(block)));
                yield b.slice(joined, axis, 0, x.shape().dim(axis));
            }
        };
    }

    private static void requireSameShape(LoweringContext c, Value scale, @Nullable Value zeroPoint) {
        if (zeroPoint == null) return;
        boolean same = zeroPoint.shape().equals(scale.shape())
                || zeroPoint.shape().elements() == 1 && scale.shape().elements() == 1;
        if (!same)
            throw c.error("scale is " + scale.type() + ", zero point is " + zeroPoint.type() + ": the shapes differ");
    }

    private static long blockSize(OperatorNode node) {
        long size = node.attributes().integer("block_size", 0);
        if (size < 0) throw node.error("block_size is " + size);
        return size;
    }

    private static @Nullable DType optionalType(OperatorNode node, String attribute) {
        return node.attributes().integer(attribute, 0) == 0 ? null : ElementTypes.attribute(node, attribute, DType.F32);
    }

    private static Lowering.Expand quantizeLinear(OperatorNode node) {
        long axis = node.attributes().integer("axis", 1);
        long blockSize = blockSize(node);
        boolean saturate = node.attributes().flag("saturate", true);
        DType output = optionalType(node, "output_dtype");
        DType precision = optionalType(node, "precision");
        return c -> {
            Value x = c.operand(0);
            Value scale = c.operand(1);
            Value zeroPoint = c.operandOrNull(2);
            DType to = output != null ? output : zeroPoint != null ? zeroPoint.dtype() : DType.U8;
            if (zeroPoint != null && zeroPoint.dtype() != to) {
                throw c.error("zero point is " + zeroPoint.type() + ", attribute 'output_dtype' says " + to);
            }
            requireSameShape(c, scale, zeroPoint);
            Layout layout = layout(c, x, scale, axis, blockSize);
            int a = layout == Layout.TENSOR ? 0 : Expansions.axis(c, axis, x.rank());
            boolean wideScale = scale.dtype().isFloat() && scale.dtype().isArithmetic();
            DType p = precision != null ? precision : wideScale ? scale.dtype() : DType.F32;
            if (!p.isFloat() || !p.isArithmetic()) throw c.error("cannot divide with the precision of " + p);
            GraphBuilder b = c.builder();
            boolean zero = zeroPoint == null || isKnownZero(b, zeroPoint);
            boolean asOp = layout != Layout.BLOCKS && p == DType.F32 && (to.isInteger() || zero && saturate);
            if (asOp) {
                Value s = b.cast(scale, DType.F32);
                return List.of(
                        quantize(b, x, layout == Layout.TENSOR ? b.reshape(s, Shape.SCALAR) : s, zeroPoint, a, to));
            }
            Value divided = b.divide(b.cast(x, p), spread(b, b.cast(scale, p), layout, x, a, blockSize));
            Value whole = to.isInteger() ? b.map(MapFunction.ROUND, divided) : divided;
            Value y = b.cast(whole, wide(p));
            if (!zero && zeroPoint != null) {
                y = b.plus(y, spread(b, b.cast(zeroPoint, y.dtype()), layout, x, a, blockSize));
            }
            boolean saturates = saturate || to.isInteger() || to == DType.F4E2M1;
            return List.of(b.add(new Op.Cast(to, saturates ? Op.Cast.Rounding.SATURATE : Op.Cast.Rounding.WRAP), y));
        };
    }

    private static DType wide(DType t) {
        return t == DType.F64 ? t : DType.F32;
    }

    private static boolean isKnownZero(GraphBuilder b, Value v) {
        Tensor t = b.known(v);
        return t != null && Expansions.isZero(t);
    }

    /** {@link Op.Quantize} with a zero point that may be left out, by a scale that is a scalar or a vector along the axis. */
    private static Value quantize(GraphBuilder b, Value x, Value scale, @Nullable Value zeroPoint, int axis, DType to) {
        return b.add(new Op.Quantize(axis, to), x, scale, zeroPointLike(b, scale, zeroPoint, to));
    }

    private static Value zeroPointLike(GraphBuilder b, Value scale, @Nullable Value zeroPoint, DType dtype) {
        if (zeroPoint != null) return b.reshape(zeroPoint, scale.shape());
        return b.constant(Tensor.allocate(dtype, scale.shape()));
    }

    private static Lowering.Expand dequantizeLinear(OperatorNode node) {
        long axis = node.attributes().integer("axis", 1);
        long blockSize = blockSize(node);
        DType output = optionalType(node, "output_dtype");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value given = c.operand(1);
            Value zeroPoint = c.operandOrNull(2);
            if (zeroPoint != null && zeroPoint.dtype() != x.dtype()) {
                throw c.error("input is " + x.type() + ", zero point is " + zeroPoint.type() + ": the types differ");
            }
            requireSameShape(c, given, zeroPoint);
            boolean wideScale = given.dtype().isFloat() && given.dtype().isArithmetic();
            DType to = output != null ? output : wideScale ? given.dtype() : DType.F32;
            Value scale = wideScale ? given : b.cast(given, DType.F32);
            Layout layout = layout(c, x, scale, axis, blockSize);
            int a = layout == Layout.TENSOR ? 0 : Expansions.axis(c, axis, x.rank());
            if (layout != Layout.BLOCKS) {
                Value s = layout == Layout.TENSOR ? b.reshape(scale, Shape.SCALAR) : scale;
                return List.of(b.add(new Op.Dequantize(a, to), x, s, zeroPointLike(b, s, zeroPoint, x.dtype())));
            }
            DType w = wide(to);
            Value y = b.cast(x, w);
            if (zeroPoint != null && !isKnownZero(b, zeroPoint)) {
                y = b.minus(y, spread(b, b.cast(zeroPoint, w), layout, x, a, blockSize));
            }
            return List.of(b.cast(b.times(y, spread(b, b.cast(scale, w), layout, x, a, blockSize)), to));
        };
    }

    private static List<Value> dynamicQuantize(LoweringContext c) {
        Value x = c.operand(0);
        if (x.dtype() != DType.F32) throw c.error("input is " + x.type() + ", expected f32");
        return dynamicQuantize(c.builder(), x);
    }

    /** The F32 values as U8, their scale and zero point, from the range of the values, which is made to contain 0. */
    static List<Value> dynamicQuantize(GraphBuilder b, Value x) {
        List<Integer> all = Expansions.allAxes(x.rank());
        Value zero = b.scalar(DType.F32, 0.0);
        Value low = b.min(b.reduce(ReduceKind.MIN, x, all, false), zero);
        Value high = b.max(b.reduce(ReduceKind.MAX, x, all, false), zero);
        Value scale = b.divide(b.minus(high, low), b.scalar(DType.F32, 255.0));
        // All zeros have the range 0: any scale will do, but 0 cannot divide.
        Value divisor = b.select(b.map(MapFunction.EQ, scale, zero), b.scalar(DType.F32, 1.0), scale);
        Value zeroPoint = b.add(new Op.Cast(DType.U8, Op.Cast.Rounding.NEAREST), b.divide(b.minus(zero, low), divisor));
        return List.of(quantize(b, x, divisor, zeroPoint, 0, DType.U8), scale, zeroPoint);
    }

    /** One number, one a row (as a vector, or with a last axis of extent 1), in a form that broadcasts over a product. */
    private static Value perRow(GraphBuilder b, Value v) {
        if (v.shape().elements() == 1) return b.reshape(v, Shape.SCALAR);
        return v.rank() == 1 ? b.reshape(v, v.shape().insert(1, Dim.of(1))) : v;
    }

    private static Value perColumn(GraphBuilder b, Value v) {
        return v.shape().elements() == 1 ? b.reshape(v, Shape.SCALAR) : v;
    }

    /**
     * sum of (a - az) (b - bz) in I32. The products are of the numbers as they are, which is what devices are fast at; zero points are
     * corrected for by sums of rows and columns: ab - az sum(b) - bz sum(a) + K az bz.
     */
    static Value integerMatmul(LoweringContext c, Value left, @Nullable Value az, Value right, @Nullable Value bz) {
        GraphBuilder b = c.builder();
        Value product = matrixProduct(c, left, right, (x, y) -> {
            Value result = b.matmul(x, y, DType.I32);
            Value rowZero = az == null || isKnownZero(b, az) ? null : b.cast(perRow(b, az), DType.I32);
            Value columnZero = bz == null || isKnownZero(b, bz) ? null : b.cast(perColumn(b, bz), DType.I32);
            int k = x.rank() - 1;
            if (columnZero != null) {
                result = b.minus(result, b.times(b.sum(b.cast(x, DType.I32), k, true), columnZero));
            }
            if (rowZero != null) {
                Value columns = columnSums(b, y);
                if (columnZero != null) {
                    columns = b.minus(columns, b.times(columnZero, b.scalar(DType.I32, x.extent(k))));
                }
                result = b.minus(result, b.times(rowZero, columns));
            }
            return result;
        });
        return product;
    }

    /** The sums of a matrix's columns in I32, with an axis of extent 1 for the rows; those of constant bytes are summed here. */
    private static Value columnSums(GraphBuilder b, Value y) {
        Tensor t = b.known(y);
        if (t == null || y.dtype() != DType.I8 && y.dtype() != DType.U8)
            return b.sum(b.cast(y, DType.I32), y.rank() - 2, true);
        int columns = Math.toIntExact(y.extent(y.rank() - 1));
        int rows = Math.toIntExact(y.extent(y.rank() - 2));
        Shape shape = y.shape().with(y.rank() - 2, Dim.of(1));
        Tensor sums = Tensor.allocate(DType.I32, shape);
        byte[] row = new byte[columns];
        int[] sum = new int[columns];
        for (long m = 0; m < sums.elements() / Math.max(1, columns); m++) {
            Arrays.fill(sum, 0);
            for (int i = 0; i < rows; i++) {
                MemorySegment.copy(t.data(), ValueLayout.JAVA_BYTE, (m * rows + i) * columns, row, 0, columns);
                for (int c = 0; c < columns; c++) sum[c] += y.dtype() == DType.U8 ? row[c] & 0xff : row[c];
            }
            MemorySegment.copy(
                    sum, 0, sums.data(), ValueLayout.JAVA_INT_UNALIGNED, m * columns * Integer.BYTES, columns);
        }
        return b.constant(sums);
    }

    /** The sums in I32 of what lies at each place of the first axis; those of constant bytes are summed here. */
    static Value rowSums(GraphBuilder b, Value y) {
        Tensor t = b.known(y);
        if (t == null || y.dtype() != DType.I8 && y.dtype() != DType.U8)
            return b.reduce(ReduceKind.SUM, b.cast(y, DType.I32), Shorthand.axes(1, y.rank()), false);
        int[] sums = new int[Math.toIntExact(y.extent(0))];
        long length = t.elements() / Math.max(1, sums.length);
        for (int i = 0; i < sums.length; i++) {
            for (long k = 0; k < length; k++) {
                byte v = t.data().get(ValueLayout.JAVA_BYTE, i * length + k);
                sums[i] += y.dtype() == DType.U8 ? v & 0xff : v;
            }
        }
        return b.constant(Tensor.of(sums, sums.length));
    }

    /** A product of operands of any rank from 1, by one of matrices. */
    private static Value matrixProduct(
            LoweringContext c, Value left, Value right, java.util.function.BinaryOperator<Value> f) {
        GraphBuilder b = c.builder();
        if (left.rank() == 0 || right.rank() == 0) {
            throw c.error("operands are " + left.type() + " and " + right.type() + ", expected a rank of 1 or more");
        }
        Value x = left.rank() == 1 ? b.reshape(left, left.shape().insert(0, Dim.of(1))) : left;
        Value y = right.rank() == 1 ? b.reshape(right, right.shape().insert(1, Dim.of(1))) : right;
        if (x.extent(x.rank() - 1) != y.extent(y.rank() - 2)) {
            throw c.error(
                    "operands are " + left.type() + " and " + right.type() + ": columns and rows differ in number");
        }
        Value product = f.apply(x, y);
        List<Dim> dims = new ArrayList<>(product.shape().dims());
        if (right.rank() == 1) dims.removeLast();
        if (left.rank() == 1) dims.remove(product.rank() - 2);
        return b.reshape(product, Shape.of(dims));
    }

    /** Operands: a, its scale and zero point, b, its scale and zero point, the result's scale and zero point. */
    private static Value quantizedMatmul(LoweringContext c) {
        GraphBuilder b = c.builder();
        for (int i : new int[] {1, 4, 6}) {
            if (!c.type(i).dtype().isFloat()) throw c.error("scale is " + c.type(i) + ", expected floats");
        }
        Value left = c.operand(0);
        Value right = c.operand(3);
        Value leftScale = b.cast(perRow(b, c.operand(1)), DType.F32);
        Value rightScale = b.cast(perColumn(b, c.operand(4)), DType.F32);
        Value sums = left.dtype().isInteger()
                ? b.cast(integerMatmul(c, left, c.operand(2), right, c.operand(5)), DType.F32)
                : floatMatmul(c, left, c.operand(2), right, c.operand(5));
        Value real = b.times(sums, b.times(leftScale, rightScale));
        Value scale = b.cast(c.operand(6), DType.F32);
        Value zeroPoint = c.operand(7);
        if (scale.shape().elements() == 1) {
            return quantize(b, real, b.reshape(scale, Shape.SCALAR), zeroPoint, 0, zeroPoint.dtype());
        }
        Value y = b.divide(real, perRow(b, scale));
        if (zeroPoint.dtype().isInteger()) y = b.map(MapFunction.ROUND, y);
        y = b.plus(y, b.cast(perRow(b, zeroPoint), DType.F32));
        return b.add(new Op.Cast(zeroPoint.dtype(), Op.Cast.Rounding.SATURATE), y);
    }

    private static Value floatMatmul(LoweringContext c, Value left, Value az, Value right, Value bz) {
        GraphBuilder b = c.builder();
        DType t = DType.F32;
        return matrixProduct(
                c,
                left,
                right,
                (x, y) -> b.matmul(
                        b.minus(b.cast(x, t), b.cast(perRow(b, az), t)),
                        b.minus(b.cast(y, t), b.cast(perColumn(b, bz), t)),
                        t));
    }
}
