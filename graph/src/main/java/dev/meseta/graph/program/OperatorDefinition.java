package dev.meseta.graph.program;

/**
 * What a frontend knows of an operator: makes a lowering of one that a model holds. Throws {@link dev.meseta.graph.InvalidInputException} for what
 * makes no sense or is not supported.
 *
 * @param <N> an operator as the frontend reads it
 */
@FunctionalInterface
public interface OperatorDefinition<N> {
    Lowering define(N node);

    /** The common case: the lowering is an expansion into the op set. */
    @FunctionalInterface
    interface Expansion<N> extends OperatorDefinition<N> {
        Lowering.Expand expansion(N node);

        @Override
        default Lowering define(N node) {
            return expansion(node);
        }
    }

    /** The lowering runs in Java. */
    @FunctionalInterface
    interface Hosting<N> extends OperatorDefinition<N> {
        Lowering.Host hosting(N node);

        @Override
        default Lowering define(N node) {
            return hosting(node);
        }
    }
}
