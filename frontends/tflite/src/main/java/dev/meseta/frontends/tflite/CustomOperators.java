package dev.meseta.frontends.tflite;

import dev.meseta.frontends.tflite.format.ModelFile;
import dev.meseta.frontends.tflite.format.ModelFile.Operator;
import dev.meseta.frontends.tflite.format.ModelFile.Subgraph;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.CustomOperator;
import dev.meseta.graph.program.CustomOperatorProvider;
import dev.meseta.graph.program.Lowering;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/** The custom operators of a file, and who knows them. */
final class CustomOperators {
    /** What places tensors in one memory, if a model says so: a version, a subgraph, a count, and an offset for each tensor. */
    private static final String PLACES = "OfflineMemoryAllocation";

    private static final int PLACES_HEAD = 3;
    private static final int MOST_RANK = 32;

    private CustomOperators() {}

    /** What an operator does, by the first who knows it. */
    static Optional<Lowering.Host> lowering(CustomOperator operator, List<Integer> given) {
        for (CustomOperatorProvider p : ServiceLoader.load(CustomOperatorProvider.class)) {
            Optional<Lowering.Host> lowering = p.lowering(operator, given);
            if (lowering.isPresent()) return lowering;
        }
        return Optional.empty();
    }

    static List<CustomOperator> all(ModelFile file) {
        List<CustomOperator> all = new ArrayList<>();
        for (int g = 0; g < file.subgraphs().size(); g++) {
            Subgraph s = file.subgraphs().get(g);
            for (Operator o : s.operators()) {
                if (o.custom()) all.add(of(file, g, o, "custom operator '" + o.name() + "'"));
            }
        }
        return all;
    }

    static CustomOperator of(ModelFile file, int graph, Operator o, String where) {
        return new CustomOperator(
                where, o.name(), operands(file, graph, o.inputs()), operands(file, graph, o.outputs()));
    }

    private static List<CustomOperator.Operand> operands(ModelFile file, int graph, int[] indices) {
        List<CustomOperator.Operand> operands = new ArrayList<>();
        for (int i : indices) {
            if (i < 0) {
                operands.add(new CustomOperator.Operand("", Optional.empty(), Optional.empty(), -1));
                continue;
            }
            TensorInfo t = file.subgraphs().get(graph).tensors().get(i);
            MemorySegment contents = t.buffer() == 0
                    ? MemorySegment.ofArray(new byte[0])
                    : file.buffers().get(t.buffer());
            operands.add(new CustomOperator.Operand(
                    t.name(),
                    type(t),
                    contents.byteSize() > 0 ? Optional.of(contents) : Optional.empty(),
                    graph == 0 ? offset(file, i) : -1));
        }
        return operands;
    }

    private static Optional<TensorType> type(TensorInfo t) {
        DType dtype = t.dtype();
        if (dtype == null || t.shape().length > MOST_RANK) return Optional.empty();
        for (int e : t.shape()) if (e < 0) return Optional.empty();
        TensorType type = new TensorType(
                dtype, Shape.of(Arrays.stream(t.shape()).asLongStream().toArray()));
        try {
            return type.bytes() >= 0 ? Optional.of(type) : Optional.empty();
        } catch (ArithmeticException e) {
            return Optional.empty();
        }
    }

    private static long offset(ModelFile file, int tensor) {
        MemorySegment places = file.metadata().get(PLACES);
        long at = 4L * (PLACES_HEAD + tensor);
        return places == null || at + 4 > places.byteSize() ? -1 : places.get(ValueLayout.JAVA_INT_UNALIGNED, at);
    }
}
