package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Step.Copy;
import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.quantized.QuantizedOp;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Nodes to steps. A value gets a place when the node that makes it is lowered: a part of what it is concatenated to, an output's memory, or
 * memory of its own; what only views another value gets a place in that one's memory. Throws {@link Refusal}.
 */
final class Lowering {
    /** Steps that one node may become. */
    private static final int MOST_STEPS = 1024;

    private static final long LONGEST_AXIS = 1 << 16;

    private final Map<Value, Tensor> constants = new HashMap<>();
    private final Map<Value, Buffer> constantBuffers = new IdentityHashMap<>();
    private final Map<ByteBuffer, Buffer> integers = new HashMap<>();
    private final Map<Value, Node> producers = new IdentityHashMap<>();
    private final Map<Value, List<Node>> consumers = new IdentityHashMap<>();
    private final Map<Value, Place> places = new IdentityHashMap<>();
    private final Map<Value, Place> wanted = new IdentityHashMap<>();
    private final List<Step> steps = new ArrayList<>();
    private final Graph graph;
    private String origin = "";
    private int firstOfNode;

    Lowering(Graph graph) {
        this.graph = graph;
        for (Node n : graph.nodes()) {
            if (n.op() instanceof Op.Constant c) constants.put(n.result(), c.value());
            for (Value v : n.results()) producers.put(v, n);
            for (Value v : n.operands())
                consumers.computeIfAbsent(v, _ -> new ArrayList<>()).add(n);
        }
        for (Value v : graph.inputs())
            places.put(v, place(new Buffer(Buffer.Role.INPUT, v.type().bytes()), v));
    }

    /** The reason for which the device does not take a node, by itself; empty if it does. */
    String refusal(Node n) {
        if (n.op() instanceof Op.Constant) return "";
        try {
            for (Value v : n.operands()) {
                requireType(v);
                if (!constants.containsKey(v)) {
                    places.put(
                            v, place(new Buffer(Buffer.Role.TEMPORARY, v.type().bytes()), v));
                }
            }
            node(n);
            for (int i = firstOfNode; i < steps.size(); i++) {
                if (steps.get(i) instanceof Work w) Blocks.choose(w, Machine.U65_256);
            }
            return "";
        } catch (Refusal r) {
            return r.reason();
        } finally {
            steps.clear();
            places.clear();
        }
    }

    private void requireType(Value v) {
        if (constants.containsKey(v)) return;
        DType t = v.dtype();
        Refusal.unless(
                t == DType.I8 || t == DType.U8 || t == DType.I16,
                "it reads " + t + ", the device int8, uint8 and int16");
        Refusal.unless(v.type().bytes() > 0, "a value has no elements");
    }

    /** Steps of all nodes; what {@link #outputs} then gives has been written by them. */
    List<Step> run() {
        want();
        for (Node n : graph.nodes()) if (!(n.op() instanceof Op.Constant)) node(n);
        for (int i = 0; i < graph.outputs().size(); i++) {
            Value v = graph.outputs().get(i);
            Place out = outputs.get(i);
            Place p = place(v);
            if (!p.equals(out)) copy(p, out);
        }
        return steps;
    }

    private final List<Place> outputs = new ArrayList<>();

    List<Place> outputs() {
        return outputs;
    }

    /** The inputs' places. */
    List<Place> inputs() {
        return graph.inputs().stream()
                .map(v -> Objects.requireNonNull(places.get(v)))
                .toList();
    }

    private static List<Long> extents(Value v) {
        return LongStream.of(v.shape().extents()).boxed().toList();
    }

    private static Place place(Buffer b, Value v) {
        return Place.dense(b, v.dtype(), extents(v));
    }

    /** Decides, from the outputs backwards, where values should be written, so that nothing has to be copied. */
    private void want() {
        for (Value v : graph.outputs()) {
            Place p = place(new Buffer(Buffer.Role.OUTPUT, v.type().bytes()), v);
            outputs.add(p);
            if (producers.containsKey(v) && !constants.containsKey(v)) wanted.putIfAbsent(v, p);
        }
        for (Node n : graph.nodes().reversed()) {
            Value r = n.result();
            Place p = wanted.get(r);
            switch (n.op()) {
                case Op.Concat o -> {
                    Place all = p == null
                            ? place(new Buffer(Buffer.Role.TEMPORARY, r.type().bytes()), r)
                            : p;
                    wanted.put(r, all);
                    List<Place> parts = parts(all, n, o.axis());
                    for (int i = 0; i < parts.size(); i++) want(n.operand(i), parts.get(i));
                }
                case Op.Reshape _ -> {
                    if (p != null && p.isDense()) want(n.operand(0), p.reshaped(extents(n.operand(0))));
                }
                default -> {}
            }
        }
    }

