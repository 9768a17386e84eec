package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is made of the parts of a product is computed with it, and is what the reference interpreter gives. */
class PartsTest {
    /** The first seed and the number of graphs; -Dseed=S -Dgraphs=1 replays one. */
    private static final long SEED = Long.getLong("seed", 1);

    private static final long GRAPHS = Long.getLong("graphs", 150);

    private final GraphBuilder b = new GraphBuilder("parts", Interpreter::evaluate);

    private static Tensor numbers(Random random, TensorType type) {
        Tensor t = Tensor.allocate(type);
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }

    private static Value product(GraphBuilder b, Value x, long columns) {
        long depth = x.extent(x.rank() - 1);
        Value w = b.constant(numbers(new Random(depth * columns), TensorType.of(x.dtype(), depth, columns)));
        return b.matmul(x, w, x.dtype());
    }

    private static Value part(GraphBuilder b, Value v, int which, long length) {
        return b.slice(v, v.rank() - 1, which * length, length);
    }

    private static CommandList compile(Graph g) {
        return GraphCompiler.compile(g, Targets.ALL.getFirst());
    }

    @Test
    void aStepOfAnLstmIsOneKernel() {
        long n = 48;
        Value gates = product(b, b.input("h", TensorType.of(DType.F32, 2, 32)), 4 * n);
        Value cell = b.input("c", TensorType.of(DType.F32, 2, n));
        Value kept = b.times(b.map(MapFunction.SIGMOID, part(b, gates, 2, n)), cell);
        Value next = b.plus(
                kept,
                b.times(
                        b.map(MapFunction.SIGMOID, part(b, gates, 0, n)),
                        b.map(MapFunction.TANH, part(b, gates, 3, n))));
        Value h = b.times(b.map(MapFunction.SIGMOID, part(b, gates, 1, n)), b.map(MapFunction.TANH, next));
        assertEquals(1, compile(b.build(List.of(next, h))).commands().size());
    }

    @Test
    void aPartThatIsReadAtAnotherPlaceIsStored() {
        long n = 16;
        Value p = product(b, b.input("x", TensorType.of(DType.F32, 4, 8)), 2 * n);
        Value turned = b.transpose(b.reshape(part(b, p, 1, n), 4, 4, 4), 0, 2, 1);
        Value y = b.times(b.map(MapFunction.TANH, part(b, p, 0, n)), b.reshape(turned, 4, n));
        check(b.build(List.of(y)), 1, Targets.ALL.getFirst());
    }

    @Test
    void randomProductsGiveWhatTheInterpreterGives() {
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
        GraphBuilder b = new GraphBuilder("parts", Interpreter::evaluate);
        DType type = random.nextInt(5) == 0 ? DType.F64 : DType.F32;
        List<Dim> dims = new ArrayList<>();
        for (int i = random.nextInt(1, 3); i > 0; i--) {
            long extent = random.nextLong(1, 12);
            dims.add(random.nextInt(3) == 0 ? Dim.symbolic("d" + i, extent) : Dim.of(extent));
        }
        dims.add(Dim.of(random.nextLong(1, 24)));
        int parts = random.nextInt(2, 6);
        long n = random.nextLong(1, 70);
        Value x = b.input("x", new TensorType(type, Shape.of(dims)));
        Value p = product(b, x, parts * n);
        if (random.nextBoolean())
            p = b.plus(p, b.broadcast(b.input("bias", TensorType.of(type, parts * n)), p.shape()));
        Value state = b.input("state", part(b, p, 0, n).type());
        List<Value> values = new ArrayList<>();
        for (int i = 0; i < parts; i++) values.add(part(b, p, i, n));
        values.add(state);
        List<Value> outputs = new ArrayList<>();
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            Value y = values.get(random.nextInt(values.size()));
            for (int j = random.nextInt(2, 5); j > 0; j--) {
                Value z = values.get(random.nextInt(values.size()));
                y = random.nextBoolean() ? b.times(b.map(MapFunction.TANH, y), z) : b.plus(y, z);
            }
            values.add(y);
            outputs.add(y);
        }
        switch (random.nextInt(5)) {
            case 0 -> outputs.add(p);
            case 1 -> outputs.add(product(b, outputs.getFirst(), 20));
            case 2 -> outputs.add(b.plus(product(b, outputs.getLast(), n), part(b, p, 0, n)));
            default -> {}
        }
        check(b.build(outputs), seed, Targets.ALL.get((int) (seed % Targets.ALL.size())));
    }

    private static void check(Graph g, long seed, Target target) {
        List<Tensor> in = new ArrayList<>();
        Random random = new Random(seed);
        for (Value v : g.inputs()) in.add(numbers(random, v.type()));
        List<Tensor> expected = Interpreter.run(g, in);
        List<Tensor> actual = SlowDevice.run(GraphCompiler.compile(g, target), in);
        for (int i = 0; i < expected.size(); i++)
            RandomGraphTest.compare("output " + i, expected.get(i), actual.get(i), 1e-4);
    }
}
