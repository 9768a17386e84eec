package dev.meseta.graph.program;

import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * An operator that a model has beside those of its format, for who knows what it means: a {@link CustomOperatorProvider}.
 *
 * @param where names it in messages
 * @param name what the model calls it
 * @param inputs its operands
 * @param outputs its results
 */
public record CustomOperator(String where, String name, List<Operand> inputs, List<Operand> outputs) {
    public CustomOperator {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
    }

    /**
     * An operand or result.
     *
     * @param name of the tensor
     * @param type of it; empty for what is no tensor of numbers, or has an extent that is not known
     * @param constant its contents if the model has them
     * @param offset where the model places it in the memory of all tensors; -1 if nowhere
     */
    public record Operand(String name, Optional<TensorType> type, Optional<MemorySegment> constant, long offset) {
        /** Its size; 0 if that is not known. */
        public long bytes() {
            return type.map(TensorType::bytes).orElse(0L);
        }
    }
}
