package dev.meseta.compiler;

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

/** Makes valid graphs and inputs from a seed: any op, any element type, ranks 0 to 4, extents from 0, some of them symbolic. */
final class RandomGraphs {
    private static final DType[] COMMON = {
        DType.F32,
        DType.F32,
        DType.F32,
        DType.F16,
        DType.BF16,
        DType.F64,
        DType.I32,
        DType.I64,
        DType.I8,
        DType.U8,
        DType.I16,
        DType.U16,
        DType.U32,
        DType.U64,
        DType.BOOL
    };
    private static final DType[] ALL = DType.values();

    private final Random random;
    private final GraphBuilder b = new GraphBuilder("random", Interpreter::evaluate);
    private final List<Value> pool = new ArrayList<>();
    private final List<Tensor> inputs = new ArrayList<>();
    private int symbols;

    /** A graph and what to run it on. */
    record Case(Graph graph, List<Tensor> inputs) {}

    private RandomGraphs(long seed) {
        random = new Random(seed);
    }

    static Case of(long seed, int nodes) {
        RandomGraphs r = new RandomGraphs(seed);
        for (int i = 0; i < 2; i++)
            r.input(r.pick(r.random.nextInt(6) == 0 ? ALL : COMMON), r.shape(r.random.nextInt(5)));
        for (int i = 0; i < nodes; i++) r.node();
        List<Value> outputs = new ArrayList<>();
        outputs.add(r.pool.getLast());
        for (int i = r.random.nextInt(3); i > 0; i--) outputs.add(r.any());
        return new Case(r.b.build(outputs), r.inputs);
    }

    private <T> T pick(T[] from) {
        return from[random.nextInt(from.length)];
    }

    private Value any() {
        int n = pool.size();
        return pool.get(random.nextBoolean() ? n - 1 - random.nextInt(Math.min(3, n)) : random.nextInt(n));
    }

    private Dim dim() {
        long e = switch (random.nextInt(12)) {
            case 0 -> random.nextInt(2);
            case 1 -> 16;
            case 2 -> 33;
            default -> 1 + random.nextInt(9);
        };
        return random.nextInt(3) == 0 ? Dim.symbolic("d" + symbols++, e) : Dim.of(e);
    }

    private Shape shape(int rank) {
        List<Dim> d = new ArrayList<>();
        for (int i = 0; i < rank; i++) d.add(dim());
        return Shape.of(d);
    }

    private Value input(DType t, Shape s) {
        Value v = b.input("in" + inputs.size(), new TensorType(t, s));
        inputs.add(fill(t, s));
        pool.add(v);
        return v;
    }

    private Tensor fill(DType t, Shape s) {
        Tensor x = Tensor.allocate(t, s);
        if (t.kind() == DType.Kind.COMPLEX) {
            for (long i = 0; i < x.data().byteSize(); i++)
                x.data().set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
            return x;
        }
        for (long i = 0; i < x.elements(); i++) {
            if (t.isFloat()) {
                double v = random.nextInt(4) == 0 ? random.nextInt(7) - 3 : random.nextGaussian();
                x.setDouble(i, v);
            } else {
                x.setLong(i, random.nextInt(40) - 20);
            }
        }
        return x;
    }

    private Value constantOrInput(DType t, Shape s) {
        if (random.nextBoolean()) return b.constant(fill(t, s.fixed()));
        return input(t, s);
    }

    private Value arithmetic() {
        for (int i = 0; i < 6; i++) {
            Value v = any();
            if (v.dtype().isArithmetic()) return v;
        }
        return input(pick(new DType[] {DType.F32, DType.I32, DType.F16, DType.I64}), shape(1 + random.nextInt(3)));
    }

    private Value ranked(int rank) {
        for (int i = 0; i < 6; i++) {
            Value v = any();
            if (v.rank() >= rank) return v;
        }
        return input(pick(COMMON), shape(rank + random.nextInt(2)));
    }

    private void add(Op op, Value... in) {
        if (b.mark() > 400) return;
        for (Value v : in) if (v.type().shape().elements() > 20000) return;
        pool.addAll(b.addAll(op, List.of(in)));
        if (pool.getLast().type().shape().elements() > 20000) pool.removeLast();
    }

