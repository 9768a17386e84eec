package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.partition.Partition;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.Verifier;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.runtime.GraphJobs;
import dev.meseta.runtime.Segmented;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Schedulers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Graphs divided between a device that takes some nodes and one that takes all. */
class PartitionTest {
    /** The interpreter, for the nodes that it says it takes. */
    private static final class Some implements GraphDevice {
        private final String name;
        private final Function<Node, String> refusal;
        private final AtomicInteger jobs = new AtomicInteger();

        Some(String name, Function<Node, String> refusal) {
            this.name = name;
            this.refusal = refusal;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public String description() {
            return "";
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }

        @Override
        public boolean isPartial() {
            return true;
        }

        @Override
        public String refuses(Node node) {
            return node.op() instanceof Op.Constant ? "" : refusal.apply(node);
        }

        @Override
        public Executable compile(Graph graph) {
            Verifier.verify(graph);
            for (Node n : graph.nodes()) assertEquals("", refuses(n), "a node that the device refuses");
            return new Interpreted(graph, Region.of(graph), graph.outputTypes());
        }

        @Override
        public void run(Job job) {
            jobs.incrementAndGet();
            Graph graph = ((Interpreted) job.executable()).graph();
            List<Tensor> inputs = new ArrayList<>();
            for (TensorType t : graph.inputTypes())
                inputs.add(Tensor.wrap(t, job.memory(inputs.size()).asSlice(0, t.bytes())));
            List<Tensor> outputs = Interpreter.run(graph, inputs);
            for (int i = 0; i < outputs.size(); i++)
                job.memory(inputs.size() + i)
                        .asSlice(0, outputs.get(i).data().byteSize())
                        .copyFrom(outputs.get(i).data());
        }

        private record Interpreted(Graph graph, List<Region> regions, List<TensorType> outputs) implements Executable {
            @Override
            public String describe() {
                return "interpreted";
            }
        }
    }

    private static final Some HOST = new Some("host", _ -> "");

    private static Segmented compile(Graph graph, Some device) {
        return Partition.of(graph, device).compile(graph, device, device::compile, HOST, HOST::compile);
    }

    @Test
    void randomGraphsGiveWhatTheInterpreterGives() {
        int several = 0;
        for (long seed = 1; seed <= 250; seed++) {
            RandomGraphs.Case c = RandomGraphs.of(seed, 2 + (int) (seed % 28));
            Random random = new Random(seed);
            Map<Node, Boolean> claims = new HashMap<>();
            for (Node n : c.graph().nodes()) claims.put(n, random.nextBoolean());
            Some device = new Some("some", n -> claims.getOrDefault(n, true) ? "" : "not this one");
            Segmented s = compile(c.graph(), device);
            several += s.segments().size() > 2 ? 1 : 0;
            try (Client client = Schedulers.of(device).client("test")) {
                GraphJobs jobs = GraphJobs.of(client, s);
                for (int run = 0; run < 2; run++) {
                    List<Tensor> expected = Interpreter.run(c.graph(), c.inputs());
                    List<Tensor> found = jobs.run(c.inputs());
                    for (int i = 0; i < expected.size(); i++) {
                        assertEquals(expected.get(i).type(), found.get(i).type());
                        assertEquals(
                                -1,
                                expected.get(i).data().mismatch(found.get(i).data()),
                                "seed " + seed + ", output " + i);
                    }
                }
                assertEquals(2 * s.submissions(), device.jobs.get(), "jobs of the device, seed " + seed);
            }
        }
        assertTrue(several > 40, "only " + several + " graphs came to more than two segments");
    }

    /** Nodes of a text such as "d0 h0,1": a side, then the earlier nodes that are read; the input if none. */
    private static Graph graph(String text) {
        GraphBuilder b = new GraphBuilder("g", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.I32, 4));
        List<Value> made = new ArrayList<>();
        for (String word : text.split(" ")) {
            b.origin(word.substring(0, 1));
            Value v = x;
            boolean first = true;
            for (String p : word.substring(1).split(",")) {
                if (p.isEmpty()) continue;
                Value o = made.get(Integer.parseInt(p));
                v = first ? o : b.plus(v, o);
                first = false;
            }
            made.add(b.neg(v));
        }
        return b.build(made);
    }

    private static Some byOrigin() {
        return new Some("some", n -> n.origin().equals("d") ? "" : "an h");
    }

    private static String sides(Graph graph) {
        StringBuilder sides = new StringBuilder();
        for (Partition.Segment s : Partition.of(graph, byOrigin()).segments()) sides.append(s.onDevice() ? 'd' : 'h');
        return sides.toString();
    }

    @Test
    void knownGraphs() {
        assertEquals("d", sides(graph("d d0 d1")));
        assertEquals("h", sides(graph("h h0")));
        assertEquals("hdh", sides(graph("h d0 d1 h2")));
        assertEquals("dhdh", sides(graph("d h0 d1 h2")));
        // What lies around a node of the host is no one segment: that would have to run before and behind it.
        assertEquals("dhd", sides(graph("d h0 d0,1")));
        // Two branches, each of which leaves the device once, leave it together.
        assertEquals("dhd", sides(graph("d h0 d1 d h3 d4 d2,5")));
        // A branch that is later on the device waits for the other.
        assertEquals("hdh", sides(graph("d h0 h d2 h3")));
    }

