package dev.meseta.drivers.ethosu.compiler;

import java.util.List;

/**
 * A graph as a command stream with its memory.
 *
 * @param target what it is for
 * @param stream words of 32 bits, little-endian, as the kernel takes them; not to be changed
 * @param constants region 0: weights, scales, tables; not to be changed
 * @param mapBytes of region 1: feature maps, among them inputs and outputs
 * @param fastBytes of region 2
 * @param inputs where they are in region 1
 * @param outputs where they are in region 1
 * @param lines what is done, for people
 */
public record CompiledGraph(
        String target,
        byte[] stream,
        byte[] constants,
        long mapBytes,
        long fastBytes,
        List<Piece> inputs,
        List<Piece> outputs,
        List<String> lines) {
    public CompiledGraph {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        lines = List.copyOf(lines);
    }

    /** Bytes of region 1. */
    public record Piece(long offset, long bytes) {}
}
