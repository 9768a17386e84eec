package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class InlineCompositesTest {
    private static List<Value> twice(GraphBuilder b, List<Value> in) {
        return List.of(b.plus(in.getFirst(), in.getFirst()));
    }

    /** One body in two places, and a composite within a composite. */
    private static Graph graph() {
        GraphBuilder b = new GraphBuilder("g", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.I32, 3));
        Op.Composite op =
                new Op.Composite("twice", Map.of(), b.body("twice", List.of(x.type()), InlineCompositesTest::twice));
        Value y = b.add(op, b.add(op, x));
        Value z = b.composite(
                        "outer",
                        Map.of(),
                        List.of(y),
                        (inner, in) ->
                                List.of(inner.neg(inner.composite("twice", Map.of(), in, InlineCompositesTest::twice)
                                        .getFirst())))
                .getFirst();
        return b.build(List.of(z, y));
    }

    @Test
    void bodiesTakeTheirPlace() {
        Graph flat = InlineComposites.in(graph());
        Verifier.verify(flat);
        assertTrue(flat.nodes().stream().noneMatch(n -> n.op() instanceof Op.Composite));
        Tensor x = Tensor.of(new int[] {1, 2, 3}, 3);
        assertEquals(
                List.of(-8L, -16L, -24L),
                longs(Interpreter.run(flat, List.of(x)).get(0)));
        assertEquals(
                List.of(4L, 8L, 12L), longs(Interpreter.run(flat, List.of(x)).get(1)));
    }

    @Test
    void someStay() {
        Graph flat = InlineComposites.in(
                graph(), n -> n.op() instanceof Op.Composite c && c.name().equals("outer"));
        Verifier.verify(flat);
        assertEquals(
                List.of("twice", "twice", "twice", "neg"),
                flat.nodes().stream()
                        .map(n -> n.op() instanceof Op.Composite c ? c.name() : OpText.variant(n.op()))
                        .toList());
    }

    /** A decomposition that uses what constant operands hold keeps them as operands. */
    @Test
    void constantsOfOperandsAreKnown() {
        GraphBuilder b = new GraphBuilder("g", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.I32, 3));
        Value w = b.constant(Tensor.of(new int[] {5, 6, 7}, 3));
        Value y = b.compositeOf("known", Map.of(), List.of(x, w), (inner, in) -> {
                    assertFalse(inner.known(in.get(1)) == null);
                    return List.of(inner.plus(in.get(0), inner.neg(in.get(1))));
                })
                .getFirst();
        Graph g = b.build(List.of(y));
        Node node = g.nodes().getLast();
        assertEquals(2, node.operands().size());
        Op.Composite op = (Op.Composite) node.op();
        assertEquals(2, op.body().nodes().size(), "the negative of a constant is a constant");
        assertEquals(
                List.of(-4L, -4L, -4L),
                longs(Interpreter.run(g, List.of(Tensor.of(new int[] {1, 2, 3}, 3)))
                        .getFirst()));
    }

    private static List<Long> longs(Tensor t) {
        return java.util.Arrays.stream(t.toLongs()).boxed().toList();
    }
}
