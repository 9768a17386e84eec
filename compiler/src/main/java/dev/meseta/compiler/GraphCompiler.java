package dev.meseta.compiler;

import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.Graph;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Compiles graphs to kernels and the commands that run them. Covers the whole op set. Another extent of a dimension that has a symbol
 * gives kernels of equal text, so that a device compiles nothing anew. Stateless but for a cache of packed weights; thread-safe.
 */
public final class GraphCompiler {
    private GraphCompiler() {}

    /**
     * A command list that computes the graph's outputs.
     *
     * @param target what the kernels are made for
     */
    public static CommandList compile(Graph graph, Target target) {
        return compile(graph, target, Choices.NONE);
    }

    /**
     * As {@link #compile(Graph, Target)}.
     *
     * @param choices answers to what has several good ones
     */
    public static CommandList compile(Graph graph, Target target, Choices choices) {
        return compile(graph, target, choices, _ -> {});
    }

    /**
     * As {@link #compile(Graph, Target, Choices)}.
     *
     * @param made is told of each kernel as soon as it is made; a few may not come to be in the command list
     */
    public static CommandList compile(Graph graph, Target target, Choices choices, Consumer<Kernel> made) {
        return compile(graph, target, choices, made, Boolean.getBoolean("meseta.check"));
    }

    /** As {@link #compile(Graph, Target, Choices, Consumer)}, with or without tests of the compiler's own short cuts. */
    static CommandList compile(Graph graph, Target target, Choices choices, Consumer<Kernel> made, boolean checking) {
        Assembly a = new Assembly(target, choices, made, checking);
        List<Integer> inputs = new ArrayList<>();
        List<Place> places = new ArrayList<>();
        for (var type : graph.inputTypes()) {
            Place p = a.input(type);
            places.add(p);
            inputs.add(p.slot());
        }
        List<V> results = Lowering.body(a, graph, places, null);
        List<CommandList.Output> outputs = new ArrayList<>();
        for (V v : results) outputs.add(new CommandList.Output(a.place(v).slot(), v.type));
        return MemoryPlan.of(new CommandList(a.slots, a.commands(), inputs, outputs, 0));
    }
}
