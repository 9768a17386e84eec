package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Scans whose rows do not depend on each other are one kernel, and are what the reference interpreter gives. */
class ScanRowsTest {
    /** The first seed and the number of scans; -Dseed=S -Dscans=1 replays one. */
    private static final long SEED = Long.getLong("seed", 1);

    private static final long SCANS = Long.getLong("scans", 200);

    private static Target target(int threads) {
        return new Target(32, 16, threads, 32 << 10, 512 << 10);
    }

    private static Tensor numbers(Random random, TensorType type) {
        Tensor t = Tensor.allocate(type);
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }

    /** A cell with two gates, and two states. */
    private static List<Value> cell(GraphBuilder g, Value h, Value c, Value x, Value w) {
        long n = h.extent(1);
        Value gates = g.plus(x, g.matmul(h, w, DType.F32));
        Value keep = g.map(MapFunction.SIGMOID, g.slice(gates, 1, 0, n));
        Value next = g.plus(g.times(keep, c), g.map(MapFunction.TANH, g.slice(gates, 1, n, n)));
        return List.of(g.map(MapFunction.TANH, next), next);
    }

    private static Graph recurrent(Dim steps, Dim rows, long width, boolean reverse) {
        GraphBuilder b = new GraphBuilder("recurrent", Interpreter::evaluate);
        Dim n = Dim.of(width);
        Dim gates = Dim.of(2 * width);
        TensorType state = new TensorType(DType.F32, Shape.of(List.of(rows, n)));
        Graph body = b.body(
                "cell",
                List.of(
                        state,
                        state,
                        new TensorType(DType.F32, Shape.of(List.of(rows, gates))),
                        new TensorType(DType.F32, Shape.of(List.of(n, gates)))),
                (g, in) -> {
                    List<Value> next = cell(g, in.get(0), in.get(1), in.get(2), in.get(3));
                    return List.of(next.get(0), next.get(1), next.get(0));
                });
        List<Value> operands = List.of(
                b.input("h", state),
                b.input("c", state),
                b.input("x", new TensorType(DType.F32, Shape.of(List.of(steps, rows, gates)))),
                b.constant(numbers(new Random(width), TensorType.of(DType.F32, width, 2 * width))));
        return b.build(b.addAll(new Op.Scan(body, 2, 1, steps.extent(), reverse), operands));
    }

    private static List<CommandList.Launch> scans(Graph graph, int threads) {
        return GraphCompiler.compile(graph, target(threads)).commands().stream()
                .filter(c ->
                        c instanceof CommandList.Launch l && l.kernel().name().equals("scan"))
                .map(CommandList.Launch.class::cast)
                .toList();
    }

    private static void check(Graph graph, long seed, int threads) {
        Random random = new Random(seed);
        List<Tensor> inputs = new ArrayList<>();
        for (TensorType t : graph.inputTypes()) inputs.add(numbers(random, t));
        List<Tensor> expected = Interpreter.run(graph, inputs);
        List<Tensor> actual = SlowDevice.run(GraphCompiler.compile(graph, target(threads)), inputs);
        for (int i = 0; i < expected.size(); i++) {
            for (long j = 0; j < expected.get(i).elements(); j++) {
                double x = expected.get(i).getDouble(j);
                double y = actual.get(i).getDouble(j);
                if (!(Math.abs(x - y) <= 1e-5 * Math.max(1, Math.abs(x))))
                    fail("element " + j + " of result " + i + " is " + y + ", not " + x + "; replay with -Dseed=" + seed
                            + " -Dscans=1");
            }
        }
    }

    @Test
    void eachThreadHasSomeOfTheSequences() {
        List<CommandList.Launch> scans = scans(recurrent(Dim.of(9), Dim.of(8), 16, false), 4);
        assertEquals(1, scans.size());
        assertEquals("4", KernelText.of(scans.getFirst().kernel().grid()));
    }

    @Test
    void anotherLengthIsTheSameKernel() {
        Graph one = recurrent(Dim.symbolic("steps", 9), Dim.of(4), 16, true);
        Graph other = recurrent(Dim.symbolic("steps", 30), Dim.of(4), 16, true);
        assertEquals(
                KernelText.key(scans(one, 2).getFirst().kernel()),
                KernelText.key(scans(other, 2).getFirst().kernel()));
    }

    @Test
    void anotherBatchIsTheSameKernel() {
        Graph one = recurrent(Dim.symbolic("steps", 9), Dim.symbolic("batch", 120), 16, false);
        Graph other = recurrent(Dim.symbolic("steps", 9), Dim.symbolic("batch", 140), 16, false);
        assertEquals(
                KernelText.key(scans(one, 2).getFirst().kernel()),
                KernelText.key(scans(other, 2).getFirst().kernel()));
    }

