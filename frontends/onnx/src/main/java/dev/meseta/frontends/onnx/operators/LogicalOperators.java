package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;

/** Comparisons, logic, and the choice by a condition. */
final class LogicalOperators {
    private LogicalOperators() {}

    static void register(Registry r) {
        Expansions.binary(r, "And", MapFunction.AND);
        Expansions.binary(r, "Or", MapFunction.OR);
        Expansions.binary(r, "Xor", MapFunction.XOR);
        Expansions.binary(r, "Equal", MapFunction.EQ);
        Expansions.binary(r, "Less", MapFunction.LT);
        Expansions.binary(r, "Greater", MapFunction.GT);
        r.expand("Not", 1, Expansions.unary(MapFunction.NOT));
        r.expand("LessOrEqual", 12, node -> c -> List.of(c.builder().map(MapFunction.LE, c.operand(0), c.operand(1))));
        r.expand(
                "GreaterOrEqual",
                12,
                node -> c -> List.of(c.builder().map(MapFunction.GE, c.operand(0), c.operand(1))));
        r.expand("Where", 9, node -> c -> List.of(where(c)));
    }

    private static Value where(LoweringContext c) {
        GraphBuilder b = c.builder();
        Value x = c.operand(1);
        Value y = c.operand(2);
        if (x.dtype() != DType.C64) return b.select(c.operand(0), x, y);
        // Choosing looks at no element's value: a complex number travels as a 64-bit integer.
        Value bits = b.select(c.operand(0), b.add(new Op.Bitcast(DType.I64), x), b.add(new Op.Bitcast(DType.I64), y));
        return b.add(new Op.Bitcast(DType.C64), bits);
    }
}
