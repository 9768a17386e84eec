package dev.meseta.graph.differentiate;

import dev.meseta.graph.Folder;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gradients of a graph's output by reverse-mode differentiation (Griewank and Walther, Evaluating Derivatives, chapter 3). For an output
 * that is no scalar it is the gradient of the sum of its elements. What the rules emit is in the op set, so it can be differentiated
 * again.
 *
 * <p>Where a function has a kink, the result is one of its subgradients: equal elements of a maximum share it, a maximum or minimum with a
 * value that does not depend on the inputs takes none (so relu has 0 at 0), and a clamp at its bounds passes it on. Functions that are
 * constant piece by piece (floor, sign, comparisons) have the derivative 0.
 */
public final class Gradients {
    private Gradients() {}

    /**
     * A graph with the same inputs, whose outputs are the gradients with respect to some of them.
     *
     * @param output which of the graph's outputs, a float
     * @param inputs which inputs, floats
     * @param folder evaluates what is constant
     */
    public static Graph of(Graph graph, int output, List<Integer> inputs, Folder folder) {
        GraphBuilder b = new GraphBuilder(graph.name() + "/gradient", folder);
        List<Value> operands =
                graph.inputs().stream().map(v -> b.input(v.name(), v.type())).toList();
        return b.build(add(b, graph, operands, output, inputs));
    }

    /**
     * Adds a graph and its gradients to another one.
     *
     * @param operands what the graph's inputs are there
     * @return one gradient for each of {@code inputs}, of its type
     * @throws InvalidInputException naming the node that has no derivative, if the output depends on the inputs by way of one
     */
    public static List<Value> add(GraphBuilder b, Graph graph, List<Value> operands, int output, List<Integer> inputs) {
        boolean[] wanted = new boolean[operands.size()];
        for (int i : inputs) {
            Value v = operands.get(i);
            if (!Pass.isDifferentiable(v))
                throw new InvalidInputException(
                        "input " + i + " is " + v.type() + "; only floats of 16 bits and more have a gradient");
            wanted[i] = true;
        }
        Value y = graph.outputs().get(output);
        if (!Pass.isDifferentiable(y))
            throw new InvalidInputException(
                    "the output is " + y.type() + "; only floats of 16 bits and more have a derivative");
        Pass pass = new Pass(b, graph, operands, wanted);
        List<@Nullable Value> seeds =
                new ArrayList<>(Collections.nCopies(graph.outputs().size(), null));
        seeds.set(output, b.broadcast(b.scalar(y.dtype(), 1.0), y.shape()));
        List<@Nullable Value> adjoints = pass.backward(seeds);
        List<Value> results = new ArrayList<>();
        for (int i : inputs) {
            Value a = adjoints.get(i);
            results.add(a != null ? a : Step.zeros(b, operands.get(i).type()));
        }
        return results;
    }
}
