package dev.meseta.frontends.onnx;

import com.google.protobuf.ByteString;
import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.ModelProto;
import dev.meseta.frontends.onnx.format.NodeProto;
import dev.meseta.frontends.onnx.format.OperatorSetIdProto;
import dev.meseta.frontends.onnx.format.StringStringEntryProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.frontends.onnx.format.TensorShapeProto;
import dev.meseta.frontends.onnx.format.TypeProto;
import dev.meseta.frontends.onnx.format.ValueInfoProto;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Program;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assertions;

/** Small models, made by hand. */
final class Models {
    private Models() {}

    static ModelProto.Builder model(GraphProto.Builder graph) {
        return ModelProto.newBuilder().setIrVersion(8).setGraph(graph).addOpsetImport(opset("", 17));
    }

    static OperatorSetIdProto.Builder opset(String domain, long version) {
        return OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version);
    }

    static GraphProto.Builder graph(String input, String output, NodeProto.Builder... nodes) {
        GraphProto.Builder g =
                GraphProto.newBuilder().setName("g").addInput(floats(input)).addOutput(floats(output));
        for (NodeProto.Builder n : nodes) g.addNode(n);
        return g;
    }

    /** A value of type f32[2,?,n]. */
    static ValueInfoProto.Builder floats(String name) {
        TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
        shape.addDimBuilder().setDimValue(2);
        shape.addDimBuilder();
        shape.addDimBuilder().setDimParam("n");
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(
                                TypeProto.Tensor.newBuilder().setElemType(1).setShape(shape)));
    }

    static ValueInfoProto.Builder untyped(String name) {
        return ValueInfoProto.newBuilder().setName(name);
    }

    static NodeProto.Builder node(String operator, List<String> inputs, List<String> outputs) {
        return NodeProto.newBuilder()
                .setName("node of " + operator)
                .setOpType(operator)
                .addAllInput(inputs)
                .addAllOutput(outputs);
    }

    static AttributeProto.Builder graphAttribute(String name, GraphProto.Builder graph) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.GRAPH)
                .setG(graph);
    }

    static TensorProto.Builder raw(String name, float... values) {
        ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float v : values) b.putFloat(v);
        return TensorProto.newBuilder()
                .setName(name)
                .setDataType(1)
                .addDims(values.length)
                .setRawData(ByteString.copyFrom(b.array()));
    }

    static TensorProto.Builder external(String name, String location, long offset, long floats) {
        return TensorProto.newBuilder()
                .setName(name)
                .setDataType(1)
                .addDims(floats)
                .setDataLocation(TensorProto.DataLocation.EXTERNAL)
                .addExternalData(entry("location", location))
                .addExternalData(entry("offset", Long.toString(offset)))
                .addExternalData(entry("length", Long.toString(4 * floats)));
    }

    static StringStringEntryProto.Builder entry(String key, String value) {
        return StringStringEntryProto.newBuilder().setKey(key).setValue(value);
    }

    static Program read(ModelProto.Builder model) {
        return OnnxReader.read(MemorySegment.ofArray(model.build().toByteArray()), null);
    }

    /** Reads a model that is refused, with a message that holds all of {@code parts}. */
    static void refused(ModelProto.Builder model, String... parts) {
        InvalidInputException e = Assertions.assertThrows(InvalidInputException.class, () -> read(model));
        contains(e, parts);
    }

    static void contains(InvalidInputException e, String... parts) {
        for (String part : parts) {
            Assertions.assertTrue(
                    e.getMessage().contains(part),
                    () -> "'" + part + "' is not in: " + e.getMessage() + Arrays.toString(parts));
        }
    }
}
