package dev.meseta.runtime;

import dev.meseta.graph.Data;
import dev.meseta.graph.Graph;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A part of a program that runs without a stop: a graph for the device, then one action on the host. Values between stages live in
 * numbered places: the program's inputs first, then what stages produce. Immutable.
 *
 * @param graph what the device runs; may have no nodes
 * @param inputs the place of each of the graph's inputs
 * @param outputs the place of each of the graph's outputs
 * @param action what follows
 */
public record Stage(Graph graph, List<Integer> inputs, List<Integer> outputs, Action action) {
    public Stage {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
    }

    /** What happens on the host after the graph has run. */
    public sealed interface Action {}

    /** The program is done: these are its outputs. */
    public record Finish(List<Source> outputs) implements Action {}

    /** A host op runs; what comes next depends on the types of its results. */
    public record HostStep(
            Call call, Lowering.Host host, List<Source> operands, List<Integer> results, Continuation next)
            implements Action {}

    /** A loop runs, one run of its body a step; what comes next depends on the types of its results. */
    public record LoopStep(
            Call call, Lowering.Loop loop, List<Source> operands, List<Integer> results, Continuation next)
            implements Action {}

    /** What comes next depends on the contents of these places. The call is the one that needs them. */
    public record Read(Call call, List<Integer> places, Continuation next) implements Action {}

    /** Makes the next stage from what the action gave: results of a step, or the contents that were read. Thread-safe. */
    @FunctionalInterface
    public interface Continuation {
        Stage resume(List<@Nullable Data> produced);
    }

    /** Where a value comes from. */
    public sealed interface Source {}

    /** A numbered place. */
    public record Place(int number) implements Source {}

    /** A value that is known before the program runs. */
    public record Fixed(Data value) implements Source {}

    /** An operand left out. */
    public record Absent() implements Source {}
}