    private void node() {
        switch (random.nextInt(30)) {
            case 0, 1, 2, 3 -> map();
            case 4 -> {
                Value v = any();
                if (v.dtype().kind() != DType.Kind.COMPLEX) {
                    DType t = pick(random.nextInt(3) == 0 ? ALL : COMMON);
                    if (t.kind() != DType.Kind.COMPLEX)
                        add(
                                new Op.Cast(t, pick(new Op.Cast.Rounding[] {
                                    Op.Cast.Rounding.WRAP, Op.Cast.Rounding.SATURATE, Op.Cast.Rounding.NEAREST
                                })),
                                v);
                }
            }
            case 5 -> {
                // A float's last bits are not stated, so only bits that come from an input are looked at.
                Value v = any();
                if (v.dtype().isFloat()) v = input(pick(ALL), shape(2));
                for (DType t : ALL) {
                    if (t.bits() == v.dtype().bits() && random.nextInt(3) == 0 && t.kind() != DType.Kind.BOOL) {
                        add(new Op.Bitcast(t), v);
                        break;
                    }
                }
            }
            case 6 -> reshape();
            case 7, 8 -> {
                Value v = any();
                List<Integer> p = new ArrayList<>();
                for (int i = 0; i < v.rank(); i++) p.add(i);
                Collections.shuffle(p, random);
                add(new Op.Transpose(p), v);
            }
            case 9 -> {
                Value v = any();
                Shape s = v.shape();
                for (int i = 0; i < v.rank(); i++) if (s.extent(i) == 1) s = s.with(i, dim());
                add(new Op.Broadcast(s), v);
            }
            case 10, 11 -> slice();
            case 12 -> {
                Value v = any();
                List<Long> low = new ArrayList<>();
                List<Long> high = new ArrayList<>();
                for (int i = 0; i < v.rank(); i++) {
                    low.add((long) random.nextInt(3));
                    high.add((long) random.nextInt(3));
                }
                add(new Op.Pad(low, high), v, b.constant(fill(v.dtype(), Shape.SCALAR)));
            }
            case 13 -> {
                Value v = ranked(1);
                int axis = random.nextInt(v.rank());
                List<Value> parts = new ArrayList<>(List.of(v));
                for (int i = random.nextInt(3); i >= 0; i--)
                    parts.add(
                            random.nextBoolean()
                                    ? v
                                    : constantOrInput(v.dtype(), v.shape().with(axis, dim())));
                Collections.shuffle(parts, random);
                add(new Op.Concat(axis), parts.toArray(Value[]::new));
            }
            case 14, 15, 16 -> reduce();
            case 17 -> {
                Value v = arithmetic();
                if (v.rank() > 0) {
                    int axis = random.nextInt(v.rank());
                    if (v.extent(axis) > 0) add(new Op.ArgReduce(random.nextBoolean(), axis, random.nextBoolean()), v);
                }
            }
            case 18 -> window();
            case 19 -> {
                Value v = arithmetic();
                if (v.rank() > 0)
                    add(
                            new Op.Cumulative(
                                    pick(new ReduceKind[] {ReduceKind.SUM, ReduceKind.MIN, ReduceKind.MAX}),
                                    random.nextInt(v.rank()),
                                    random.nextBoolean(),
                                    random.nextBoolean()),
                            v);
            }
            case 20 -> {
                Value v = arithmetic();
                if (v.rank() > 0) {
                    int axis = random.nextInt(v.rank());
                    add(new Op.TopK(Dim.of(random.nextInt((int) v.extent(axis) + 1)), axis, random.nextBoolean()), v);
                }
            }
            case 21, 22, 23 -> contraction();
            case 24 -> convolution();
            case 25, 26 -> indexing();
            case 27 -> quantization();
            case 28 -> {
                if (random.nextBoolean()) {
                    Shape s = shape(1 + random.nextInt(3));
                    add(new Op.Iota(
                            pick(new DType[] {DType.F32, DType.I64, DType.U8, DType.F16}),
                            s,
                            random.nextInt(s.rank())));
                } else add(new Op.RandomBits(shape(2)), constantOrInput(DType.U64, Shape.SCALAR));
            }
            case 29 -> structure();
            default -> {}
        }
    }

    private void map() {
        Value v = any();
        for (int tries = 0; tries < 20; tries++) {
            MapFunction f = pick(MapFunction.values());
            if (!f.accepts(v.dtype())) continue;
            boolean steep = switch (f) {
                case TAN, EXP, EXPM1, SINH, COSH, POW, ATANH, LOG, LOG1P -> true;
                default -> false;
            };
            if (steep && random.nextInt(4) != 0) continue;
            Value[] in = new Value[f.arity()];
            for (int i = 0; i < in.length; i++) {
                DType t = f == MapFunction.SELECT && i == 0 ? DType.BOOL : v.dtype();
                in[i] = i == (f == MapFunction.SELECT ? 1 : 0) ? v : operand(t, v.shape());
            }
            add(new Op.Map(f), in);
            return;
        }
    }

