package dev.meseta.graph;

/**
 * A value of a graph: an input or a node's result. Compared by identity.
 */
public final class Value {
    private final int id;
    private final TensorType type;
    private final String name;

    Value(int id, TensorType type, String name) {
        this.id = id;
        this.type = type;
        this.name = name;
    }

    /** Number of the value in its graph, in order of definition. */
    public int id() {
        return id;
    }

    public TensorType type() {
        return type;
    }

    public DType dtype() {
        return type.dtype();
    }

    public Shape shape() {
        return type.shape();
    }

    public int rank() {
        return type.rank();
    }

    public long extent(int axis) {
        return type.shape().extent(axis);
    }

    /** A hint for people: the name in the model, or empty. */
    public String name() {
        return name;
    }

    @Override
    public String toString() {
        return "%" + id + ": " + type;
    }
}
