package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Lowering;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Operators whose results' shapes depend on data: they run in Java. */
final class HostOperators {
    private HostOperators() {}

    static void register(Registry r) {
        r.host("WHERE", HostOperators::where);
        r.host("UNIQUE", HostOperators::unique);
        r.host("NON_MAX_SUPPRESSION_V4", node -> data -> suppress(node, data, false));
        r.host("NON_MAX_SUPPRESSION_V5", node -> data -> suppress(node, data, true));
        r.hostCustom("TFLite_Detection_PostProcess", DetectionPostProcess::of);
    }

    /** Operand i, a tensor of the type. */
    static Tensor tensor(OperatorNode node, List<@Nullable Data> data, int i, DType... types) {
        if (i < data.size() && data.get(i) instanceof Tensor t && List.of(types).contains(t.dtype())) return t;
        throw node.error("operand " + i + " is missing, or is not of type " + List.of(types));
    }

    /** Operand i, a tensor of the type with one element. */
    static Tensor scalar(OperatorNode node, List<@Nullable Data> data, int i, DType type) {
        Tensor t = tensor(node, data, i, type);
        node.require(t.elements() == 1, "operand " + i + " is " + t.type() + ", expected one element");
        return t;
    }

    private static Tensor numbers(OperatorNode node, List<@Nullable Data> data) {
        if (!data.isEmpty() && data.getFirst() instanceof Tensor t && t.dtype().kind() != DType.Kind.COMPLEX) return t;
        throw node.error("operand 0 is missing, or is of no numbers");
    }

    private static Lowering.Host where(OperatorNode node) {
        return data -> {
            Tensor t = numbers(node, data);
            int rank = t.type().rank();
            List<Long> places = new ArrayList<>();
            for (long i = 0; i < t.elements(); i++) if (t.getDouble(i) != 0) places.add(i);
            Tensor result = Tensor.allocate(DType.I64, Shape.of(places.size(), rank));
            for (int k = 0; k < places.size(); k++) {
                long rest = places.get(k);
                for (int axis = rank - 1; axis >= 0; axis--) {
                    long n = t.shape().extent(axis);
                    result.setLong((long) k * rank + axis, rest % n);
                    rest /= n;
                }
            }
            return List.of(result);
        };
    }

    private static Lowering.Host unique(OperatorNode node) {
        DType positions = node.outputType(1);
        return data -> {
            Tensor t = numbers(node, data);
            Map<Object, Integer> seen = new LinkedHashMap<>();
            List<Long> first = new ArrayList<>();
            Tensor where = Tensor.allocate(positions, t.shape().fixed());
            for (long i = 0; i < t.elements(); i++) {
                Object key = t.dtype().isFloat() ? (Object) t.getDouble(i) : (Object) t.getLong(i);
                Integer at = seen.putIfAbsent(key, seen.size());
                if (at == null) {
                    at = seen.size() - 1;
                    first.add(i);
                }
                where.setLong(i, at);
            }
            Tensor values = Tensor.allocate(t.dtype(), Shape.of(first.size()));
            for (int i = 0; i < first.size(); i++) {
                if (t.dtype().isFloat()) values.setDouble(i, t.getDouble(first.get(i)));
                else values.setLong(i, t.getLong(first.get(i)));
            }
            return List.of(values, where);
        };
    }

    /**
     * Operands: boxes as rows of two opposite corners, scores, how many boxes to take, the overlap and the score that are allowed, and how
     * gently to suppress. Results: positions, scores (of the gentle form alone), how many.
     */
    private static List<@Nullable Data> suppress(OperatorNode node, List<@Nullable Data> data, boolean soft) {
        Tensor boxes = tensor(node, data, 0, DType.F32);
        Tensor scores = tensor(node, data, 1, DType.F32);
        long most = scalar(node, data, 2, DType.I32).getLong(0);
        float overlap = (float) scalar(node, data, 3, DType.F32).getDouble(0);
        float least = (float) scalar(node, data, 4, DType.F32).getDouble(0);
        float sigma = soft ? (float) scalar(node, data, 5, DType.F32).getDouble(0) : 0;
        if (boxes.elements() != 4 * scores.elements() || most < 0 || most > 1 << 24) {
            throw new InvalidInputException(node.where() + ": boxes are " + boxes.type() + ", scores " + scores.type()
                    + ", wanted are " + most);
        }
        Suppression.Taken taken = Suppression.run(
                Suppression.boxes(boxes.toFloats()), scores.toFloats(), (int) most, overlap, least, sigma);
        Tensor positions = Tensor.allocate(DType.I32, Shape.of(most));
        Tensor taking = Tensor.allocate(DType.F32, Shape.of(most));
        for (int i = 0; i < taken.positions().size(); i++) {
            positions.setLong(i, taken.positions().get(i));
            taking.setDouble(i, taken.scores().get(i));
        }
        Tensor count = Tensor.scalar(DType.I32, (long) taken.positions().size());
        return soft ? List.of(positions, taking, count) : List.of(positions, count);
    }
}