    private Value operand(DType t, Shape s) {
        for (int i = 0; i < 4; i++) {
            Value v = any();
            if (v.dtype() == t && v.shape().equals(s)) return v;
        }
        Shape small = s;
        boolean changed = false;
        for (int i = 0; i < s.rank(); i++)
            if (random.nextInt(3) == 0) {
                small = small.with(i, Dim.of(1));
                changed = true;
            }
        Value v = constantOrInput(t, small);
        return changed ? b.add(new Op.Broadcast(s), v) : v;
    }

    private void reshape() {
        Value v = any();
        List<Dim> d = new ArrayList<>();
        for (Dim x : v.shape().dims()) {
            long e = x.extent();
            if (!x.isDynamic() && e > 3 && e % 2 == 0 && random.nextBoolean()) {
                d.add(Dim.of(2));
                d.add(Dim.of(e / 2));
            } else if (!d.isEmpty() && random.nextInt(3) == 0)
                d.add(d.removeLast().times(x));
            else d.add(x);
        }
        if (random.nextInt(4) == 0) d.add(random.nextInt(d.size() + 1), Dim.of(1));
        if (d.size() <= 6) add(new Op.Reshape(Shape.of(d)), v);
    }

    private void slice() {
        Value v = any();
        List<Long> starts = new ArrayList<>();
        List<Dim> sizes = new ArrayList<>();
        List<Long> steps = new ArrayList<>();
        for (int i = 0; i < v.rank(); i++) {
            long n = v.extent(i);
            if (n == 0 || random.nextInt(3) == 0) {
                starts.add(0L);
                sizes.add(v.shape().dim(i));
                steps.add(1L);
                continue;
            }
            long step = pick(new Long[] {1L, 1L, 1L, 2L, 3L, -1L, -2L});
            long start = step > 0 ? random.nextInt((int) n) : n - 1 - random.nextInt((int) n);
            long most = step > 0 ? (n - 1 - start) / step + 1 : start / -step + 1;
            long size = 1 + random.nextInt((int) most);
            if (random.nextBoolean()) size = most;
            starts.add(start);
            sizes.add(Dim.of(size));
            steps.add(step);
        }
        add(new Op.Slice(starts, sizes, steps), v);
    }

    private void reduce() {
        Value v = any();
        ReduceKind k = pick(ReduceKind.values());
        boolean logical = k == ReduceKind.AND || k == ReduceKind.OR;
        if (logical != (v.dtype() == DType.BOOL) || !logical && !v.dtype().isArithmetic()) return;
        List<Integer> axes = new ArrayList<>();
        for (int i = 0; i < v.rank(); i++) if (random.nextBoolean()) axes.add(i);
        add(new Op.Reduce(k, axes), v);
    }

    private void window() {
        Value v = arithmetic();
        List<List<Long>> l = new ArrayList<>();
        for (int k = 0; k < 5; k++) l.add(new ArrayList<>());
        for (int i = 0; i < v.rank(); i++) {
            boolean on = random.nextBoolean();
            long window = on ? 1 + random.nextInt(3) : 1;
            long dilation = on ? 1 + random.nextInt(2) : 1;
            long low = on ? random.nextInt(2) : 0;
            long high = on ? random.nextInt(2) : 0;
            if ((window - 1) * dilation + 1 > v.extent(i) + low + high) {
                window = 1;
                if (v.extent(i) + low + high < 1) return;
            }
            l.get(0).add(window);
            l.get(1).add(on ? 1L + random.nextInt(2) : 1L);
            l.get(2).add(dilation);
            l.get(3).add(low);
            l.get(4).add(high);
        }
        add(
                new Op.WindowReduce(
                        pick(new ReduceKind[] {ReduceKind.SUM, ReduceKind.MAX, ReduceKind.MIN}),
                        l.get(0),
                        l.get(1),
                        l.get(2),
                        l.get(3),
                        l.get(4)),
                v);
    }

    private DType productType(DType t) {
        if (t.isFloat()) return random.nextInt(3) == 0 ? DType.F32 : t;
        return pick(new DType[] {DType.I32, DType.I64, DType.U32});
    }

