package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Scans of even and odd numbers of steps, both ways, give what the reference interpreter gives, wherever their values lie. */
class ScanTest {
    private static final long WIDTH = 3;

    /** Two states that change places, of which one is stacked, twice; one that stays as it is; and the element itself. */
    private static Graph graph(int steps, boolean reverse) {
        TensorType state = TensorType.of(DType.I64, WIDTH);
        GraphBuilder b = new GraphBuilder("scan", Interpreter::evaluate);
        Graph body = b.body("step", List.of(state, state, state, state, state), (g, in) -> {
            Value sum = g.plus(g.times(in.get(0), in.get(4)), in.get(3));
            return List.of(in.get(1), sum, in.get(2), sum, in.get(0), sum, in.get(3));
        });
        List<Value> operands = new ArrayList<>();
        for (String name : List.of("a", "b", "c")) operands.add(b.input(name, state));
        operands.add(b.input("x", TensorType.of(DType.I64, steps, WIDTH)));
        operands.add(b.input("w", state));
        return b.build(b.addAll(new Op.Scan(body, 3, 1, steps, reverse), operands));
    }

    private static Tensor numbers(long first, long... extents) {
        Tensor t = Tensor.allocate(DType.I64, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setLong(i, first + 7 * i % 11);
        return t;
    }

    @ParameterizedTest
    @CsvSource({"1,false", "3,true", "4,false", "4,true", "5,false", "5,true", "8,true", "9,false", "9,true"})
    void isWhatTheInterpreterGives(int steps, boolean reverse) {
        Graph graph = graph(steps, reverse);
        List<Tensor> inputs = List.of(
                numbers(1, WIDTH),
                numbers(20, WIDTH),
                numbers(300, WIDTH),
                numbers(5, steps, WIDTH),
                numbers(2, WIDTH));
        Target target = Targets.AVX2;
        List<Tensor> expected = Interpreter.run(graph, inputs);
        List<Tensor> actual = SlowDevice.run(GraphCompiler.compile(graph, target), inputs);
        for (int i = 0; i < expected.size(); i++) {
            for (long j = 0; j < expected.get(i).elements(); j++)
                assertEquals(expected.get(i).getLong(j), actual.get(i).getLong(j), "element " + j + " of result " + i);
        }
    }
}
