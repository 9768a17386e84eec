package dev.meseta.graph;

import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Graphs of random ops on small tensors; the same seed gives the same graph. */
final class RandomGraphs {
    private static final MapFunction[] FUNCTIONS = MapFunction.values();

    private final Random random;
    private final GraphBuilder builder = new GraphBuilder("random", Interpreter::evaluate);
    private final List<Value> values = new ArrayList<>();

    private RandomGraphs(long seed) {
        random = new Random(seed);
    }

    static Graph graph(long seed, int nodes) {
        return new RandomGraphs(seed).grow(nodes);
    }

    /** Inputs of the graph's types. */
    static List<Tensor> inputs(Graph g, long seed) {
        Random random = new Random(seed);
        return g.inputTypes().stream()
                .map(type -> {
                    Tensor t = Tensor.allocate(type);
                    for (long i = 0; i < t.elements(); i++) {
                        if (type.dtype().isFloat()) t.setDouble(i, random.nextInt(-64, 64) / 16.0);
                        else t.setLong(i, random.nextLong());
                    }
                    return t;
                })
                .toList();
    }

    private Graph grow(int nodes) {
        for (DType d : List.of(DType.F32, DType.I32, DType.F16, DType.BOOL)) {
            List<Dim> dims = new ArrayList<>();
            for (int i = 0; i < random.nextInt(4); i++) {
                long extent = 1 + random.nextInt(4);
                dims.add(
                        random.nextBoolean()
                                ? Dim.of(extent)
                                : Dim.symbolic(random.nextBoolean() ? "n" : "(2*\"m\")", extent));
            }
            values.add(builder.input(random.nextBoolean() ? "" : "in " + d, new TensorType(d, Shape.of(dims))));
        }
        for (int i = 0; i < nodes; i++) {
            builder.origin(random.nextBoolean() ? "" : "node\n\u00fc" + i);
            add(values.get(random.nextInt(values.size())));
        }
        List<Value> outputs = new ArrayList<>();
        for (int i = 0; i < 6; i++) outputs.add(values.get(random.nextInt(values.size())));
        outputs.add(values.getLast());
        return builder.build(outputs);
    }

