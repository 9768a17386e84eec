package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an operator that runs in Java is given, with checks of kind. */
record Operands(OperatorNode node, List<@Nullable Data> data) {
    boolean has(int i) {
        return i < data.size() && data.get(i) != null;
    }

    Data get(int i) {
        Data d = i < data.size() ? data.get(i) : null;
        if (d == null) throw error("operand " + i + " is missing");
        return d;
    }

    Tensor tensor(int i) {
        if (get(i) instanceof Tensor t) return t;
        throw error("operand " + i + " is to be a tensor of numbers, got " + get(i).describe());
    }

    Data.Strings strings(int i) {
        if (get(i) instanceof Data.Strings s) return s;
        throw error("operand " + i + " is to be of strings, got " + get(i).describe());
    }

    List<Data> sequence(int i) {
        if (get(i) instanceof Data.Sequence s) return s.items();
        throw error("operand " + i + " is to be a sequence, got " + get(i).describe());
    }

    /** The one element of an operand. */
    long integer(int i) {
        Tensor t = tensor(i);
        if (t.elements() != 1) throw error("operand " + i + " is to have one element, got " + t.describe());
        return t.getLong(0);
    }

    double real(int i) {
        Tensor t = tensor(i);
        if (t.elements() != 1) throw error("operand " + i + " is to have one element, got " + t.describe());
        return t.getDouble(0);
    }

    /** An axis in [0, rank) from one in [-rank, rank). */
    int axis(long axis, int rank) {
        if (axis < -rank || axis >= rank) {
            throw error("axis " + axis + " is outside [" + -rank + ", " + (rank - 1) + "] for rank " + rank);
        }
        return (int) (axis < 0 ? axis + rank : axis);
    }

    InvalidInputException error(String message) {
        return node.error(message);
    }
}
