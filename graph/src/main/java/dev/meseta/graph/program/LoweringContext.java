package dev.meseta.graph.program;

import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an {@link Lowering.Expand} sees: its operands, and the graph that it adds to. Lives for one call of {@code expand}. */
public final class LoweringContext {
    private final GraphBuilder builder;
    private final String where;
    private final List<@Nullable Value> operands;
    private final int outputs;

    /**
     * @param where names the call in messages
     * @param operands in order, null where left out
     * @param outputs number of results that the call wants
     */
    public LoweringContext(GraphBuilder builder, String where, List<@Nullable Value> operands, int outputs) {
        this.builder = builder;
        this.where = where;
        this.operands = operands;
        this.outputs = outputs;
    }

    public GraphBuilder builder() {
        return builder;
    }

    /** Number of operands, counting those left out. */
    public int operandCount() {
        return operands.size();
    }

    /** Number of results that the call wants. */
    public int outputCount() {
        return outputs;
    }

    /** Whether operand i is there. */
    public boolean has(int i) {
        return i < operands.size() && operands.get(i) != null;
    }

    /** Operand i. Throws {@link InvalidInputException} if it was left out. */
    public Value operand(int i) {
        Value v = i < operands.size() ? operands.get(i) : null;
        if (v == null) throw error("operand " + i + " is missing");
        return v;
    }

    public @Nullable Value operandOrNull(int i) {
        return has(i) ? operand(i) : null;
    }

    public TensorType type(int i) {
        return operand(i).type();
    }

    /**
     * The contents of operand i, for what decides shapes (axes, sizes, …). If they depend on data that is not there yet, lowering stops here
     * and starts again at this call once they are known.
     */
    public Tensor constant(int i) {
        return known(operand(i));
    }

    /** As {@link #constant}, null if the operand was left out. */
    public @Nullable Tensor constantOrNull(int i) {
        return has(i) ? constant(i) : null;
    }

    /**
     * The contents of operand i, integers, as dims: those computed from the extents of inputs keep their symbols. An element of -1 is a dim
     * of unknown extent. See {@link #constant}.
     */
    public List<Dim> dims(int i) {
        Tensor t = constant(i);
        if (!t.dtype().isInteger()) throw error("operand " + i + " is " + t.type() + ", expected integers");
        for (long d : t.toLongs()) if (d < -1) throw error("operand " + i + " has the negative extent " + d);
        return builder.dimsOf(operand(i));
    }

    /** The contents of any value of the graph; see {@link #constant}. */
    public Tensor known(Value v) {
        Tensor t = builder.known(v);
        if (t == null) throw new NeedValueException(v);
        return t;
    }

    /** The contents of operand i if they are known by now, else null; for lowerings that are better with constants, but can do without. */
    public @Nullable Tensor constantIfKnown(int i) {
        return has(i) ? builder.known(operand(i)) : null;
    }

    /** An exception that names the call and says what is wrong with it. */
    public InvalidInputException error(String message) {
        return new InvalidInputException(where + ": " + message);
    }

    /** Throws {@link #error} unless it holds. */
    public void require(boolean holds, String message) {
        if (!holds) throw error(message);
    }

    /** The call, for messages. */
    public String where() {
        return where;
    }
}
