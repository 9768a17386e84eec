package dev.meseta.graph.differentiate;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Node;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One node on the way back: what it read and gave on the way there, the adjoints of its results, and those that its rule gives its operands. */
final class Step {
    final GraphBuilder b;
    final Node node;
    private final List<Value> operands;
    private final List<Value> results;
    private final List<@Nullable Value> adjoints;
    private final boolean[] depends;
    private final List<@Nullable Value> given;

    /**
     * @param operands the node's operands in the graph under construction; so the results
     * @param adjoints of the results, null for zero
     * @param depends whether each operand depends on what is differentiated for
     */
    Step(
            GraphBuilder b,
            Node node,
            List<Value> operands,
            List<Value> results,
            List<@Nullable Value> adjoints,
            boolean[] depends) {
        this.b = b;
        this.node = node;
        this.operands = operands;
        this.results = results;
        this.adjoints = adjoints;
        this.depends = depends;
        this.given = new ArrayList<>(Collections.nCopies(operands.size(), null));
    }

    int operandCount() {
        return operands.size();
    }

    Value x(int i) {
        return operands.get(i);
    }

    Value y() {
        return results.getFirst();
    }

    Value y(int i) {
        return results.get(i);
    }

    /** The first result's adjoint. */
    Value g() {
        Value g = adjoints.getFirst();
        if (g == null) throw none("only its first result has one");
        return g;
    }

    List<@Nullable Value> adjoints() {
        return adjoints;
    }

    /** Whether operand i depends on what is differentiated for, whatever its type. */
    boolean depends(int i) {
        return depends[i];
    }

    /** Whether operand i takes an adjoint. */
    boolean wants(int i) {
        return depends[i] && Pass.isDifferentiable(operands.get(i));
    }

    /** Gives operand i its adjoint. */
    void give(int i, Value adjoint) {
        given.set(i, adjoint);
    }

    List<@Nullable Value> given() {
        return given;
    }

    /** An element of the first result's type, broadcast where it is used. */
    Value number(double v) {
        return b.scalar(y().dtype(), v);
    }

    Value zeros(Value like) {
        return zeros(b, like.type());
    }

    static Value zeros(GraphBuilder b, TensorType type) {
        DType t = type.dtype();
        return b.broadcast(t.isFloat() ? b.scalar(t, 0.0) : b.scalar(t, 0L), type.shape());
    }

    /** The node has no derivative, or none that is known. */
    InvalidInputException none(String why) {
        String name = node.origin().isEmpty() ? "" : " of node '" + node.origin() + "'";
        return new InvalidInputException("no derivative of " + describe() + name + ": " + why);
    }

    private String describe() {
        return (node.op() instanceof dev.meseta.graph.Op.Map m
                        ? "map." + m.function().text()
                        : node.op().mnemonic()) + " on "
                + operands.stream().map(Value::type).toList();
    }
}
