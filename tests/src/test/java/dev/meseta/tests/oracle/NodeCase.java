package dev.meseta.tests.oracle;

import com.google.protobuf.ByteString;
import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.AttributeProto.AttributeType;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.ModelProto;
import dev.meseta.frontends.onnx.format.NodeProto;
import dev.meseta.frontends.onnx.format.OperatorSetIdProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.frontends.onnx.format.TensorShapeProto;
import dev.meseta.frontends.onnx.format.TypeProto;
import dev.meseta.frontends.onnx.format.ValueInfoProto;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** One node with its operands, from which models are made. Filled in by a row of the {@link Catalogue}; not thread-safe. */
final class NodeCase {
    private static final int VALUES_IN_MESSAGES = 24;
    /** The first default opset whose Cast knows the four-bit types. */
    private static final int OPSET_WITH_EVERY_TYPE = 21;

    private record Operand(Data value, boolean constant) {}

    private final String domain;
    private final String operator;
    private final int opset;
    private final Map<String, Object> attributes = new TreeMap<>();
    private final List<Operand> operands = new ArrayList<>();
    private final List<Boolean> outputs = new ArrayList<>();
    private final Map<String, DType> stated = new TreeMap<>();
    private Tolerance tolerance = Tolerance.USUAL;

    NodeCase(String domain, String operator, int opset) {
        this.domain = domain;
        this.operator = operator;
        this.opset = opset;
    }

    Tolerance tolerance() {
        return tolerance;
    }

    NodeCase tolerance(Tolerance t) {
        this.tolerance = t;
        return this;
    }

    /** An attribute: Long or Integer, Float or Double, String, long[], float[], List of String, or Tensor. */
    NodeCase with(String name, Object value) {
        attributes.put(
                name,
                switch (value) {
                    case Integer i -> (long) i;
                    case Double d -> d.floatValue();
                    case Boolean b -> b ? 1L : 0L;
                    default -> value;
                });
        return this;
    }

    NodeCase with(boolean given, String name, Object value) {
        return given ? with(name, value) : this;
    }

    /** An operand that is an input of the model. */
    NodeCase input(Data value) {
        operands.add(new Operand(value, false));
        return this;
    }

    /** An operand that is a constant of the model. */
    NodeCase constant(Data value) {
        operands.add(new Operand(value, true));
        return this;
    }

    NodeCase operand(Data value, boolean constant) {
        return constant ? constant(value) : input(value);
    }

    /** An operand that is left out. */
    NodeCase none() {
        operands.add(null);
        return this;
    }

    /** How many outputs are asked for; one if nobody says. */
    NodeCase outputs(int count) {
        outputs.clear();
        for (int i = 0; i < count; i++) outputs.add(true);
        return this;
    }

    /** One more output, asked for or left out. */
    NodeCase output(boolean wanted) {
        outputs.add(wanted);
        return this;
    }

    /** The next output, whose type the oracle does not find out by itself. */
    NodeCase output(DType type) {
        stated.put("y" + outputs.size(), type);
        return output(true);
    }

    Map<String, Data> inputs() {
        Map<String, Data> given = new LinkedHashMap<>();
        for (int i = 0; i < operands.size(); i++) {
            Operand o = operands.get(i);
            if (o != null && !o.constant()) given.put("x" + i, o.value());
        }
        return given;
    }

    private List<Boolean> wanted() {
        return outputs.isEmpty() ? List.of(true) : outputs;
    }

