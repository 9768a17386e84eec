package dev.meseta.graph.program;

import dev.meseta.graph.Data;
import dev.meseta.graph.Value;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How a call becomes something that can run. */
public sealed interface Lowering {
    /**
     * Says itself in the op set. Called when the types of all operands are known, perhaps more than once: it keeps no state. Operands are
     * tensors.
     */
    non-sealed interface Expand extends Lowering {
        /** The results in order, as many as the call has outputs or more. Throws what {@link LoweringContext} throws. */
        List<Value> expand(LoweringContext context);
    }

    /**
     * Runs in Java, between the parts that devices run: strings, sequences, optionals, and results whose shapes depend on data. Pure: equal
     * operands give equal results.
     */
    non-sealed interface Host extends Lowering {
        /** Operands in order, null where left out. As many results as the call has outputs or more; null for one left out. */
        List<@Nullable Data> run(List<@Nullable Data> operands);
    }

    /**
     * Another program in place of the call (a model's own function): its inputs are the call's inputs, in order.
     *
     * @param body the function
     */
    record Inline(Program body) implements Lowering {}

    /**
     * One of two programs by the first input, a BOOL of one element; each takes the call's other inputs, in order.
     *
     * @param then taken if it holds
     * @param otherwise taken if not
     */
    record Branch(Program then, Program otherwise) implements Lowering {}

    /**
     * A loop. Call inputs: trip count (I64 scalar or left out), condition (BOOL or left out), the carried values, then the captured ones.
     * The body's inputs: iteration number (I64 scalar), condition (BOOL scalar), carried, captured; its outputs: condition, carried, and one
     * slice for each stacked result. Results: the carried values, then the stacked ones.
     *
     * @param body one step
     * @param carried number of carried values
     */
    record Loop(Program body, int carried) implements Lowering {}

    /**
     * Two lowerings of an operator that numbers and other data both know: the first where all operands are tensors, the second where one is
     * of strings, a sequence, an optional or a mapping.
     *
     * @param numbers on tensors
     * @param others on anything else
     */
    record ByKind(Expand numbers, Host others) implements Lowering {}

    /**
     * The gradient of a program's one output with respect to its first inputs; of the sum of its elements if it is no scalar. The body's inputs
     * are the call's, in order; the results are one for each of the first inputs. The body must come to one graph.
     *
     * @param body what is differentiated
     * @param variables number of inputs that it is differentiated for
     */
    record Differentiate(Program body, int variables) implements Lowering {}
}
