package dev.meseta.drivers.ethosu.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.drivers.ethosu.Program;
import dev.meseta.drivers.ethosu.model.DeviceModel;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.GraphText;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Random operators and small networks, compiled for both devices and run by the model, give what the interpreter gives, to the bit.
 * {@code -Dmeseta.ethosu.cases=10000} for many.
 */
final class RandomOperatorsTest {
    private static final int CASES = Integer.getInteger("meseta.ethosu.cases", 400);

    private static final Map<String, Function<RandomOperators, Value>> OPERATORS = new TreeMap<>(Map.ofEntries(
            Map.entry("convolution", r -> r.convolution(r.input(), false)),
            Map.entry("depthwise", r -> r.convolution(r.input(), true)),
            Map.entry("fully connected", RandomOperators::fullyConnected),
            Map.entry("greatest", r -> r.pool(r.input(), true)),
            Map.entry("average", r -> r.pool(r.input(), false)),
            Map.entry("sum", r -> r.sum(r.input())),
            Map.entry("product", r -> r.product(r.input())),
            Map.entry("extreme", r -> r.extreme(r.input())),
            Map.entry("rescale", r -> r.rescale(r.input())),
            Map.entry("table", r -> r.type == DType.I16 ? r.rescale(r.input()) : r.table(r.input())),
            Map.entry("movement", r -> r.movement(r.input())),
            Map.entry("network", RandomOperatorsTest::network)));

    /** Some operators after each other. */
    private static Value network(RandomOperators r) {
        List<Value> values = new ArrayList<>(List.of(r.input()));
        for (int i = r.random.nextInt(2, 7); i > 0; i--) {
            Value x = values.get(r.random.nextInt(values.size()));
            values.add(
                    switch (r.random.nextInt(8)) {
                        case 0 -> r.convolution(x, false);
                        case 1 -> r.convolution(x, true);
                        case 2 -> r.pool(x, r.random.nextBoolean());
                        case 3 -> r.sum(x);
                        case 4 -> r.extreme(x);
                        case 5 -> r.rescale(x);
                        default -> r.movement(x);
                    });
        }
        return values.getLast();
    }

    @TestFactory
    Stream<DynamicTest> operators() {
        return OPERATORS.entrySet().stream()
                .map(e -> DynamicTest.dynamicTest(e.getKey(), () -> run(e.getKey(), e.getValue())));
    }

    private static void run(String name, Function<RandomOperators, Value> operator) {
        int refused = 0;
        Map<String, Integer> reasons = new TreeMap<>();
        for (int i = 0; i < CASES; i++) {
            Random random = new Random(i * 31L + name.hashCode());
            DType type = List.of(DType.I8, DType.U8, DType.I16, DType.I8).get(i % 4);
            GraphBuilder b = new GraphBuilder(name, Interpreter::evaluate);
            Graph graph = b.build(List.of(operator.apply(new RandomOperators(random, b, type))));
            List<String> refusals = GraphCompiler.refusals(graph);
            if (refusals.stream().anyMatch(r -> !r.isEmpty())) {
                refused++;
                refusals.forEach(r -> reasons.merge(r.replaceAll("[0-9]+", "#"), 1, Integer::sum));
                continue;
            }
            check(graph, i % 2 == 0 ? Machine.U65_256 : Machine.U65_512, random, name + ", case " + i);
        }
        reasons.remove("");
        assertTrue(refused < CASES / 8, refused + " of " + CASES + " are refused: " + reasons);
    }

    static void check(Graph graph, Machine machine, Random random, String what) {
        List<Tensor> inputs = new ArrayList<>();
        for (TensorType t : graph.inputTypes()) {
            Tensor x = Tensor.allocate(t);
            for (long i = 0; i < x.elements(); i++) x.setLong(i, random.nextInt());
            inputs.add(x);
        }
        List<Tensor> expected = Interpreter.run(graph, inputs);
        List<Tensor> found;
        try {
            found = run(GraphCompiler.compile(graph, machine), inputs);
        } catch (RuntimeException e) {
            throw new AssertionError(what + ": " + e + "\n" + text(graph), e);
        }
        for (int i = 0; i < expected.size(); i++) {
            long at = expected.get(i).data().mismatch(found.get(i).data());
            if (at >= 0) {
                assertEquals(
                        -1,
                        at,
                        what + " on " + machine + ": first byte of "
                                + expected.get(i).type() + " that differs\n" + text(graph));
            }
        }
    }

    private static String text(Graph graph) {
        String t = GraphText.print(graph);
        return t.length() > 3000 ? t.substring(0, 3000) : t;
    }

    static List<Tensor> run(Program program, List<Tensor> inputs) {
        MemorySegment maps = MemorySegment.ofArray(new byte[(int) program.mapBytes()]);
        for (int i = 0; i < inputs.size(); i++) {
            MemorySegment data = inputs.get(i).data();
            MemorySegment.copy(data, 0, maps, program.inputs().get(i).offset(), data.byteSize());
        }
        MemorySegment fast = MemorySegment.ofArray(new byte[(int) program.fastBytes()]);
        DeviceModel.run(program.stream(), program.constants(), maps, fast);
        List<Tensor> outputs = new ArrayList<>();
        for (Program.Place p : program.outputs()) {
            Tensor t = Tensor.allocate(p.type());
            MemorySegment.copy(maps, p.offset(), t.data(), 0, t.data().byteSize());
            outputs.add(t);
        }
        return outputs;
    }
}
