package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.driver.CommandList;
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
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Random networks over images (convolutions of all kinds, pools, concatenations, gates, transposes) give what the reference interpreter
 * gives, in whatever layouts their values come to lie.
 */
class ImageNetworkTest {
    /** The first seed and the number of networks; -Dseed=S -Dnetworks=1 replays one. */
    private static final long SEED = Long.getLong("seed", 1);

    private static final long NETWORKS = Long.getLong("networks", 90);

    private static final double TOLERANCE = 1e-4;

    @Test
    void networksGiveWhatTheInterpreterGives() {
        List<String> failures = new ArrayList<>();
        Set<String> kernels = new TreeSet<>();
        for (long seed = SEED; seed < SEED + NETWORKS; seed++) {
            try {
                run(seed, kernels);
            } catch (RuntimeException | AssertionError t) {
                failures.add("seed " + seed + ": " + t);
                if (NETWORKS == 1) t.printStackTrace();
            }
        }
        if (!failures.isEmpty())
            fail(failures.size() + " of " + NETWORKS + " networks fail (replay with -Dseed=S -Dnetworks=1):\n"
                    + String.join("\n", failures));
        // A generator that misses a way tests nothing of it.
        if (NETWORKS >= 90)
            assertTrue(
                    kernels.containsAll(List.of("convolution", "depthwise", "winograd", "padded", "window_max")),
                    kernels.toString());
    }

    private static void run(long seed, Set<String> kernels) {
        Random random = new Random(seed);
        Builder b = new Builder(random);
        Graph graph = b.network();
        Tensor x = Tensor.allocate(b.input);
        for (long i = 0; i < x.elements(); i++) x.setDouble(i, random.nextDouble(-1, 1));
        List<Tensor> expected = Interpreter.run(graph, List.of(x));
        CommandList list = GraphCompiler.compile(graph, Targets.ALL.get((int) (seed % Targets.ALL.size())));
        list.commands().forEach(c -> {
            if (c instanceof CommandList.Launch l) kernels.add(l.kernel().name());
        });
        List<Tensor> actual = SlowDevice.run(list, List.of(x));
        for (int i = 0; i < expected.size(); i++)
            RandomGraphTest.compare("output " + i, expected.get(i), actual.get(i), TOLERANCE);
    }

    /** Makes one network. */
    private static final class Builder {
        private final Random random;
        private final GraphBuilder b = new GraphBuilder("images", Interpreter::evaluate);
        private final TensorType input;

        Builder(Random random) {
            this.random = random;
            boolean symbolic = random.nextInt(3) == 0;
            Dim h = extent(symbolic, "h");
            Dim w = extent(symbolic, "w");
            Dim n = Dim.of(random.nextInt(4) == 0 ? 2 : 1);
            this.input = new TensorType(DType.F32, Shape.of(List.of(n, Dim.of(random.nextInt(1, 6)), h, w)));
        }

        private Dim extent(boolean symbolic, String name) {
            long n = random.nextInt(3, 14);
            return symbolic ? Dim.symbolic(name, n) : Dim.of(n);
        }

        Graph network() {
            Value x = b.input("x", input);
            int layers = random.nextInt(2, 6);
            for (int i = 0; i < layers; i++) x = layer(x);
            List<Value> outputs = new ArrayList<>(List.of(x));
            if (random.nextBoolean()) outputs.add(b.transpose(x, 0, 2, 3, 1));
            return b.build(outputs);
        }

        private Value layer(Value x) {
            return switch (random.nextInt(9)) {
                case 0, 1, 2 -> activated(convolution(x, 1));
                case 3 -> activated(depthwise(x));
                case 4 -> transposedConvolution(x);
                case 5 -> pool(x);
                case 6 -> concat(x);
                case 7 -> gated(x);
                default -> activated(convolution(x, x.shape().extent(1) % 2 == 0 ? 2 : 1));
            };
        }

