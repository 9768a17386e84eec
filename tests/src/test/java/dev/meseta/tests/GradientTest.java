package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.meseta.Meseta;
import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.ModelProto;
import dev.meseta.frontends.onnx.format.NodeProto;
import dev.meseta.frontends.onnx.format.OperatorSetIdProto;
import dev.meseta.frontends.onnx.format.TypeProto;
import dev.meseta.frontends.onnx.format.ValueInfoProto;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ONNX's Gradient in models: what its names stand for, on both devices. */
class GradientTest {
    private static final String TRAINING = "ai.onnx.preview.training";

    @TempDir
    Path folder;

    private static NodeProto.Builder node(String operator, String inputs, String outputs) {
        return NodeProto.newBuilder()
                .setName(operator + " for " + outputs)
                .setOpType(operator)
                .addAllInput(names(inputs))
                .addAllOutput(names(outputs));
    }

    private static List<String> names(String list) {
        return Arrays.asList(list.split(",", -1));
    }

    private static AttributeProto strings(String name, String values) {
        AttributeProto.Builder a =
                AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.STRINGS);
        for (String v : names(values)) a.addStrings(ByteString.copyFromUtf8(v));
        return a.build();
    }

    private static NodeProto.Builder gradient(String inputs, String outputs, String xs, String zs, String y) {
        NodeProto.Builder n = node("Gradient", inputs, outputs)
                .setDomain(TRAINING)
                .addAttribute(strings("xs", xs))
                .addAttribute(AttributeProto.newBuilder()
                        .setName("y")
                        .setType(AttributeProto.AttributeType.STRING)
                        .setS(ByteString.copyFromUtf8(y)));
        return zs.isEmpty() ? n : n.addAttribute(strings("zs", zs));
    }

    private static ValueInfoProto info(String name, int type) {
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(TypeProto.Tensor.newBuilder().setElemType(type)))
                .build();
    }

    private Path model(Map<String, Tensor> inputs, List<String> outputs, NodeProto.Builder... nodes)
            throws IOException {
        GraphProto.Builder graph = GraphProto.newBuilder().setName("gradients");
        inputs.forEach((name, t) -> graph.addInput(info(name, t.dtype().isFloat() ? 1 : 7)));
        for (NodeProto.Builder n : nodes) graph.addNode(n);
        for (String name : outputs) graph.addOutput(info(name, 1));
        ModelProto model = ModelProto.newBuilder()
                .setIrVersion(8)
                .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(18))
                .addOpsetImport(
                        OperatorSetIdProto.newBuilder().setDomain(TRAINING).setVersion(1))
                .setGraph(graph)
                .build();
        Path file = Files.createTempFile(folder, "gradient", ".onnx");
        try (OutputStream out = Files.newOutputStream(file)) {
            model.writeTo(out);
        }
        return file;
    }

    private void check(Map<String, Tensor> inputs, Map<String, double[]> expected, NodeProto.Builder... nodes)
            throws IOException {
        Path file = model(inputs, List.copyOf(expected.keySet()), nodes);
        try (Meseta meseta = Meseta.open()) {
            for (String device : List.of("reference", "cpu")) {
                var found = meseta.load(file).on(device).prepare().run(inputs);
                expected.forEach((name, e) ->
                        assertArrayEquals(e, ((Tensor) found.get(name)).toDoubles(), 1e-5, name + " on " + device));
            }
        }
    }

    private static Tensor floats(float... values) {
        return Tensor.of(values, values.length);
    }

    @Test
    void higherOrdersAndOtherPoints() throws IOException {
        // y = x³w, in another order than that of the file; z = 2x is no variable of its own.
        check(
                Map.of("x", floats(2, 3), "w", floats(5, 7), "x1", floats(1, 10)),
                Map.of(
                        "dx", new double[] {60, 189},
                        "dw", new double[] {8, 27},
                        "dxdx", new double[] {60, 126},
                        "dxdw", new double[] {12, 27},
                        "elsewhere", new double[] {15, 2100},
                        "chained", new double[] {6, 9}),
                gradient("x,w", "dxdx,dxdw", "x,w", "", "dx"),
                gradient("x,w", "dx,dw", "x,w", "", "y"),
                gradient("x1,w", "elsewhere", "x", "w", "y"),
                gradient("h", "chained", "h", "", "q"),
                node("Mul", "x,x", "xx"),
                node("Mul", "xx,x", "xxx"),
                node("Mul", "xxx,w", "y"),
                node("Add", "x,x", "twice"),
                node("Mul", "x,h", "hx"),
                node("Add", "hx,twice", "h2"),
                node("Mul", "x,w", "h"),
                node("Mul", "hx,three", "q"),
                node("Div", "twice,x", "two"),
                node("Add", "two,one", "three"),
                node("Div", "w,w", "one"));
    }

    @Test
    void shapesThatAreComputed() throws IOException {
        // The shape comes from x itself, and from an input.
        check(
                Map.of("x", floats(1, 2, 3, 4), "s", Tensor.of(new long[] {2, 2}, 2)),
                Map.of("dx", new double[] {3, 7, 3, 7}),
                node("Reshape", "x,s", "m"),
                node("Shape", "x", "n"),
                node("MatMul", "m,m2", "p"),
                node("Reshape", "p,n", "y"),
                node("Reshape", "k,s", "m2"),
                node("Add", "x,zero", "k"),
                node("Sub", "x,x", "zero"),
                gradient("x,m2,s", "dx", "x", "m2,s", "y"));
    }

    @Test
    void whatCannotBeDifferentiatedIsNamed() throws IOException {
        refused("runs on the host", node("NonZero", "x", "n"), cast("n", "y"), gradient("x", "dx", "x", "", "y"));
        refused(
                "does not depend on 'w'",
                node("Neg", "x", "y"),
                node("Neg", "x", "w"),
                gradient("x,w", "dx,dw", "x,w", "", "y"));
        refused("no derivative", node("ArgMax", "x", "n"), cast("n", "y"), gradient("x", "dx", "x", "", "y"));
        refused("depends on its own output", node("Mul", "x,dx", "y"), gradient("x", "dx", "x", "", "y"));
    }

    private static NodeProto.Builder cast(String from, String to) {
        return node("Cast", from, to)
                .addAttribute(AttributeProto.newBuilder()
                        .setName("to")
                        .setType(AttributeProto.AttributeType.INT)
                        .setI(1));
    }

    private void refused(String reason, NodeProto.Builder... nodes) throws IOException {
        Map<String, Tensor> inputs = Map.of("x", floats(1, 2));
        Path file = model(inputs, List.of("dx"), nodes);
        try (Meseta meseta = Meseta.open()) {
            InvalidInputException e = assertThrows(
                    InvalidInputException.class,
                    () -> meseta.load(file).on("reference").prepare().run(inputs));
            assertTrue(String.valueOf(e.getMessage()).contains(reason), e.getMessage());
            assertTrue(String.valueOf(e.getMessage()).contains("Gradient for dx"), e.getMessage());
        }
    }
}