    @Test
    void thereAreNoPartitionsWithFewerSegments() {
        Random random = new Random(5);
        for (int i = 0; i < 300; i++) {
            StringBuilder text = new StringBuilder();
            int n = 2 + random.nextInt(6);
            for (int k = 0; k < n; k++) {
                text.append(k == 0 ? "" : " ").append(random.nextBoolean() ? 'd' : 'h');
                if (k > 0 && random.nextInt(4) > 0) text.append(random.nextInt(k));
            }
            String found = sides(graph(text.toString()));
            int[] best = best(text.toString().split(" "));
            assertEquals(best[0], found.chars().filter(c -> c == 'd').count(), text + " gives " + found);
            assertEquals(best[1], found.length(), text + " gives " + found);
        }
    }

    private record State(int done, char last, int device, int all) {}

    /** The fewest segments on the device and of these the fewest in all, by trying everything. */
    private static int[] best(String[] nodes) {
        PriorityQueue<State> queue =
                new PriorityQueue<>(Comparator.comparingInt(State::device).thenComparingInt(State::all));
        queue.add(new State(0, ' ', 0, 0));
        Set<String> seen = new HashSet<>();
        int whole = (1 << nodes.length) - 1;
        while (true) {
            State s = queue.remove();
            if (s.done == whole) return new int[] {s.device, s.all};
            if (!seen.add(s.done + "" + s.last)) continue;
            for (int more = 1; more <= whole; more++) {
                char side = side(nodes, more);
                if ((more & s.done) != 0 || side == ' ' || side == s.last || !closed(nodes, s.done | more)) continue;
                queue.add(new State(s.done | more, side, s.device + (side == 'd' ? 1 : 0), s.all + 1));
            }
        }
    }

    private static char side(String[] nodes, int set) {
        char side = ' ';
        for (int i = 0; i < nodes.length; i++) {
            if ((set >> i & 1) == 0) continue;
            if (side != ' ' && side != nodes[i].charAt(0)) return ' ';
            side = nodes[i].charAt(0);
        }
        return side;
    }

    private static boolean closed(String[] nodes, int set) {
        for (int i = 0; i < nodes.length; i++) {
            String reads = nodes[i].substring(1);
            if ((set >> i & 1) != 0 && !reads.isEmpty() && (set >> Integer.parseInt(reads) & 1) == 0) return false;
        }
        return true;
    }

    @Test
    void movementAloneIsNotWorthASubmission() {
        GraphBuilder b = new GraphBuilder("g", Interpreter::evaluate);
        b.origin("h");
        Value x = b.neg(b.input("x", TensorType.of(DType.I32, 2, 3)));
        b.origin("d");
        Value y = b.transpose(x, 1, 0);
        b.origin("h");
        Partition p = Partition.of(b.build(List.of(b.neg(y))), byOrigin());
        assertEquals(1, p.segments().size());
        assertEquals(3, p.refused().size());
        assertTrue(p.refused().get(1).reason().contains("not worth a submission"));
    }

    /** Constants, and what follows from them, are copied to where they are read; outputs may be constants and inputs. */
    @Test
    void constantsGoWhereTheyAreRead() {
        GraphBuilder b = new GraphBuilder("g", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.I32, 2, 300));
        Value w = b.constant(Tensor.of(new int[] {3, 4}, 2, 1));
        b.origin("h");
        Value wide = b.broadcast(w, x.shape());
        b.origin("d");
        Value y = b.neg(b.add(
                new Op.Map(dev.meseta.graph.MapFunction.ADD), x, b.broadcast(b.scalar(DType.I32, 7L), x.shape())));
        b.origin("h");
        Value z = b.add(new Op.Map(dev.meseta.graph.MapFunction.MUL), y, wide);
        Graph g = b.build(List.of(z, x, w, y, y));
        Some device = byOrigin();
        Segmented s = compile(g, device);
        assertEquals(
                List.of("some", "host"),
                s.segments().stream().map(p -> p.device().name()).toList());
        Tensor in = Tensor.allocate(x.type());
        in.setLong(5, 11);
        List<Tensor> expected = Interpreter.run(g, List.of(in));
        try (Client client = Schedulers.of(device).client("test")) {
            List<Tensor> found = GraphJobs.of(client, s).run(List.of(in));
            for (int i = 0; i < expected.size(); i++)
                assertEquals(-1, expected.get(i).data().mismatch(found.get(i).data()), "output " + i);
        }
    }

    @Test
    void multiplyAccumulatesAreCounted() {
        GraphBuilder b = new GraphBuilder("g", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.F32, 1, 4, 5, 5));
        Value w = b.input("w", TensorType.of(DType.F32, 6, 2, 3, 3));
        b.origin("d");
        List<Long> ones = List.of(1L, 1L);
        List<Long> none = List.of(0L, 0L);
        Value y = b.add(new Op.Convolution(ones, none, none, ones, ones, 2, DType.F32), x, w);
        b.origin("h");
        Value z = b.matmul(b.reshape(y, 6, 9), b.reshape(y, 9, 6), DType.F32);
        Partition p = Partition.of(b.build(List.of(z)), byOrigin());
        assertEquals(6 * 9 * 2 * 9, p.macsOnDevice());
        assertEquals(6 * 9 * 2 * 9 + 6 * 6 * 9, p.macs());
    }
}
