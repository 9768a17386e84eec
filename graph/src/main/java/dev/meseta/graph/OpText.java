package dev.meseta.graph;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Between ops and the parts of their text form: variant, attributes and regions. What the types of results say is not said twice. */
final class OpText {
    private OpText() {}

    /** A constant whose type is not known yet. */
    interface Literal {
        Tensor as(TensorType type);
    }

    /** What stands behind the mnemonic and a dot; empty for most ops. */
    static String variant(Op op) {
        return switch (op) {
            case Op.Map o -> o.function().text();
            case Op.Cast o -> lower(o.rounding());
            case Op.Reduce o -> o.kind().text();
            case Op.ArgReduce o -> o.largest() ? "max" : "min";
            case Op.WindowReduce o -> o.kind().text();
            case Op.Cumulative o -> o.kind().text();
            case Op.ScatterElements o -> lower(o.combine());
            case Op.ScatterNd o -> lower(o.combine());
            case Op.Composite o -> o.name();
            default -> "";
        };
    }

    private static String lower(Enum<?> e) {
        return e.name().toLowerCase(Locale.ROOT);
    }

    static Map<String, Object> attributes(Op op) {
        return switch (op) {
            case Op.Constant o -> of("value", o.value());
            case Op.Iota o -> of("axis", o.axis());
            case Op.Quantize o -> of("axis", o.axis());
            case Op.Dequantize o -> of("axis", o.axis());
            case Op.Transpose o -> of("permutation", o.permutation());
            case Op.Slice o -> of("starts", o.starts(), "steps", o.steps());
            case Op.Pad o -> of("low", o.low(), "high", o.high());
            case Op.Concat o -> of("axis", o.axis());
            case Op.Reduce o -> of("axes", o.axes());
            case Op.ArgReduce o -> of("axis", o.axis(), "last_on_tie", o.lastOnTie());
            case Op.WindowReduce o ->
                of(
                        "window", o.window(),
                        "strides", o.strides(),
                        "dilations", o.dilations(),
                        "low", o.low(),
                        "high", o.high());
            case Op.Cumulative o -> of("axis", o.axis(), "exclusive", o.exclusive(), "reverse", o.reverse());
            case Op.TopK o -> of("axis", o.axis(), "largest", o.largest());
            case Op.Contraction o ->
                of(
                        "left_batch", o.leftBatch(),
                        "right_batch", o.rightBatch(),
                        "left_sum", o.leftSum(),
                        "right_sum", o.rightSum());
            case Op.Convolution o ->
                of(
                        "strides", o.strides(),
                        "low", o.low(),
                        "high", o.high(),
                        "input_dilation", o.inputDilation(),
                        "kernel_dilation", o.kernelDilation(),
                        "groups", o.groups());
            case Op.Gather o -> of("axis", o.axis());
            case Op.GatherElements o -> of("axis", o.axis());
            case Op.GatherNd o -> of("batch", o.batch());
            case Op.ScatterElements o -> of("axis", o.axis());
            case Op.Scan o ->
                of("carried", o.carried(), "scanned", o.scanned(), "steps", o.steps(), "reverse", o.reverse());
            case Op.While o -> of("carried", o.carried());
            case Op.Composite o -> o.attributes();
            default -> Map.of();
        };
    }

