package dev.meseta.runtime.scheduler;

import dev.meseta.driver.Executable;
import dev.meseta.driver.Region;
import dev.meseta.graph.TensorType;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** What touches nothing, and counts how often it was begun. */
record Untouched(AtomicLong begun) implements Executable {
    Untouched() {
        this(new AtomicLong());
    }

    @Override
    public List<Region> regions() {
        return List.of();
    }

    @Override
    public List<TensorType> outputs() {
        return List.of();
    }

    @Override
    public String describe() {
        return "nothing";
    }
}
