package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a product asks for before it reads it. */
class PrefetchingTest {
    /** Elements of 32 bits in a line of the caches. */
    private static final int LINE = 16;

    private static final int DEPTH = 64;

    private final Random random = new Random(7);

    private Tensor random(long... extents) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }

    private List<Long> asked(int rows, int columns) {
        GraphBuilder b = new GraphBuilder("product", Interpreter::evaluate);
        Tensor x = random(rows, DEPTH);
        Value product = b.matmul(b.input("x", x.type()), b.constant(random(DEPTH, columns)), DType.F32);
        Graph g = b.build(List.of(product));
        List<Long> asked = new ArrayList<>();
        List<Tensor> y = SlowDevice.run(GraphCompiler.compile(g, Targets.AVX512), List.of(x), asked::add);
        RandomGraphTest.compare("product", Interpreter.run(g, List.of(x)).getFirst(), y.getFirst(), 1e-4);
        return asked;
    }

    private static BitSet lines(List<Long> asked) {
        BitSet lines = new BitSet();
        for (long i : asked) lines.set((int) (i / LINE));
        return lines;
    }

    @Test
    void tilesShareTheNextPanelAndTheFirstFollowsTheLast() {
        for (int rows : List.of(33, 100, 250)) {
            BitSet lines = lines(asked(rows, 96));
            assertEquals(96 * DEPTH / LINE, lines.cardinality(), rows + " rows");
            assertEquals(lines.cardinality(), lines.length(), rows + " rows");
        }
    }

    @Test
    void fewRowsAskForTheirOwnPanel() {
        List<Long> asked = asked(16, 96);
        assertTrue(asked.getFirst() > 0, "nothing is asked for at once");
        assertEquals(96 * DEPTH / LINE, lines(asked).cardinality());
    }

    @Test
    void manyRowsAndFewColumnsAskForNothing() {
        assertEquals(List.of(), asked(1100, 32));
        assertEquals(List.of(), asked(100, 32), "one panel");
    }
}
