package dev.meseta.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Makes a graph node by node. Every node is checked as it is added, trivial nodes are not added, and nodes on small constants are folded
 * at once. The methods below {@link #add} are shorthand with numpy's broadcasting. Not safe for use by several threads.
 */
public final class GraphBuilder {
    /** Results of folding above this size are kept as nodes (unless they are smaller than what they are made from). */
    private static final long LARGEST_EAGER_FOLD = 64 << 10;

    /** A constant repeated to more bytes than this stays the constant and its repetition: beyond it there are no shapes. */
    private static final long LARGEST_REPEATED_FOLD = 8 << 10;

    /** Nothing beyond this size is folded on demand. */
    private static final long LARGEST_FOLD = 1L << 30;

    private final String name;
    private final Folder folder;
    private final List<Value> inputs = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<Value, Node> producers = new IdentityHashMap<>();
    private final Map<Value, Tensor> constants = new IdentityHashMap<>();
    private final Map<Value, Boolean> knowable = new IdentityHashMap<>();
    private final Origins origins = new Origins();

    /** Of a body that knows the contents of its operands: the builder around it, and the operand of each input. */
    private final @Nullable GraphBuilder around;

    private final Map<Value, Value> operands = new IdentityHashMap<>();
    private String origin = "";
    private int nextId;

    public GraphBuilder(String name, Folder folder) {
        this(name, folder, null);
    }

    private GraphBuilder(String name, Folder folder, @Nullable GraphBuilder around) {
        this.name = name;
        this.folder = folder;
        this.around = around;
    }

    /** Text that the nodes added from now on carry as their origin, such as the name of a model's node. */
    public void origin(String newOrigin) {
        this.origin = newOrigin;
    }

    public Value input(String inputName, TensorType type) {
        if (!type.shape().isKnown())
            throw new IllegalArgumentException("input " + inputName + ": " + type + " has an unknown extent");
        Value v = new Value(nextId++, type, inputName);
        inputs.add(v);
        return v;
    }

    /** Number of nodes so far; a point to {@link #rollback} to. */
    public int mark() {
        return nodes.size();
    }

    /** The nodes added since {@link #mark} gave {@code size}. */
    public List<Node> nodesFrom(int size) {
        return List.copyOf(nodes.subList(size, nodes.size()));
    }

    /** Removes the nodes added since {@link #mark} gave {@code size}. Values defined by them must not be used again. */
    public void rollback(int size) {
        while (nodes.size() > size) {
            Node n = nodes.removeLast();
            for (Value v : n.results()) {
                producers.remove(v);
                constants.remove(v);
                knowable.remove(v);
                origins.forget(v);
            }
        }
    }

    /** Adds a node with one result. Throws {@link ConstraintException}. */
    public Value add(Op op, Value... operands) {
        return addAll(op, List.of(operands)).getFirst();
    }

    /** Adds a node; the results in order. Throws {@link ConstraintException}. */
    public List<Value> addAll(Op op, List<Value> operands) {
        List<TensorType> given = new ArrayList<>(operands.size());
        for (Value v : operands) given.add(v.type());
        List<TensorType> types = TypeInference.infer(op, given);
        if (isTrivial(op, operands)) return List.of(operands.getFirst());
        if (op instanceof Op.Constant c) return List.of(constant(c.value()));
        if (folds(op, operands, types)) {
            List<Tensor> values = new ArrayList<>(operands.size());
            for (Value v : operands) values.add(literal(v));
            List<Tensor> results = folder.evaluate(op, values);
            List<Value> folded = new ArrayList<>(results.size());
            for (Tensor t : results) folded.add(constant(t));
            if (folded.size() == 1) {
                origins.follow(op, operands, values, folded.getFirst(), results.getFirst(), folder);
            }
            return folded;
        }
        return append(op, operands, types);
    }

    private List<Value> append(Op op, List<Value> operands, List<TensorType> types) {
        List<Value> made = new ArrayList<>(types.size());
        for (TensorType t : types) made.add(new Value(nextId++, t, ""));
        List<Value> results = List.copyOf(made);
        Node node = new Node(op, operands, results, origin);
        nodes.add(node);
        for (Value v : results) producers.put(v, node);
        return results;
    }

    private static boolean isTrivial(Op op, List<Value> operands) {
        return switch (op) {
            case Op.Reshape o -> o.shape().equals(operands.getFirst().shape());
            case Op.Broadcast o -> o.shape().equals(operands.getFirst().shape());
            case Op.Cast o -> o.dtype() == operands.getFirst().dtype();
            case Op.Bitcast o -> o.dtype() == operands.getFirst().dtype();
            case Op.Transpose o ->
                IntStream.range(0, o.permutation().size())
                        .allMatch(i -> o.permutation().get(i) == i);
            case Op.Concat _ -> operands.size() == 1;
            case Op.Pad o -> allZero(o.low()) && allZero(o.high());
            case Op.Reduce o -> o.axes().isEmpty();
            case Op.Slice o ->
                Shape.of(o.sizes()).equals(operands.getFirst().shape())
                        && allZero(o.starts())
                        && o.steps().stream().allMatch(s -> s == 1);
            default -> false;
        };
    }

    private static boolean allZero(List<Long> l) {
        return l.stream().allMatch(x -> x == 0);
    }

    /**
     * Whether a node on constants is evaluated at once. Dequantised weights stay quantised, so that kernels can use them so. What takes its
     * extents from an input stays a node, for which other extents need no other kernel; and so does what only repeats a constant, which
     * kernels do for nothing.
     */
    private boolean folds(Op op, List<Value> operands, List<TensorType> types) {
        if (op instanceof Op.Dequantize || op instanceof Op.Quantize || op instanceof Op.Composite) return false;
        long read = 0;
        boolean whole = operands.isEmpty();
        for (Value v : operands) {
            whole |= constants.containsKey(v);
            if (constants.containsKey(v)) read += v.type().bytes();
            else if (!repeatsConstant(v)) return false;
        }
        if (!whole) return false;
        long written = 0;
        for (TensorType t : types) {
            for (Dim d : t.shape().dims()) if (d.isDynamic()) return false;
            written += t.bytes();
        }
        if (op instanceof Op.Broadcast && written > Math.max(LARGEST_REPEATED_FOLD, read)) return false;
        return written <= Math.max(LARGEST_EAGER_FOLD, read);
    }

    private boolean repeatsConstant(Value v) {
        Value outer = operands.get(v);
        if (around != null && outer != null) return around.repeatsConstant(outer);
        Node n = producers.get(v);
        return n != null && n.op() instanceof Op.Broadcast && constants.containsKey(n.operand(0));
    }

    private Tensor literal(Value v) {
        Tensor t = constants.get(v);
        if (t != null) return t;
        Value outer = operands.get(v);
        if (around != null && outer != null) return around.literal(outer);
        Node n = producers.get(v);
        if (n == null) throw new IllegalStateException(v + " is not constant");
        return folder.evaluate(n.op(), n.operands().stream().map(this::literal).toList())
                .getFirst();
    }

    /**
     * The tensor behind a value that depends on constants alone, evaluated now if it was not folded before; null if the value depends on
     * an input.
     */
    public @Nullable Tensor known(Value v) {
        return isKnowable(v) ? evaluated(v) : null;
    }

    /** Whether a value depends on constants alone: asked of all that it depends on before any of that is computed. */
    private boolean isKnowable(Value v) {
        if (constants.containsKey(v)) return true;
        Value outer = operands.get(v);
        if (around != null && outer != null) return around.isKnowable(outer);
        Boolean before = knowable.get(v);
        if (before != null) return before;
        Node node = producers.get(v);
        boolean all = node != null && v.type().bytes() <= LARGEST_FOLD;
        if (node != null) for (Value o : node.operands()) all = all && isKnowable(o);
        knowable.put(v, all);
        return all;
    }

    private Tensor evaluated(Value v) {
        Tensor t = constants.get(v);
        if (t != null) return t;
        Value outer = operands.get(v);
        if (around != null && outer != null) return around.evaluated(outer);
        Node node = Objects.requireNonNull(producers.get(v));
        List<Tensor> operands = new ArrayList<>();
        for (Value o : node.operands()) operands.add(evaluated(o));
        List<Tensor> results = folder.evaluate(node.op(), operands);
        for (int i = 0; i < results.size(); i++) constants.put(node.results().get(i), results.get(i));
        return Objects.requireNonNull(constants.get(v));
    }

    /** The node that defines a value; null for an input. */
    public @Nullable Node producer(Value v) {
        return producers.get(v);
    }

    /** The finished graph with these outputs, without nodes that no output needs. The builder may be used on. */
    public Graph build(List<Value> outputs) {
        return DeadCode.without(new Graph(name, inputs, nodes, outputs));
    }

    /** A graph with its own inputs, for the body of a structured op. */
    public Graph body(
            String bodyName,
            List<TensorType> inputTypes,
            java.util.function.BiFunction<GraphBuilder, List<Value>, List<Value>> define) {
        GraphBuilder b = new GraphBuilder(bodyName, folder);
        b.origin = origin;
        List<Value> in = inputTypes.stream().map(t -> b.input("", t)).toList();
        return b.build(define.apply(b, in));
    }

    /** A named op with its decomposition. */
    public List<Value> composite(
            String opName,
            Map<String, Object> attributes,
            List<Value> operands,
            java.util.function.BiFunction<GraphBuilder, List<Value>, List<Value>> define) {
        Graph body = body(opName, operands.stream().map(Value::type).toList(), define);
        return addAll(new Op.Composite(opName, attributes, body), operands);
    }

    /**
     * As {@link #composite}, with a decomposition that holds for these very operands: the contents of those that are constant are known in
     * it, and what follows from them is folded as if there were no composite. All operands stay operands, whether the decomposition reads
     * them or not.
     */
    public List<Value> compositeOf(
            String opName,
            Map<String, Object> attributes,
            List<Value> given,
            java.util.function.BiFunction<GraphBuilder, List<Value>, List<Value>> define) {
        GraphBuilder b = new GraphBuilder(opName, folder, this);
        b.origin = origin;
        List<Value> in = new ArrayList<>();
        for (Value v : given) {
            Value inner = b.input("", v.type());
            b.operands.put(inner, v);
            Tensor t = constants.get(v);
            if (t != null) b.constants.put(inner, t);
            in.add(inner);
        }
        Graph body = b.build(define.apply(b, in));
        return addAll(new Op.Composite(opName, attributes, body), given);
    }

    // Shorthand

    public Value constant(Tensor t) {
        Value v = append(new Op.Constant(t), List.of(), List.of(t.type())).getFirst();
        constants.put(v, t);
        return v;
    }

    public Value scalar(DType dtype, double value) {
        return constant(Tensor.scalar(dtype, value));
    }

    public Value scalar(DType dtype, long value) {
        return constant(Tensor.scalar(dtype, value));
    }

    public Value longs(long... values) {
        return constant(Tensor.of(values, values.length));
    }

    /** An extent as a scalar of type I64, which remembers where the extent comes from; see {@link #dimsOf}. */
    public Value dim(Dim dim) {
        Value v = scalar(DType.I64, dim.extent());
        origins.note(v, List.of(dim));
        return v;
    }

    /** Extents as a vector of type I64, which remembers where they come from; see {@link #dimsOf}. */
    public Value dims(List<Dim> dims) {
        Value v = longs(dims.stream().mapToLong(Dim::extent).toArray());
        origins.note(v, dims);
        return v;
    }

    /**
     * The elements of a known integer value as dims, row-major. Those that were computed from the extents of inputs have symbols. An
     * element of -1 is a dim of unknown extent, one below throws {@link IllegalArgumentException}.
     */
    public List<Dim> dimsOf(Value v) {
        Tensor t = known(v);
        if (t == null) throw new IllegalArgumentException(v + " is not known");
        return origins.dims(v, t);
    }

    /** A scalar function with numpy's broadcasting of its operands. */
    public Value map(MapFunction f, Value... operands) {
        List<Shape> shapes = new ArrayList<>(operands.length);
        for (Value v : operands) shapes.add(v.shape());
        Shape s = broadcastShape(shapes, f.text());
        List<Value> same = new ArrayList<>(operands.length);
        for (Value v : operands) same.add(broadcast(v, s));
        return addAll(new Op.Map(f), List.copyOf(same)).getFirst();
    }

    /** numpy's common shape. Throws {@link InvalidInputException} if there is none. */
    public static Shape broadcastShape(List<Shape> shapes, String where) {
        int rank = 0;
        for (Shape s : shapes) rank = Math.max(rank, s.rank());
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            Dim d = Dim.of(1);
            boolean set = false;
            for (Shape s : shapes) {
                int axis = i - (rank - s.rank());
                if (axis < 0) continue;
                Dim x = s.dim(axis);
                if (x.extent() == 1 && (!x.isDynamic() || set)) continue;
                if (!set || d.extent() == 1) d = x;
                else if (x.extent() != 1 && !x.equals(d))
                    throw new InvalidInputException(where + ": shapes " + shapes + " do not broadcast together");
                else if (x.extent() != 1) d = d.meet(x);
                set = true;
            }
            dims.add(d);
        }
        return Shape.of(dims);
    }

    /** numpy's broadcast of a value to a shape of the same or higher rank. */
    public Value broadcast(Value v, Shape shape) {
        Value x = v;
        if (v.rank() < shape.rank()) {
            List<Dim> dims = new ArrayList<>();
            for (int i = v.rank(); i < shape.rank(); i++) dims.add(Dim.of(1));
            dims.addAll(v.shape().dims());
            x = reshape(v, Shape.of(dims));
        }
        return add(new Op.Broadcast(shape), x);
    }

    public Value neg(Value x) {
        return map(MapFunction.NEG, x);
    }

    public Value plus(Value x, Value y) {
        return map(MapFunction.ADD, x, y);
    }

    public Value minus(Value x, Value y) {
        return map(MapFunction.SUB, x, y);
    }

    public Value times(Value x, Value y) {
        return map(MapFunction.MUL, x, y);
    }

    public Value divide(Value x, Value y) {
        return map(MapFunction.DIV, x, y);
    }

    public Value max(Value x, Value y) {
        return map(MapFunction.MAX, x, y);
    }

    public Value min(Value x, Value y) {
        return map(MapFunction.MIN, x, y);
    }

    public Value select(Value condition, Value x, Value y) {
        return map(MapFunction.SELECT, condition, x, y);
    }

    /** C's conversion; see {@link Op.Cast.Rounding#WRAP}. */
    public Value cast(Value x, DType dtype) {
        return add(new Op.Cast(dtype, Op.Cast.Rounding.WRAP), x);
    }

    public Value reshape(Value x, Shape shape) {
        return add(new Op.Reshape(shape), x);
    }

    public Value reshape(Value x, long... extents) {
        return reshape(x, Shape.of(extents));
    }

    public Value transpose(Value x, int... permutation) {
        return add(new Op.Transpose(Arrays.stream(permutation).boxed().toList()), x);
    }

    /** Elements [start, start + size) of one axis. */
    public Value slice(Value x, int axis, long start, Dim size) {
        return slice(x, axis, start, size, 1);
    }

    /** Elements start, start + step, … of an axis. */
    public Value slice(Value x, int axis, long start, Dim size, long step) {
        List<Long> starts = new ArrayList<>(java.util.Collections.nCopies(x.rank(), 0L));
        List<Long> steps = new ArrayList<>(java.util.Collections.nCopies(x.rank(), 1L));
        List<Dim> sizes = new ArrayList<>(x.shape().dims());
        starts.set(axis, start);
        steps.set(axis, step);
        sizes.set(axis, size);
        return add(new Op.Slice(starts, sizes, steps), x);
    }

    /** An axis in the opposite direction. */
    public Value flip(Value x, int axis) {
        long n = x.extent(axis);
        return n < 2 ? x : slice(x, axis, n - 1, x.shape().dim(axis), -1);
    }

    public Value slice(Value x, int axis, long start, long size) {
        return slice(x, axis, start, Dim.of(size));
    }

    /** One place of an axis, which disappears. */
    public Value select(Value x, int axis, long position) {
        return reshape(slice(x, axis, position, 1), x.shape().without(axis));
    }

    public Value concat(int axis, List<Value> parts) {
        return addAll(new Op.Concat(axis), parts).getFirst();
    }

    public Value concat(int axis, Value... parts) {
        return concat(axis, List.of(parts));
    }

    /** Reduces over axes (ascending), which stay with extent 1 if {@code keep}. */
    public Value reduce(ReduceKind kind, Value x, List<Integer> axes, boolean keep) {
        Value r = add(new Op.Reduce(kind, axes.stream().sorted().distinct().toList()), x);
        return keep ? reshape(r, keptShape(x, axes)) : r;
    }

    private static Shape keptShape(Value x, List<Integer> axes) {
        Shape s = x.shape();
        for (int a : axes) s = s.with(a, Dim.of(1));
        return s;
    }

    public Value sum(Value x, int axis, boolean keep) {
        return reduce(ReduceKind.SUM, x, List.of(axis), keep);
    }

    /** Matrix product as numpy's matmul on operands of rank 2 or more, with broadcast batch axes. */
    public Value matmul(Value left, Value right, DType dtype) {
        int lr = left.rank();
        int rr = right.rank();
        Shape batch = broadcastShape(
                List.of(
                        Shape.of(left.shape().dims().subList(0, lr - 2)),
                        Shape.of(right.shape().dims().subList(0, rr - 2))),
                "matmul of " + left.type() + " and " + right.type());
        int n = batch.rank();
        // Where the last batch axes have one right matrix for all, rows of every batch are rows of one product.
        int missing = n - (rr - 2);
        int shared = n;
        while (shared > 0 && (shared - 1 < missing || isOne(right.shape().dim(shared - 1 - missing)))) shared--;
        List<Dim> kept = new ArrayList<>(right.shape().dims().subList(0, Math.max(0, shared - missing)));
        kept.addAll(right.shape().dims().subList(rr - 2, rr));
        Value r = reshape(right, Shape.of(kept));
        r = broadcast(r, withTail(Shape.of(batch.dims().subList(0, shared)), r));
        Value l = broadcast(left, withTail(batch, left));
        List<Integer> b = IntStream.range(0, shared).boxed().toList();
        return add(new Op.Contraction(b, b, List.of(n + 1), List.of(shared), dtype), l, r);
    }

    private static boolean isOne(Dim d) {
        return d.extent() == 1 && !d.isDynamic();
    }

    private static Shape withTail(Shape batch, Value v) {
        List<Dim> dims = new ArrayList<>(batch.dims());
        dims.addAll(v.shape().dims().subList(v.rank() - 2, v.rank()));
        return Shape.of(dims);
    }

    public Value iota(DType dtype, Shape shape, int axis) {
        return add(new Op.Iota(dtype, shape, axis));
    }

    /** Applies a definition, for chains that read from left to right. */
    public <T> T with(Function<GraphBuilder, T> f) {
        return f.apply(this);
    }

    /** Copies another graph's nodes into this one, its inputs replaced by the operands; its outputs' copies. */
    public List<Value> inline(Graph graph, List<Value> operands) {
        Map<Value, Value> copies = new HashMap<>();
        for (int i = 0; i < operands.size(); i++) copies.put(graph.inputs().get(i), operands.get(i));
        for (Node n : graph.nodes()) {
            List<Value> results =
                    addAll(n.op(), n.operands().stream().map(copies::get).toList());
            for (int i = 0; i < results.size(); i++) copies.put(n.results().get(i), results.get(i));
        }
        return graph.outputs().stream().map(copies::get).toList();
    }
}