    private void want(Value v, Place p) {
        Node n = producers.get(v);
        if (n == null || n.op() instanceof Op.Constant) return;
        wanted.putIfAbsent(v, p);
    }

    private static List<Place> parts(Place all, Node concat, int axis) {
        List<Place> parts = new ArrayList<>();
        long at = 0;
        List<Long> steps = Collections.nCopies(all.rank(), 1L);
        for (Value v : concat.operands()) {
            List<Long> starts = new ArrayList<>(Collections.nCopies(all.rank(), 0L));
            starts.set(axis, at);
            parts.add(all.sliced(starts, extents(v), steps));
            at += v.extent(axis);
        }
        return parts;
    }

    private void node(Node n) {
        origin = n.origin().isEmpty() ? n.op().mnemonic() : n.origin();
        firstOfNode = steps.size();
        Optional<QuantizedOp> q = QuantizedOp.of(n.op());
        if (q.isPresent()) {
            requireType(n.result());
            Place out = result(n);
            switch (q.get()) {
                case QuantizedOp.Convolution o -> new Products(this, n).convolution(o, out);
                case QuantizedOp.FullyConnected o -> new Products(this, n).fullyConnected(o, out);
                case QuantizedOp.Pool o -> Pools.pool(this, o, place(n.operand(0)), out);
                case QuantizedOp.Sum o -> Sums.lower(this, o, n.operand(0), n.operand(1), out);
                case QuantizedOp.Product o -> Elementwise.product(this, o, n.operand(0), n.operand(1), out);
                case QuantizedOp.Extreme o -> Elementwise.extreme(this, o, n.operand(0), n.operand(1), out);
                case QuantizedOp.Rescale o -> Elementwise.rescale(this, o, place(n.operand(0)), out);
                case QuantizedOp.Table o -> Elementwise.table(this, o, place(n.operand(0)), out);
                case QuantizedOp.Reduction o -> Reductions.lower(this, o, place(n.operand(0)), out);
                case QuantizedOp.Softmax o -> Softmax.lower(this, o, place(n.operand(0)), out);
                case QuantizedOp.TransposedConvolution o -> new Products(this, n).transposed(o, out);
                case QuantizedOp.Resize o -> Resizes.lower(this, o, place(n.operand(0)), out);
            }
            return;
        }
        switch (n.op()) {
            case Op.Reshape _ -> view(n, reshaped(place(n.operand(0)), extents(n.result())));
            case Op.Slice o ->
                view(
                        n,
                        place(n.operand(0))
                                .sliced(
                                        o.starts(),
                                        LongStream.of(Shape.of(o.sizes()).extents())
                                                .boxed()
                                                .toList(),
                                        o.steps()));
            case Op.Transpose o -> view(n, place(n.operand(0)).transposed(o.permutation()));
            case Op.Concat o -> concat(n, o.axis());
            case Op.Pad o -> pad(n, o);
            case Op.Composite o -> throw new Refusal("'" + o.name() + "' is not compiled for the device");
            default -> throw new Refusal("the device has no such operation");
        }
    }

    /** The place of a node's result, which is to be written. */
    private Place result(Node n) {
        Value r = n.result();
        Place p = wanted.get(r);
        if (p == null) p = place(new Buffer(Buffer.Role.TEMPORARY, r.type().bytes()), r);
        places.put(r, p);
        return p;
    }

    /** Gives a node's result a place that another value's memory has, if others can read it there. */
    private void view(Node n, Place p) {
        requireType(n.operand(0));
        Place to = wanted.get(n.result());
        boolean readable =
                p.rank() == 0 || p.extents().getLast() == 1 || p.strides().getLast() == 1;
        if (to == null && readable && p.strides().stream().allMatch(s -> s >= 0)) {
            places.put(n.result(), p);
            return;
        }
        Place out = result(n);
        if (!p.equals(out)) copy(p, out);
    }

    /** A place's elements in other extents; copied where they do not lie row-major. */
    Place reshaped(Place p, List<Long> extents) {
        if (p.isDense()) return p.reshaped(extents);
        Place dense = temporary(p.dtype(), p.extents());
        copy(p, dense);
        return dense.reshaped(extents);
    }

