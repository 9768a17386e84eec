package dev.meseta.frontends.onnx.operators;

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
        ControlOperators.register(r);
        ScanOperators.register(r);
        SequenceOperators.register(r);
        SelectionOperators.register(r);
        StringOperators.register(r);
        TextVectorizer.register(r);
        ImageOperators.register(r);
        FeatureOperators.register(r);
        LinearModels.register(r);
        SupportVectorMachines.register(r);
        TreeOperators.register(r);
        TrainingOperators.register(r);
        MathOperators.register(r);
        ActivationOperators.register(r);
        LogicalOperators.register(r);
        ReduceOperators.register(r);
        ConvolutionOperators.register(r);
        PoolingOperators.register(r);
        NormalizationOperators.register(r);
        ShapeOperators.register(r);
        MovementOperators.register(r);
        WindowOperators.register(r);
        IndexingOperators.register(r);
        CastOperators.register(r);
        GeneratorOperators.register(r);
        RandomOperators.register(r);
        MatrixOperators.register(r);
        QuantizeOperators.register(r);
        AttentionOperators.register(r);
        RecurrentOperators.register(r);
        ResizeOperators.register(r);
        SignalOperators.register(r);
        LossOperators.register(r);
        EinsumOperators.register(r);
        LinearAlgebraOperators.register(r);
        // After all others: it changes operators that are there.
        StringOperators.extend(r);
        MicrosoftOperators.register(r);
        return r;
    }
}
