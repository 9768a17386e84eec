package dev.meseta.frontends.onnx.operators;

/** The table of every operator that Meseta knows. */
public final class Operators {
    private Operators() {}

    /** A new registry with all families. */
    public static Registry all() {
        Registry r = new Registry();
        MathOperators.register(r);
        ActivationOperators.register(r);
        LogicalOperators.register(r);
        ReduceOperators.register(r);
        return r;
    }
}
