package dev.meseta.graph.differentiate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.Verifier;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Gradients against central differences in F64; each result element has its own weight, so that a misplaced one shows. */
class GradientsTest {
    private static final DType T = DType.F64;
    private static final double STEP = 1e-5;
    private static final double TOLERANCE = 2e-7;

    private interface Definition extends BiFunction<GraphBuilder, List<Value>, Value> {}

    private record Case(List<long[]> shapes, double low, double high, Definition definition) {}

    private final Map<String, Case> cases = new LinkedHashMap<>();

    private void add(String name, double low, double high, Definition d, long[]... shapes) {
        cases.put(name, new Case(List.of(shapes), low, high, d));
    }

    private void add(String name, Definition d, long[]... shapes) {
        add(name, -1, 1, d, shapes);
    }

    private static long[] shape(long... extents) {
        return extents;
    }

    /** The sum of a definition's result, weighted at random. */
    private static Graph graph(Case c, Random random) {
        GraphBuilder b = new GraphBuilder("case", Interpreter::evaluate);
        List<Value> in = c.shapes().stream()
                .map(s -> b.input("", new TensorType(T, Shape.of(s))))
                .toList();
        return b.build(List.of(weighted(b, c.definition().apply(b, in), random)));
    }

    private static Value weighted(GraphBuilder b, Value y, Random random) {
        Tensor weights = Tensor.allocate(y.type());
        for (long i = 0; i < weights.elements(); i++) weights.setDouble(i, random.nextDouble(0.5, 2));
        return total(b, b.times(y, b.constant(weights)));
    }

