package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.compiler.Elementwise.Operand;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.quantized.QuantizedOp;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Nodes to steps. A value gets a place when the node that makes it is lowered: a part of what it is concatenated to, an output's memory, or
 * memory of its own; what only views another value gets a place in that one's memory. Throws {@link Refusal}.
 */
final class Lowering {
    /** Steps that one node may become. */
    private static final int MOST_STEPS = 1024;

    /** Channels up to which an input is better copied than read where it is, and its bytes. */
    private static final int MOST_CHANNELS = 8;

    private static final long MOST_COPIED = 48 << 10;

    private final Map<Value, Tensor> constants = new IdentityHashMap<>();
    private final Map<ByteBuffer, Buffer> constantBuffers = new HashMap<>();
    private final Map<Value, Node> producers = new IdentityHashMap<>();
    private final Map<Value, List<Node>> consumers = new IdentityHashMap<>();
    private final Map<Value, Place> places = new IdentityHashMap<>();
    private final Map<Value, Place> wanted = new IdentityHashMap<>();
    private final List<Step> steps = new ArrayList<>();
    private final Graph graph;
    final List<Place> inputs = new ArrayList<>();
    final List<Place> outputs = new ArrayList<>();
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
    }

    /** The reason for which the device does not take a node, by itself; empty if it does. */
    String refusal(Node n) {
        if (n.op() instanceof Op.Constant) return "";
        try {
            for (Value v : n.operands()) if (!constants.containsKey(v)) places.put(v, place(true, v));
            node(n);
            for (Step s : steps) if (s instanceof Work w) Blocks.choose(w, Machine.U65_256);
            return "";
        } catch (Refusal r) {
            return String.valueOf(r.getMessage());
        } finally {
            steps.clear();
            places.clear();
        }
    }

    /** Steps of all nodes; what is in {@link #outputs} has been written by them. */
    List<Step> run() {
        for (Value v : graph.inputs()) {
            inputs.add(place(false, v));
            places.put(v, isCopied(v) ? copied(inputs.getLast()) : inputs.getLast());
        }
        for (Value v : graph.outputs()) {
            outputs.add(place(false, v));
            want(v, outputs.getLast());
        }
        graph.nodes().reversed().forEach(this::wantOperands);
        for (Node n : graph.nodes()) if (!(n.op() instanceof Op.Constant)) node(n);
        for (int i = 0; i < outputs.size(); i++) copy(place(graph.outputs().get(i)), outputs.get(i));
        return steps;
    }

    /** Whether an input goes to the fast memory first: windows would read pieces of few bytes, for which the other memory is slow. */
    private boolean isCopied(Value input) {
        int rank = input.shape().rank();
        return rank >= 3
                && input.type().bytes() <= MOST_COPIED
                && input.extent(rank - 1) <= MOST_CHANNELS
                && consumers.getOrDefault(input, List.of()).stream()
                        .anyMatch(n -> n.op() instanceof Op.Pad
                                || QuantizedOp.of(n.op()).orElse(null) instanceof QuantizedOp.Convolution);
    }

    private static List<Long> extents(Value v) {
        return LongStream.of(v.shape().extents()).boxed().toList();
    }

    private static Place place(boolean temporary, Value v) {
        return Place.dense(new Buffer(temporary, v.type().bytes(), null), v.dtype(), extents(v));
    }

    /** Decides, from the outputs backwards, where values should be written, so that nothing has to be copied. */
    private void wantOperands(Node n) {
        if (n.op() instanceof Op.Concat o) {
            Place all = wanted.computeIfAbsent(n.result(), v -> place(true, v));
            List<Place> parts = parts(all, n, o.axis());
            for (int i = 0; i < parts.size(); i++) want(n.operand(i), parts.get(i));
        } else if (n.op() instanceof Op.Reshape && wanted.get(n.result()) instanceof Place p && p.isDense()) {
            want(n.operand(0), p.reshaped(extents(n.operand(0))));
        }
    }

    private void want(Value v, Place p) {
        if (producers.containsKey(v) && !constants.containsKey(v)) wanted.putIfAbsent(v, p);
    }

    private static List<Place> parts(Place all, Node concat, int axis) {
        List<Place> parts = new ArrayList<>();
        long at = 0;
        for (Value v : concat.operands()) {
            parts.add(all.slice(axis, at, v.extent(axis), 1));
            at += v.extent(axis);
        }
        return parts;
    }

    private void node(Node n) {
        origin = n.origin().isEmpty() ? n.op().mnemonic() : n.origin();
        firstOfNode = steps.size();
        List<Value> all = new ArrayList<>(n.operands());
        all.add(n.result());
        for (Value v : all) {
            DType t = v.dtype();
            boolean known = constants.containsKey(v) || t == DType.I8 || t == DType.U8 || t == DType.I16;
            Refusal.unless(known, "it is of " + t + ", the device of int8, uint8 and int16");
            Refusal.unless(v.type().bytes() > 0, "a value has no elements");
        }
        Optional<QuantizedOp> q = QuantizedOp.of(n.op());
        if (q.isPresent()) quantized(n, q.get());
        else movement(n);
    }

    private void quantized(Node n, QuantizedOp op) {
        Place out = result(n);
        Value a = n.operand(0);
        Value b = n.operand(n.operands().size() - 1);
        switch (op) {
            case QuantizedOp.Contraction o -> Products.lower(this, n, o, out);
            case QuantizedOp.Pool o -> Pools.lower(this, o, place(a), out);
            case QuantizedOp.Sum o -> Sums.lower(this, o, a, b, out);
            case QuantizedOp.Product o -> Elementwise.product(this, o, a, b, out);
            case QuantizedOp.Extreme o -> Elementwise.extreme(this, o, a, b, out);
            case QuantizedOp.Rescale o -> Elementwise.rescale(this, o, place(a), out);
            case QuantizedOp.Table o -> Elementwise.table(this, o, place(a), out);
            case QuantizedOp.Reduction o -> Reductions.lower(this, o, place(a), out);
            case QuantizedOp.Softmax o -> Softmax.lower(this, o, place(a), out);
            case QuantizedOp.Resize o -> Resizes.lower(this, o, place(a), out);
        }
    }

    private void movement(Node n) {
        switch (n.op()) {
            case Op.Reshape _ -> view(n, dense(place(n.operand(0))).reshaped(extents(n.result())));
            case Op.Slice o -> view(n, place(n.operand(0)).slice(o.starts(), extents(n.result()), o.steps()));
            case Op.Transpose o -> view(n, place(n.operand(0)).transposed(o.permutation()));
            case Op.Concat o -> {
                List<Place> parts = parts(result(n), n, o.axis());
                for (int i = 0; i < parts.size(); i++) copy(place(n.operand(i)), parts.get(i));
            }
            case Op.Pad o -> pad(n, o);
            case Op.Composite o -> throw new Refusal("'" + o.name() + "' is not compiled for the device");
            default -> throw new Refusal("the device has no such operation");
        }
    }

    /** The place of a node's result, which is to be written. */
    private Place result(Node n) {
        Place p = wanted.get(n.result());
        if (p == null) p = place(true, n.result());
        places.put(n.result(), p);
        return p;
    }

    /** Gives a node's result a place that another value's memory has, if others can read it there. */
    private void view(Node n, Place p) {
        boolean readable =
                p.rank() == 0 || p.extents().getLast() == 1 || p.strides().getLast() == 1;
        if (wanted.get(n.result()) == null && readable && p.strides().stream().allMatch(s -> s >= 0)) {
            places.put(n.result(), p);
        } else {
            copy(p, result(n));
        }
    }

    private void pad(Node n, Op.Pad o) {
        long value = constant(n.operand(1), "the value of padding").getLong(0);
        boolean inside =
                o.low().stream().allMatch(l -> l >= 0) && o.high().stream().allMatch(h -> h >= 0);
        Refusal.unless(inside, "padding is negative");
        if (isFusedPad(n)) return;
        Place x = place(n.operand(0));
        Place out = result(n);
        List<Long> ones = Collections.nCopies(x.rank(), 1L);
        List<Long> nowhere = Collections.nCopies(x.rank(), 0L);
        // Every element limited to the value is the value.
        Elementwise.single(
                this, Kind.MAX_POOL, x.slice(nowhere, out.extents(), nowhere), out, w -> w.limits(value, value));
        copy(x, out.slice(o.low(), x.extents(), ones));
    }

    /** Whether all that reads padding takes it as its own. */
    private boolean isFusedPad(Node pad) {
        if (wanted.containsKey(pad.result())) return false;
        List<Node> readers = consumers.getOrDefault(pad.result(), List.of());
        return !readers.isEmpty() && readers.stream().allMatch(r -> Products.takesPadding(this, r, pad));
    }

    // What lowerings of operators use

    /** The padding before a value that its reader takes as its own; null if there is none. */
    @Nullable
    Node fusedPad(Value v) {
        Node n = producers.get(v);
        return n != null && n.op() instanceof Op.Pad && !places.containsKey(v) ? n : null;
    }

    private void add(Step s) {
        Refusal.unless(steps.size() - firstOfNode < MOST_STEPS, "it takes more than " + MOST_STEPS + " operations");
        steps.add(s);
    }

    /** Adds an operation. */
    Work work(Kind kind, Place in, Place out, Window window) {
        Work w = new Work(kind, in, out, window, origin);
        add(w);
        return w;
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
        byte[] bytes = constant(v, "a value without a place").data().toArray(ValueLayout.JAVA_BYTE);
        return Place.dense(constant(bytes), v.dtype(), extents(v));
    }

    Place temporary(DType dtype, List<Long> extents) {
        return Place.dense(Buffer.temporary(dtype.bits() / 8 * Place.elements(extents)), dtype, extents);
    }

    private Buffer constant(byte[] bytes) {
        return constantBuffers.computeIfAbsent(ByteBuffer.wrap(bytes), _ -> Buffer.constant(bytes));
    }

    /** A constant of integers of so many bytes. */
    Buffer integers(long[] values, int bytes) {
        byte[] all = new byte[values.length * bytes];
        for (int i = 0; i < all.length; i++) all[i] = (byte) (values[i / bytes] >> 8 * (i % bytes));
        return constant(all);
    }

    /** A constant of 32 bits. */
    Operand word(long value) {
        return Operand.of(Place.dense(integers(new long[] {value}, Integer.BYTES), DType.I32, List.of(1L)));
    }

    /** A place's elements row-major; copied where they do not lie so. */
    Place dense(Place p) {
        return p.isDense() ? p : copied(p);
    }

    Place copied(Place p) {
        Place copy = temporary(p.dtype(), p.extents());
        copy(p, copy);
        return copy;
    }

    /** Has a place written row-major, and copied where it does not lie so. */
    void dense(Place out, Consumer<Place> write) {
        Place y = out.isDense() ? out : temporary(out.dtype(), out.extents());
        write.accept(y);
        copy(y, out);
    }

    /** Copies elements from one place to another, unless they are the same. */
    void copy(Place from, Place to) {
        if (from.equals(to)) return;
        int b = from.bytes();
        if (!from.isDense() || !to.isDense()) Elementwise.single(this, Kind.MAX_POOL, from, to, _ -> {});
        else add(new Step.Copy(from.buffer(), b * from.offset(), to.buffer(), b * to.offset(), b * from.elements()));
    }
}
