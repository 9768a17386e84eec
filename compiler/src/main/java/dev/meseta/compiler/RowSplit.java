package dev.meseta.compiler;

import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A graph for a part of its rows: where each row of the results follows from the same row of some inputs, and from other inputs that
 * are the same for all rows, as the step of a recurrent layer does for the sequences of a batch. Rows are the first axis of these inputs and
 * of all results.
 */
final class RowSplit {
    /** The axis of a value without rows: it is the same for all of them. */
    private static final int NONE = -1;

    /** A value of the new graph, and which of its axes are the rows. */
    private record Part(Value value, int axis) {}

    private final GraphBuilder b;
    private final Map<Value, Part> parts = new HashMap<>();
    private final long rows;
    private final Dim part;

    private RowSplit(GraphBuilder b, long rows, Dim part) {
        this.b = b;
        this.rows = rows;
        this.part = part;
    }

    /**
     * The graph for a part of the rows.
     *
     * @param inputs how many inputs have rows; those behind them are the same for all
     * @param count into how many parts of equal length the rows are divided
     * @return null where rows depend on each other, or it is not seen that they do not
     */
    static @Nullable Graph of(Graph graph, int inputs, long count) {
        Dim all = graph.inputs().getFirst().shape().dim(0);
        Dim part = all.derive(all.extent() / count, "(" + all.term() + "/" + count + ")");
        GraphBuilder b = new GraphBuilder(graph.name(), Interpreter::evaluate);
        RowSplit split = new RowSplit(b, all.extent(), part);
        for (int i = 0; i < graph.inputs().size(); i++) {
            Value v = graph.inputs().get(i);
            TensorType type = v.type();
            boolean divided = i < inputs;
            if (divided && (v.rank() == 0 || v.extent(0) != all.extent())) return null;
            Value input = b.input("", divided ? type.with(type.shape().with(0, part)) : type);
            split.parts.put(v, new Part(input, divided ? 0 : NONE));
        }
        try {
            for (Node n : graph.nodes()) split.add(n);
            List<Value> results = new ArrayList<>();
            for (Value v : graph.outputs()) results.add(split.at(v, 0));
            return b.build(results);
        } catch (Unfit _) {
            return null;
        }
    }

    private Part part(Value v) {
        Part p = parts.get(v);
        if (p == null) throw new Unfit();
        return p;
    }

    private void add(Node n) {
        b.origin(n.origin());
        boolean divided = false;
        for (Value v : n.operands()) divided |= part(v).axis != NONE;
        if (!divided) {
            List<Value> operands = new ArrayList<>();
            for (Value v : n.operands()) operands.add(part(v).value);
            List<Value> results = b.addAll(n.op(), operands);
            for (int i = 0; i < results.size(); i++) parts.put(n.results().get(i), new Part(results.get(i), NONE));
            return;
        }
        parts.put(n.result(), divided(n));
    }

    private Part divided(Node n) {
        int axis = part(n.operand(0)).axis;
        return switch (n.op()) {
            case Op.Map o -> {
                int common = NONE;
                for (Value v : n.operands()) common = Math.max(common, part(v).axis);
                yield new Part(b.addAll(o, all(n, common)).getFirst(), common);
            }
            case Op.Cast o -> new Part(b.add(o, at(n.operand(0), axis)), axis);
            case Op.Broadcast o ->
                new Part(b.add(new Op.Broadcast(divided(o.shape(), axis)), at(n.operand(0), axis)), axis);
            case Op.Reshape o -> {
                int to = moved(n.operand(0).shape(), o.shape(), axis);
                yield new Part(b.add(new Op.Reshape(divided(o.shape(), to)), at(n.operand(0), axis)), to);
            }
            case Op.Transpose o ->
                new Part(b.add(o, at(n.operand(0), axis)), o.permutation().indexOf(axis));
            case Op.Slice o -> {
                List<Dim> sizes = new ArrayList<>(o.sizes());
                if (o.starts().get(axis) != 0
                        || o.steps().get(axis) != 1
                        || sizes.get(axis).extent() != rows) throw new Unfit();
                sizes.set(axis, part);
                yield new Part(b.add(new Op.Slice(o.starts(), sizes, o.steps()), at(n.operand(0), axis)), axis);
            }
            case Op.Concat o -> {
                int common = NONE;
                for (Value v : n.operands()) common = Math.max(common, part(v).axis);
                if (common == o.axis()) throw new Unfit();
                yield new Part(b.addAll(o, all(n, common)).getFirst(), common);
            }
            case Op.Reduce o -> {
                if (o.axes().contains(axis)) throw new Unfit();
                int before = (int) o.axes().stream().filter(i -> i < axis).count();
                yield new Part(b.add(o, at(n.operand(0), axis)), axis - before);
            }
            case Op.Contraction o -> contraction(n, o);
            default -> throw new Unfit();
        };
    }

    /** A product with rows on its left side alone. */
    private Part contraction(Node n, Op.Contraction o) {
        int axis = part(n.operand(0)).axis;
        if (axis == NONE
                || part(n.operand(1)).axis != NONE
                || o.leftBatch().contains(axis)
                || o.leftSum().contains(axis)) throw new Unfit();
        int to = o.leftBatch().size();
        for (int i = 0; i < axis; i++)
            if (!o.leftBatch().contains(i) && !o.leftSum().contains(i)) to++;
        return new Part(b.add(o, at(n.operand(0), axis), at(n.operand(1), NONE)), to);
    }

    private Shape divided(Shape shape, int axis) {
        return shape.with(axis, part);
    }

    /** Where an axis is after a reshape that leaves it, and the number of elements behind it, as they are. */
    private static int moved(Shape from, Shape to, int axis) {
        long before = 1;
        for (int i = 0; i < axis; i++) before *= from.extent(i);
        long reached = 1;
        for (int i = 0; i < to.rank(); i++) {
            if (reached == before && to.extent(i) == from.extent(axis)) return i;
            reached *= to.extent(i);
        }
        throw new Unfit();
    }

    private List<Value> all(Node n, int axis) {
        List<Value> values = new ArrayList<>();
        for (Value v : n.operands()) values.add(at(v, axis));
        return values;
    }

    /** A value with the rows of the part along an axis; what repeats one row is repeated less often. */
    private Value at(Value v, int axis) {
        Part p = part(v);
        if (p.axis == axis) return p.value;
        if (p.axis != NONE || axis == NONE || v.extent(axis) != rows) throw new Unfit();
        Node producer = b.producer(p.value);
        if (producer != null
                && producer.op() instanceof Op.Broadcast o
                && producer.operand(0).extent(axis) == 1)
            return b.add(new Op.Broadcast(divided(o.shape(), axis)), producer.operand(0));
        Tensor t = b.known(p.value);
        if (t == null || !isUniform(t)) throw new Unfit();
        TensorType type = v.type().with(divided(v.shape(), axis));
        return b.constant(Tensor.wrap(type, t.data().asSlice(0, type.bytes())));
    }

    private static boolean isUniform(Tensor t) {
        int bytes = t.type().dtype().bytes();
        for (long i = bytes; i < t.data().byteSize(); i++)
            if (t.data().get(java.lang.foreign.ValueLayout.JAVA_BYTE, i)
                    != t.data().get(java.lang.foreign.ValueLayout.JAVA_BYTE, i - bytes)) return false;
        return true;
    }
}
