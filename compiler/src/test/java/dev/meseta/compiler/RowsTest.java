package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
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

/** Softmax, normalisations and chains of them are one kernel a chain, and give what the reference interpreter gives. */
class RowsTest {
    /** The first seed and the number of graphs; -Dseed=S -Dgraphs=1 replays one. */
    private static final long SEED = Long.getLong("seed", 1);

    private static final long GRAPHS = Long.getLong("graphs", 150);

    private final GraphBuilder b = new GraphBuilder("rows", Interpreter::evaluate);

    private static Value keep(GraphBuilder b, ReduceKind kind, Value x, List<Integer> axes) {
        return b.broadcast(b.reduce(kind, x, axes, true), x.shape());
    }

    private static Value softmax(GraphBuilder b, Value x, List<Integer> axes) {
        Value e = b.map(MapFunction.EXP, b.minus(x, keep(b, ReduceKind.MAX, x, axes)));
        return b.divide(e, keep(b, ReduceKind.SUM, e, axes));
    }

    private static Value normalised(GraphBuilder b, Value x, List<Integer> axes) {
        double n = 1;
        for (int axis : axes) n *= x.shape().extent(axis);
        Value count = b.scalar(x.dtype(), n);
        Value centred = b.minus(x, b.divide(keep(b, ReduceKind.SUM, x, axes), count));
        Value variance = b.divide(keep(b, ReduceKind.SUM, b.times(centred, centred), axes), count);
        return b.divide(centred, b.map(MapFunction.SQRT, b.plus(variance, b.scalar(x.dtype(), 1e-3))));
    }

    private static CommandList compile(Graph g) {
        return GraphCompiler.compile(g, Targets.ALL.getFirst());
    }

    @Test
    void softmaxIsOneKernel() {
        Value x = b.input("x", TensorType.of(DType.F32, 4, 5, 40));
        assertEquals(
                1,
                compile(b.build(List.of(softmax(b, x, List.of(2))))).commands().size());
    }

    @Test
    void aNormalisationIsOneKernel() {
        Value x = b.input("x", TensorType.of(DType.F32, 6, 48));
        Value y = b.plus(x, b.input("y", TensorType.of(DType.F32, 6, 48)));
        assertEquals(
                1,
                compile(b.build(List.of(normalised(b, y, List.of(1)))))
                        .commands()
                        .size());
    }

    @Test
    void whatIsReadFromOtherRowsIsNotJoined() {
        Value x = b.input("x", TensorType.of(DType.F32, 8, 8));
        Value sums = b.reduce(ReduceKind.SUM, x, List.of(1), false);
        // The sum of row j for the element in column j.
        Value y = b.minus(x, b.broadcast(b.reshape(sums, 1, 8), x.shape()));
        Graph g = b.build(List.of(y));
        Tensor in = Tensor.allocate(DType.F32, Shape.of(8, 8));
        for (int i = 0; i < 64; i++) in.setDouble(i, i * 0.25);
        RandomGraphTest.compare(
                "y",
                Interpreter.run(g, List.of(in)).getFirst(),
                SlowDevice.run(compile(g), List.of(in)).getFirst(),
                1e-5);
    }

    @Test
    void randomChainsGiveWhatTheInterpreterGives() {
        List<String> failures = new ArrayList<>();
        for (long seed = SEED; seed < SEED + GRAPHS; seed++) {
            try {
                run(seed);
            } catch (RuntimeException | AssertionError t) {
                failures.add("seed " + seed + ": " + t);
                if (GRAPHS == 1) t.printStackTrace();
            }
        }
        if (!failures.isEmpty())
            fail(failures.size() + " of " + GRAPHS + " graphs fail (replay with -Dseed=S -Dgraphs=1):\n"
                    + String.join("\n", failures));
    }

    private static void run(long seed) {
        Random random = new Random(seed);
        GraphBuilder b = new GraphBuilder("rows", Interpreter::evaluate);
        DType type = random.nextInt(4) == 0 ? DType.F16 : random.nextInt(5) == 0 ? DType.F64 : DType.F32;
        List<Dim> dims = new ArrayList<>();
        int rank = random.nextInt(2, 5);
        for (int i = 0; i < rank; i++) {
            boolean isLong = i == rank - (random.nextInt(4) == 0 ? 2 : 1);
            long n = isLong ? random.nextLong(1, 90) : random.nextLong(1, 5);
            dims.add(random.nextInt(3) == 0 ? Dim.symbolic("d" + i, n) : Dim.of(n));
        }
        TensorType t = new TensorType(type, Shape.of(dims));
        Value x = b.input("x", t);
        Value y = b.input("y", t);
        List<Integer> axes = new ArrayList<>(List.of(rank - 1));
        for (int i = rank - 2; i > 0 && random.nextInt(3) == 0; i--) axes.addFirst(i);
        Value z = random.nextBoolean() ? b.plus(x, y) : x;
        for (int i = random.nextInt(1, 3); i > 0; i--) {
            z = switch (random.nextInt(5)) {
                case 0 -> softmax(b, z, axes);
                case 1 -> normalised(b, z, axes);
                case 2 -> b.times(z, keep(b, ReduceKind.MAX, y, axes));
                case 3 -> b.reshape(softmax(b, b.reshape(z, z.shape()), axes), z.shape());
                default -> b.plus(normalised(b, z, axes), softmax(b, y, axes));
            };
        }
        if (random.nextInt(4) == 0) z = b.reduce(ReduceKind.SUM, b.times(z, y), axes, random.nextBoolean());
        Graph g = b.build(random.nextInt(4) == 0 ? List.of(z, b.neg(z)) : List.of(z));
        List<Tensor> in = new ArrayList<>();
        for (Value v : g.inputs()) {
            Tensor d = Tensor.allocate(v.type());
            for (long i = 0; i < d.elements(); i++) d.setDouble(i, random.nextDouble(-2, 2));
            in.add(d);
        }
        CommandList list = GraphCompiler.compile(g, Targets.ALL.get((int) (seed % Targets.ALL.size())));
        List<Tensor> expected = Interpreter.run(g, in);
        List<Tensor> actual = SlowDevice.run(list, in);
        for (int i = 0; i < expected.size(); i++)
            RandomGraphTest.compare("output " + i, expected.get(i), actual.get(i), type == DType.F16 ? 2e-2 : 1e-4);
    }
}
