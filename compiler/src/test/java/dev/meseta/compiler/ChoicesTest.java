package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Choices are asked for, and every answer is right. */
class ChoicesTest {
    private static final List<Target> TARGETS = List.of(Targets.AVX512, Targets.AVX2);

    @Test
    void theModelDecidesUnlessAnAnswerIsKnown() {
        Map<String, Double> costs = new LinkedHashMap<>();
        costs.put("dear", 9.0);
        costs.put("good", 2.0);
        costs.put("equal", 2.0);
        costs.put("fair", 3.0);
        assertEquals("good", Choices.NONE.pick("q", costs, c -> c));
        List<String> asked = new ArrayList<>();
        Choices choices = new Choices(Map.of("a", "fair", "b", "dear", "c", "unheard of"), (question, answers) -> {
            asked.add(question);
            assertEquals(List.of("good", "equal", "fair"), answers);
        });
        assertEquals("fair", choices.pick("a", costs, c -> c));
        // What the model thinks much worse is no answer.
        assertEquals("good", choices.pick("b", costs, c -> c));
        assertEquals("dear", Choices.forced(Map.of("b", "dear")).pick("b", costs, c -> c));
        assertEquals("good", choices.pick("c", costs, c -> c));
        assertEquals("good", choices.pick("d", costs, c -> c));
        assertEquals("only", choices.pick("e", Map.of("only", 1.0), c -> c));
        assertEquals(List.of("a", "b", "c", "d"), asked);
    }

    private static Tensor random(Random random, long... extents) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }

    private static Graph product(Random random, Tensor x, long columns) {
        GraphBuilder b = new GraphBuilder("product", Interpreter::evaluate);
        Value y = b.matmul(
                b.input("x", x.type()), b.constant(random(random, x.shape().extent(1), columns)), DType.F32);
        return b.build(List.of(y));
    }

    private static Graph convolution(Random random, Tensor x, long features) {
        GraphBuilder b = new GraphBuilder("convolution", Interpreter::evaluate);
        List<Long> ones = List.of(1L, 1L);
        Op op = new Op.Convolution(ones, ones, ones, ones, ones, 1, DType.F32);
        // Between two others, where pictures lie channels-last.
        Value y = b.add(
                op,
                b.input("x", x.type()),
                b.constant(random(random, 16, x.shape().extent(1), 3, 3)));
        y = b.add(op, y, b.constant(random(random, features, 16, 3, 3)));
        y = b.add(op, y, b.constant(random(random, 1, features, 3, 3)));
        return b.build(List.of(y));
    }

    @Test
    void everyAnswerIsRight() {
        Random random = new Random(1);
        List<String> questions = new ArrayList<>();
        for (Target target : TARGETS) {
            Tensor rows = random(random, 25, 7);
            questions.addAll(check(target, product(random, rows, 70), rows, "tile"));
            questions.addAll(check(target, product(random, rows, 5), rows, "tile"));
        }
        Tensor picture = random(random, 1, 1, 7, 6);
        questions.addAll(check(TARGETS.getLast(), convolution(random, picture, 16), picture, "3x3"));
        assertTrue(questions.stream().anyMatch(q -> q.startsWith("tile of 32 bits for 25x70")), questions.toString());
        assertTrue(
                questions.stream().anyMatch(q -> q.startsWith("3x3 convolution of 16 to 1x16x7x6")),
                questions.toString());
    }

    /** Tries each answer to each question of a kind; returns the questions. */
    private static List<String> check(Target target, Graph graph, Tensor input, String kind) {
        Map<String, List<String>> questions = new LinkedHashMap<>();
        GraphCompiler.compile(graph, target, new Choices(Map.of(), (question, answers) -> {
            if (question.startsWith(kind)) questions.put(question, answers);
        }));
        Tensor expected = Interpreter.run(graph, List.of(input)).getFirst();
        questions.forEach((question, answers) -> answers.forEach(answer -> {
            Choices one = new Choices(Map.of(question, answer), (_, _) -> {});
            Tensor actual = SlowDevice.run(GraphCompiler.compile(graph, target, one), List.of(input))
                    .getFirst();
            RandomGraphTest.compare(question + ": " + answer, expected, actual, 1e-4);
        }));
        return List.copyOf(questions.keySet());
    }
}