    private static List<Tensor> inputs(Case c, Random random) {
        List<Tensor> inputs = new ArrayList<>();
        for (long[] s : c.shapes()) {
            Tensor t = Tensor.allocate(T, Shape.of(s));
            for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(c.low(), c.high()));
            inputs.add(t);
        }
        return inputs;
    }

    private static List<Integer> all(Graph g) {
        return IntStream.range(0, g.inputs().size()).boxed().toList();
    }

    private static void check(Graph g, List<Tensor> inputs) {
        Graph gradient = Gradients.of(g, 0, all(g), Interpreter::evaluate);
        Verifier.verify(gradient);
        List<Tensor> found = Interpreter.run(gradient, inputs);
        for (int k = 0; k < inputs.size(); k++) {
            Tensor x = inputs.get(k);
            assertEquals(x.type(), found.get(k).type());
            for (long i = 0; i < x.elements(); i++) {
                double expected = difference(g, inputs, x, i);
                double f = found.get(k).getDouble(i);
                assertTrue(
                        Math.abs(f - expected) <= TOLERANCE * Math.max(1, Math.abs(expected)),
                        "input " + k + " at " + i + ": " + f + ", expected " + expected);
            }
        }
    }

    private static double difference(Graph g, List<Tensor> inputs, Tensor x, long i) {
        double middle = x.getDouble(i);
        double[] y = new double[4];
        double[] at = {-2, -1, 1, 2};
        for (int k = 0; k < 4; k++) {
            x.setDouble(i, middle + at[k] * STEP * 50);
            y[k] = Interpreter.run(g, inputs).getFirst().getDouble(0);
        }
        x.setDouble(i, middle);
        return (y[0] - 8 * y[1] + 8 * y[2] - y[3]) / (12 * STEP * 50);
    }

    @TestFactory
    List<DynamicTest> asDifferences() {
        maps();
        movement();
        reductions();
        products();
        indexing();
        structure();
        List<DynamicTest> tests = new ArrayList<>();
        cases.forEach((name, c) -> tests.add(DynamicTest.dynamicTest(name, () -> {
            Random random = new Random(name.hashCode());
            check(graph(c, random), inputs(c, random));
        })));
        cases.forEach((name, c) -> tests.add(DynamicTest.dynamicTest(name + ", twice", () -> {
            Random random = new Random(name.hashCode());
            Graph g = graph(c, random);
            if (name.startsWith("product of all")) {
                Graph once = Gradients.of(g, 0, all(g), Interpreter::evaluate);
                assertThrows(
                        InvalidInputException.class, () -> Gradients.of(once, 0, all(once), Interpreter::evaluate));
                return;
            }
            check(slope(g, random), inputs(c, random));
        })));
        return tests;
    }

    /** The weighted sum of all gradients of a graph. */
    private static Graph slope(Graph g, Random random) {
        GraphBuilder b = new GraphBuilder("slope", Interpreter::evaluate);
        List<Value> in = g.inputs().stream().map(v -> b.input("", v.type())).toList();
        Value sum = null;
        for (Value v : Gradients.add(b, g, in, 0, all(g))) {
            Value one = weighted(b, v, random);
            sum = sum == null ? one : b.plus(sum, one);
        }
        return b.build(List.of(java.util.Objects.requireNonNull(sum)));
    }

    private void maps() {
        for (MapFunction f : MapFunction.values()) {
            if (f.isPredicate() || !f.accepts(T)) continue;
            double low = switch (f) {
                case LOG, SQRT, POW, REM, MOD, DIV -> 0.3;
                case ACOSH -> 1.5;
                default -> -0.9;
            };
            double high = f == MapFunction.ACOSH ? 3 : 0.9;
            switch (f.arity()) {
                case 1 -> add(f.text(), low, high, (b, v) -> b.map(f, v.getFirst()), shape(3, 4));
                case 2 -> add(f.text(), low, high, (b, v) -> b.map(f, v.get(0), v.get(1)), shape(3, 4), shape(4));
                default -> {
                    if (f != MapFunction.SELECT)
                        add(f.text(), (b, v) -> b.map(f, v.toArray(Value[]::new)), shape(9), shape(9), shape(9));
                }
            }
        }
        add(
                "select",
                (b, v) -> b.select(b.map(MapFunction.GT, v.get(0), v.get(1)), v.get(1), b.times(v.get(0), v.get(2))),
                shape(3, 4),
                shape(3, 4),
                shape(3, 1));
        add("one value twice", (b, v) -> b.times(v.get(0), b.plus(v.get(0), v.get(0))), shape(5));
        add(
                "a predicate's number",
                (b, v) -> b.times(b.cast(b.map(MapFunction.LT, v.get(0), v.get(1)), T), v.get(0)),
                shape(8),
                shape(8));
    }

    private void movement() {
        add("reshape", (b, v) -> b.reshape(v.getFirst(), 6, 2), shape(3, 4));
        add("transpose", (b, v) -> b.transpose(v.getFirst(), 2, 0, 1), shape(2, 3, 4));
        add("broadcast", (b, v) -> b.broadcast(v.getFirst(), Shape.of(5, 2, 3)), shape(2, 1));
        add(
                "slice",
                (b, v) -> b.add(
                        new Op.Slice(List.of(1L, 6L, 0L), Shape.of(2, 3, 2).dims(), List.of(2L, -2L, 1L)),
                        v.getFirst()),
                shape(5, 8, 2));
        add(
                "pad",
                (b, v) -> b.add(new Op.Pad(List.of(1L, 0L), List.of(2L, 3L)), v.get(0), v.get(1)),
                shape(2, 3),
                shape());
        add("concat", (b, v) -> b.concat(1, v), shape(2, 3), shape(2, 1), shape(2, 2));
    }

    private void reductions() {
        add("sum", (b, v) -> b.reduce(ReduceKind.SUM, v.getFirst(), List.of(0, 2), false), shape(2, 3, 4));
        add(
                "product of all others",
                (b, v) -> b.reduce(ReduceKind.PROD, v.getFirst(), List.of(0, 2), false),
                shape(2, 3, 2));
        add("max", (b, v) -> b.reduce(ReduceKind.MAX, v.getFirst(), List.of(1), false), shape(3, 5));
        add("min", (b, v) -> b.reduce(ReduceKind.MIN, v.getFirst(), List.of(0), false), shape(3, 5));
        for (ReduceKind kind : List.of(ReduceKind.SUM, ReduceKind.MAX, ReduceKind.MIN)) {
            add(
                    "windows, " + kind,
                    (b, v) -> b.add(
                            new Op.WindowReduce(
                                    kind,
                                    List.of(1L, 3L, 2L),
                                    List.of(1L, 2L, 3L),
                                    List.of(1L, 1L, 2L),
                                    List.of(0L, 2L, 0L),
                                    List.of(0L, 1L, 1L)),
                            v.getFirst()),
                    shape(2, 5, 7));
        }
        add(
                "windows of padding alone",
                (b, v) -> b.add(
                        new Op.WindowReduce(
                                ReduceKind.SUM, List.of(2L), List.of(3L), List.of(1L), List.of(4L), List.of(3L)),
                        v.getFirst()),
                shape(8));
        for (int i = 0; i < 4; i++) {
            boolean exclusive = i % 2 == 1;
            boolean reverse = i > 1;
            add(
                    "running sum, exclusive " + exclusive + ", reverse " + reverse,
                    (b, v) -> b.add(new Op.Cumulative(ReduceKind.SUM, 1, exclusive, reverse), v.getFirst()),
                    shape(2, 4));
        }
    }

    private void products() {
        add(
                "contraction",
                (b, v) -> b.add(
                        new Op.Contraction(List.of(2), List.of(0), List.of(3, 0), List.of(1, 3), T),
                        v.get(0),
                        v.get(1)),
                shape(2, 3, 4, 5),
                shape(4, 5, 3, 2));
        add("matmul", (b, v) -> b.matmul(v.get(0), v.get(1), T), shape(2, 3, 4), shape(4, 2));
        convolution("plain", 1, shape(2, 3, 6, 5), shape(4, 3, 3, 2), shape(1, 1, 0, 0, 0, 0, 1, 1, 1, 1));
        convolution("strides", 1, shape(1, 2, 8, 7), shape(3, 2, 3, 3), shape(2, 3, 1, 1, 1, 0, 1, 1, 1, 1));
        convolution("dilations", 1, shape(1, 2, 8, 7), shape(3, 2, 3, 2), shape(2, 1, 1, 1, 1, 3, 1, 1, 2, 3));
        convolution("groups", 2, shape(2, 4, 5, 5), shape(6, 2, 3, 3), shape(1, 2, 1, 1, 1, 1, 1, 1, 1, 1));
        convolution("transposed", 2, shape(2, 4, 3, 4), shape(2, 2, 3, 3), shape(1, 1, 1, 2, 1, 0, 2, 3, 1, 1));
        convolution("cropped", 1, shape(1, 2, 8, 7), shape(2, 2, 2, 2), shape(2, 1, -1, 0, 0, -2, 1, 1, 2, 1));
    }

    /** @param n by axis: strides, low, high, input dilation, kernel dilation */
    private void convolution(String name, int groups, long[] x, long[] w, long[] n) {
        List<List<Long>> l = new ArrayList<>();
        for (int i = 0; i < 10; i += 2) l.add(List.of(n[i], n[i + 1]));
        Op op = new Op.Convolution(l.get(0), l.get(1), l.get(2), l.get(3), l.get(4), groups, T);
        add("convolution, " + name, (b, v) -> b.add(op, v.get(0), v.get(1)), x, w);
    }

    private void indexing() {
        Tensor twice = Tensor.of(new long[] {3, 0, 3, 1, 1, 3}, 2, 3);
        add("gather", (b, v) -> b.add(new Op.Gather(1), v.getFirst(), b.constant(twice)), shape(2, 4, 3));
        add("gather_elements", (b, v) -> b.add(new Op.GatherElements(1), v.getFirst(), b.constant(twice)), shape(3, 4));
        Tensor coordinates = Tensor.of(new long[] {0, 2, 1, 1, 0, 2}, 3, 2);
        add("gather_nd", (b, v) -> b.add(new Op.GatherNd(0), v.getFirst(), b.constant(coordinates)), shape(2, 3, 2));
        Tensor batched = Tensor.of(new long[] {2, 2, 0, 1, 1, 1}, 2, 3, 1);
        add(
                "gather_nd, batches",
                (b, v) -> b.add(new Op.GatherNd(1), v.getFirst(), b.constant(batched)),
                shape(2, 3, 2));
        for (Op.Combine c : List.of(Op.Combine.SET, Op.Combine.ADD)) {
            add(
                    "scatter_elements, " + c,
                    (b, v) -> b.add(new Op.ScatterElements(1, c), v.get(0), b.constant(twice), v.get(1)),
                    shape(3, 4),
                    shape(2, 3));
            add(
                    "scatter_nd, " + c,
                    (b, v) -> b.add(new Op.ScatterNd(c), v.get(0), b.constant(coordinates), v.get(1)),
                    shape(2, 3, 2),
                    shape(3, 2));
        }
        add(
                "top_k",
                (b, v) -> b.addAll(new Op.TopK(dev.meseta.graph.Dim.of(2), 1, true), v)
                        .getFirst(),
                shape(3, 5));
    }

    private void structure() {
        add(
                "composite",
                (b, v) -> b.composite(
                                "square",
                                Map.of(),
                                List.of(v.get(0), v.get(0)),
                                (inner, in) -> List.of(inner.times(in.get(0), inner.map(MapFunction.EXP, in.get(1)))))
                        .getFirst(),
                shape(3));
        for (boolean reverse : new boolean[] {false, true}) {
            add("scan, reverse " + reverse, (b, v) -> scan(b, v, reverse), shape(3), shape(4, 3), shape(3));
        }
        add("if", GradientsTest::choice, shape(3), shape(3));
    }

    /** h = tanh(h * w + x), y = h * x; the last h and all y matter. */
    private static Value scan(GraphBuilder b, List<Value> v, boolean reverse) {
        List<TensorType> types = Collections.nCopies(3, v.getFirst().type());
        Graph body = b.body("step", types, (inner, in) -> {
            Value h = inner.map(MapFunction.TANH, inner.plus(inner.times(in.get(0), in.get(2)), in.get(1)));
            return List.of(h, inner.times(h, in.get(1)));
        });
        List<Value> r = b.addAll(new Op.Scan(body, 1, 1, 4, reverse), v);
        return b.plus(r.get(0), r.get(1));
    }

    private static Value choice(GraphBuilder b, List<Value> v) {
        List<TensorType> types = v.stream().map(Value::type).toList();
        Graph then = b.body("then", types, (inner, in) -> List.of(inner.times(in.get(0), in.get(1))));
        Graph otherwise = b.body("otherwise", types, (inner, in) -> List.of(inner.map(MapFunction.SIN, in.get(0))));
        Value sum = b.sum(v.getFirst(), 0, false);
        Value holds = b.map(MapFunction.LT, sum, b.scalar(T, 0.0));
        Value fails = b.map(MapFunction.NOT, holds);
        Value one = b.add(new Op.If(then, otherwise), holds, v.get(0), v.get(1));
        return b.plus(one, b.add(new Op.If(then, otherwise), fails, v.get(0), v.get(1)));
    }

    /** Chains of smooth functions, with values used many times. */
    @Test
    void randomGraphs() {
        for (int seed = 0; seed < 40; seed++) {
            Random random = new Random(seed);
            Case c = new Case(List.of(shape(2, 3), shape(3, 2), shape(3)), -1, 1, (b, v) -> grow(b, v, random));
            Graph g = graph(c, random);
            check(g, inputs(c, random));
            check(slope(g, random), inputs(c, random));
        }
    }

    private static Value grow(GraphBuilder b, List<Value> inputs, Random random) {
        List<Value> values = new ArrayList<>(inputs);
        MapFunction[] smooth = {MapFunction.TANH, MapFunction.SIN, MapFunction.SIGMOID, MapFunction.ERF, MapFunction.NEG
        };
        for (int i = 0; i < 8; i++) {
            Value x = values.get(random.nextInt(values.size()));
            Value y = values.get(random.nextInt(values.size()));
            values.add(
                    switch (random.nextInt(5)) {
                        case 0 -> b.map(smooth[random.nextInt(smooth.length)], x);
                        case 1 -> x.shape().equals(y.shape()) ? b.times(x, y) : b.map(MapFunction.TANH, y);
                        case 2 -> x.rank() == 2 ? b.transpose(x, 1, 0) : b.plus(x, x);
                        case 3 ->
                            x.rank() == 2 && y.rank() == 2 && x.extent(1) == y.extent(0)
                                    ? b.map(MapFunction.TANH, b.matmul(x, y, T))
                                    : b.times(x, x);
                        default -> b.times(x, total(b, b.map(MapFunction.SIGMOID, y)));
                    });
        }
        Value sum = b.scalar(T, 0.0);
        for (Value v : values) sum = b.plus(sum, total(b, v));
        return sum;
    }

    private static Value total(GraphBuilder b, Value v) {
        List<Integer> all = IntStream.range(0, v.rank()).boxed().toList();
        return b.reduce(ReduceKind.SUM, v, all, false);
    }

    private static double[] gradient(Definition d, double... x) {
        Case c = new Case(List.of(shape(x.length)), 0, 1, d);
        GraphBuilder b = new GraphBuilder("kink", Interpreter::evaluate);
        Value in = b.input("", new TensorType(T, Shape.of(c.shapes().getFirst())));
        Graph g = b.build(List.of(d.apply(b, List.of(in))));
        return Interpreter.run(Gradients.of(g, 0, List.of(0), Interpreter::evaluate), List.of(Tensor.of(x, x.length)))
                .getFirst()
                .toDoubles();
    }

    @Test
    void kinksAndZeros() {
        assertArrayEquals(new double[] {0, 0, 1}, gradient((b, v) -> b.max(v.getFirst(), b.scalar(T, 0.0)), -1, 0, 1));
        assertArrayEquals(
                new double[] {0, 1, 1, 1, 0},
                gradient(
                        (b, v) -> b.map(MapFunction.CLAMP, v.getFirst(), b.scalar(T, 0.0), b.scalar(T, 6.0)),
                        -1,
                        0,
                        3,
                        6,
                        7));
        assertArrayEquals(
                new double[] {0.5, 0, 0.5},
                gradient((b, v) -> b.reduce(ReduceKind.MAX, v.getFirst(), List.of(0), false), 2, 1, 2));
        assertArrayEquals(
                new double[] {0, 10, 0},
                gradient((b, v) -> b.reduce(ReduceKind.PROD, v.getFirst(), List.of(0), false), 2, 0, 5));
        assertArrayEquals(
                new double[] {0, 4}, gradient((b, v) -> b.map(MapFunction.POW, v.getFirst(), b.scalar(T, 2.0)), 0, 2));
        assertArrayEquals(
                new double[] {0, 0}, gradient((b, v) -> b.map(MapFunction.POW, v.getFirst(), b.scalar(T, 0.0)), 0, 2));
        assertArrayEquals(new double[] {0, 0}, gradient((b, v) -> b.map(MapFunction.FLOOR, v.getFirst()), 0.5, 2.5));
        assertArrayEquals(new double[] {0, 0}, gradient((b, _) -> b.scalar(T, 3.0), 1, 2));
        assertArrayEquals(new double[] {1, 1}, gradient((_, v) -> v.getFirst(), 1, 2));
    }

    @Test
    void whatHasNoDerivativeIsNamed() {
        Definition rounded = (b, v) -> {
            b.origin("the culprit");
            return b.cast(b.cast(v.getFirst(), DType.I32), T);
        };
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> gradient(rounded, 1, 2));
        assertTrue(String.valueOf(e.getMessage()).contains("node 'the culprit'"), e.getMessage());
        assertTrue(String.valueOf(e.getMessage()).contains("i32"), e.getMessage());
        GraphBuilder b = new GraphBuilder("integers", Interpreter::evaluate);
        Value in = b.input("", new TensorType(DType.I64, Shape.of(2)));
        Graph g = b.build(List.of(b.cast(in, T)));
        e = assertThrows(InvalidInputException.class, () -> Gradients.of(g, 0, List.of(0), Interpreter::evaluate));
        assertTrue(String.valueOf(e.getMessage()).contains("i64"), e.getMessage());
    }
}
