package dev.meseta.frontends.tflite;

import dev.meseta.frontends.tflite.format.ModelFile;
import dev.meseta.frontends.tflite.format.ModelFile.Operator;
import dev.meseta.frontends.tflite.format.ModelFile.Subgraph;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.graph.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A custom operator of a model, for who knows what it means.
 *
 * @param name what the model calls it
 * @param inputs its operands
 * @param outputs its results
 */
public record CustomOperator(String name, List<Operand> inputs, List<Operand> outputs) {
    /** What places tensors in one memory, if a model says so: a version, a subgraph, a count, and an offset for each tensor. */
    private static final String PLACES = "OfflineMemoryAllocation";

    private static final int PLACES_HEAD = 3;

    /**
     * An operand or result.
     *
     * @param name of the tensor
     * @param bytes of it
     * @param constant its contents if the model has them
     * @param offset where the model places it in the memory of all tensors; -1 if nowhere
     */
    public record Operand(String name, long bytes, Optional<MemorySegment> constant, long offset) {}

    static List<CustomOperator> of(ModelFile file) {
        List<CustomOperator> all = new ArrayList<>();
        for (int g = 0; g < file.subgraphs().size(); g++) {
            Subgraph s = file.subgraphs().get(g);
            for (Operator o : s.operators()) {
                if (!o.custom()) continue;
                all.add(new CustomOperator(
                        o.name(), operands(file, s, g, o.inputs()), operands(file, s, g, o.outputs())));
            }
        }
        return all;
    }

    private static List<Operand> operands(ModelFile file, Subgraph s, int graph, int[] indices) {
        List<Operand> operands = new ArrayList<>();
        for (int i : indices) {
            if (i < 0) continue;
            TensorInfo t = s.tensors().get(i);
            MemorySegment contents = file.buffers().get(t.buffer());
            boolean constant = t.buffer() > 0 && contents.byteSize() > 0;
            long offset = graph == 0 ? offset(file, i) : -1;
            operands.add(new Operand(
                    t.name(), bytes(t), constant ? Optional.of(contents) : Optional.empty(), offset));
        }
        return operands;
    }

    private static long bytes(TensorInfo t) {
        DType dtype = t.dtype();
        long bytes = dtype == null ? 0 : dtype.bytes();
        for (int e : t.shape()) {
            if (e < 0 || e > 0 && bytes > Long.MAX_VALUE / e) return -1;
            bytes *= e;
        }
        return bytes;
    }

    private static long offset(ModelFile file, int tensor) {
        MemorySegment places = file.metadata().get(PLACES);
        long at = 4L * (PLACES_HEAD + tensor);
        return places == null || at + 4 > places.byteSize() ? -1 : places.get(ValueLayout.JAVA_INT_UNALIGNED, at);
    }
}
