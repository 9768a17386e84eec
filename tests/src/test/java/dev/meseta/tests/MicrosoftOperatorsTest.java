package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The operators of domain {@code com.microsoft} against ONNX Runtime, one node at a time. */
class MicrosoftOperatorsTest {
    private static final Meseta MESETA = Meseta.open();

    private final Random random = new Random(1);
    private final Map<String, OneNode> cases = new LinkedHashMap<>();

    @TempDir
    Path folder;

    private static OneNode node(String operator) {
        return new OneNode("com.microsoft", operator, 14);
    }

    private Tensor floats(long... extents) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }

    private Tensor integers(DType type, int low, int high, long... extents) {
        Tensor t = Tensor.allocate(type, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setLong(i, random.nextInt(low, high));
        return t;
    }

    private Tensor bytes(long... extents) {
        return integers(DType.U8, 0, 256, extents);
    }

    private Tensor signed(long... extents) {
        return integers(DType.I8, -127, 128, extents);
    }

    private static Tensor scale(double v) {
        return Tensor.scalar(DType.F32, v);
    }

    private static Tensor zero(DType t, long v) {
        return Tensor.scalar(t, v);
    }

    private static Tensor ints(int... v) {
        return Tensor.of(v, v.length);
    }

    @TestFactory
    List<DynamicTest> asThePeer() {
        plain();
        fused();
        attention();
        cached();
        quantized();
        blocks();
        List<DynamicTest> tests = new ArrayList<>();
        cases.forEach((name, node) -> tests.add(
                DynamicTest.dynamicTest(name, () -> node.compare(MESETA, folder, MicrosoftOperatorsTest::close))));
        return tests;
    }

    /** Floats to 1e-4; quantised results may differ by one where a sum lies at the edge between two. */
    private static void close(String name, Tensor expected, Tensor found) {
        assertEquals(expected.type(), found.type(), name);
        for (long i = 0; i < expected.elements(); i++) {
            double e = expected.getDouble(i);
            double f = found.getDouble(i);
            double allowed = expected.dtype().isFloat() ? 1e-4 * Math.max(1, Math.abs(e)) : 1;
            assertTrue(Math.abs(e - f) <= allowed, name + " at " + i + ": " + f + ", expected " + e);
        }
    }

    private void plain() {
        Tensor x = floats(2, 5, 8);
        cases.put("Gelu", node("Gelu").input(x).output(DType.F32));
        cases.put("FastGelu", node("FastGelu").input(x).input(floats(8)).output(DType.F32));
        cases.put("BiasGelu", node("BiasGelu").input(x).input(floats(8)).output(DType.F32));
        cases.put("QuickGelu", node("QuickGelu").input(x).real("alpha", 1.5f).output(DType.F32));
        cases.put("Inverse", node("Inverse").input(floats(2, 4, 4)).output(DType.F32));
        cases.put("Trilu", node("Trilu").input(floats(4, 4)).output(DType.F32));
        cases.put(
                "ExpandDims",
                node("ExpandDims").input(x).input(Tensor.of(new int[] {1})).output(DType.F32));
        cases.put(
                "Pad",
                node("Pad")
                        .input(floats(2, 3))
                        .input(Tensor.of(new long[] {1, 0, 2, 1}, 4))
                        .input(scale(3))
                        .output(DType.F32));
        cases.put(
                "CDist",
                node("CDist")
                        .input(floats(4, 3))
                        .input(floats(5, 3))
                        .text("metric", "euclidean")
                        .output(DType.F32));
        Tensor boxes = Tensor.of(new float[] {0.1f, 0.2f, 0.9f, 0.7f, -0.2f, 0, 1.3f, 1}, 2, 4);
        for (String mode : List.of("bilinear", "nearest")) {
            cases.put(
                    "CropAndResize " + mode,
                    node("CropAndResize")
                            .input(floats(2, 3, 7, 9))
                            .input(boxes)
                            .input(ints(1, 0))
                            .input(ints(4, 5))
                            .text("mode", mode)
                            .real("extrapolation_value", 2)
                            .output(DType.F32));
        }
    }

    private void fused() {
        cases.put(
                "FusedMatMul",
                node("FusedMatMul")
                        .input(floats(2, 4, 3))
                        .input(floats(2, 5, 4))
                        .integer("transA", 1)
                        .integer("transB", 1)
                        .real("alpha", 0.5f)
                        .output(DType.F32));
        cases.put(
                "FusedMatMul batch",
                node("FusedMatMul")
                        .input(floats(3, 2, 4))
                        .input(floats(4, 2, 5))
                        .integer("transBatchA", 1)
                        .integer("transBatchB", 1)
                        .output(DType.F32));
        cases.put(
                "FusedGemm",
                node("FusedGemm")
                        .input(floats(3, 4))
                        .input(floats(4, 5))
                        .input(floats(5))
                        .text("activation", "LeakyRelu")
                        .real("activation_alpha", 0.2f)
                        .output(DType.F32));
        cases.put(
                "FusedConv",
                node("FusedConv")
                        .input(floats(1, 3, 6, 6))
                        .input(floats(4, 3, 3, 3))
                        .input(floats(4))
                        .input(floats(1, 4, 4, 4))
                        .text("activation", "Relu")
                        .output(DType.F32));
        for (String name : List.of("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")) {
            OneNode n = node(name).input(floats(2, 3, 8)).input(floats(2, 3, 8)).input(floats(8));
            if (name.equals("SkipLayerNormalization")) n.input(floats(8));
            cases.put(name, n.input(floats(8)).real("epsilon", 1e-5f).output(DType.F32));
        }
        cases.put(
                "EmbedLayerNormalization",
                node("EmbedLayerNormalization")
                        .stated()
                        .input(integers(DType.I32, 0, 10, 2, 4))
                        .input(integers(DType.I32, 0, 2, 2, 4))
                        .input(floats(10, 8))
                        .input(floats(6, 8))
                        .input(floats(2, 8))
                        .input(floats(8))
                        .input(floats(8))
                        .input(Tensor.of(new int[] {1, 1, 1, 0, 1, 1, 0, 0}, 2, 4))
                        .output(DType.F32)
                        .output(DType.I32));
        cases.put(
                "ai.onnx SimplifiedLayerNormalization",
                new OneNode("", "SimplifiedLayerNormalization", 14)
                        .input(floats(2, 3, 8))
                        .input(floats(8))
                        .integer("axis", -1)
                        .output(DType.F32));
        cases.put(
                "ai.onnx LayerNormalization",
                new OneNode("", "LayerNormalization", 17)
                        .input(floats(2, 3, 8))
                        .input(floats(8))
                        .input(floats(8))
                        .output(DType.F32));
    }

    private OneNode selfAttention() {
        return node("Attention")
                .input(floats(2, 4, 8))
                .input(floats(8, 24))
                .input(floats(24))
                .integer("num_heads", 2);
    }

    private void attention() {
        cases.put("Attention", selfAttention().output(DType.F32));
        cases.put(
                "Attention causal", selfAttention().integer("unidirectional", 1).output(DType.F32));
        cases.put("Attention lengths", selfAttention().input(ints(3, 4)).output(DType.F32));
        cases.put(
                "Attention ends and starts",
                selfAttention().input(ints(4, 3, 1, 0)).output(DType.F32));
        Tensor mask = Tensor.of(new int[] {1, 1, 0, 1, 1, 1, 1, 0}, 2, 4);
        cases.put("Attention mask", selfAttention().input(mask).output(DType.F32));
        cases.put(
                "Attention past",
                selfAttention()
                        .none()
                        .input(floats(2, 2, 2, 3, 4))
                        .integer("unidirectional", 1)
                        .output(DType.F32)
                        .output(DType.F32));
        cases.put(
                "MultiHeadAttention",
                node("MultiHeadAttention")
                        .input(floats(2, 3, 8))
                        .input(floats(2, 5, 8))
                        .input(floats(2, 5, 8))
                        .input(floats(24))
                        .input(Tensor.of(new int[] {1, 1, 1, 1, 0, 1, 1, 0, 0, 0}, 2, 5))
                        .input(floats(1, 2, 3, 5))
                        .integer("num_heads", 2)
                        .output(DType.F32));
        cases.put(
                "MultiHeadAttention past",
                node("MultiHeadAttention")
                        .input(floats(2, 1, 8))
                        .input(floats(2, 1, 8))
                        .input(floats(2, 1, 8))
                        .none()
                        .none()
                        .none()
                        .input(floats(2, 2, 4, 4))
                        .input(floats(2, 2, 4, 4))
                        .integer("num_heads", 2)
                        .integer("unidirectional", 1)
                        .output(DType.F32)
                        .output(DType.F32)
                        .output(DType.F32));
        for (int interleaved = 0; interleaved < 2; interleaved++) {
            cases.put(
                    "RotaryEmbedding " + interleaved,
                    node("RotaryEmbedding")
                            .input(floats(2, 3, 16))
                            .input(Tensor.of(new long[] {0, 1, 2, 4, 5, 6}, 2, 3))
                            .input(floats(8, 4))
                            .input(floats(8, 4))
                            .integer("interleaved", interleaved)
                            .output(DType.F32));
        }
        cases.put(
                "RotaryEmbedding offset",
                node("RotaryEmbedding")
                        .input(floats(2, 2, 3, 8))
                        .input(Tensor.of(new long[] {2}, 1))
                        .input(floats(8, 4))
                        .input(floats(8, 4))
                        .output(DType.F32));
    }

    private OneNode grouped(int steps, int past, int... last) {
        int total = past + steps;
        OneNode n = node("GroupQueryAttention")
                .input(floats(last.length, steps, 64))
                .input(floats(last.length, steps, 32))
                .input(floats(last.length, steps, 32));
        n.input(floats(last.length, 2, past, 16)).input(floats(last.length, 2, past, 16));
        return n.input(ints(last))
                .input(Tensor.of(new int[] {total}))
                .integer("num_heads", 4)
                .integer("kv_num_heads", 2);
    }

    private static OneNode withResults(OneNode n) {
        return n.output(DType.F32).output(DType.F32).output(DType.F32);
    }

    private void cached() {
        cases.put("GroupQueryAttention prompt", withResults(grouped(5, 0, 4, 4)));
        cases.put("GroupQueryAttention step", withResults(grouped(1, 6, 6)));
        cases.put("GroupQueryAttention window", withResults(grouped(5, 0, 4).integer("local_window_size", 3)));
        cases.put(
                "GroupQueryAttention step in a window",
                withResults(grouped(1, 6, 6).integer("local_window_size", 3)));
        cases.put("GroupQueryAttention softcap", withResults(grouped(4, 0, 3).real("softcap", 2)));
        cases.put(
                "GroupQueryAttention rotary",
                withResults(grouped(1, 6, 6)
                        .input(floats(16, 8))
                        .input(floats(16, 8))
                        .integer("do_rotary", 1)));
        cases.put(
                "GroupQueryAttention rotary prompt",
                withResults(grouped(3, 0, 2, 2)
                        .input(floats(16, 8))
                        .input(floats(16, 8))
                        .integer("do_rotary", 1)
                        .integer("rotary_interleaved", 1)));
        cases.put(
                "GroupQueryAttention packed",
                withResults(node("GroupQueryAttention")
                        .input(floats(1, 3, 64))
                        .none()
                        .none()
                        .input(floats(1, 2, 0, 8))
                        .input(floats(1, 2, 0, 8))
                        .input(ints(2))
                        .input(Tensor.of(new int[] {3}))
                        .integer("num_heads", 4)
                        .integer("kv_num_heads", 2)));
    }

    private void quantized() {
        DType u = DType.U8;
        for (String name : List.of("QLinearAdd", "QLinearMul")) {
            cases.put(
                    name,
                    node(name)
                            .input(bytes(3, 8))
                            .input(scale(0.02))
                            .input(zero(u, 120))
                            .input(bytes(8))
                            .input(scale(0.03))
                            .input(zero(u, 130))
                            .input(scale(0.05))
                            .input(zero(u, 110))
                            .output(u));
        }
        for (String name : List.of("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax")) {
            OneNode n = node(name)
                    .input(bytes(3, 8))
                    .input(scale(0.03))
                    .input(zero(u, 128))
                    .input(scale(name.equals("QLinearLeakyRelu") ? 0.03 : 1 / 256.0))
                    .input(zero(u, name.equals("QLinearLeakyRelu") ? 100 : 0));
            if (name.equals("QLinearSoftmax")) n.integer("opset", 13).integer("axis", -1);
            cases.put(name, n.output(u));
        }
        cases.put(
                "QLinearConcat",
                node("QLinearConcat")
                        .input(scale(0.05))
                        .input(zero(u, 128))
                        .input(bytes(2, 3))
                        .input(scale(0.04))
                        .input(zero(u, 120))
                        .input(bytes(2, 4))
                        .input(scale(0.02))
                        .input(zero(u, 100))
                        .integer("axis", 1)
                        .output(u));
        for (int last = 0; last < 2; last++) {
            cases.put(
                    "QLinearGlobalAveragePool " + last,
                    pool("QLinearGlobalAveragePool", last).output(u));
            cases.put(
                    "QLinearAveragePool " + last,
                    pool("QLinearAveragePool", last)
                            .integers("kernel_shape", 3, 3)
                            .integers("pads", 1, 1, 1, 1)
                            .integers("strides", 2, 2)
                            .output(u));
        }
        cases.put(
                "NhwcMaxPool",
                node("NhwcMaxPool")
                        .input(bytes(1, 6, 6, 4))
                        .integers("kernel_shape", 3, 3)
                        .integers("pads", 1, 1, 1, 1)
                        .integers("strides", 2, 2)
                        .output(u));
        cases.put(
                "DynamicQuantizeMatMul",
                node("DynamicQuantizeMatMul")
                        .input(floats(3, 8))
                        .input(signed(8, 5))
                        .input(scale(0.02))
                        .input(zero(DType.I8, 3))
                        .input(floats(5))
                        .output(DType.F32));
        cases.put(
                "MatMulIntegerToFloat",
                node("MatMulIntegerToFloat")
                        .input(bytes(3, 8))
                        .input(signed(8, 5))
                        .input(scale(0.02))
                        .input(Tensor.of(new float[] {0.01f, 0.02f, 0.03f, 0.04f, 0.05f}, 5))
                        .input(zero(u, 120))
                        .input(zero(DType.I8, 0))
                        .input(floats(5))
                        .output(DType.F32));
        cases.put(
                "QGemm",
                node("QGemm")
                        .input(bytes(3, 8))
                        .input(scale(0.02))
                        .input(zero(u, 120))
                        .input(signed(5, 8))
                        .input(scale(0.03))
                        .input(zero(DType.I8, 0))
                        .input(integers(DType.I32, -500, 500, 5))
                        .input(scale(0.1))
                        .input(zero(u, 128))
                        .integer("transB", 1)
                        .output(u));
        cases.put(
                "QAttention",
                node("QAttention")
                        .input(bytes(2, 4, 8))
                        .input(signed(8, 24))
                        .input(floats(24))
                        .input(scale(0.01))
                        .input(scale(0.01))
                        .input(ints(3, 4))
                        .input(zero(u, 128))
                        .input(zero(DType.I8, 0))
                        .integer("num_heads", 2)
                        .output(DType.F32));
    }

    private OneNode pool(String name, int channelsLast) {
        return node(name)
                .input(channelsLast == 1 ? bytes(1, 6, 6, 4) : bytes(1, 4, 6, 6))
                .input(scale(0.03))
                .input(zero(DType.U8, 128))
                .input(scale(0.02))
                .input(zero(DType.U8, 120))
                .integer("channels_last", channelsLast);
    }

    private void blocks() {
        for (int bits : new int[] {4, 8}) {
            cases.put(
                    "MatMulNBits " + bits,
                    node("MatMulNBits")
                            .input(floats(2, 3, 40))
                            .input(bytes(6, 3, 16 * bits / 8))
                            .input(floats(18))
                            .integer("K", 40)
                            .integer("N", 6)
                            .integer("bits", bits)
                            .integer("block_size", 16)
                            .output(DType.F32));
        }
        cases.put(
                "MatMulNBits zero points",
                node("MatMulNBits")
                        .stated()
                        .input(floats(3, 48))
                        .input(bytes(6, 3, 8))
                        .input(floats(18))
                        .input(bytes(12))
                        .none()
                        .input(floats(6))
                        .integer("K", 48)
                        .integer("N", 6)
                        .integer("bits", 4)
                        .integer("block_size", 16)
                        .output(DType.F32));
        cases.put(
                "GatherBlockQuantized",
                node("GatherBlockQuantized")
                        .stated()
                        .input(bytes(10, 16))
                        .input(Tensor.of(new long[] {0, 3, 9, 1}, 2, 2))
                        .input(floats(10, 2))
                        .input(bytes(10, 1))
                        .integer("block_size", 16)
                        .output(DType.F32));
    }
}
