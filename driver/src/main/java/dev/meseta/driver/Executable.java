package dev.meseta.driver;

import dev.meseta.graph.Tensor;
import java.util.List;
import java.util.Optional;

/** A graph that is ready to run on a device, for fixed shapes. Thread-safe; several runs may be under way. Its memory goes when it is no longer reachable. */
public interface Executable {
    /**
     * Runs it and waits for the end.
     *
     * @param inputs one tensor for each of the graph's inputs, of its type; read only during the call
     * @return one new tensor for each output
     */
    List<Tensor> run(List<Tensor> inputs);

    /** What its jobs touch: the graph's inputs in order, then its outputs in order. */
    List<Region> regions();

    /** The form in which it can be kept; empty if there is none. */
    default Optional<Image> image() {
        return Optional.empty();
    }

    /** How it will run, for people: a line a step. */
    String describe();
}