    /** Pairs of names and values in their order; numbers become Longs, and what is false is left out. */
    private static Map<String, Object> of(Object... pairs) {
        Map<String, Object> m = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            Object v = pairs[i + 1];
            if (v.equals(Boolean.FALSE)) continue;
            m.put(
                    (String) pairs[i],
                    v instanceof List<?> l ? l.stream().map(OpText::number).toList() : number(v));
        }
        return m;
    }

    private static Object number(Object v) {
        return v instanceof Integer i ? (Object) (long) i : v;
    }

    static List<Graph> regions(Op op) {
        return switch (op) {
            case Op.Scan o -> List.of(o.body());
            case Op.If o -> List.of(o.then(), o.otherwise());
            case Op.While o -> List.of(o.condition(), o.body());
            case Op.Composite o -> List.of(o.body());
            default -> List.of();
        };
    }

    /**
     * The op with these parts. Throws {@link IllegalArgumentException} for a missing, unknown or ill-formed part; constraints are not
     * checked.
     */
    static Op parse(
            String mnemonic,
            String variant,
            Map<String, Object> attributes,
            List<TensorType> types,
            List<Graph> regions) {
        OpSpec.of(mnemonic);
        Parts p = new Parts(mnemonic, variant, attributes, types, regions);
        Op op = p.op();
        p.allUsed(variant(op), regions(op).size());
        return op;
    }

    private static final class Parts {
        private final String mnemonic;
        private final String variant;
        private final Map<String, Object> attributes;
        private final List<TensorType> types;
        private final List<Graph> regions;
        private final Set<String> unused;

        Parts(
                String mnemonic,
                String variant,
                Map<String, Object> attributes,
                List<TensorType> types,
                List<Graph> regions) {
            this.mnemonic = mnemonic;
            this.variant = variant;
            this.attributes = attributes;
            this.types = types;
            this.regions = regions;
            this.unused = new TreeMap<>(attributes).keySet();
        }

        Op op() {
            return switch (mnemonic) {
                case "constant" -> new Op.Constant(literal("value"));
                case "iota" -> new Op.Iota(dtype(), shape(), integer("axis"));
                case "random_bits" -> new Op.RandomBits(shape());
                case "map" -> new Op.Map(choice(MapFunction.class));
                case "cast" -> new Op.Cast(dtype(), choice(Op.Cast.Rounding.class));
                case "bitcast" -> new Op.Bitcast(dtype());
                case "quantize" -> new Op.Quantize(integer("axis"), dtype());
                case "dequantize" -> new Op.Dequantize(integer("axis"), dtype());
                case "reshape" -> new Op.Reshape(shape());
                case "transpose" -> new Op.Transpose(integers("permutation"));
                case "broadcast" -> new Op.Broadcast(shape());
                case "slice" -> new Op.Slice(longs("starts"), shape().dims(), longs("steps"));
                case "pad" -> new Op.Pad(longs("low"), longs("high"));
                case "concat" -> new Op.Concat(integer("axis"));
                case "reduce" -> new Op.Reduce(choice(ReduceKind.class), integers("axes"));
                case "arg_reduce" -> new Op.ArgReduce(isMax(), integer("axis"), flag("last_on_tie"));
                case "window_reduce" ->
                    new Op.WindowReduce(
                            choice(ReduceKind.class),
                            longs("window"),
                            longs("strides"),
                            longs("dilations"),
                            longs("low"),
                            longs("high"));
                case "cumulative" ->
                    new Op.Cumulative(choice(ReduceKind.class), integer("axis"), flag("exclusive"), flag("reverse"));
                case "top_k" -> topK();
                case "contraction" ->
                    new Op.Contraction(
                            integers("left_batch"),
                            integers("right_batch"),
                            integers("left_sum"),
                            integers("right_sum"),
                            dtype());
                case "convolution" ->
                    new Op.Convolution(
                            longs("strides"),
                            longs("low"),
                            longs("high"),
                            longs("input_dilation"),
                            longs("kernel_dilation"),
                            integer("groups"),
                            dtype());
                case "gather" -> new Op.Gather(integer("axis"));
                case "gather_elements" -> new Op.GatherElements(integer("axis"));
                case "gather_nd" -> new Op.GatherNd(integer("batch"));
                case "scatter_elements" -> new Op.ScatterElements(integer("axis"), choice(Op.Combine.class));
                case "scatter_nd" -> new Op.ScatterNd(choice(Op.Combine.class));
                case "scan" ->
                    new Op.Scan(region(0), integer("carried"), integer("scanned"), integer64("steps"), flag("reverse"));
                case "if" -> new Op.If(region(0), region(1));
                case "while" -> new Op.While(region(0), region(1), integer("carried"));
                case "composite" -> composite();
                default -> throw new IllegalArgumentException("op " + mnemonic + " has no text form");
            };
        }

        void allUsed(String knownVariant, int knownRegions) {
            if (!variant.equals(knownVariant))
                throw new IllegalArgumentException(mnemonic + " has no variant '" + variant + "'");
            if (!unused.isEmpty())
                throw new IllegalArgumentException(
                        mnemonic + " has no attribute " + unused.iterator().next());
            if (regions.size() != knownRegions)
                throw new IllegalArgumentException(
                        mnemonic + " has " + knownRegions + " regions, found " + regions.size());
        }

        private Op composite() {
            for (Object o : attributes.values()) {
                if (o instanceof Literal)
                    throw new IllegalArgumentException("a composite's attribute is not a literal");
            }
            unused.clear();
            return new Op.Composite(variant, attributes, region(0));
        }

        private Op topK() {
            int axis = integer("axis");
            if (axis < 0 || axis >= shape().rank())
                throw new IllegalArgumentException("axis " + axis + " of " + types.getFirst());
            return new Op.TopK(shape().dim(axis), axis, flag("largest"));
        }

        private boolean isMax() {
            if (!variant.equals("max") && !variant.equals("min"))
                throw new IllegalArgumentException("arg_reduce is arg_reduce.max or arg_reduce.min");
            return variant.equals("max");
        }

        private TensorType type() {
            if (types.isEmpty()) throw new IllegalArgumentException(mnemonic + " has a result");
            return types.getFirst();
        }

        private DType dtype() {
            return type().dtype();
        }

        private Shape shape() {
            return type().shape();
        }

        private Graph region(int i) {
            if (i >= regions.size()) throw new IllegalArgumentException(mnemonic + " lacks region " + (i + 1));
            return regions.get(i);
        }

        private <E extends Enum<E>> E choice(Class<E> type) {
            for (E e : type.getEnumConstants()) if (lower(e).equals(variant)) return e;
            throw new IllegalArgumentException("there is no " + mnemonic + "." + variant);
        }

        private Object attribute(String name) {
            Object o = attributes.get(name);
            if (o == null) throw new IllegalArgumentException(mnemonic + " lacks attribute " + name);
            unused.remove(name);
            return o;
        }

        private Tensor literal(String name) {
            if (attribute(name) instanceof Literal l) return l.as(type());
            throw new IllegalArgumentException(mnemonic + "'s " + name + " is a literal, such as dense(1, 2)");
        }

        private boolean flag(String name) {
            if (!attributes.containsKey(name)) return false;
            if (attribute(name) instanceof Boolean b) return b;
            throw new IllegalArgumentException(mnemonic + "'s " + name + " is true or false");
        }

        private long integer64(String name) {
            if (attribute(name) instanceof Long l) return l;
            throw new IllegalArgumentException(mnemonic + "'s " + name + " is an integer");
        }

        private int integer(String name) {
            return narrow(name, integer64(name));
        }

        private int narrow(String name, long l) {
            if (l != (int) l) throw new IllegalArgumentException(mnemonic + "'s " + name + " is beyond 32 bits");
            return (int) l;
        }

        private List<Long> longs(String name) {
            if (!(attribute(name) instanceof List<?> l))
                throw new IllegalArgumentException(mnemonic + "'s " + name + " is a list of integers");
            List<Long> r = new ArrayList<>();
            for (Object o : l) {
                if (!(o instanceof Long v))
                    throw new IllegalArgumentException(mnemonic + "'s " + name + " is a list of integers");
                r.add(v);
            }
            return List.copyOf(r);
        }

        private List<Integer> integers(String name) {
            return longs(name).stream().map(l -> narrow(name, l)).toList();
        }
    }
}
