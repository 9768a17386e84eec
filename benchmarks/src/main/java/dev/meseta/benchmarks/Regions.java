package dev.meseta.benchmarks;

import dev.meseta.driver.Access;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Region;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.List;

/** An executable that is nothing but its regions: the last of several is written. */
record Regions(List<Region> regions, List<TensorType> outputs) implements Executable {
    Regions(int count, long bytes) {
        this(of(count, bytes), List.of());
    }

    private static List<Region> of(int count, long bytes) {
        List<Region> regions = new ArrayList<>();
        for (int i = 0; i < count; i++)
            regions.add(new Region("r" + i, i == count - 1 ? Access.WRITE : Access.READ, bytes, 64));
        return List.copyOf(regions);
    }

    @Override
    public String describe() {
        return regions.size() + " regions";
    }
}