    private void contraction() {
        Value l = arithmetic();
        List<Integer> axes = new ArrayList<>();
        for (int i = 0; i < l.rank(); i++) axes.add(i);
        Collections.shuffle(axes, random);
        int batch = Math.min(axes.size(), random.nextInt(2));
        int sum = Math.min(axes.size() - batch, random.nextInt(3));
        List<Integer> lb = axes.subList(0, batch);
        List<Integer> ls = axes.subList(batch, batch + sum);
        int free = random.nextInt(2) + (random.nextInt(4) == 0 ? 1 : 0);
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < batch + sum + free; i++) order.add(i);
        Collections.shuffle(order, random);
        Dim[] dims = new Dim[order.size()];
        List<Integer> rb = new ArrayList<>();
        List<Integer> rs = new ArrayList<>();
        for (int i = 0; i < dims.length; i++) {
            int at = order.get(i);
            if (i < batch) {
                rb.add(at);
                dims[at] = l.shape().dim(lb.get(i));
            } else if (i < batch + sum) {
                rs.add(at);
                dims[at] = l.shape().dim(ls.get(i - batch));
            } else dims[at] = dim();
        }
        DType t = l.dtype().isFloat() || random.nextBoolean() ? l.dtype() : DType.U8;
        Value r = constantOrInput(t, Shape.of(List.of(dims)));
        add(new Op.Contraction(lb, rb, ls, rs, productType(l.dtype())), l, r);
    }

    private void convolution() {
        int spatial = random.nextInt(3);
        int groups = 1 + random.nextInt(2);
        int c = groups * (1 + random.nextInt(3));
        int o = groups * (1 + random.nextInt(8));
        DType t = pick(new DType[] {DType.F32, DType.F32, DType.F16, DType.F64, DType.U8, DType.I16});
        List<Dim> x = new ArrayList<>(List.of(Dim.of(1 + random.nextInt(2)), Dim.of(c)));
        List<Dim> w = new ArrayList<>(List.of(Dim.of(o), Dim.of(c / groups)));
        List<List<Long>> l = new ArrayList<>();
        for (int k = 0; k < 5; k++) l.add(new ArrayList<>());
        for (int i = 0; i < spatial; i++) {
            long k = 1 + random.nextInt(3);
            long dilation = 1 + random.nextInt(2);
            long gap = random.nextInt(4) == 0 ? 2 : 1;
            long low = random.nextInt(4) - 1;
            long high = random.nextInt(4) - 1;
            long n = 4 + random.nextInt(14);
            x.add(random.nextInt(3) == 0 ? Dim.symbolic("s" + symbols++, n) : Dim.of(n));
            w.add(Dim.of(k));
            if ((k - 1) * dilation + 1 > (n - 1) * gap + 1 + low + high) return;
            l.get(0).add(1L + random.nextInt(2));
            l.get(1).add(low);
            l.get(2).add(high);
            l.get(3).add(gap);
            l.get(4).add(dilation);
        }
        Value a = input(t, Shape.of(x));
        Value k = constantOrInput(t, Shape.of(w));
        add(new Op.Convolution(l.get(0), l.get(1), l.get(2), l.get(3), l.get(4), groups, productType(t)), a, k);
    }

    private Value positions(Shape s, long extent, int axis, long[] perLast) {
        DType t = random.nextBoolean() ? DType.I64 : DType.I32;
        Tensor p = Tensor.allocate(t, s);
        for (long i = 0; i < p.elements(); i++) {
            long e = perLast.length > 0 ? perLast[(int) (i % perLast.length)] : extent;
            p.setLong(i, random.nextInt((int) e));
        }
        if (random.nextBoolean()) return b.constant(Tensor.wrap(p.type().with(s.fixed()), p.data()));
        Value v = b.input("p" + inputs.size(), p.type());
        inputs.add(p);
        return v;
    }

    private void indexing() {
        Value x = ranked(1);
        int axis = random.nextInt(x.rank());
        for (int i = 0; i < x.rank(); i++) if (x.extent(i) == 0) return;
        Op.Combine combine = x.dtype().isArithmetic() ? pick(Op.Combine.values()) : Op.Combine.SET;
        switch (random.nextInt(5)) {
            case 0 -> add(new Op.Gather(axis), x, positions(shape(random.nextInt(3)), x.extent(axis), 0, new long[0]));
            case 1, 2 -> {
                Shape s = x.shape();
                for (int i = 0; i < x.rank(); i++)
                    s = s.with(
                            i,
                            i == axis
                                    ? dim()
                                    : random.nextBoolean() ? s.dim(i) : Dim.of(1 + random.nextInt((int) x.extent(i))));
                Value p = positions(s, x.extent(axis), 0, new long[0]);
                if (random.nextBoolean()) add(new Op.GatherElements(axis), x, p);
                else add(new Op.ScatterElements(axis, combine), x, p, constantOrInput(x.dtype(), p.shape()));
            }
            case 3 -> {
                int batch = random.nextInt(2);
                int count = random.nextInt(x.rank() - batch + 1);
                List<Dim> d = new ArrayList<>(x.shape().dims().subList(0, batch));
                if (random.nextBoolean()) d.add(dim());
                d.add(Dim.of(count));
                add(new Op.GatherNd(batch), x, positions(Shape.of(d), 0, 0, extents(x, batch, count)));
            }
            default -> {
                int count = random.nextInt(x.rank() + 1);
                Value c = positions(Shape.of(List.of(dim(), Dim.of(count))), 0, 0, extents(x, 0, count));
                List<Dim> u = new ArrayList<>(List.of(c.shape().dim(0)));
                u.addAll(x.shape().dims().subList(count, x.rank()));
                add(new Op.ScatterNd(combine), x, c, constantOrInput(x.dtype(), Shape.of(u)));
            }
        }
    }

    private static long[] extents(Value x, int from, int count) {
        long[] e = new long[count];
        for (int i = 0; i < count; i++) e[i] = x.extent(from + i);
        return e;
    }

    private void quantization() {
        Value x = ranked(1);
        int axis = random.nextInt(x.rank());
        Shape s =
                random.nextBoolean() ? Shape.SCALAR : Shape.of(List.of(x.shape().dim(axis)));
        Tensor scale = Tensor.allocate(DType.F32, s.fixed());
        for (long i = 0; i < scale.elements(); i++) scale.setDouble(i, 0.03 + random.nextDouble());
        if (x.dtype() == DType.F32 || x.dtype() == DType.F16 || x.dtype() == DType.F64) {
            DType t = pick(new DType[] {DType.I8, DType.U8, DType.I4, DType.U16, DType.I32});
            add(new Op.Quantize(axis, t), x, b.constant(scale), b.constant(fill(t, s.fixed())));
        } else if (x.dtype().isInteger()) {
            add(
                    new Op.Dequantize(axis, pick(new DType[] {DType.F32, DType.F16})),
                    x,
                    b.constant(scale),
                    b.constant(fill(x.dtype(), s.fixed())));
        }
    }

    private void structure() {
        Value x = any();
        switch (random.nextInt(3)) {
            case 0 -> {
                if (!x.dtype().isArithmetic() || x.rank() < 1) return;
                TensorType slice = x.type().with(x.shape().without(0));
                Value start = constantOrInput(x.dtype(), slice.shape());
                Graph body = b.body("step", List.of(slice, slice), (g, in) -> {
                    Value next = g.max(g.minus(in.get(0), in.get(1)), in.get(1));
                    return List.of(next, g.plus(next, in.get(1)), in.get(0));
                });
                add(new Op.Scan(body, 1, 1, x.extent(0), random.nextBoolean()), start, x);
            }
            case 1 -> {
                Value c = constantOrInput(DType.BOOL, Shape.SCALAR);
                Graph then = b.body("then", List.of(x.type()), (g, in) -> List.of(in.get(0), in.get(0)));
                Graph otherwise = b.body("else", List.of(x.type()), (g, in) -> {
                    Value y = x.dtype().isArithmetic() ? g.add(new Op.Map(MapFunction.NEG), in.get(0)) : in.get(0);
                    return List.of(y, in.get(0));
                });
                add(new Op.If(then, otherwise), c, x);
            }
            default -> {
                if (!x.dtype().isArithmetic()) return;
                List<TensorType> types = List.of(TensorType.of(DType.I64), x.type(), x.type());
                Graph condition = b.body(
                        "test", types, (g, in) -> List.of(g.map(MapFunction.LT, in.get(0), g.scalar(DType.I64, 3L))));
                Graph body = b.body(
                        "do",
                        types,
                        (g, in) -> List.of(
                                g.plus(in.get(0), g.scalar(DType.I64, 1L)),
                                g.add(
                                        new Op.Map(MapFunction.MAX),
                                        g.add(new Op.Map(MapFunction.NEG), in.get(1)),
                                        in.get(2))));
                add(new Op.While(condition, body, 2), b.scalar(DType.I64, (long) random.nextInt(4)), x, x);
            }
        }
    }
}
