package dev.meseta.graph.quantized;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.GraphText;
import dev.meseta.graph.Op;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Records become attributes, text, and the same records again. */
final class QuantizedOpTest {
    private static final Scaling ONE = new Scaling(List.of(1L << 30), List.of(-3L), false);
    private static final Scaling TWO = new Scaling(List.of(1L << 30, (1L << 30) + 7), List.of(-3L, 2L), true);
    private static final Clamp CLAMP = new Clamp(-128, -128, 127);

    private static List<Long> two(long a, long b) {
        return List.of(a, b);
    }

    private static final List<QuantizedOp> ALL = List.of(
            new QuantizedOp.Convolution(false, two(2, 1), two(1, 3), two(0, 1), two(1, 2), -5, 0, TWO, CLAMP),
            new QuantizedOp.Convolution(true, two(1, 1), two(1, 1), two(0, 0), two(0, 0), 3, 128, ONE, CLAMP),
            new QuantizedOp.FullyConnected(4, 0, TWO, CLAMP),
            new QuantizedOp.TransposedConvolution(two(2, 2), two(0, 1), two(8, 9), 1, 0, TWO, CLAMP),
            new QuantizedOp.Pool(false, two(2, 3), two(1, 2), two(0, 0), two(1, 1), CLAMP),
            new QuantizedOp.Pool(true, two(2, 3), two(1, 2), two(0, 0), two(1, 1), CLAMP),
            new QuantizedOp.Sum(false, 20, 1, 2, ONE, ONE, ONE, CLAMP),
            new QuantizedOp.Sum(true, 20, 1, 2, ONE, ONE, ONE, CLAMP),
            new QuantizedOp.Product(1, -2, ONE, CLAMP),
            new QuantizedOp.Extreme(false),
            new QuantizedOp.Extreme(true),
            new QuantizedOp.Rescale(7, ONE, CLAMP),
            new QuantizedOp.Table(Collections.nCopies(256, -9L)),
            new QuantizedOp.Reduction(true, two(1, 2), true, 4, ONE, -4),
            new QuantizedOp.Reduction(false, List.of(3L), false, 4, ONE, -4),
            new QuantizedOp.Softmax(Collections.nCopies(256, 5L), CLAMP),
            new QuantizedOp.Resize(false, two(7, 9), true, false),
            new QuantizedOp.Resize(true, two(7, 9), false, true));

    private static Graph graph(String name, Map<String, Object> attributes) {
        GraphBuilder b = new GraphBuilder("one", Interpreter::evaluate);
        var x = b.input("x", TensorType.of(DType.I8, 4));
        return b.build(b.composite(name, attributes, List.of(x), (inner, in) -> List.of(inner.neg(in.getFirst()))));
    }

    @Test
    void everyRecordIsFoundAgain() {
        for (QuantizedOp op : ALL) {
            Graph read = GraphText.parse(GraphText.print(graph(op.name(), op.attributes())));
            assertEquals(Optional.of(op), QuantizedOp.of(read.nodes().getFirst().op()));
        }
        // One of the first is the interface of the second.
        int records = QuantizedOp.class.getPermittedSubclasses().length
                - 1
                + QuantizedOp.Contraction.class.getPermittedSubclasses().length;
        assertEquals(
                records, ALL.stream().map(Object::getClass).distinct().count(), "a record is missing in this test");
    }

    @Test
    void othersAreNone() {
        assertEquals(Optional.empty(), QuantizedOp.of(new Op.Concat(0)));
        assertEquals(
                Optional.empty(),
                QuantizedOp.of(graph("attention", Map.of()).nodes().getFirst().op()));
    }

    @Test
    void missingAttributesAreNamed() {
        Op op = graph("quantized_mul", Map.of("zeros", List.of(1L, 2L)))
                .nodes()
                .getFirst()
                .op();
        var e = assertThrows(IllegalArgumentException.class, () -> QuantizedOp.of(op));
        assertEquals("quantized_mul's 'zeros' has 2 entries, not 3", e.getMessage());
    }
}
