package dev.meseta.compiler;

import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A graph while it is compiled: composites are replaced by their bodies, equal nodes are one, and values know who reads them. The nodes
 * stay in an order in which they can run.
 */
final class Flow {
    /** A value. */
    static final class V {
        final TensorType type;
        final @Nullable N producer;
        final int result;
        final List<N> consumers = new ArrayList<>();
        boolean output;

        /** How it lies in memory, if it is stored. */
        Layout layout;

        /** The value that it is stored as a part of; null where it has memory of its own. */
        @Nullable
        V whole;

        /** Where it is stored, if it is. */
        @Nullable
        Place place;

        private @Nullable List<Size> shape;

        V(TensorType type, @Nullable N producer, int result) {
            this.type = type;
            this.producer = producer;
            this.result = result;
            this.layout = Layout.plain(type.rank());
        }

        /** Whether it is in memory: an input, a constant, or the result of a group. */
        boolean isStored() {
            return producer == null
                    || producer.op instanceof Op.Constant
                    || producer.group != null && (producer.group.root == producer);
        }

        DType dtype() {
            return type.dtype();
        }

        List<Size> shape() {
            if (shape == null) shape = Size.of(type.shape().dims());
            return shape;
        }

        long elements() {
            return type.shape().elements();
        }

        Op op() {
            if (producer == null) throw new IllegalStateException("an input has no op");
            return producer.op;
        }
    }

    /** A node. */
    static final class N {
        final Op op;
        final List<V> in;
        final List<V> out = new ArrayList<>();
        final String origin;
        final int index;

        /** The group that computes it; null until {@link Fusion} has run, and for what is pulled into several groups. */
        @Nullable
        Group group;

        /** Whether an element may be computed more than once. */
        boolean repeated;

        /** Whether it stands, with nothing but views between, for an operand that must be plain memory. */
        boolean viewOnly;

        /** Whether its elements stand one to one, in order, for those of its group's root. */
        boolean aligned;

        N(Op op, List<V> in, String origin, int index) {
            this.op = op;
            this.in = in;
            this.origin = origin;
            this.index = index;
        }

        V result() {
            return out.getFirst();
        }
    }

    /**
     * Nodes that are computed together.
     *
     * @param root the node whose results are stored
     * @param anchor the one node among them that is more than an expression for each element, null if there is none
     */
    static final class Group {
        final N root;

        @Nullable
        N anchor;

        int size = 1;

        /** Whether it has functions that take many instructions. */
        boolean expensive;

        /** Whether it reads elements whose place is read from data. */
        boolean gathers;

        /** The reductions of rows that it holds, in an order in which they can run; empty but for what {@link RowGroups} has joined. */
        List<N> reductions = List.of();

        /** The groups before it that it computes as well, if it is attention. */
        AttentionGroups.@Nullable Match attention;

        /** Its commands, if it computes what others make of its product as well. */
        CommandList.@Nullable Launch parts;

        /** Its kernel, where that had to be tried to know whether the group can be one. */
        @Nullable
        RowKernel rowKernel;

        /** As above, for attention. */
        @Nullable
        AttentionKernel attentionKernel;

        /** What its code depends on, once it is asked for; what the group computes must not change any more. */
        Repeats.@Nullable Signature signature;

        Group(N root) {
            this.root = root;
        }

        /** Whether a node is computed in this group. */
        boolean holds(N n) {
            return n.group == this
                    || attention != null && (n.group == attention.scores() || n.group == attention.softmax());
        }
    }

    final List<V> inputs = new ArrayList<>();
    final List<N> nodes = new ArrayList<>();
    final List<V> outputs = new ArrayList<>();
    private final Map<Key, N> known = new HashMap<>();

    /** What makes nodes equal; values are compared by identity. */
    private record Key(Op op, List<V> in) {}

    private Flow() {}

    static Flow of(Graph graph) {
        Flow f = new Flow();
        for (Value v : graph.inputs()) f.inputs.add(new V(v.type(), null, 0));
        for (V v : f.add(graph, f.inputs)) {
            v.output = true;
            f.outputs.add(v);
        }
        f.removeDead();
        for (N n : f.nodes)
            for (V v : n.in) if (v.consumers.isEmpty() || v.consumers.getLast() != n) v.consumers.add(n);
        return f;
    }

    private List<V> add(Graph graph, List<V> operands) {
        Map<Value, V> values = new IdentityHashMap<>();
        for (int i = 0; i < operands.size(); i++) values.put(graph.inputs().get(i), operands.get(i));
        for (Node n : graph.nodes()) {
            List<V> in = new ArrayList<>(n.operands().size());
            for (Value v : n.operands()) in.add(values.get(v));
            List<V> out = n.op() instanceof Op.Composite c ? add(c.body(), in) : add(n, in).out;
            for (int i = 0; i < n.results().size(); i++) values.put(n.results().get(i), out.get(i));
        }
        List<V> out = new ArrayList<>();
        for (Value v : graph.outputs()) out.add(values.get(v));
        return out;
    }

    private N add(Node node, List<V> in) {
        boolean plain = !(node.op() instanceof Op.Scan || node.op() instanceof Op.If || node.op() instanceof Op.While);
        Key key = new Key(node.op(), in);
        N same = plain ? known.get(key) : null;
        if (same != null) return same;
        N n = new N(node.op(), in, node.origin(), nodes.size());
        for (Value v : node.results()) n.out.add(new V(v.type(), n, n.out.size()));
        nodes.add(n);
        if (plain) known.put(key, n);
        return n;
    }

    private void removeDead() {
        Map<N, Boolean> live = new IdentityHashMap<>();
        for (V v : outputs) if (v.producer != null) live.put(v.producer, true);
        for (N n : nodes.reversed()) {
            if (!live.containsKey(n)) continue;
            for (V v : n.in) if (v.producer != null) live.put(v.producer, true);
        }
        nodes.removeIf(n -> !live.containsKey(n));
    }
}
