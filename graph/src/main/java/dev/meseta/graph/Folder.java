package dev.meseta.graph;

import java.util.List;

/** Evaluates an op on constants: what {@link GraphBuilder} folds with. */
@FunctionalInterface
public interface Folder {
    /** The results of an op on operands that satisfy its constraints. Throws {@link InvalidInputException} for a position outside and the like. */
    List<Tensor> evaluate(Op op, List<Tensor> operands);
}
