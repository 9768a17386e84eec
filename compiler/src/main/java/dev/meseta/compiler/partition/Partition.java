package dev.meseta.compiler.partition;

import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.runtime.Segmented;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * A graph divided between a device for parts of graphs and another one that runs everything: segments that run one after the other, on the
 * one and the other in turn, as few as there can be. A segment holds all of its device that can run by then, whether connected or not, so
 * that what comes later never has to come before: every segment is convex.
 *
 * @param segments in the order in which they run
 * @param refused the nodes that the device does not run, and why
 * @param macsOnDevice multiply-accumulates of the segments on the device
 * @param macs of all of them
 */
public record Partition(List<Segment> segments, List<Refusal> refused, long macsOnDevice, long macs) {
    public Partition {
        segments = List.copyOf(segments);
        refused = List.copyOf(refused);
    }

    /**
     * A part of the graph. Its graph's inputs and outputs are values of the whole graph.
     *
     * @param onDevice whether it runs on the device for parts
     */
    public record Segment(boolean onDevice, Graph graph) {}

    /** A node and why it is not on the device. */
    public record Refusal(Node node, String reason) {}

    private static final String ALONE =
            "what stands around it does not run there, and alone it is not worth a submission";

    /** Divides a graph. */
    public static Partition of(Graph graph, GraphDevice device) {
        return new Division(graph, device.refusals(graph)).divide();
    }

    /**
     * Makes the segments ready to run.
     *
     * @param graph what was divided
     * @param device for parts of graphs, with what compiles for it
     * @param host for the rest, likewise
     */
    public Segmented compile(
            Graph graph,
            Device device,
            Function<Graph, Executable> forDevice,
            Device host,
            Function<Graph, Executable> forHost) {
        Map<Value, Integer> numbers = new IdentityHashMap<>();
        for (Value v : graph.inputs()) numbers.put(v, numbers.size());
        List<Segmented.Segment> made = new ArrayList<>();
        for (Segment s : segments) {
            List<Integer> operands =
                    s.graph().inputs().stream().map(numbers::get).toList();
            made.add(new Segmented.Segment(
                    s.onDevice() ? device : host,
                    s.onDevice(),
                    (s.onDevice() ? forDevice : forHost).apply(s.graph()),
                    s.graph().nodes().stream()
                            .filter(n -> !(n.op() instanceof Op.Constant))
                            .map(n -> name(n.op()))
                            .toList(),
                    operands));
            for (Value v : s.graph().outputs()) numbers.put(v, numbers.size());
        }
        return new Segmented(
                made,
                graph.inputTypes().stream().map(TensorType::bytes).toList(),
                graph.outputTypes(),
                graph.outputs().stream().map(numbers::get).toList(),
                refused.stream()
                        .map(r -> new Segmented.Refusal(
                                name(r.node().op()), r.node().origin(), r.reason()))
                        .toList(),
                macsOnDevice,
                macs);
    }

    private static String name(Op op) {
        return switch (op) {
            case Op.Composite c -> c.name();
            case Op.Map m -> m.function().text();
            default -> op.mnemonic();
        };
    }

    private enum Side {
        /** Goes where it is read, into several segments if need be. */
        ANYWHERE,
        DEVICE,
        HOST
    }

    private static final class Division {
        private final Graph graph;
        private final List<Node> nodes;
        private final Map<Value, Integer> producers = new IdentityHashMap<>();
        private final String[] reasons;
        private final Side[] sides;

        Division(Graph graph, List<String> refusals) {
            if (refusals.size() != graph.nodes().size())
                throw new IllegalStateException(
                        refusals.size() + " answers for " + graph.nodes().size() + " nodes");
            this.graph = graph;
            this.nodes = graph.nodes();
            this.reasons = refusals.toArray(String[]::new);
            this.sides = new Side[nodes.size()];
            for (int i = 0; i < nodes.size(); i++) for (Value v : nodes.get(i).results()) producers.put(v, i);
        }

        Partition divide() {
            while (true) {
                takeSides();
                int[] phases = fewest(phases(Side.DEVICE), phases(Side.HOST));
                if (dismiss(phases)) continue;
                return partition(phases);
            }
        }

        /** Constants, and what the device refuses and follows from them alone, are anywhere, but for what the device must be given. */
        private void takeSides() {
            for (int i = 0; i < sides.length; i++) {
                Node n = nodes.get(i);
                boolean constant = n.op() instanceof Op.Constant;
                boolean follows = !hasBody(n.op()) && n.operands().stream().allMatch(v -> isAnywhere(v));
                if (constant || follows && !reasons[i].isEmpty()) sides[i] = Side.ANYWHERE;
                else sides[i] = reasons[i].isEmpty() ? Side.DEVICE : Side.HOST;
            }
            for (int i = 0; i < sides.length; i++) {
                if (sides[i] != Side.DEVICE) continue;
                for (Value v : nodes.get(i).operands()) {
                    Integer p = producers.get(v);
                    if (p != null && !(nodes.get(p).op() instanceof Op.Constant) && sides[p] == Side.ANYWHERE)
                        sides[p] = Side.HOST;
                }
            }
        }

        private static boolean hasBody(Op op) {
            return op instanceof Op.Scan || op instanceof Op.If || op instanceof Op.While || op instanceof Op.Composite;
        }

        private boolean isAnywhere(Value v) {
            Integer p = producers.get(v);
            return p != null && sides[p] == Side.ANYWHERE;
        }

