package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.graph.DType;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides which nodes are computed together. From the outputs backwards, a node joins the group of those that read it if they are all in
 * one group and gain from it; else it begins a group of its own, whose root's results are stored. What costs nothing (views, counts,
 * literals) is pulled into every group that reads it. A group has at most one {@link Group#anchor}, with what it reads fused before it
 * and what reads it behind.
 */
final class Fusion {
    private static final int LARGEST_GROUP = 48;

    private Fusion() {}

    /** The groups in an order in which they can run. */
    static List<Group> groups(Flow flow) {
        List<Group> groups = new ArrayList<>();
        for (N n : flow.nodes.reversed()) {
            if (n.op instanceof Op.Constant) continue;
            Group g = isWhole(n) || isMemoryView(n) ? null : join(n);
            if (g == null && !isWhole(n) && isFree(n) && !n.result().output && allAccept(n)) {
                n.repeated = true;
                continue;
            }
            if (g == null) {
                g = new Group(n);
                g.expensive = isExpensive(n);
                g.gathers = isGather(n);
                n.aligned = true;
                groups.add(g);
            } else {
                g.size++;
                g.expensive |= isExpensive(n);
                g.gathers |= isGather(n);
            }
            n.group = g;
            if (isAnchor(n)) g.anchor = n;
        }
        return groups.reversed();
    }

    /** Whether a node is a group of its own, whatever stands around it. */
    private static boolean isWhole(N n) {
        return switch (n.op) {
            case Op.TopK _, Op.Scan _, Op.If _, Op.While _, Op.Concat _, Op.ScatterElements _, Op.ScatterNd _ -> true;
            case Op.Constant _ -> true;
            default -> false;
        };
    }

    /** Whether a node looks at the bytes of its operand in another way, so that both must be in memory. */
    private static boolean isMemoryView(N n) {
        return n.op instanceof Op.Bitcast b
                && Pull.isStorageBitcast(n.in.getFirst().dtype(), b.dtype());
    }

    /** Whether a node is more than an expression for each element. */
    static boolean isAnchor(N n) {
        return switch (n.op) {
            case Op.Reduce _,
                    Op.ArgReduce _,
                    Op.WindowReduce _,
                    Op.Cumulative _,
                    Op.Contraction _,
                    Op.Convolution _,
                    Op.TopK _,
                    Op.Scan _,
                    Op.If _,
                    Op.While _,
                    Op.Concat _,
                    Op.ScatterElements _,
                    Op.ScatterNd _ -> true;
            default -> false;
        };
    }

    /** Whether code behind the anchor can be fused to it. */
    private static boolean hasEpilogue(N n) {
        return switch (n.op) {
            case Op.Reduce _, Op.WindowReduce _, Op.Contraction _, Op.Convolution _ -> true;
            default -> false;
        };
    }

    private static boolean isFree(N n) {
        return switch (n.op) {
            case Op.Transpose _, Op.Broadcast _, Op.Slice _, Op.Iota _ -> true;
            case Op.Reshape _ -> true;
            default -> false;
        };
    }

    /** The group of all that read the node, if the node should be computed there. */
    private static @Nullable Group join(N n) {
        V v = n.result();
        if (v.output || v.consumers.isEmpty()) return null;
        Group g = null;
        boolean repeated = false;
        boolean aligned = true;
        boolean viewOnly = false;
        for (N c : v.consumers) {
            if (c.group == null || g != null && c.group != g) return null;
            g = c.group;
            if (!accepts(c, n)) return null;
            viewOnly |= c.viewOnly || c.op instanceof Op.Contraction || c.op instanceof Op.Convolution;
            repeated |= c.repeated || expands(c, n);
            aligned &= c.aligned && keepsOrder(c);
        }
        if (g == null || g.size >= LARGEST_GROUP) return null;
        if (isAnchor(n)) {
            if (!hasEpilogue(n) || !aligned || g.anchor != null || repeated) return null;
            // A convolution lies channels-last, which a reshape behind it could not.
            if (n.op instanceof Op.Convolution
                    && !v.shape().equals(g.root.result().shape())) return null;
            // Few outputs are stored one by one, and would be computed so.
            if (g.expensive && isNarrow(n)) return null;
            // What is computed beside the anchor must not change the number of elements.
            if (v.dtype().kind() == DType.Kind.COMPLEX) return null;
        }
        if (repeated && isExpensive(n)) return null;
        n.repeated = repeated;
        n.viewOnly = viewOnly;
        n.aligned = aligned && (isAnchor(n) || keepsOrder(n));
        return g;
    }

    private static boolean allAccept(N n) {
        for (N c : n.result().consumers) if (!accepts(c, n)) return false;
        return true;
    }

    /** Whether a consumer can take the node as an expression. */
    private static boolean accepts(N consumer, N n) {
        return switch (consumer.op) {
            case Op.Scan _, Op.If _, Op.While _ -> false;
            // The operands of a concatenation are stored where they belong.
            case Op.Concat _ -> isView(n);
            case Op.Contraction _, Op.Convolution _ -> isView(n) || isWidening(n);
            case Op.Reshape _, Op.Transpose _, Op.Slice _, Op.Broadcast _ ->
                !consumer.viewOnly || isView(n) || isWidening(n);
            case Op.WindowReduce _ -> isView(n) || n.op instanceof Op.Cast || n.op instanceof Op.Dequantize;
            case Op.Bitcast b -> !Pull.isStorageBitcast(consumer.in.getFirst().dtype(), b.dtype());
            default -> true;
        };
    }

    /** Whether a node makes a narrow constant wide: products load it as it is, and widen it in registers. */
    private static boolean isWidening(N n) {
        if (!(n.op instanceof Op.Cast o) || o.dtype() != DType.F32) return false;
        V x = n.in.getFirst();
        boolean narrow =
                x.dtype() == DType.F16 || x.dtype() == DType.BF16 || x.dtype() == DType.I8 || x.dtype() == DType.U8;
        return narrow && isConstant(x);
    }

    private static boolean isConstant(V v) {
        if (v.producer == null) return false;
        return v.producer.op instanceof Op.Constant
                || isView(v.producer) && v.producer.in.size() == 1 && isConstant(v.producer.in.getFirst());
    }

    private static boolean isView(N n) {
        return isFree(n) && !(n.op instanceof Op.Iota) && !(n.op instanceof Op.Bitcast);
    }

    /** Whether each element of the consumer is the same place of this operand, or a row-major reordering of it. */
    private static boolean keepsOrder(N n) {
        return switch (n.op) {
            case Op.Map _, Op.Cast _, Op.Reshape _, Op.Quantize _, Op.Dequantize _ -> true;
            default -> false;
        };
    }

    /** Whether the consumer reads elements of the node more than once. */
    private static boolean expands(N consumer, N n) {
        return switch (consumer.op) {
            case Op.Broadcast b -> {
                V x = consumer.in.getFirst();
                if (x.type.shape().rank() == 0) yield true;
                int last = x.type.rank() - 1;
                // A value that is the same along the innermost axis is computed once for a whole row of it.
                boolean hoisted = x.type.shape().extent(last) == 1 && b.shape().extent(last) >= 8;
                yield !hoisted && x.elements() < b.shape().elements();
            }
            case Op.Gather _,
                    Op.GatherNd _,
                    Op.GatherElements _,
                    Op.WindowReduce _,
                    Op.Contraction _,
                    Op.Convolution _ -> true;
            case Op.Quantize _, Op.Dequantize _ -> n.result() != consumer.in.getFirst();
            case Op.ScatterElements _, Op.ScatterNd _ -> n.result() == consumer.in.get(1);
            case Op.Cumulative _, Op.ArgReduce _, Op.TopK _ -> false;
            default -> false;
        };
    }

    private static boolean isGather(N n) {
        return n.op instanceof Op.Gather || n.op instanceof Op.GatherNd || n.op instanceof Op.GatherElements;
    }

    /** Whether a product has fewer outputs than lanes. */
    private static boolean isNarrow(N n) {
        return n.op instanceof Op.Convolution && n.result().type.shape().extent(1) < Tiling.LEAST_LANES;
    }

    private static boolean isExpensive(N n) {
        return switch (n.op) {
            case Op.Map m ->
                switch (m.function()) {
                    case NEG,
                            ABS,
                            FLOOR,
                            CEIL,
                            ROUND,
                            TRUNC,
                            NOT,
                            IS_NAN,
                            IS_INF,
                            ADD,
                            SUB,
                            MUL,
                            MIN,
                            MAX,
                            AND,
                            OR,
                            XOR,
                            EQ,
                            NE,
                            LT,
                            LE,
                            GT,
                            GE,
                            SELECT,
                            CLAMP,
                            SHIFT_LEFT,
                            SHIFT_RIGHT,
                            SIGN -> false;
                    default -> true;
                };
            case Op.RandomBits _, Op.Gather _, Op.GatherNd _, Op.GatherElements _, Op.Quantize _ -> true;
            default -> isAnchor(n);
        };
    }

    /** The literal that a constant of one element becomes in a kernel; null where it is better loaded, so that kernels stay alike. */
    static @Nullable Double literal(V v) {
        if (!(v.producer != null && v.producer.op instanceof Op.Constant c)) return null;
        Tensor t = c.value();
        if (t.elements() != 1 || t.dtype().kind() == DType.Kind.COMPLEX) return null;
        double d = t.getDouble(0);
        if (d == 0 && 1 / d < 0) return null;
        boolean plain = Math.abs(d) <= 16 && d * 16 == Math.rint(d * 16) || Double.isInfinite(d);
        return plain ? d : null;
    }
}