    /** Names of the outputs that are asked for. */
    List<String> outputNames() {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < wanted().size(); i++) {
            if (wanted().get(i)) names.add("y" + i);
        }
        return names;
    }

    /** The model of this node alone. */
    ModelProto model() {
        return model(Map.of(), Map.of());
    }

    /**
     * The model with conversions around the node, for a peer that cannot be given every type.
     *
     * @param given the type in which an input is given, by its name
     * @param wanted the type in which an output is wanted, by its name
     */
    ModelProto model(Map<String, DType> given, Map<String, DType> wanted) {
        GraphProto.Builder g = GraphProto.newBuilder().setName("case");
        NodeProto.Builder n = NodeProto.newBuilder().setOpType(operator).setName("node");
        if (!domain.isEmpty()) n.setDomain(domain);
        attributes.forEach((name, value) -> n.addAttribute(attribute(name, value)));
        for (int i = 0; i < operands.size(); i++) {
            Operand o = operands.get(i);
            String name = "x" + i;
            if (o == null) {
                n.addInput("");
            } else if (o.constant()) {
                g.addInitializer(tensor(o.value()).setName(name));
                n.addInput(name);
            } else if (given.containsKey(name)) {
                Tensor t = (Tensor) o.value();
                g.addInput(port(name, given.get(name), t.shape()));
                g.addNode(cast(name, name + "c", t.dtype()));
                n.addInput(name + "c");
            } else {
                g.addInput(
                        switch (o.value()) {
                            case Tensor t -> port(name, t.dtype(), t.shape());
                            case Data.Strings s -> port(name, TensorProto.DataType.STRING, s.shape());
                            default ->
                                throw new IllegalArgumentException(o.value().describe());
                        });
                n.addInput(name);
            }
        }
        List<NodeProto> casts = new ArrayList<>();
        for (int i = 0; i < wanted().size(); i++) {
            String name = "y" + i;
            if (!wanted().get(i)) {
                n.addOutput("");
            } else if (wanted.containsKey(name)) {
                n.addOutput(name + "c");
                casts.add(cast(name + "c", name, wanted.get(name)));
                g.addOutput(ValueInfoProto.newBuilder().setName(name));
            } else {
                n.addOutput(name);
                ValueInfoProto.Builder port = ValueInfoProto.newBuilder().setName(name);
                if (stated.containsKey(name)) {
                    port.setType(TypeProto.newBuilder()
                            .setTensorType(TypeProto.Tensor.newBuilder()
                                    .setElemType(number(stated.get(name)).getNumber())));
                }
                g.addOutput(port);
            }
        }
        g.addNode(n).addAllNode(casts);
        ModelProto.Builder m = ModelProto.newBuilder().setIrVersion(10).setGraph(g);
        if (domain.isEmpty()) return m.addOpsetImport(opset("", opset)).build();
        return m.addOpsetImport(opset(domain, opset))
                .addOpsetImport(opset("", OPSET_WITH_EVERY_TYPE))
                .build();
    }

    private static OperatorSetIdProto opset(String domain, int version) {
        return OperatorSetIdProto.newBuilder()
                .setDomain(domain)
                .setVersion(version)
                .build();
    }

    private static NodeProto cast(String from, String to, DType type) {
        return NodeProto.newBuilder()
                .setOpType("Cast")
                .addInput(from)
                .addOutput(to)
                .addAttribute(attribute("to", (long) number(type).getNumber()))
                .build();
    }

    private static ValueInfoProto port(String name, DType type, Shape shape) {
        return port(name, number(type), shape);
    }

    private static ValueInfoProto port(String name, TensorProto.DataType type, Shape shape) {
        TensorShapeProto.Builder s = TensorShapeProto.newBuilder();
        for (long e : shape.extents())
            s.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(e));
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(TypeProto.Tensor.newBuilder()
                                .setElemType(type.getNumber())
                                .setShape(s)))
                .build();
    }

    private static AttributeProto attribute(String name, Object value) {
        AttributeProto.Builder a = AttributeProto.newBuilder().setName(name);
        switch (value) {
            case Long i -> a.setType(AttributeType.INT).setI(i);
            case Float f -> a.setType(AttributeType.FLOAT).setF(f);
            case String s -> a.setType(AttributeType.STRING).setS(ByteString.copyFromUtf8(s));
            case long[] list -> {
                a.setType(AttributeType.INTS);
                for (long i : list) a.addInts(i);
            }
            case float[] list -> {
                a.setType(AttributeType.FLOATS);
                for (float f : list) a.addFloats(f);
            }
            case List<?> list -> {
                a.setType(AttributeType.STRINGS);
                for (Object s : list) a.addStrings(ByteString.copyFromUtf8((String) s));
            }
            case Data t -> a.setType(AttributeType.TENSOR).setT(tensor(t));
            default -> throw new IllegalArgumentException(name + " is a " + value.getClass());
        }
        return a.build();
    }

    private static TensorProto.Builder tensor(Data data) {
        TensorProto.Builder p = TensorProto.newBuilder();
        switch (data) {
            case Tensor t -> {
                for (long e : t.shape().extents()) p.addDims(e);
                p.setDataType(number(t.dtype()).getNumber()).setRawData(ByteString.copyFrom(packed(t)));
            }
            case Data.Strings s -> {
                for (long e : s.shape().extents()) p.addDims(e);
                p.setDataType(TensorProto.DataType.STRING.getNumber());
                for (String v : s.values()) p.addStringData(ByteString.copyFrom(v, StandardCharsets.UTF_8));
            }
            default -> throw new IllegalArgumentException(data.describe());
        }
        return p;
    }

    /** The bytes as a file has them: two or four elements a byte for the narrow types, the first in the lowest bits. */
    private static byte[] packed(Tensor t) {
        byte[] bytes = t.data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        int bits = t.dtype().bits();
        if (bits >= 8 || t.dtype() == DType.BOOL) return bytes;
        int each = 8 / bits;
        byte[] packed = new byte[(bytes.length + each - 1) / each];
        for (int i = 0; i < bytes.length; i++) {
            packed[i / each] |= (byte) ((bytes[i] & (1 << bits) - 1) << bits * (i % each));
        }
        return packed;
    }

    static TensorProto.DataType number(DType type) {
        return switch (type) {
            case F64 -> TensorProto.DataType.DOUBLE;
            case F32 -> TensorProto.DataType.FLOAT;
            case F16 -> TensorProto.DataType.FLOAT16;
            case BF16 -> TensorProto.DataType.BFLOAT16;
            case F8E4M3FN -> TensorProto.DataType.FLOAT8E4M3FN;
            case F8E4M3FNUZ -> TensorProto.DataType.FLOAT8E4M3FNUZ;
            case F8E5M2 -> TensorProto.DataType.FLOAT8E5M2;
            case F8E5M2FNUZ -> TensorProto.DataType.FLOAT8E5M2FNUZ;
            case F8E8M0 -> TensorProto.DataType.FLOAT8E8M0;
            case F4E2M1 -> TensorProto.DataType.FLOAT4E2M1;
            case I64 -> TensorProto.DataType.INT64;
            case I32 -> TensorProto.DataType.INT32;
            case I16 -> TensorProto.DataType.INT16;
            case I8 -> TensorProto.DataType.INT8;
            case I4 -> TensorProto.DataType.INT4;
            case I2 -> TensorProto.DataType.INT2;
            case U64 -> TensorProto.DataType.UINT64;
            case U32 -> TensorProto.DataType.UINT32;
            case U16 -> TensorProto.DataType.UINT16;
            case U8 -> TensorProto.DataType.UINT8;
            case U4 -> TensorProto.DataType.UINT4;
            case U2 -> TensorProto.DataType.UINT2;
            case BOOL -> TensorProto.DataType.BOOL;
            case C64 -> TensorProto.DataType.COMPLEX64;
            case C128 -> TensorProto.DataType.COMPLEX128;
        };
    }

    /** The case in words: operator, version, attributes, operands. */
    @Override
    public String toString() {
        String given = attributes.entrySet().stream()
                .map(e -> e.getKey() + "=" + text(e.getValue()))
                .collect(Collectors.joining(" "));
        String of = operands.stream()
                .map(o -> o == null ? "-" : (o.constant() ? "constant " : "") + text(o.value()))
                .collect(Collectors.joining(", "));
        return (domain.isEmpty() ? "" : domain + "::") + operator + "-" + opset + " {" + given + "} (" + of + ") -> "
                + outputNames();
    }

    static String text(Object value) {
        return switch (value) {
            case long[] list -> Arrays.toString(list);
            case float[] list -> Arrays.toString(list);
            case Tensor t -> t.describe() + (t.elements() <= VALUES_IN_MESSAGES ? values(t) : "");
            case Data.Strings s -> s.describe() + s.values();
            case Data d -> d.describe();
            default -> value.toString();
        };
    }

    private static String values(Tensor t) {
        if (t.dtype().kind() == DType.Kind.COMPLEX) return "";
        return t.dtype().isFloat() ? Arrays.toString(t.toDoubles()) : Arrays.toString(t.toLongs());
    }
}
