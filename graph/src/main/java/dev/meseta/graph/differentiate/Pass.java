package dev.meseta.graph.differentiate;

import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One graph there and back: the constructor adds its nodes to a graph under construction, {@link #backward} adds those of the adjoints.
 * Adjoints belong to the differentiated graph's values, as two of these may be one value in the graph under construction.
 */
final class Pass {
    private final GraphBuilder b;
    private final Graph graph;
    private final Set<Value> dependent;
    private final Map<Value, Value> copies = new IdentityHashMap<>();
    private final Map<Node, Pass> bodies = new IdentityHashMap<>();
    /** For scans: the stacks of what each step was carried. */
    private final Map<Node, List<Value>> states = new IdentityHashMap<>();

    Pass(GraphBuilder b, Graph graph, List<Value> operands, boolean[] wanted) {
        this.b = b;
        this.graph = graph;
        this.dependent = dependent(graph, wanted);
        for (int i = 0; i < operands.size(); i++) copies.put(graph.inputs().get(i), operands.get(i));
        for (Node n : graph.nodes()) forward(n);
    }

    /** Whether values of this kind have adjoints: floats on which arithmetic is defined. */
    static boolean isDifferentiable(Value v) {
        return v.dtype().isFloat() && v.dtype().isArithmetic();
    }

    /** The values that may depend on the wanted inputs. */
    static Set<Value> dependent(Graph graph, boolean[] wanted) {
        Set<Value> found = Collections.newSetFromMap(new IdentityHashMap<>());
        for (int i = 0; i < wanted.length; i++)
            if (wanted[i]) found.add(graph.inputs().get(i));
        for (Node n : graph.nodes()) if (n.operands().stream().anyMatch(found::contains)) found.addAll(n.results());
        return found;
    }

    private void forward(Node n) {
        List<Value> operands = n.operands().stream().map(this::copy).toList();
        List<Value> results;
        if (n.op() instanceof Op.Composite c && dependsOnAny(n)) {
            Pass body = new Pass(b, c.body(), operands, depends(n));
            bodies.put(n, body);
            results = c.body().outputs().stream().map(body::copy).toList();
        } else if (n.op() instanceof Op.Scan s && dependsOnAny(n)) {
            List<Value> all = b.addAll(StructureRules.withStates(s), operands);
            results = all.subList(0, n.results().size());
            states.put(n, all.subList(n.results().size(), all.size()));
        } else {
            results = b.addAll(n.op(), operands);
        }
        for (int i = 0; i < results.size(); i++) copies.put(n.results().get(i), results.get(i));
    }

    private boolean dependsOnAny(Node n) {
        return n.operands().stream().anyMatch(dependent::contains);
    }

    private boolean[] depends(Node n) {
        boolean[] d = new boolean[n.operands().size()];
        for (int i = 0; i < d.length; i++) d[i] = dependent.contains(n.operand(i));
        return d;
    }

    private Value copy(Value v) {
        Value c = copies.get(v);
        if (c == null) throw new IllegalStateException(v + " is read before it is defined");
        return c;
    }

    /**
     * The adjoints of the inputs, null for zero; those of inputs that are not wanted have no meaning.
     *
     * @param seeds the adjoints of the outputs, null for zero
     */
    List<@Nullable Value> backward(List<@Nullable Value> seeds) {
        Map<Value, Value> adjoints = new IdentityHashMap<>();
        for (int i = 0; i < seeds.size(); i++) add(adjoints, graph.outputs().get(i), seeds.get(i));
        for (Node n : graph.nodes().reversed()) {
            if (!dependsOnAny(n)) continue;
            List<@Nullable Value> of = new ArrayList<>();
            for (Value r : n.results()) of.add(adjoints.get(r));
            if (of.stream().allMatch(a -> a == null)) continue;
            List<@Nullable Value> given = step(n, of);
            for (int i = 0; i < given.size(); i++) add(adjoints, n.operand(i), given.get(i));
        }
        List<@Nullable Value> result = new ArrayList<>();
        for (Value v : graph.inputs()) result.add(adjoints.get(v));
        return result;
    }

    private List<@Nullable Value> step(Node n, List<@Nullable Value> adjoints) {
        Pass body = bodies.get(n);
        if (body != null) return body.backward(adjoints);
        Step s = new Step(
                b,
                n,
                n.operands().stream().map(this::copy).toList(),
                n.results().stream().map(this::copy).toList(),
                adjoints,
                depends(n));
        switch (n.op()) {
            case Op.Map o -> MapRules.map(s, o.function());
            case Op.Cast _ -> MapRules.cast(s);
            case Op.Reshape _ -> s.give(0, b.reshape(s.g(), s.x(0).shape()));
            case Op.Transpose o -> MovementRules.transpose(s, o);
            case Op.Broadcast _ -> MovementRules.broadcast(s);
            case Op.Slice o -> MovementRules.slice(s, o);
            case Op.Pad o -> MovementRules.pad(s, o);
            case Op.Concat o -> MovementRules.concat(s, o);
            case Op.Reduce o -> ReductionRules.reduce(s, o);
            case Op.WindowReduce o -> ReductionRules.windowReduce(s, o);
            case Op.Cumulative o -> ReductionRules.cumulative(s, o);
            case Op.TopK o -> IndexingRules.topK(s, o);
            case Op.Contraction o -> ProductRules.contraction(s, o);
            case Op.Convolution o -> ProductRules.convolution(s, o);
            case Op.Gather o -> IndexingRules.gather(s, o);
            case Op.GatherElements o -> IndexingRules.gatherElements(s, o);
            case Op.GatherNd o -> IndexingRules.gatherNd(s, o);
            case Op.ScatterElements o -> IndexingRules.scatterElements(s, o);
            case Op.ScatterNd o -> IndexingRules.scatterNd(s, o);
            case Op.Scan o -> StructureRules.scan(s, o, states.getOrDefault(n, List.of()));
            case Op.If o -> StructureRules.choice(s, o);
            case Op.While _ -> throw s.none("the number of its steps is not known");
            case Op.Dequantize _, Op.Quantize _ -> throw s.none("it goes by way of integers");
            case Op.Bitcast _ -> throw s.none("bits are no function of a number");
            case Op.Constant _, Op.Iota _, Op.RandomBits _, Op.ArgReduce _, Op.Composite _ ->
                throw new IllegalStateException(n.op().mnemonic() + " has an adjoint");
        }
        return s.given();
    }

    private void add(Map<Value, Value> adjoints, Value v, @Nullable Value adjoint) {
        if (adjoint != null && isDifferentiable(v) && dependent.contains(v)) adjoints.merge(v, adjoint, b::plus);
    }
}
