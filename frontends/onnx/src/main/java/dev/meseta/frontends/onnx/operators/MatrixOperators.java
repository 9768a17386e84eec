package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;

/** Matrix products. */
final class MatrixOperators {
    private MatrixOperators() {}

    static void register(Registry r) {
        r.expand("MatMul", 1, node -> c -> {
            DType t = c.type(0).dtype();
            if (c.type(1).dtype() != t) throw c.error("operands are " + c.type(0) + " and " + c.type(1));
            Value ofBytes = Dequantized.matmul(c, c.operand(0), c.operand(1));
            return List.of(ofBytes != null ? ofBytes : matmul(c, c.operand(0), c.operand(1), t));
        });
        r.expand("Gemm", 1, node -> {
            float alpha = node.attributes().real("alpha", 1);
            float beta = node.attributes().real("beta", 1);
            boolean transA = node.attributes().flag("transA", false);
            boolean transB = node.attributes().flag("transB", false);
            // Attribute 'broadcast', of the first versions, only forbids what broadcasting would do.
            return c -> List.of(gemm(c, alpha, beta, transA, transB));
        });
    }

    /** numpy's matmul for operands of any rank from 1. */
    static Value matmul(LoweringContext c, Value left, Value right, DType dtype) {
        int lr = left.rank();
        int rr = right.rank();
        if (lr == 0 || rr == 0)
            throw c.error("operands are " + left.type() + " and " + right.type() + ", expected a rank of 1 or more");
        int sumOfRight = Math.max(0, rr - 2);
        if (left.extent(lr - 1) != right.extent(sumOfRight)) {
            throw c.error("operands are " + left.type() + " and " + right.type() + ": " + left.extent(lr - 1)
                    + " columns, " + right.extent(sumOfRight) + " rows");
        }
        GraphBuilder b = c.builder();
        if (lr >= 2 && rr >= 2) return b.matmul(left, right, dtype);
        return b.add(
                new Op.Contraction(List.of(), List.of(), List.of(lr - 1), List.of(sumOfRight), dtype), left, right);
    }

    private static Value gemm(LoweringContext c, float alpha, float beta, boolean transA, boolean transB) {
        GraphBuilder b = c.builder();
        Value left = c.operand(0);
        Value right = c.operand(1);
        DType t = left.dtype();
        if (left.rank() != 2 || right.rank() != 2 || right.dtype() != t) {
            throw c.error(
                    "operands are " + left.type() + " and " + right.type() + ", expected two matrices of one type");
        }
        int leftSum = transA ? 0 : 1;
        int rightSum = transB ? 1 : 0;
        if (left.extent(leftSum) != right.extent(rightSum)) {
            throw c.error("operands are " + left.type() + (transA ? ", transposed, and " : " and ") + right.type()
                    + (transB ? ", transposed" : "") + ": the summed extents differ");
        }
        // Everything is rounded once, at the end.
        DType w = t.computeType();
        Value y = Dequantized.product(c, left, transA, right, transB);
        if (y == null)
            y = b.add(new Op.Contraction(List.of(), List.of(), List.of(leftSum), List.of(rightSum), w), left, right);
        boolean scaledInteger = t.isInteger() && (alpha != 1 || beta != 1);
        if (scaledInteger) w = DType.F64;
        y = MathOperators.linear(b, b.cast(y, w), alpha, 0);
        if (c.has(2) && beta != 0) {
            Value bias = MathOperators.linear(b, b.cast(c.operand(2), w), beta, 0);
            y = b.plus(y, b.broadcast(fitting(c, bias, y), y.shape()));
        }
        return b.cast(y, t);
    }

    private static Value fitting(LoweringContext c, Value bias, Value y) {
        boolean fits = bias.rank() <= 2;
        for (int i = 0; fits && i < bias.rank(); i++) {
            long d = bias.extent(bias.rank() - 1 - i);
            fits = d == 1 || d == y.extent(1 - i);
        }
        if (!fits) throw c.error("operand C is " + bias.type() + ", which does not spread over " + y.shape());
        return bias;
    }
}
