package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.meseta.Meseta;
import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.ModelProto;
import dev.meseta.frontends.onnx.format.NodeProto;
import dev.meseta.frontends.onnx.format.OperatorSetIdProto;
import dev.meseta.frontends.onnx.format.TensorShapeProto;
import dev.meseta.frontends.onnx.format.TypeProto;
import dev.meseta.frontends.onnx.format.ValueInfoProto;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.oracle.OnnxRuntimePeer;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model of one node, with inputs named {@code i0}, {@code i1}, … and outputs named {@code o0}, …. */
final class OneNode {
    private final NodeProto.Builder node = NodeProto.newBuilder().setName("node");
    private final Map<String, Tensor> inputs = new LinkedHashMap<>();
    private final List<DType> outputs = new ArrayList<>();
    private final int opset;
    private boolean stated;

    OneNode(String domain, String operator, int opset) {
        node.setDomain(domain).setOpType(operator);
        this.opset = opset;
    }

    /** The next input; its extents are left open in the model. */
    OneNode input(Tensor t) {
        String name = "i" + node.getInputCount();
        node.addInput(name);
        inputs.put(name, t);
        return this;
    }

    /** The model states the extents of its inputs. */
    OneNode stated() {
        stated = true;
        return this;
    }

    /** An input left out. */
    OneNode none() {
        node.addInput("");
        return this;
    }

    OneNode integer(String name, long value) {
        node.addAttribute(AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.INT)
                .setI(value));
        return this;
    }

    OneNode real(String name, float value) {
        node.addAttribute(AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.FLOAT)
                .setF(value));
        return this;
    }

    OneNode text(String name, String value) {
        node.addAttribute(AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.STRING)
                .setS(ByteString.copyFromUtf8(value)));
        return this;
    }

    OneNode integers(String name, long... values) {
        AttributeProto.Builder a = AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
        for (long v : values) a.addInts(v);
        node.addAttribute(a);
        return this;
    }

    OneNode reals(String name, float... values) {
        AttributeProto.Builder a =
                AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.FLOATS);
        for (float v : values) a.addFloats(v);
        node.addAttribute(a);
        return this;
    }

    OneNode strings(String name, String... values) {
        AttributeProto.Builder a =
                AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.STRINGS);
        for (String v : values) a.addStrings(ByteString.copyFromUtf8(v));
        node.addAttribute(a);
        return this;
    }

    OneNode output(DType type) {
        node.addOutput("o" + outputs.size());
        outputs.add(type);
        return this;
    }

    Map<String, Tensor> inputs() {
        return inputs;
    }

    private static int code(DType t) {
        return switch (t) {
            case F32 -> 1;
            case U8 -> 2;
            case I8 -> 3;
            case I32 -> 6;
            case I64 -> 7;
            case BOOL -> 9;
            case F64 -> 11;
            default -> throw new IllegalArgumentException(t + " is not needed yet");
        };
    }

    private ValueInfoProto info(String name, DType type, @Nullable Shape extents) {
        TypeProto.Tensor.Builder t = TypeProto.Tensor.newBuilder().setElemType(code(type));
        if (extents != null) {
            TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
            for (int i = 0; i < extents.rank(); i++) {
                TensorShapeProto.Dimension.Builder d = TensorShapeProto.Dimension.newBuilder();
                shape.addDim(stated ? d.setDimValue(extents.extent(i)) : d.setDimParam(name + "_" + i));
            }
            t.setShape(shape);
        }
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder().setTensorType(t))
                .build();
    }

    /** Writes the model to a file in a folder. */
    Path write(Path folder) throws IOException {
        GraphProto.Builder graph = GraphProto.newBuilder().setName("one").addNode(node);
        inputs.forEach((name, t) -> graph.addInput(info(name, t.dtype(), t.shape())));
        for (int i = 0; i < outputs.size(); i++) graph.addOutput(info("o" + i, outputs.get(i), null));
        ModelProto.Builder model = ModelProto.newBuilder().setIrVersion(8).setGraph(graph);
        model.addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset));
        if (!node.getDomain().isEmpty())
            model.addOpsetImport(
                    OperatorSetIdProto.newBuilder().setDomain(node.getDomain()).setVersion(1));
        Path file = Files.createTempFile(folder, node.getOpType(), ".onnx");
        try (OutputStream out = Files.newOutputStream(file)) {
            model.build().writeTo(out);
        }
        return file;
    }

    /** How an output is compared with the peer's. */
    @FunctionalInterface
    interface Check {
        void check(String name, Tensor expected, Tensor found);
    }

    /** Runs the node in the peer and on the device {@code reference}, and checks each output. */
    void compare(Meseta meseta, Path folder, Check check) throws IOException {
        Path model = write(folder);
        try (OnnxRuntimePeer peer = new OnnxRuntimePeer(model)) {
            Map<String, Tensor> expected = peer.run(inputs());
            var outputs = meseta.load(model).on("reference").prepare().run(inputs());
            expected.forEach((name, e) -> check.check(name, e, outputs.get(name)));
        }
    }

    /** Floats to 1e-4, everything else to the bit. */
    static void close(String name, Tensor expected, Tensor found) {
        assertEquals(expected.type(), found.type(), name);
        for (long i = 0; i < expected.elements(); i++) {
            double e = expected.getDouble(i);
            double f = found.getDouble(i);
            double allowed = expected.dtype().isFloat() ? 1e-4 * Math.max(1, Math.abs(e)) : 0;
            assertTrue(e == f || Math.abs(e - f) <= allowed, name + " at " + i + ": " + f + ", expected " + e);
        }
    }
}
