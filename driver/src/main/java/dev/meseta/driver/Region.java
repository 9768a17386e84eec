package dev.meseta.driver;

import dev.meseta.graph.Graph;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory that a job of an executable touches: the bytes [0, bytes) of what is bound there, and nothing else. Part of a driver's promise: the
 * stack refuses a job whose buffers do not keep to it, before the driver sees it.
 *
 * @param name for people
 * @param access what the job does; a region that is written overlaps no other region of the job
 * @param bytes how far it reaches, 0 or more
 * @param alignment of the first byte, a power of two
 */
public record Region(String name, Access access, long bytes, long alignment) {
    public Region {
        if (bytes < 0) throw new IllegalArgumentException("region " + name + " has " + bytes + " bytes");
        if (Long.bitCount(alignment) != 1)
            throw new IllegalArgumentException(
                    "the alignment of region " + name + " is " + alignment + ", it must be a power of two");
    }
    /** The regions of an executable of a graph, as {@link #of(List, List)}. */
    public static List<Region> of(Graph graph) {
        return of(
                graph.inputTypes().stream().map(TensorType::bytes).toList(),
                graph.outputTypes().stream().map(TensorType::bytes).toList());
    }

    /** The regions of an executable of a command list, as {@link #of(List, List)}. */
    public static List<Region> of(CommandList commands) {
        return of(
                commands.inputs().stream()
                        .map(slot -> commands.slots().get(slot).bytes())
                        .toList(),
                commands.outputs().stream().map(o -> o.type().bytes()).toList());
    }

    /** The regions of an executable whose tensors are bound one by one, with any alignment: inputs, then outputs, by their bytes. */
    public static List<Region> of(List<Long> inputs, List<Long> outputs) {
        List<Region> regions = new ArrayList<>();
        for (long bytes : inputs) regions.add(new Region("input " + regions.size(), Access.READ, bytes, 1));
        for (int i = 0; i < outputs.size(); i++)
            regions.add(new Region("output " + i, Access.WRITE, outputs.get(i), 1));
        return List.copyOf(regions);
    }
}