        /** The segment of each node if one side begins; -1 for what is anywhere. Each takes all that it can, which leaves least to do later. */
        private int[] phases(Side first) {
            int[] phases = new int[nodes.size()];
            Arrays.fill(phases, -1);
            List<Integer> left = new ArrayList<>();
            for (int i = 0; i < phases.length; i++) if (sides[i] != Side.ANYWHERE) left.add(i);
            Side side = first;
            for (int phase = 0; !left.isEmpty(); ) {
                List<Integer> later = new ArrayList<>();
                for (int i : left) {
                    if (sides[i] == side && isReady(nodes.get(i), phases)) phases[i] = phase;
                    else later.add(i);
                }
                if (later.size() < left.size()) phase++;
                left = later;
                side = side == Side.HOST ? Side.DEVICE : Side.HOST;
            }
            return phases;
        }

        private boolean isReady(Node n, int[] phases) {
            for (Value v : n.operands()) {
                Integer p = producers.get(v);
                if (p != null && phases[p] < 0 && sides[p] != Side.ANYWHERE) return false;
            }
            return true;
        }

        /** With the fewest segments on the device, and of these the fewest in all. */
        private int[] fewest(int[] a, int[] b) {
            int difference = Integer.compare(onDevice(a), onDevice(b));
            if (difference == 0) difference = Integer.compare(count(a), count(b));
            return difference <= 0 ? a : b;
        }

        private static int count(int[] phases) {
            return 1 + Arrays.stream(phases).max().orElse(-1);
        }

        private int onDevice(int[] phases) {
            Set<Integer> found = new TreeSet<>();
            for (int i = 0; i < phases.length; i++) if (sides[i] == Side.DEVICE) found.add(phases[i]);
            return found.size();
        }

        /** Takes from the device what is not worth a submission: a segment that only moves elements. */
        private boolean dismiss(int[] phases) {
            boolean[] worth = new boolean[count(phases)];
            for (int i = 0; i < phases.length; i++)
                if (sides[i] == Side.DEVICE && computes(nodes.get(i).op())) worth[phases[i]] = true;
            boolean changed = false;
            for (int i = 0; i < phases.length; i++) {
                if (sides[i] != Side.DEVICE || worth[phases[i]]) continue;
                reasons[i] = ALONE;
                changed = true;
            }
            return changed;
        }

        private static boolean computes(Op op) {
            return switch (op) {
                case Op.Reshape _,
                        Op.Transpose _,
                        Op.Broadcast _,
                        Op.Slice _,
                        Op.Pad _,
                        Op.Concat _,
                        Op.Iota _,
                        Op.Bitcast _ -> false;
                default -> true;
            };
        }

        private Partition partition(int[] phases) {
            List<TreeSet<Integer>> members = new ArrayList<>();
            List<Side> of = new ArrayList<>(Collections.nCopies(count(phases), Side.HOST));
            while (members.size() < of.size()) members.add(new TreeSet<>());
            long onDevice = 0;
            List<Refusal> refused = new ArrayList<>();
            for (int i = 0; i < phases.length; i++) {
                if (sides[i] == Side.DEVICE) onDevice += Macs.of(nodes.get(i));
                boolean constant = nodes.get(i).op() instanceof Op.Constant;
                if (!constant && !reasons[i].isEmpty()) refused.add(new Refusal(nodes.get(i), reasons[i]));
                if (phases[i] < 0) continue;
                members.get(phases[i]).add(i);
                of.set(phases[i], sides[i]);
            }
            placeFreeOutputs(members, of);
            List<Segment> segments = new ArrayList<>();
            for (int s = 0; s < members.size(); s++)
                segments.add(new Segment(of.get(s) == Side.DEVICE, segment(members, s)));
            return new Partition(segments, refused, onDevice, Macs.of(graph));
        }

        /** Outputs that follow from constants are given by a segment that does not run on the device. */
        private void placeFreeOutputs(List<TreeSet<Integer>> members, List<Side> of) {
            for (Value v : graph.outputs()) {
                if (!isAnywhere(v)) continue;
                int host = of.lastIndexOf(Side.HOST);
                if (host < 0) {
                    host = of.size();
                    of.add(Side.HOST);
                    members.add(new TreeSet<>());
                }
                members.get(host).add(producers.get(v));
            }
        }

        private Graph segment(List<TreeSet<Integer>> members, int s) {
            TreeSet<Integer> own = withFree(members.get(s));
            Set<Value> made = identitySet();
            Set<Value> inputs = new LinkedHashSet<>();
            for (int i : own) {
                for (Value v : nodes.get(i).operands()) if (!made.contains(v)) inputs.add(v);
                made.addAll(nodes.get(i).results());
            }
            Set<Value> read = identitySet();
            read.addAll(graph.outputs());
            for (int later = s + 1; later < members.size(); later++)
                for (int i : withFree(members.get(later)))
                    read.addAll(nodes.get(i).operands());
            List<Value> outputs = new ArrayList<>();
            for (int i : members.get(s)) for (Value v : nodes.get(i).results()) if (read.contains(v)) outputs.add(v);
            return new Graph(
                    graph.name(),
                    List.copyOf(inputs),
                    own.stream().map(nodes::get).toList(),
                    outputs);
        }

        private static Set<Value> identitySet() {
            return Collections.newSetFromMap(new IdentityHashMap<>());
        }

        /** With what is anywhere and they read. */
        private TreeSet<Integer> withFree(TreeSet<Integer> members) {
            TreeSet<Integer> all = new TreeSet<>(members);
            List<Integer> work = new ArrayList<>(members);
            while (!work.isEmpty()) {
                for (Value v : nodes.get(work.removeLast()).operands()) {
                    Integer p = producers.get(v);
                    if (p != null && sides[p] == Side.ANYWHERE && all.add(p)) work.add(p);
                }
            }
            return all;
        }
    }
}
