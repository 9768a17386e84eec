package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.meseta.Meseta;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.NodeProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.frontends.onnx.format.ValueInfoProto;
import dev.meseta.graph.DType;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.oracle.OnnxRuntimePeer;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models with QuantizeLinear and DequantizeLinear around each product, against ONNX Runtime. A value that is halfway between two numbers may
 * be rounded to either, after which results differ by a step of a scale: few may, and none by much.
 */
class QuantizedModelTest {
    private static final int U8 = 2;
    private static final int I8 = 3;
    private static final Meseta MESETA = Meseta.open();

    /** Draws a model: convolutions, a reshape, and products of matrices. */
    private static final class Draft {
        private final Random random;
        private final List<NodeProto.Builder> nodes = new ArrayList<>();
        private final List<TensorProto.Builder> constants = new ArrayList<>();
        private int names;

        Draft(long seed) {
            this.random = new Random(seed);
        }

        private String fresh() {
            return "v" + names++;
        }

        private String constant(int type, byte[] data, long... extents) {
            String name = fresh();
            TensorProto.Builder t = TensorProto.newBuilder().setName(name).setDataType(type);
            for (long e : extents) t.addDims(e);
            constants.add(t.setRawData(ByteString.copyFrom(data)));
            return name;
        }

        private String reals(float low, float high, int count, long... extents) {
            ByteBuffer b = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < count; i++) b.putFloat(random.nextFloat(low, high));
            return constant(Drafts.F32, b.array(), extents);
        }

        private String bytes(int type, int count, long... extents) {
            byte[] data = new byte[count];
            random.nextBytes(data);
            // The least one has no counterpart; converters leave it out.
            for (int i = 0; i < count; i++) if (type == I8 && data[i] == -128) data[i] = 127;
            return constant(type, data, extents);
        }

        private String node(String operator, String inputs, Object... attributes) {
            String out = fresh();
            NodeProto.Builder n = Drafts.node(operator, inputs, out).setName(out);
            for (Object a : attributes) n.addAttribute((dev.meseta.frontends.onnx.format.AttributeProto.Builder) a);
            nodes.add(n);
            return out;
        }

        /** Quantised and back, as real numbers of a range are. */
        String through(String x, float range) {
            int type = random.nextBoolean() ? U8 : I8;
            String scale = reals(range / 128, range / 120, 1);
            String zero = constant(type, new byte[] {(byte) (type == U8 ? 128 : random.nextInt(-5, 5))});
            String q = node("QuantizeLinear", x + " " + scale + " " + zero);
            return node("DequantizeLinear", q + " " + scale + " " + zero);
        }

        /** Weights by bytes, with a scale for each place of an axis, or one. */
        private String weights(int axis, long sums, long... extents) {
            int count = 1;
            for (long e : extents) count *= (int) e;
            float scale = (float) (1 / (74 * Math.sqrt(sums)));
            String w = bytes(I8, count, extents);
            if (random.nextInt(3) == 0) return node("DequantizeLinear", w + " " + reals(scale, scale * 1.1f, 1));
            int n = (int) extents[axis];
            return node("DequantizeLinear", w + " " + reals(scale / 2, scale, n, n), Drafts.integer("axis", axis));
        }

        String convolution(String x, int in, int out, int kernel) {
            String w = weights(0, (long) in * kernel * kernel, out, in, kernel, kernel);
            int p = kernel / 2;
            return node("Conv", x + " " + w + " " + reals(-0.3f, 0.3f, out, out), Drafts.integers("pads", p, p, p, p));
        }

        String gemm(String x, int in, int out) {
            boolean turned = random.nextBoolean();
            String w = turned ? weights(0, in, out, in) : weights(1, in, in, out);
            return node(
                    "Gemm", x + " " + w + " " + reals(-0.3f, 0.3f, out, out), Drafts.integer("transB", turned ? 1 : 0));
        }

        String matmul(String x, int in, int out) {
            return node("MatMul", x + " " + weights(1, in, in, out));
        }

        Path write(Path folder, String result, ValueInfoProto.Builder... inputs) throws IOException {
            nodes.add(Drafts.node("Identity", result, "y").setName("y"));
            GraphProto.Builder g = Drafts.graph(nodes.toArray(NodeProto.Builder[]::new));
            for (ValueInfoProto.Builder i : inputs) g.addInput(i);
            for (TensorProto.Builder c : constants) g.addInitializer(c);
            g.setOutput(0, Drafts.port("y", Drafts.F32, 1, 9));
            Path file = folder.resolve("quantised.onnx");
            try (OutputStream out = Files.newOutputStream(file)) {
                Drafts.model(g).build().writeTo(out);
            }
            return file;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void asOnnxRuntime(long seed, @TempDir Path folder) throws IOException {
        Draft d = new Draft(seed);
        String x = d.through("x", 2);
        x = d.node("Relu", d.convolution(x, 8, 12, 3));
        x = d.through(x, 4);
        x = d.through(d.convolution(x, 12, 20, 1), 4);
        x = d.node("Flatten", d.node("GlobalAveragePool", x));
        x = d.through(x, 2);
        x = d.through(d.gemm(x, 20, 33), 3);
        x = d.matmul(x, 33, 9);
        Path model = d.write(folder, x, Drafts.port("x", Drafts.F32, 1, 8, 10, 12));
        Tensor input = Tensor.allocate(DType.F32, Shape.of(1, 8, 10, 12));
        for (long i = 0; i < input.elements(); i++) input.setDouble(i, d.random.nextDouble(-2, 2));
        for (String device : List.of("cpu", "reference")) compare(device, model, Map.of("x", input));
    }

    private static void compare(String device, Path model, Map<String, Tensor> inputs) {
        try (OnnxRuntimePeer peer = new OnnxRuntimePeer(model)) {
            Tensor expected = peer.run(inputs).get("y");
            var session = MESETA.load(model).on(device).prepare();
            List<DType> products = session.inspect(inputs).stage().graph().nodes().stream()
                    .map(n -> switch (n.op()) {
                        case Op.Contraction o -> o.dtype();
                        case Op.Convolution o -> o.dtype();
                        default -> null;
                    })
                    .filter(Objects::nonNull)
                    .toList();
            assertEquals(Collections.nCopies(4, DType.I32), products, "products of bytes");
            Tensor found = session.run(inputs).get("y");
            assertEquals(expected.type(), found.type());
            double largest = 0;
            double worst = 0;
            double sum = 0;
            for (long i = 0; i < expected.elements(); i++) {
                double difference = Math.abs(expected.getDouble(i) - found.getDouble(i));
                largest = Math.max(largest, Math.abs(expected.getDouble(i)));
                worst = Math.max(worst, difference);
                sum += difference / expected.elements();
            }
            assertTrue(largest > 0.05, "the results are all small: " + largest);
            assertTrue(worst <= 0.05 * largest, device + ": off by " + worst + " of " + largest);
            assertTrue(sum <= 0.02 * largest, device + ": off by " + sum + " of " + largest + " in the mean");
        }
    }
}