    private void concat(Node n, int axis) {
        for (Value v : n.operands()) requireType(v);
        List<Place> parts = parts(result(n), n, axis);
        for (int i = 0; i < parts.size(); i++) {
            Place p = place(n.operand(i));
            if (!p.equals(parts.get(i))) copy(p, parts.get(i));
        }
    }

    private void pad(Node n, Op.Pad o) {
        requireType(n.operand(0));
        Tensor value = constant(n.operand(1), "the value of padding");
        boolean inside =
                o.low().stream().allMatch(l -> l >= 0) && o.high().stream().allMatch(h -> h >= 0);
        Refusal.unless(inside, "padding is negative");
        if (isFusedPad(n)) return;
        Place x = place(n.operand(0));
        Place out = result(n);
        long v = value.getLong(0);
        // Every element limited to the value is the value.
        Place one = x.sliced(
                Collections.nCopies(x.rank(), 0L),
                Collections.nCopies(x.rank(), 1L),
                Collections.nCopies(x.rank(), 0L));
        Place repeated =
                new Place(one.buffer(), x.dtype(), out.extents(), Collections.nCopies(x.rank(), 0L), x.offset());
        move(repeated, out, v, v);
        copy(x, out.sliced(o.low(), x.extents(), Collections.nCopies(x.rank(), 1L)));
    }

    /** Whether all that reads padding takes it as its own. */
    private boolean isFusedPad(Node pad) {
        if (graph.outputs().contains(pad.result()) || wanted.containsKey(pad.result())) return false;
        List<Node> readers = consumers.getOrDefault(pad.result(), List.of());
        return !readers.isEmpty() && readers.stream().allMatch(r -> Products.takesPadding(this, r, pad));
    }

    /** The padding before a value that its reader takes as its own; null if there is none. */
    @Nullable
    Node fusedPad(Value v) {
        Node n = producers.get(v);
        return n != null && n.op() instanceof Op.Pad && !places.containsKey(v) && isFusedPad(n) ? n : null;
    }

    // What lowerings of operators use

    String origin() {
        return origin;
    }

    void add(Step s) {
        Refusal.unless(steps.size() - firstOfNode < MOST_STEPS, "it takes more than " + MOST_STEPS + " operations");
        steps.add(s);
    }

    @Nullable
    Tensor known(Value v) {
        return constants.get(v);
    }

    Tensor constant(Value v, String what) {
        Tensor t = constants.get(v);
        if (t == null) throw new Refusal(what + " must be constant");
        return t;
    }

    /** Where a value is. */
    Place place(Value v) {
        Place p = places.get(v);
        if (p != null) return p;
        Tensor t = constants.get(v);
        if (t == null) throw new IllegalStateException(v + " has no place");
        Buffer b = constantBuffers.computeIfAbsent(
                v, _ -> Buffer.constant(t.data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)));
        return place(b, v);
    }

    Place temporary(DType dtype, List<Long> extents) {
        long n = 1;
        for (long e : extents) n *= e;
        return Place.dense(new Buffer(Buffer.Role.TEMPORARY, n * dtype.bits() / 8), dtype, extents);
    }

    /** A constant of bytes. */
    Buffer table(List<Long> results) {
        return integers(results.stream().mapToLong(Long::longValue).toArray(), 1);
    }

    /** A constant of 32 bits each. */
    Buffer words(long[] values) {
        return integers(values, Integer.BYTES);
    }

    private Buffer integers(long[] values, int bytes) {
        ByteBuffer b = ByteBuffer.allocate(values.length * bytes);
        for (long v : values) for (int i = 0; i < bytes; i++) b.put((byte) (v >> 8 * i));
        return integers.computeIfAbsent(b.flip(), x -> Buffer.constant(x.array()));
    }

    /** Copies elements from one place to another. */
    void copy(Place from, Place to) {
        if (from.isDense() && to.isDense()) {
            int b = from.bytes();
            add(new Copy(from.buffer(), b * from.offset(), to.buffer(), b * to.offset(), b * from.elements()));
            return;
        }
        int bits = 8 * to.bytes();
        long max = (1L << (to.signed() ? bits - 1 : bits)) - 1;
        move(from, to, to.signed() ? -max - 1 : 0, max);
    }

    private void move(Place from, Place to, long low, long high) {
        Maps.each(
                List.of(from, to),
                true,
                v -> add(Work.plain(Kind.MAX_POOL, v.get(0), v.get(1), Window.ONE, origin)
                        .limits(low, high)));
    }

    /** Whether an axis fits into the device's registers. */
    static boolean fits(long extent) {
        return extent <= LONGEST_AXIS;
    }
}
