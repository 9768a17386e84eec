package dev.meseta.tests;

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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Parts of models, right or wrong as the caller wants them: nothing is checked here. */
final class Drafts {
    static final int F32 = 1;
    static final int I32 = 6;
    static final int I64 = 7;
    static final int STRING = 8;
    static final int BOOL = 9;

    private Drafts() {}

    /** A model of opset 17 whose one output is {@code y}. */
    static ModelProto.Builder model(GraphProto.Builder graph) {
        return ModelProto.newBuilder().setIrVersion(8).setGraph(graph).addOpsetImport(opset("", 17));
    }

    static OperatorSetIdProto.Builder opset(String domain, long version) {
        return OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version);
    }

    /** A graph of these nodes with the untyped output {@code y}; inputs and constants are added by the caller. */
    static GraphProto.Builder graph(NodeProto.Builder... nodes) {
        GraphProto.Builder g = GraphProto.newBuilder()
                .setName("g")
                .addOutput(ValueInfoProto.newBuilder().setName("y"));
        for (NodeProto.Builder n : nodes) g.addNode(n);
        return g;
    }

    /** A node called {@code the OPERATOR}; names are separated by spaces, and {@code _} is one left out. */
    static NodeProto.Builder node(
            String operator, String inputs, String outputs, AttributeProto.Builder... attributes) {
        NodeProto.Builder n = NodeProto.newBuilder().setName("the " + operator).setOpType(operator);
        if (!inputs.isEmpty()) for (String i : inputs.split(" ")) n.addInput(i.equals("_") ? "" : i);
        if (!outputs.isEmpty()) for (String o : outputs.split(" ")) n.addOutput(o);
        for (AttributeProto.Builder a : attributes) n.addAttribute(a);
        return n;
    }

    static ValueInfoProto.Builder port(String name, int type, long... extents) {
        TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
        for (long e : extents) shape.addDimBuilder().setDimValue(e);
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(
                                TypeProto.Tensor.newBuilder().setElemType(type).setShape(shape)));
    }

    static TensorProto.Builder longs(String name, long... values) {
        return fill(TensorProto.newBuilder().setName(name).setDataType(I64).addDims(values.length), values);
    }

    static TensorProto.Builder scalar(String name, long value) {
        return fill(TensorProto.newBuilder().setName(name).setDataType(I64), value);
    }

    private static TensorProto.Builder fill(TensorProto.Builder t, long... values) {
        ByteBuffer b = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long v : values) b.putLong(v);
        return t.setRawData(ByteString.copyFrom(b.array()));
    }

    static TensorProto.Builder real(String name, float value) {
        return TensorProto.newBuilder().setName(name).setDataType(F32).addFloatData(value);
    }

    static TensorProto.Builder truth(String name, boolean value) {
        return TensorProto.newBuilder().setName(name).setDataType(BOOL).addInt32Data(value ? 1 : 0);
    }

    /** A tensor of f32 whose data is said to be elsewhere. */
    static TensorProto.Builder external(String name, long elements, String location, long offset, long length) {
        return TensorProto.newBuilder()
                .setName(name)
                .setDataType(F32)
                .addDims(elements)
                .setDataLocation(TensorProto.DataLocation.EXTERNAL)
                .addExternalData(entry("location", location))
                .addExternalData(entry("offset", Long.toString(offset)))
                .addExternalData(entry("length", Long.toString(length)));
    }

    private static StringStringEntryProto.Builder entry(String key, String value) {
        return StringStringEntryProto.newBuilder().setKey(key).setValue(value);
    }

    static AttributeProto.Builder integer(String name, long value) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.INT)
                .setI(value);
    }

    static AttributeProto.Builder integers(String name, long... values) {
        AttributeProto.Builder a = AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
        for (long v : values) a.addInts(v);
        return a;
    }

    static AttributeProto.Builder text(String name, String value) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.STRING)
                .setS(ByteString.copyFromUtf8(value));
    }

    static AttributeProto.Builder body(String name, GraphProto.Builder graph) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.GRAPH)
                .setG(graph);
    }
}
