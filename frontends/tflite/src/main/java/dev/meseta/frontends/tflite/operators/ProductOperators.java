package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Products of matrices. */
final class ProductOperators {
    private ProductOperators() {}

    static void register(Registry r) {
        r.expand("FULLY_CONNECTED", ProductOperators::fullyConnected);
        r.expand("BATCH_MATMUL", ProductOperators::batchMatmul);
    }

    /** Operands: x, weights as outputs, inputs, and a bias. */
    private static Lowering.Expand fullyConnected(OperatorNode node) {
        DType x = node.inputType(0);
        DType w = node.inputType(1);
        node.require(node.options().choice(1) == 0, "weights in a shuffled order are not supported");
        node.require(node.outputs().size() == 1, "has more than one result");
        Activation activation = Activation.of(node, 0);
        boolean keep = node.options().flag(2);
        if (x == DType.F32 && w == DType.F32) {
            return c -> {
                GraphBuilder b = c.builder();
                Value rows = rows(c, c.operand(0), c.operand(1));
                Value y = rowsTimesRows(b, rows, c.operand(1), DType.F32);
                return List.of(shaped(c, activation.apply(b, c.has(2) ? b.plus(y, c.operand(2)) : y), keep));
            };
        }
        if (x == DType.F32 && (w == DType.I8 || w == DType.I4)) {
            HybridProducts hybrid = HybridProducts.of(node, node.options().flag(3));
            return c -> {
                GraphBuilder b = c.builder();
                HybridProducts.Quantized q = hybrid.quantizeBatches(b, rows(c, c.operand(0), c.operand(1)));
                Value sums = rowsTimesRows(b, q.integers(), bytes(b, c.operand(1)), DType.I32);
                Value y = hybrid.real(b, sums, q.scales());
                return List.of(shaped(c, activation.apply(b, c.has(2) ? b.plus(y, c.operand(2)) : y), keep));
            };
        }
        boolean narrow = x == DType.I8 && (w == DType.I8 || w == DType.I4) || x == DType.U8 && w == DType.U8;
        boolean words = x == DType.I16 && w == DType.I8;
        if (!narrow && !words) throw node.unsupportedTypes();
        boolean wide = words && sumsAreWide(node);
        Rescale rescale = Rescale.ofProducts(node, activation, wide);
        Zeros zeros =
                new Zeros(node.inputScale(0).zeroPoint(0), node.inputScale(1).zeroPoint(0));
        QuantizedOp named = new QuantizedOp.FullyConnected(
                zeros.left(), zeros.right(), Composites.scaling(rescale), Composites.clamp(rescale));
        return c -> {
            List<Value> operands = new ArrayList<>(List.of(rows(c, c.operand(0), c.operand(1)), c.operand(1)));
            if (c.has(2)) operands.add(c.operand(2));
            Value y = Composites.of(c.builder(), named, operands, (b, in) -> {
                Value rows = in.get(0);
                Value weights = bytes(b, in.get(1));
                Value sums = rowsTimesRows(b, rows, weights, wide ? DType.I64 : DType.I32);
                Value corrected = zeros.correct(b, sums, rows, weights);
                return rescale.apply(b, corrected, in.size() > 2 ? in.get(2) : null);
            });
            return List.of(shaped(c, y, keep));
        };
    }

    /** 16-bit products are summed in 64 bits where the bias, or without one the options, say so. */
    private static boolean sumsAreWide(OperatorNode node) {
        if (node.hasInput(2)) return node.inputType(2) == DType.I64;
        return TensorInfo.dtype(node.options().choice(4)) == DType.I64;
    }

    private static Value bytes(GraphBuilder b, Value w) {
        return w.dtype() == DType.I4 ? b.cast(w, DType.I8) : w;
    }

    /**
     * Zero points of the two factors of products of numbers as they are, which is what devices are fast at: they are corrected for by sums,
     * xw - zx sum(w) - zw sum(x) + K zx zw.
     */
    private record Zeros(long left, long right) {
        /** @param x rows @param w rows, each of which makes a column of the sums */
        Value correct(GraphBuilder b, Value sums, Value x, Value w) {
            DType t = sums.dtype();
            Value result = sums;
            int last = x.rank() - 1;
            if (right != 0) {
                Value perRow = b.sum(b.cast(x, t), last, true);
                result = b.minus(result, b.times(perRow, b.scalar(t, right)));
            }
            if (left == 0) return result;
            Value columns = rowSums(b, w, t);
            if (right != 0) columns = b.minus(columns, b.scalar(t, right * x.extent(last)));
            return b.minus(result, b.times(columns, b.scalar(t, left)));
        }
    }

    /** The sum of each row along the last axis, as the last axis of the result; those of constants are summed here. */
    private static Value rowSums(GraphBuilder b, Value w, DType dtype) {
        int last = w.rank() - 1;
        List<Dim> dims = new ArrayList<>(w.shape().dims().subList(0, last - 1));
        dims.add(Dim.of(1));
        dims.add(w.shape().dim(last - 1));
        Tensor known = b.known(w);
        if (known == null) return b.reshape(b.sum(b.cast(w, dtype), last, false), Shape.of(dims));
        Tensor sums = Tensor.allocate(dtype, Shape.of(dims));
        long width = w.extent(last);
        for (long i = 0; i < sums.elements(); i++) {
            long sum = 0;
            for (long j = 0; j < width; j++) sum += known.getLong(i * width + j);
            sums.setLong(i, sum);
        }
        return b.constant(sums);
    }

