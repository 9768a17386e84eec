package dev.meseta.frontends.tflite.operators;

/** The operators that Meseta knows. */
public final class Operators {
    private static final Registry ALL = register();

    private Operators() {}

    /** Every operator. Not to be changed; safe for use by several threads. */
    public static Registry all() {
        return ALL;
    }

    private static Registry register() {
        Registry r = new Registry();
        ConvolutionOperators.register(r);
        ProductOperators.register(r);
        PoolingOperators.register(r);
        BinaryOperators.register(r);
        UnaryOperators.register(r);
        SoftmaxOperators.register(r);
        QuantizeOperators.register(r);
        MovementOperators.register(r);
        ReduceOperators.register(r);
        SliceOperators.register(r);
        IndexingOperators.register(r);
        ResizeOperators.register(r);
        SpaceOperators.register(r);
        HostOperators.register(r);
        RecurrentOperators.register(r);
        SvdfOperators.register(r);
        SpectrumOperators.register(r);
        RandomOperators.register(r);
        return r;
    }
}
