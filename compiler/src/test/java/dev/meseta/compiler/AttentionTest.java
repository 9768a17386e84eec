package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.compiler.kernel.KernelVerifier;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Launch;
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

/** Attention is one kernel, and gives what the reference interpreter gives. */
class AttentionTest {
    /** The first seed and the number of graphs; -Dseed=S -Dgraphs=1 replays one. */
    private static final long SEED = Long.getLong("seed", 1);

    private static final long GRAPHS = Long.getLong("graphs", 60);

    private static Value softmax(GraphBuilder b, Value x) {
        List<Integer> last = List.of(x.shape().rank() - 1);
        Value most = b.broadcast(b.reduce(ReduceKind.MAX, x, last, true), x.shape());
        Value e = b.map(MapFunction.EXP, b.minus(x, most));
        return b.divide(e, b.broadcast(b.reduce(ReduceKind.SUM, e, last, true), x.shape()));
    }

    /** Extents of attention: batch and heads, queries and keys, what scores sum over, what a value has. */
    private record Extents(Dim batch, long heads, Dim queries, Dim keys, long depth, long values) {
        static Extents random(Random r) {
            Dim queries = Dim.of(r.nextLong(1, 40));
            Dim keys = Dim.of(r.nextInt(4) == 0 ? r.nextLong(1, 300) : r.nextLong(1, 60));
            if (r.nextInt(3) == 0) {
                queries = Dim.symbolic("queries", queries.extent());
                keys = r.nextBoolean() ? queries : Dim.symbolic("keys", keys.extent());
            }
            return new Extents(
                    Dim.of(r.nextLong(1, 3)),
                    r.nextLong(1, 4),
                    queries,
                    keys,
                    r.nextLong(1, 24),
                    4 * r.nextLong(1, 17));
        }

        Shape of(Dim length, long depth, boolean headsLast) {
            return headsLast
                    ? Shape.of(List.of(batch, length, Dim.of(heads), Dim.of(depth)))
                    : Shape.of(List.of(batch, Dim.of(heads), length, Dim.of(depth)));
        }
    }

    private static Value product(GraphBuilder b, Value x, Value y, int sumOfRight) {
        return b.add(
                new Op.Contraction(List.of(0, 1), List.of(0, 1), List.of(3), List.of(sumOfRight), DType.F32), x, y);
    }

    private static Graph attention(Random r, Extents x) {
        GraphBuilder b = new GraphBuilder("attention", Interpreter::evaluate);
        boolean headsLast = r.nextBoolean();
        List<Value> in = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Shape shape = x.of(i == 0 ? x.queries : x.keys, i == 2 ? x.values : x.depth, headsLast);
            Value v = b.input("qkv".substring(i, i + 1), new TensorType(DType.F32, shape));
            in.add(headsLast ? b.transpose(v, 0, 2, 1, 3) : v);
        }
        Value s = product(b, in.get(0), in.get(1), 3);
        s = b.times(s, b.scalar(DType.F32, 0.3));
        if (r.nextBoolean()) {
            TensorType t = new TensorType(
                    DType.F32, Shape.of(List.of(x.batch, Dim.of(1), r.nextBoolean() ? Dim.of(1) : x.queries, x.keys)));
            s = b.plus(s, b.broadcast(b.input("mask", t), s.shape()));
        }
        Value y = product(b, softmax(b, s), in.get(2), 2);
        if (r.nextBoolean()) y = b.transpose(y, 0, 2, 1, 3);
        if (r.nextBoolean()) y = b.neg(y);
        return b.build(List.of(y));
    }

    private static Tensor random(Random r, Value v) {
        Tensor t = Tensor.allocate(v.type());
        boolean mask = v.shape().extent(1) == 1 && r.nextBoolean();
        for (long i = 0; i < t.elements(); i++)
            t.setDouble(i, mask && r.nextInt(3) == 0 ? Double.NEGATIVE_INFINITY : r.nextDouble(-2, 2));
        return t;
    }

    @Test
    void attentionIsOneKernelBesideThatWhichPacksTheKeys() {
        Extents x = new Extents(Dim.of(2), 3, Dim.of(40), Dim.of(50), 16, 32);
        Graph g = attention(new Random(1), x);
        List<String> names = GraphCompiler.compile(g, Targets.ALL.getFirst()).commands().stream()
                .map(c -> ((Launch) c).kernel().name())
                .toList();
        assertEquals(List.of("pack", "attention"), names);
    }

    @Test
    void randomAttentionGivesWhatTheInterpreterGives() {
        List<String> failures = new ArrayList<>();
        int fused = 0;
        for (long seed = SEED; seed < SEED + GRAPHS; seed++) {
            try {
                if (run(seed)) fused++;
            } catch (RuntimeException | AssertionError t) {
                failures.add("seed " + seed + ": " + t);
                if (GRAPHS == 1) t.printStackTrace();
            }
        }
        if (!failures.isEmpty())
            fail(failures.size() + " of " + GRAPHS + " graphs fail (replay with -Dseed=S -Dgraphs=1):\n"
                    + String.join("\n", failures));
        assertTrue(GRAPHS == 1 || fused > GRAPHS / 3, fused + " of " + GRAPHS + " became one kernel");
    }

    /** With what subgroups ask for; the last block of keys overlaps the one before, and rows end within a tile. */
    @Test
    void subgroupsKeepScoresInRegisters() {
        int fused = 0;
        for (long seed = SEED; seed < SEED + Math.min(GRAPHS, 12); seed++) {
            Random random = new Random(seed);
            int team = random.nextBoolean() ? 8 : 16;
            Dim queries = Dim.of(random.nextLong(8, 70));
            Dim keys = Dim.of(random.nextLong(28, 80));
            if (random.nextInt(3) == 0) {
                queries = Dim.symbolic("queries", queries.extent());
                keys = Dim.symbolic("keys", keys.extent());
            }
            Extents x = new Extents(
                    Dim.of(random.nextLong(1, 3)),
                    random.nextLong(1, 3),
                    queries,
                    keys,
                    4 * random.nextLong(1, 5),
                    32 * random.nextLong(1, 4));
            Graph g = attention(random, x);
            List<Tensor> in = g.inputs().stream().map(v -> random(random, v)).toList();
            CommandList list = GraphCompiler.compile(g, Targets.lockstep(team));
            for (CommandList.Command c : list.commands()) {
                KernelVerifier.verify(((Launch) c).kernel());
                if (((Launch) c).kernel().name().equals("attention")) fused++;
            }
            Tensor expected = Interpreter.run(g, in).getFirst();
            RandomGraphTest.compare(
                    "seed " + seed, expected, SlowDevice.run(list, in).getFirst(), 1e-5);
        }
        assertTrue(GRAPHS == 1 || fused > 6, fused + " became one kernel");
    }

    private static boolean run(long seed) {
        Random random = new Random(seed);
        Graph g = attention(random, Extents.random(random));
        List<Tensor> in = g.inputs().stream().map(v -> random(random, v)).toList();
        CommandList list = GraphCompiler.compile(g, Targets.ALL.get((int) (seed % Targets.ALL.size())));
        List<Tensor> expected = Interpreter.run(g, in);
        List<Tensor> actual = SlowDevice.run(list, in);
        RandomGraphTest.compare("output", expected.getFirst(), actual.getFirst(), 1e-5);
        return list.commands().stream()
                .anyMatch(c -> ((Launch) c).kernel().name().equals("attention"));
    }
}
