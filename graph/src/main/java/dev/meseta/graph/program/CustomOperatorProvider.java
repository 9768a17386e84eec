package dev.meseta.graph.program;

import java.util.List;
import java.util.Optional;

/**
 * Knows operators that frontends do not, such as one that holds the command stream of a device. Found as a service by frontends. Thread-safe.
 */
public interface CustomOperatorProvider {
    /**
     * What the operator does, or nothing if it is not known here. Throws {@link dev.meseta.graph.InvalidInputException} for one that is
     * known, but makes no sense.
     *
     * @param given which of the operator's inputs are the operands of the lowering, in order; others are constant, or memory that nothing
     *     defines
     */
    Optional<Lowering.Host> lowering(CustomOperator operator, List<Integer> given);

    /** What an operator holds, for people, line by line; empty if it is not known here. */
    List<String> describe(CustomOperator operator);
}