    /** x as rows that are as long as those of the weights. */
    private static Value rows(LoweringContext c, Value x, Value w) {
        c.require(w.rank() == 2, "the weights are " + w.type() + ", expected a matrix");
        long width = w.extent(1);
        long elements = x.shape().elements();
        c.require(
                width > 0 && elements % width == 0, "the input " + x.type() + " does not fit the weights " + w.type());
        Dim rows = Dim.of(elements / width);
        if (x.rank() > 0 && x.extent(x.rank() - 1) == width) {
            rows = Dim.of(1);
            for (Dim d : x.shape().dims().subList(0, x.rank() - 1)) rows = rows.times(d);
        } else if (x.rank() > 0 && x.extent(0) == elements / width) {
            rows = x.shape().dim(0);
        }
        return c.builder().reshape(x, Shape.of(List.of(rows, w.shape().dim(1))));
    }

    private static Value rowsTimesRows(GraphBuilder b, Value x, Value w, DType dtype) {
        return b.add(new Op.Contraction(List.of(), List.of(), List.of(1), List.of(1), dtype), x, w);
    }

    /** Rows in the shape of the operator's result. */
    private static Value shaped(LoweringContext c, Value rows, boolean keep) {
        if (!keep) return rows;
        Value x = c.operand(0);
        c.require(x.rank() >= 1, "the input is a scalar");
        List<Dim> dims = new ArrayList<>(x.shape().dims().subList(0, x.rank() - 1));
        dims.add(rows.shape().dim(1));
        return c.builder().reshape(rows, Shape.of(dims));
    }

    private static Lowering.Expand batchMatmul(OperatorNode node) {
        DType x = node.inputType(0);
        DType y = node.inputType(1);
        boolean transposeLeft = node.options().flag(0);
        boolean transposeRight = node.options().flag(1);
        if (x == DType.F32 && y == DType.I8) {
            return c -> {
                // Bytes that stand for numbers: the product is of the numbers.
                GraphBuilder b = c.builder();
                Value right = QuantizeOperators.dequantize(b, c.operand(1), node.inputScale(1), DType.F32);
                return List.of(product(c, c.operand(0), right, transposeLeft, transposeRight, DType.F32));
            };
        }
        if (x == y && (x == DType.F32 || x == DType.I32) && node.outputType(0) == x) {
            return c -> List.of(product(c, c.operand(0), c.operand(1), transposeLeft, transposeRight, x));
        }
        boolean plain = x == DType.I8 && y == DType.I8 && node.outputType(0) == DType.I32;
        if (plain) {
            return c -> List.of(product(c, c.operand(0), c.operand(1), transposeLeft, transposeRight, DType.I32));
        }
        if (x != y || x != node.outputType(0) || x != DType.I8 && x != DType.I16) throw node.unsupportedTypes();
        Quantization left = node.inputScale(0);
        Quantization right = node.inputScale(1);
        boolean wide = x == DType.I16;
        double real =
                (double) (left.scale(0) * right.scale(0)) / node.outputScale(0).scale(0);
        Rescale rescale =
                Rescale.to(node, new FixedPoint.Multiplier[] {FixedPoint.Multiplier.of(real)}, Activation.NONE, wide);
        Zeros zeros = new Zeros(left.zeroPoint(0), right.zeroPoint(0));
        return c -> {
            GraphBuilder b = c.builder();
            Value l = transposeLeft ? swapped(b, c.operand(0)) : c.operand(0);
            Value r = transposeRight ? c.operand(1) : swapped(b, c.operand(1));
            Value sums = product(c, l, r, false, true, wide ? DType.I64 : DType.I32);
            return List.of(rescale.apply(b, zeros.correct(b, sums, l, r), (@Nullable Value) null));
        };
    }

    /** The product of matrices, each of which may be given with its axes exchanged. */
    private static Value product(
            LoweringContext c, Value x, Value y, boolean swapLeft, boolean swapRight, DType dtype) {
        GraphBuilder b = c.builder();
        c.require(x.rank() >= 2 && y.rank() >= 2, "operands are " + x.type() + " and " + y.type());
        Value left = swapLeft ? swapped(b, x) : x;
        Value right = swapRight ? swapped(b, y) : y;
        c.require(
                left.extent(left.rank() - 1) == right.extent(right.rank() - 2),
                "operands " + x.type() + " and " + y.type() + " do not fit");
        return b.matmul(left, right, dtype);
    }

    private static Value swapped(GraphBuilder b, Value x) {
        int n = x.rank();
        if (n < 2) return x;
        int[] order = new int[n];
        for (int i = 0; i < n; i++) order[i] = i;
        order[n - 1] = n - 2;
        order[n - 2] = n - 1;
        return b.transpose(x, order);
    }
}
