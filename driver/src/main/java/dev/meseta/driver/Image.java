package dev.meseta.driver;

import dev.meseta.graph.Tensor;
import java.util.List;

/**
 * What a device made of a command list or a graph, in a form that can be kept, and loaded where the device's {@link Device#identity} is the
 * same, without a compiler. Immutable.
 *
 * @param program in a form of the device's own; not to be changed
 * @param constants what the program reads and does not hold itself, in the order in which it numbers them
 */
public record Image(byte[] program, List<Tensor> constants) {
    public Image {
        constants = List.copyOf(constants);
    }
}
