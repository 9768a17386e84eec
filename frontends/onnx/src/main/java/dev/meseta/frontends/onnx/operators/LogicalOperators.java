package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.MapFunction;
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
        r.expand(
                "Where",
                9,
                node -> c -> List.of(Expansions.choose(c.builder(), c.operand(0), c.operand(1), c.operand(2))));
    }
}