    private void add(Value x) {
        int rank = x.rank();
        boolean arithmetic = x.dtype().isArithmetic();
        if (x.shape().elements() > 4096) return;
        switch (random.nextInt(24)) {
            case 0, 1, 2, 3 -> map(x);
            case 4 -> node(new Op.Cast(dtype(), pick(Op.Cast.Rounding.values())), x);
            case 5 -> node(new Op.Reshape(Shape.of(x.shape().elements())), x);
            case 6 -> {
                List<Integer> p =
                        new ArrayList<>(IntStream.range(0, rank).boxed().toList());
                Collections.shuffle(p, random);
                node(new Op.Transpose(p), x);
            }
            case 7 -> {
                Value wide = builder.reshape(x, x.shape().insert(0, Dim.of(1)));
                node(new Op.Broadcast(wide.shape().with(0, Dim.symbolic("k", 2))), wide);
            }
            case 8 -> slice(x);
            case 9 -> {
                List<Long> low = numbers(rank, 0, 3);
                node(
                        new Op.Pad(low, numbers(rank, 0, 2)),
                        x,
                        builder.constant(Tensor.allocate(TensorType.of(x.dtype()))));
            }
            case 10 -> {
                if (rank > 0) node(new Op.Concat(random.nextInt(rank)), x, x);
            }
            case 11 -> {
                List<Integer> axes = IntStream.range(0, rank)
                        .filter(i -> random.nextBoolean())
                        .boxed()
                        .toList();
                if (arithmetic)
                    node(new Op.Reduce(pick(ReduceKind.SUM, ReduceKind.PROD, ReduceKind.MIN, ReduceKind.MAX), axes), x);
                else if (x.dtype() == DType.BOOL) node(new Op.Reduce(pick(ReduceKind.AND, ReduceKind.OR), axes), x);
            }
            case 12 -> {
                int axis = axis(x);
                if (arithmetic && axis >= 0 && x.extent(axis) > 0)
                    node(new Op.ArgReduce(random.nextBoolean(), axis, random.nextBoolean()), x);
            }
            case 13 -> {
                if (arithmetic && x.shape().elements() > 0)
                    node(
                            new Op.WindowReduce(
                                    pick(ReduceKind.SUM, ReduceKind.MAX),
                                    numbers(rank, 1, 2),
                                    numbers(rank, 1, 3),
                                    numbers(rank, 1, 2),
                                    numbers(rank, 0, 2),
                                    numbers(rank, 2, 2)),
                            x);
            }
            case 14 -> {
                int axis = axis(x);
                if (arithmetic && axis >= 0)
                    node(
                            new Op.Cumulative(
                                    pick(ReduceKind.SUM, ReduceKind.MIN),
                                    axis,
                                    random.nextBoolean(),
                                    random.nextBoolean()),
                            x);
            }
            case 15 -> {
                int axis = axis(x);
                if (arithmetic && axis >= 0)
                    node(new Op.TopK(Dim.of(random.nextLong(x.extent(axis) + 1)), axis, random.nextBoolean()), x);
            }
            case 16 -> {
                if (arithmetic && rank > 0)
                    node(
                            new Op.Contraction(
                                    List.of(), List.of(), List.of(rank - 1), List.of(rank - 1), product(x.dtype())),
                            x,
                            x);
            }
            case 17 -> {
                if (arithmetic && rank == 3)
                    node(
                            new Op.Convolution(
                                    List.of(1L),
                                    List.of(1L),
                                    List.of(0L),
                                    List.of(2L),
                                    List.of(1L),
                                    1,
                                    product(x.dtype())),
                            x,
                            x);
            }
            case 18 -> {
                int axis = axis(x);
                if (axis >= 0 && x.extent(axis) > 0) {
                    Value p = builder.constant(Tensor.of(new long[] {0, x.extent(axis) - 1}));
                    node(new Op.Gather(axis), x, p);
                }
            }
            case 19 -> node(new Op.Constant(constant()));
            case 20 ->
                node(new Op.RandomBits(Shape.of(random.nextInt(5))), builder.scalar(DType.U64, random.nextLong()));
            case 21 ->
                values.addAll(builder.composite(
                        "a." + random.nextInt(3),
                        Map.of(
                                "axis",
                                1L,
                                "name",
                                "x\"y",
                                "eps",
                                1e-5,
                                "f",
                                0.1f,
                                "i",
                                7,
                                "b",
                                true,
                                "list",
                                List.of(1L, -2L)),
                        List.of(x, x),
                        (b, in) ->
                                List.of(b.reshape(in.get(0), in.get(0).shape().elements()), in.get(1))));
            case 22 -> {
                Value c = values.stream()
                        .filter(v -> v.type().equals(TensorType.of(DType.BOOL)))
                        .findFirst()
                        .orElse(null);
                Graph same = builder.body("", List.of(x.type()), (b, in) -> List.of(in.getFirst()));
                Graph zeros = builder.body(
                        "zeros", List.of(x.type()), (b, in) -> List.of(b.constant(Tensor.allocate(x.type()))));
                if (c != null && !c.type().shape().isKnown()) throw new AssertionError();
                if (c != null) node(new Op.If(same, zeros), c, x);
            }
            default -> {
                if (!arithmetic || rank == 0) return;
                TensorType row = x.type().with(x.shape().without(0));
                Graph body = builder.body("sum", List.of(row, row), (b, in) -> {
                    Value s = b.plus(in.get(0), in.get(1));
                    return List.of(s, s);
                });
                Value zero = builder.constant(Tensor.allocate(row));
                values.addAll(
                        builder.addAll(new Op.Scan(body, 1, 1, x.extent(0), random.nextBoolean()), List.of(zero, x)));
            }
        }
    }

    private void map(Value x) {
        MapFunction f = FUNCTIONS[random.nextInt(FUNCTIONS.length)];
        if (!f.accepts(x.dtype()) || f == MapFunction.SELECT) return;
        Value[] operands = new Value[f.arity()];
        for (int i = 0; i < operands.length; i++) {
            List<Value> same =
                    values.stream().filter(v -> v.type().equals(x.type())).toList();
            operands[i] = same.get(random.nextInt(same.size()));
        }
        node(new Op.Map(f), operands);
    }

    private void slice(Value x) {
        List<Long> starts = new ArrayList<>();
        List<Dim> sizes = new ArrayList<>();
        List<Long> steps = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            long n = x.extent(i);
            boolean back = random.nextBoolean();
            long size = n == 0 ? 0 : 1 + random.nextLong(n);
            starts.add(back ? Math.max(0, n - 1) : Math.max(0, n - size));
            sizes.add(Dim.of(size));
            steps.add(back ? -1L : 1L);
        }
        node(new Op.Slice(starts, sizes, steps), x);
    }

    private void node(Op op, Value... operands) {
        values.addAll(builder.addAll(op, List.of(operands)));
    }

    private Tensor constant() {
        DType d = dtype();
        Tensor t = Tensor.allocate(TensorType.of(d, random.nextInt(100)));
        for (long i = 0; i < t.elements(); i++) {
            if (d.isFloat()) t.setDouble(i, random.nextInt(5) == 0 ? Double.NaN : random.nextGaussian());
            else t.setLong(i, random.nextLong());
        }
        return t;
    }

    private List<Long> numbers(int n, int least, int bound) {
        return random.longs(n, least, bound + least).boxed().toList();
    }

    private int axis(Value x) {
        return x.rank() == 0 ? -1 : random.nextInt(x.rank());
    }

    private DType dtype() {
        DType[] all = DType.values();
        return all[random.nextInt(DType.C64.ordinal())];
    }

    private static DType product(DType d) {
        return d.isFloat() ? DType.F32 : DType.I64;
    }

    @SafeVarargs
    private <T> T pick(T... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
