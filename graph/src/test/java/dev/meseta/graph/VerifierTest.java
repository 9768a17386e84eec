package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class VerifierTest {
    private static final TensorType TYPE = TensorType.of(DType.F32, 2);
    private static final Op NEG = new Op.Map(MapFunction.NEG);

    private final Value in = new Value(0, TYPE, "x");
    private final Value a = new Value(1, TYPE, "");
    private final Value b = new Value(2, TYPE, "");

    private static void refused(Graph g, String message) {
        VerificationException e = assertThrows(VerificationException.class, () -> Verifier.verify(g));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void nodesStandAfterWhatTheyRead() {
        Node first = new Node(NEG, List.of(in), List.of(a), "");
        Node second = new Node(NEG, List.of(a), List.of(b), "conv1");
        Verifier.verify(new Graph("g", List.of(in), List.of(first, second), List.of(b)));
        refused(
                new Graph("g", List.of(in), List.of(second, first), List.of(b)),
                "graph g, node 0 (map, from conv1): operand 0, %1: f32[2], is not defined before it is read");
    }

    @Test
    void valuesAreDefinedOnce() {
        Node n = new Node(NEG, List.of(in), List.of(a), "");
        refused(new Graph("", List.of(in), List.of(n, n), List.of(a)), "defined a second time");
        refused(new Graph("", List.of(in, in), List.of(), List.of(in)), "is there twice");
        refused(new Graph("", List.of(in), List.of(), List.of(b)), "output %2: f32[2] is not defined");
    }

    @Test
    void typesAreTheInferredOnes() {
        Value wrong = new Value(1, TensorType.of(DType.F32, 3), "");
        refused(
                new Graph("", List.of(in), List.of(new Node(NEG, List.of(in), List.of(wrong), "")), List.of(wrong)),
                "gives [f32[2]], but its results are [f32[3]]");
        refused(
                new Graph("", List.of(in), List.of(new Node(NEG, List.of(in), List.of(), "")), List.of()),
                "but its results are []");
    }

    @Test
    void extentsAreKnown() {
        Value unknown = new Value(0, new TensorType(DType.F32, Shape.of(List.of(new Dim(Dim.UNKNOWN, "n")))), "");
        refused(new Graph("", List.of(unknown), List.of(), List.of()), "has an unknown extent");
        Op op = new Op.Iota(DType.I64, unknown.shape(), 0);
        refused(new Graph("", List.of(), List.of(new Node(op, List.of(), List.of(a), "")), List.of()), "iota C0");
    }

    @Test
    void bodiesAreChecked() {
        Value inner = new Value(0, TYPE, "");
        Graph body = new Graph("body", List.of(inner), List.of(), List.of(in));
        Op op = new Op.Composite("c", java.util.Map.of(), body);
        refused(
                new Graph("g", List.of(in), List.of(new Node(op, List.of(in), List.of(a), "")), List.of(a)),
                "graph g, node 0 (composite), body 0: output %0: f32[2] is not defined");
    }
}