    @Test
    void whatRowsGiveEachOtherIsSeen() {
        GraphBuilder b = new GraphBuilder("rows", Interpreter::evaluate);
        TensorType t = TensorType.of(DType.F32, 4, 4);
        Graph apart = b.body("apart", List.of(t), (g, in) -> List.of(g.plus(in.get(0), in.get(0))));
        Graph turned = b.body("turned", List.of(t), (g, in) -> List.of(g.transpose(in.get(0), 1, 0)));
        Graph added = b.body(
                "added",
                List.of(t),
                (g, in) -> List.of(g.plus(in.get(0), g.broadcast(g.sum(in.get(0), 0, true), t.shape()))));
        Graph flipped = b.body("flipped", List.of(t), (g, in) -> List.of(g.flip(in.get(0), 0)));
        Graph product = b.body("product", List.of(t, t), (g, in) -> List.of(g.matmul(in.get(1), in.get(0), DType.F32)));
        assertNotNull(RowSplit.of(apart, 1, 2));
        for (Graph g : List.of(turned, added, flipped)) assertNull(RowSplit.of(g, 1, 2), g.name());
        assertNull(RowSplit.of(product, 1, 2));
    }

    /** Cells of random operations, most of which leave rows apart, and some of which do not. */
    @Test
    void randomScansAreWhatTheInterpreterGives() {
        for (long seed = SEED; seed < SEED + SCANS; seed++) {
            Random random = new Random(seed);
            check(random(random), seed, 1 + random.nextInt(4));
        }
    }

    private static Graph random(Random random) {
        GraphBuilder b = new GraphBuilder("random", Interpreter::evaluate);
        long rows = 1 + random.nextInt(8);
        long width = 1 + random.nextInt(20);
        long steps = 1 + random.nextInt(9);
        int carried = 1 + random.nextInt(2);
        TensorType state = TensorType.of(DType.F32, rows, width);
        List<TensorType> types = new ArrayList<>();
        for (int i = 0; i <= carried; i++) types.add(state);
        types.add(TensorType.of(DType.F32, width, width));
        types.add(TensorType.of(DType.F32, width));
        Graph body = b.body("cell", types, (g, in) -> {
            List<Value> known = new ArrayList<>(in.subList(0, carried + 1));
            Value w = in.get(carried + 1);
            Value bias = in.get(carried + 2);
            for (int i = 2 + random.nextInt(5); i > 0; i--)
                known.add(step(g, random, known.get(random.nextInt(known.size())), known.getLast(), w, bias));
            List<Value> results = new ArrayList<>();
            for (int i = 0; i < carried + random.nextInt(3); i++)
                results.add(known.get(known.size() - 1 - random.nextInt(Math.min(3, known.size()))));
            return results;
        });
        List<Value> operands = new ArrayList<>();
        for (int i = 0; i < carried; i++) operands.add(b.input("state", state));
        operands.add(b.input("x", TensorType.of(DType.F32, steps, rows, width)));
        operands.add(b.constant(numbers(new Random(width), TensorType.of(DType.F32, width, width))));
        operands.add(b.input("bias", TensorType.of(DType.F32, width)));
        return b.build(b.addAll(new Op.Scan(body, carried, 1, steps, random.nextBoolean()), operands));
    }

    private static Value step(GraphBuilder g, Random random, Value x, Value y, Value w, Value bias) {
        Shape shape = x.shape();
        return switch (random.nextInt(10)) {
            case 0, 1 -> g.map(MapFunction.TANH, g.matmul(x, w, DType.F32));
            case 2 -> g.plus(x, g.broadcast(g.reshape(bias, 1, shape.extent(1)), shape));
            case 3 -> g.times(g.map(MapFunction.SIGMOID, x), y);
            case 4 -> g.minus(g.broadcast(g.scalar(DType.F32, 1.0), shape), y);
            case 5 -> g.max(x, g.flip(y, random.nextInt(2)));
            case 6 ->
                g.times(
                        x,
                        g.broadcast(g.reduce(ReduceKind.MAX, y, List.of(random.nextInt(4) == 0 ? 0 : 1), true), shape));
            case 7 -> g.transpose(g.map(MapFunction.TANH, g.transpose(x, 1, 0)), 1, 0);
            case 8 -> g.slice(g.concat(1, x, y), 1, random.nextInt((int) shape.extent(1) + 1), shape.extent(1));
            default -> g.reshape(g.map(MapFunction.TANH, g.reshape(x, shape.extent(0), 1, shape.extent(1))), shape);
        };
    }
}