        private Tensor weights(long... extents) {
            Tensor t = Tensor.allocate(DType.F32, Shape.of(extents));
            double scale = 1 / Math.sqrt((double) t.elements() / extents[0]);
            for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-scale, scale));
            return t;
        }

        private Value convolution(Value x, int groups) {
            long c = x.shape().extent(1);
            boolean three = random.nextBoolean();
            long outputs = three && random.nextBoolean() ? 16 + random.nextInt(3) : groups * random.nextLong(1, 11);
            if (outputs % groups != 0) outputs += groups - outputs % groups;
            long k = three ? 3 : random.nextLong(1, 4);
            long stride = three || random.nextBoolean() ? 1 : 2;
            Value w = b.constant(weights(outputs, c / groups, k, k));
            return convolution(x, w, stride, random.nextLong(0, k + 1), random.nextLong(0, k), 1, groups);
        }

        private Value convolution(Value x, Value w, long stride, long low, long high, long gap, int groups) {
            long window = w.shape().extent(2);
            long dilation = random.nextInt(5) == 0 ? 2 : 1;
            for (int i = 2; i < 4; i++) {
                long have = (x.shape().extent(i) - 1) * gap + 1 + low + high;
                if ((window - 1) * dilation + 1 > have) return x;
            }
            List<Long> strides = List.of(stride, stride);
            return b.add(
                    new Op.Convolution(
                            strides,
                            List.of(low, low),
                            List.of(high, high),
                            List.of(gap, gap),
                            List.of(dilation, dilation),
                            groups,
                            DType.F32),
                    x,
                    w);
        }

        private Value depthwise(Value x) {
            int c = (int) x.shape().extent(1);
            long k = random.nextBoolean() ? 3 : random.nextLong(1, 6);
            long stride = random.nextInt(3) == 0 ? 2 : 1;
            return convolution(x, b.constant(weights(c, 1, k, k)), stride, k / 2, k / 2, 1, c);
        }

        private Value transposedConvolution(Value x) {
            long k = random.nextLong(2, 5);
            Value w = b.constant(weights(random.nextLong(1, 7), x.shape().extent(1), k, k));
            return x.shape().elements() > 2000 ? x : convolution(x, w, 1, k - 1, k - 1, 2, 1);
        }

        private Value activated(Value x) {
            if (random.nextBoolean()) {
                Tensor bias = weights(1, x.shape().extent(1), 1, 1);
                x = b.plus(x, b.broadcast(b.constant(bias), x.shape()));
            }
            return random.nextBoolean() ? b.max(x, b.scalar(DType.F32, 0.0)) : x;
        }

        private Value pool(Value x) {
            long window = random.nextLong(1, 4);
            if (x.shape().extent(2) < window || x.shape().extent(3) < window) return x;
            long pad = random.nextLong(0, window);
            ReduceKind kind = random.nextBoolean() ? ReduceKind.MAX : ReduceKind.SUM;
            List<Long> ones = Collections.nCopies(4, 1L);
            return b.add(
                    new Op.WindowReduce(
                            kind,
                            List.of(1L, 1L, window, window),
                            List.of(1L, 1L, random.nextLong(1, 3), random.nextLong(1, 3)),
                            ones,
                            List.of(0L, 0L, pad, pad),
                            List.of(0L, 0L, pad, 0L)),
                    x);
        }

        private Value concat(Value x) {
            List<Value> parts = new ArrayList<>(List.of(convolution(x, 1), activated(x)));
            if (random.nextBoolean()) parts.add(x);
            int axis = 1;
            parts.removeIf(
                    p -> !p.shape().dims().subList(2, 4).equals(x.shape().dims().subList(2, 4)));
            if (parts.isEmpty()) return x;
            Value joined = b.concat(axis, parts);
            return random.nextBoolean() ? b.concat(axis, List.of(joined, activated(parts.getFirst()))) : joined;
        }

        private Value gated(Value x) {
            Value mean = b.reduce(ReduceKind.SUM, x, List.of(2, 3), true);
            Value gate = b.map(MapFunction.SIGMOID, mean);
            return b.times(x, b.broadcast(gate, x.shape()));
        }
    }
}
