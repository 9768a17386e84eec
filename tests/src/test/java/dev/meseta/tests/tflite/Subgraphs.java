package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.FlatBufferWriter.Table;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A TFLite model of several graphs, for tests of control flow and variables. */
final class Subgraphs {
    private final Map<String, Integer> codes = new LinkedHashMap<>();
    private final List<Table> codeTables = new ArrayList<>();
    private final List<Table> buffers = new ArrayList<>(List.of(new Table()));
    private final List<Graph> graphs = new ArrayList<>();

    /** One graph: tensors are made as they are named by operators. */
    final class Graph {
        private final List<Table> tensors = new ArrayList<>();
        private final List<Table> operators = new ArrayList<>();
        private int[] inputs = {};
        private int[] outputs = {};

        int tensor(DType dtype, int... shape) {
            tensors.add(new Table()
                    .set(0, shape)
                    .set(1, dtype == null ? (byte) 13 : OneOperator.number(dtype))
                    .set(2, 0)
                    .set(3, "t" + tensors.size()));
            return tensors.size() - 1;
        }

        int constant(Tensor value) {
            buffers.add(new Table().set(0, value.data().toArray(ValueLayout.JAVA_BYTE)));
            int[] shape = new int[value.type().rank()];
            for (int i = 0; i < shape.length; i++)
                shape[i] = (int) value.shape().extent(i);
            int t = tensor(value.dtype(), shape);
            tensors.get(t).set(2, buffers.size() - 1);
            return t;
        }

        /** A constant of strings. */
        int strings(String... values) {
            int at = 4 * (values.length + 2);
            java.nio.ByteBuffer b = java.nio.ByteBuffer.allocate(at + 1000).order(java.nio.ByteOrder.LITTLE_ENDIAN);
            b.putInt(values.length);
            for (String v : values) {
                b.putInt(at);
                at += v.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
            }
            b.putInt(at);
            for (String v : values) b.put(v.getBytes(java.nio.charset.StandardCharsets.UTF_8));
            buffers.add(new Table().set(0, java.util.Arrays.copyOf(b.array(), at)));
            int t = tensor(DType.F32, values.length);
            tensors.get(t).set(1, (byte) 5).set(2, buffers.size() - 1);
            return t;
        }

        /** A tensor of strings. */
        int text(int... shape) {
            int t = tensor(DType.F32, shape);
            tensors.get(t).set(1, (byte) 5);
            return t;
        }

        Graph inputs(int... indices) {
            inputs = indices;
            return this;
        }

        Graph outputs(int... indices) {
            outputs = indices;
            return this;
        }

        Graph operator(String name, Table options, int[] in, int... out) {
            Table o = new Table().set(0, code(name)).set(1, in).set(2, out);
            int kind = OneOperator.options(name);
            if (kind > 0) o.set(3, (byte) kind).set(4, options == null ? new Table() : options);
            operators.add(o);
            return this;
        }
    }

    Graph graph() {
        graphs.add(new Graph());
        return graphs.getLast();
    }

    private int code(String name) {
        return codes.computeIfAbsent(name, n -> {
            int number = OneOperator.number(n);
            codeTables.add(
                    new Table().set(0, (byte) Math.min(127, number)).set(2, 1).set(3, number));
            return codeTables.size() - 1;
        });
    }

    static int[] of(int... values) {
        return values;
    }

    byte[] bytes() {
        List<Table> tables = new ArrayList<>();
        for (Graph g : graphs) {
            tables.add(new Table()
                    .set(0, g.tensors)
                    .set(1, g.inputs)
                    .set(2, g.outputs)
                    .set(3, g.operators)
                    .set(4, "graph" + tables.size()));
        }
        return FlatBufferWriter.write(
                new Table()
                        .set(0, 3)
                        .set(1, codeTables)
                        .set(2, tables)
                        .set(3, "graphs")
                        .set(4, buffers),
                "TFL3");
    }
}
