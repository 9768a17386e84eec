package dev.meseta.driver;

import dev.meseta.graph.TensorType;
import java.util.List;
import java.util.Optional;

/**
 * A graph that is ready to run on a device, for fixed shapes: by {@link Device#run}. Thread-safe; several jobs of it may be under way. Its
 * memory goes when it is no longer reachable.
 */
public interface Executable {
    /** What its jobs touch: the graph's inputs in order, then its outputs in order. The same list each time. */
    List<Region> regions();

    /** The types of the outputs. The same list each time. */
    List<TensorType> outputs();

    /** The form in which it can be kept; empty if there is none. */
    default Optional<Image> image() {
        return Optional.empty();
    }

    /** How it will run, for people: a line a step. */
    String describe();

    /** The commands that the device will execute, printed, with what they are thought to cost; empty where there is nothing of that kind. */
    default List<String> listing() {
        return List.of();
    }
}
