package dev.meseta.frontends.onnx;

import static dev.meseta.frontends.onnx.Models.contains;
import static dev.meseta.frontends.onnx.Models.external;
import static dev.meseta.frontends.onnx.Models.floats;
import static dev.meseta.frontends.onnx.Models.graph;
import static dev.meseta.frontends.onnx.Models.graphAttribute;
import static dev.meseta.frontends.onnx.Models.model;
import static dev.meseta.frontends.onnx.Models.node;
import static dev.meseta.frontends.onnx.Models.opset;
import static dev.meseta.frontends.onnx.Models.raw;
import static dev.meseta.frontends.onnx.Models.read;
import static dev.meseta.frontends.onnx.Models.refused;
import static dev.meseta.frontends.onnx.Models.untyped;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.FunctionProto;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.ModelProto;
import dev.meseta.frontends.onnx.format.SparseTensorProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxReaderTest {
    private static ModelProto.Builder withTensor(TensorProto.Builder t) {
        return model(graph("x", "y", node("Add", List.of("x", t.getName()), List.of("y")))
                .addInitializer(t));
    }

    @Test
    void portsHaveTheStatedTypes() {
        Program p = read(model(graph("x", "y", node("Relu", List.of("x"), List.of("y")))));
        assertEquals("f32[2,?,n]", p.inputs().getFirst().describe());
        assertEquals(Port.Kind.TENSOR, p.outputs().getFirst().kind());
        assertEquals("ai.onnx.Relu-17", p.calls().getFirst().operator());
    }

    @Test
    void rawBytesAreNotCopied() {
        byte[] file = withTensor(raw("w", 1, 2, 3)).build().toByteArray();
        MemorySegment bytes = Arena.ofAuto().allocate(file.length).copyFrom(MemorySegment.ofArray(file));
        Tensor w = (Tensor) OnnxReader.read(bytes, null).constants().get("w");
        long offset = w.data().address() - bytes.address();
        assertTrue(offset > 0 && offset + 12 <= file.length, "outside the file at " + offset);
        assertArrayEquals(new float[] {1, 2, 3}, w.toFloats());
    }

    @Test
    void initializersThatAreInputsAreDefaultsFromIr4On() {
        GraphProto.Builder g = graph("x", "y", node("Add", List.of("x", "w"), List.of("y")))
                .addInput(floats("w"))
                .addInitializer(raw("w", 1));
        Program later = read(model(g));
        assertEquals(
                List.of(false, true),
                later.inputs().stream().map(Port::optional).toList());
        Program earlier = read(model(g).setIrVersion(3));
        assertEquals(List.of("x"), earlier.inputs().stream().map(Port::name).toList());
        assertTrue(earlier.constants().containsKey("w"));
    }

    @Test
    void everyElementTypeIsRead() {
        for (int type = 1; type <= 26; type++) {
            if (type == TensorProto.DataType.STRING_VALUE) continue;
            DType dtype = dev.meseta.frontends.onnx.operators.ElementTypes.of(type);
            int bits = dtype == DType.BOOL ? 8 : dtype.bits();
            TensorProto.Builder t = TensorProto.newBuilder()
                    .setName("w")
                    .setDataType(type)
                    .addDims(3)
                    .setRawData(ByteString.copyFrom(new byte[(3 * bits + 7) / 8]));
            Data d = OnnxData.read(MemorySegment.ofArray(t.build().toByteArray()), Port.Kind.TENSOR);
            assertEquals(dtype.text() + "[3]", d.describe());
        }
    }

    @Test
    void packedElementsAreSpread() {
        TensorProto.Builder four = TensorProto.newBuilder()
                .setDataType(22)
                .addDims(3)
                .setRawData(ByteString.copyFrom(new byte[] {(byte) 0x8f, 7}));
        Tensor t = (Tensor) OnnxData.read(MemorySegment.ofArray(four.build().toByteArray()), Port.Kind.TENSOR);
        assertArrayEquals(new long[] {-1, -8, 7}, t.toLongs());
        TensorProto.Builder two = TensorProto.newBuilder()
                .setDataType(25)
                .addDims(5)
                .addInt32Data(0b11100100)
                .addInt32Data(2);
        t = (Tensor) OnnxData.read(MemorySegment.ofArray(two.build().toByteArray()), Port.Kind.TENSOR);
        assertArrayEquals(new long[] {0, 1, 2, 3, 2}, t.toLongs());
    }

    @Test
    void sizesAreCheckedBeforeAnythingIsAllocated() {
        refused(withTensor(raw("w", 1, 2).clearDims().addDims(1L << 40)), "'w'", "bytes");
        refused(withTensor(raw("w", 1, 2).clearDims().addDims(-2)), "negative");
        refused(withTensor(raw("w").clearDims().addDims(1L << 40).addDims(1L << 40)), "2^63");
        refused(
                withTensor(
                        raw("w", 1).clearRawData().addFloatData(1).clearDims().addDims(1L << 50)),
                "there are 1");
        refused(
                withTensor(
                        raw("w", 1).clearRawData().addFloatData(1).clearDims().addDims(3)),
                "need 3 floats");
        refused(withTensor(raw("w", 1).addFloatData(1)), "more than one field");
        refused(withTensor(raw("w", 1).setDataType(99)), "unknown element type 99");
    }

    @Test
    void sparseInitializersAreMadeDense() {
        SparseTensorProto.Builder s = SparseTensorProto.newBuilder()
                .setValues(raw("w", 5, 6))
                .setIndices(TensorProto.newBuilder()
                        .setDataType(7)
                        .addDims(2)
                        .addInt64Data(1)
                        .addInt64Data(3))
                .addDims(2)
                .addDims(2);
        GraphProto.Builder g =
                graph("x", "y", node("Add", List.of("x", "w"), List.of("y"))).addSparseInitializer(s);
        assertArrayEquals(
                new float[] {0, 5, 0, 6}, ((Tensor) read(model(g)).constants().get("w")).toFloats());
        s.clearDims().addDims(1L << 40);
        refused(model(g.clearSparseInitializer().addSparseInitializer(s)), "too much");
        s.clearDims().addDims(3);
        refused(model(g.clearSparseInitializer().addSparseInitializer(s)), "index 3");
    }

    @Test
    void externalDataStaysInItsFolder(@TempDir Path folder) throws IOException {
        Path inside = Files.createDirectory(folder.resolve("model"));
        Files.write(inside.resolve("w.bin"), new byte[16]);
        Files.write(folder.resolve("secret.bin"), new byte[16]);
        Files.createSymbolicLink(inside.resolve("link.bin"), folder.resolve("secret.bin"));
        Path file = inside.resolve("model.onnx");
        Files.write(file, withTensor(external("w", "w.bin", 4, 3)).build().toByteArray());
        assertEquals("f32[3]", OnnxReader.read(file).constants().get("w").describe());
        externalRefused(file, external("w", "w.bin", 8, 3), "which has 16");
        externalRefused(file, external("w", "gone.bin", 0, 3), "missing");
        externalRefused(file, external("w", "../secret.bin", 0, 3), "outside the model's folder");
        externalRefused(file, external("w", folder.resolve("secret.bin").toString(), 0, 3), "outside");
        externalRefused(file, external("w", "link.bin", 0, 3), "outside the model's folder");
        externalRefused(file, external("w", "w.bin", -1, 3), "from byte -1");
        externalRefused(file, external("w", "w\0.bin", 0, 3), "no path");
        refused(withTensor(external("w", "w.bin", 0, 3)), "read from memory");
    }

    private static void externalRefused(Path file, TensorProto.Builder t, String part) throws IOException {
        Files.write(file, withTensor(t).build().toByteArray());
        contains(assertThrows(InvalidInputException.class, () -> OnnxReader.read(file)), "'w'", part);
    }

    @Test
    void nodesOutOfOrderAreSortedAndCyclesRefused() {
        Program p = read(model(
                graph("x", "y", node("Relu", List.of("h"), List.of("y")), node("Neg", List.of("x"), List.of("h")))));
        assertEquals(
                List.of("node of Neg", "node of Relu"),
                p.calls().stream().map(Call::name).toList());
        refused(
                model(graph(
                        "x", "y", node("Relu", List.of("y"), List.of("h")), node("Neg", List.of("h"), List.of("y")))),
                "cycle");
    }

    @Test
    void namesAreDefinedOnceAndBeforeUse() {
        refused(model(graph("x", "y", node("Relu", List.of("gone"), List.of("y")))), "'gone'", "node of Relu");
        refused(model(graph("x", "gone", node("Relu", List.of("x"), List.of("y")))), "'gone'");
        refused(
                model(graph(
                        "x", "y", node("Relu", List.of("x"), List.of("y")), node("Neg", List.of("x"), List.of("y")))),
                "'y' twice");
        refused(model(graph("x", "y", node("Relu", List.of("x"), List.of("x")))), "'x' twice");
    }

    @Test
    void everythingThatCannotRunIsInOneMessage() {
        refused(
                model(graph(
                        "x",
                        "y",
                        node("Nonsense", List.of("x"), List.of("a")),
                        node("Gelu", List.of("a"), List.of("b")),
                        node("Thing", List.of("b"), List.of("y")).setDomain("my.domain"))),
                "node of Nonsense",
                "ai.onnx.Nonsense-17",
                "unknown operator",
                "from opset 20 on",
                "does not import an opset of domain my.domain");
    }

    @Test
    void versionsAreChecked() {
        GraphProto.Builder g = graph("x", "y", node("Relu", List.of("x"), List.of("y")));
        refused(model(g).clearOpsetImport(), "opset_import");
        refused(model(g).clearOpsetImport().addOpsetImport(opset("ai.onnx", 29)), "29", "28");
        refused(model(g).clearOpsetImport().addOpsetImport(opset("", 0)), "opset 0");
        refused(model(g).addOpsetImport(opset("ai.onnx", 13)), "two opsets");
        refused(model(g).setIrVersion(99), "IR version 99");
        refused(model(g).clearIrVersion(), "IR version");
        refused(ModelProto.newBuilder().setIrVersion(8), "no graph");
        assertEquals(
                "ai.onnx.Relu-1",
                read(model(g).clearOpsetImport().setIrVersion(2))
                        .calls()
                        .getFirst()
                        .operator());
    }

    @Test
    void bodiesCaptureThroughOneAnother() {
        GraphProto.Builder inner = GraphProto.newBuilder()
                .setName("inner")
                .addNode(node("Add", List.of("x", "w"), List.of("r")))
                .addOutput(untyped("r"));
        GraphProto.Builder outer = GraphProto.newBuilder()
                .setName("outer")
                .addNode(ifNode("c", "q", inner, inner))
                .addOutput(untyped("q"));
        GraphProto.Builder g = graph("x", "y", ifNode("c", "y", outer, outer))
                .addInput(untyped("c"))
                .addInitializer(raw("w", 1));
        Call call = read(model(g)).calls().getFirst();
        assertEquals(List.of("c", "c", "x", "w"), call.inputs());
        Lowering.Branch branch = assertInstanceOf(Lowering.Branch.class, call.lowering());
        assertEquals(
                List.of("c", "x", "w"),
                branch.then().inputs().stream().map(Port::name).toList());
    }

    private static dev.meseta.frontends.onnx.format.NodeProto.Builder ifNode(
            String condition, String output, GraphProto.Builder then, GraphProto.Builder otherwise) {
        return node("If", List.of(condition), List.of(output))
                .addAttribute(graphAttribute("then_branch", then))
                .addAttribute(graphAttribute("else_branch", otherwise));
    }

    private static FunctionProto.Builder function(
            String name, dev.meseta.frontends.onnx.format.NodeProto.Builder node) {
        return FunctionProto.newBuilder()
                .setDomain("f")
                .setName(name)
                .addInput("a")
                .addInput("b")
                .addOutput("r")
                .addNode(node)
                .addOpsetImport(opset("", 17))
                .addOpsetImport(opset("f", 1));
    }

    @Test
    void functionsTakeAttributesAndLeaveInputsOut() {
        FunctionProto.Builder f = function(
                        "leaky",
                        node("LeakyRelu", List.of("a"), List.of("r"))
                                .addAttribute(AttributeProto.newBuilder()
                                        .setName("alpha")
                                        .setRefAttrName("slope")
                                        .setType(AttributeProto.AttributeType.FLOAT)))
                .addAttributeProto(AttributeProto.newBuilder()
                        .setName("slope")
                        .setF(0.5f)
                        .setType(AttributeProto.AttributeType.FLOAT));
        Program p = read(model(graph(
                        "x", "y", node("leaky", List.of("x"), List.of("y")).setDomain("f")))
                .addOpsetImport(opset("f", 1))
                .addFunctions(f));
        Lowering.Inline inline =
                assertInstanceOf(Lowering.Inline.class, p.calls().getFirst().lowering());
        assertEquals(
                List.of("a"), inline.body().inputs().stream().map(Port::name).toList());
        refused(
                model(graph(
                                "x",
                                "y",
                                node("leaky", List.of("x"), List.of("y"))
                                        .setDomain("f")
                                        .addAttribute(AttributeProto.newBuilder()
                                                .setName("no")
                                                .setI(1))))
                        .addFunctions(f),
                "no attribute 'no'");
    }

    @Test
    void functionsThatNeverEndAreRefused() {
        ModelProto.Builder m = model(
                        graph("x", "y", node("f", List.of("x"), List.of("y")).setDomain("f")))
                .addFunctions(
                        function("f", node("g", List.of("a"), List.of("r")).setDomain("f")))
                .addFunctions(
                        function("g", node("f", List.of("a"), List.of("r")).setDomain("f")));
        refused(m, "calls itself");
    }

    @Test
    void functionsThatMultiplyAreRefused() {
        ModelProto.Builder m =
                model(graph("x", "y", node("f0", List.of("x"), List.of("y")).setDomain("f")));
        for (int i = 0; i < 40; i++) {
            FunctionProto.Builder f = function(
                    "f" + i,
                    node(i == 39 ? "Relu" : "f" + (i + 1), List.of("a"), List.of("h"))
                            .setDomain(i == 39 ? "" : "f"));
            f.addNode(node(i == 39 ? "Relu" : "f" + (i + 1), List.of("h"), List.of("r"))
                    .setDomain(i == 39 ? "" : "f"));
            m.addFunctions(f);
        }
        refused(m, "written out");
    }

    @Test
    void deepNestingIsRefused() {
        GraphProto.Builder g = GraphProto.newBuilder()
                .setName("leaf")
                .addNode(node("Relu", List.of("x"), List.of("r")))
                .addOutput(untyped("r"));
        for (int i = 0; i < 200; i++) {
            g = GraphProto.newBuilder()
                    .setName("g")
                    .addNode(ifNode("c", "r", g, GraphProto.newBuilder()))
                    .addOutput(untyped("r"));
        }
        refused(model(g.addInput(untyped("c")).addInput(untyped("x"))), "deep");
    }

    @Test
    void brokenFilesHaveClearMessages(@TempDir Path folder) throws IOException {
        byte[] good = withTensor(raw("w", 1, 2, 3)).build().toByteArray();
        Random random = new Random(7);
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] b = good.clone();
            for (int k = random.nextInt(4); k >= 0; k--) b[random.nextInt(b.length)] = (byte) random.nextInt(256);
            MemorySegment m = MemorySegment.ofArray(b).asSlice(0, random.nextInt(b.length) + 1L);
            try {
                OnnxReader.read(m, null);
            } catch (InvalidInputException e) {
                refused++;
            }
        }
        assertTrue(refused > 10_000, "only " + refused);
        Path empty = Files.createFile(folder.resolve("empty.onnx"));
        contains(assertThrows(InvalidInputException.class, () -> OnnxReader.read(empty)), "is empty");
        contains(assertThrows(InvalidInputException.class, () -> OnnxReader.read(folder)), "is a folder");
        Path gone = folder.resolve("gone.onnx");
        contains(assertThrows(InvalidInputException.class, () -> OnnxReader.read(gone)), "there is no file");
    }
}
