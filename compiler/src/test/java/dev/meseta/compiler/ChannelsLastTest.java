package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Networks whose values are channels-last by transposes around each convolution, as TFLite has them. */
class ChannelsLastTest {
    private static final int EXTENT = 20;
    private static final int CHANNELS = 16;

    /** So many that equal weights of them are not written out. */
    private static final int MANY = 64;

    private static final double TOLERANCE = 1e-3;

    /** Two convolutions with the work of one element between them, on values whose transposes are what the convolutions read. */
    @ParameterizedTest
    @ValueSource(ints = {1, CHANNELS})
    void convolutionsReadWhatLiesInAnotherOrder(int groups) {
        Random random = new Random(groups);
        GraphBuilder b = new GraphBuilder("channels last", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.F32, 1, EXTENT, EXTENT, CHANNELS));
        Value y = convolve(b, x, random, 1);
        y = b.max(b.plus(y, b.constant(random(random, CHANNELS))), b.scalar(DType.F32, 0.0));
        Graph graph = b.build(List.of(convolve(b, y, random, groups)));
        List<Tensor> inputs = List.of(random(random, 1, EXTENT, EXTENT, CHANNELS));
        CommandList list = GraphCompiler.compile(graph, Targets.AVX512);
        Tensor expected = Interpreter.run(graph, inputs).getFirst();
        RandomGraphTest.compare("result", expected, SlowDevice.run(list, inputs).getFirst(), TOLERANCE);
    }

    /**
     * A unit of ShuffleNet: products within groups, a shuffle of channels, and a convolution of each channel by itself. Equal weights are
     * what makes groups and pixels one loop.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shuffledChannelsAreProductsAndDepthwise(boolean equal) {
        Random random = new Random(3);
        GraphBuilder b = new GraphBuilder("shuffle", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.F32, 1, MANY, EXTENT, EXTENT));
        x = convolve(b, x, b.constant(random(random, MANY, MANY, 1, 1)), 0, 1);
        int own = MANY / 2;
        Tensor weights = random(random, MANY, own, 1, 1);
        Value y = convolve(
                b,
                x,
                equal
                        ? b.broadcast(b.constant(random(random, 1, 1, 1, 1)), Shape.of(MANY, own, 1, 1))
                        : b.constant(weights),
                0,
                2);
        y = b.reshape(b.transpose(b.reshape(y, 1, 2, own, EXTENT, EXTENT), 0, 2, 1, 3, 4), 1, MANY, EXTENT, EXTENT);
        y = convolve(b, y, b.constant(random(random, MANY, 1, 3, 3)), 1, MANY);
        Graph graph = b.build(List.of(convolve(b, y, b.constant(random(random, MANY, MANY, 1, 1)), 0, 1)));
        List<Tensor> inputs = List.of(random(random, 1, MANY, EXTENT, EXTENT));
        CommandList list = GraphCompiler.compile(graph, Targets.AVX512);
        Tensor expected = Interpreter.run(graph, inputs).getFirst();
        RandomGraphTest.compare("result", expected, SlowDevice.run(list, inputs).getFirst(), TOLERANCE);
        List<Kernel> kernels = list.commands().stream()
                .filter(CommandList.Launch.class::isInstance)
                .map(c -> ((CommandList.Launch) c).kernel())
                .toList();
        List<String> names = kernels.stream().map(Kernel::name).toList();
        assertTrue(names.contains("depthwise"), names::toString);
        for (Kernel k : kernels) {
            if (!k.name().equals("convolution")) continue;
            String text = KernelText.of(k);
            assertFalse(text.contains("div(ramp"), "lanes divide their index to find their place");
            assertTrue(text.split("var a", -1).length > 8, "no tile of sums");
        }
    }

    private static Value convolve(GraphBuilder b, Value x, Value kernel, long pad, int groups) {
        List<Long> ones = List.of(1L, 1L);
        List<Long> pads = List.of(pad, pad);
        return b.add(new Op.Convolution(ones, pads, pads, ones, ones, groups, DType.F32), x, kernel);
    }

    private static Value convolve(GraphBuilder b, Value x, Random random, int groups) {
        List<Long> ones = List.of(1L, 1L);
        Value kernel = b.constant(random(random, CHANNELS, CHANNELS / groups, 3, 3));
        Op op = new Op.Convolution(ones, ones, ones, ones, ones, groups, DType.F32);
        return b.transpose(b.add(op, b.transpose(x, 0, 3, 1, 2), kernel), 0, 2, 3, 1);
    }

    private static Tensor random(Random random, long... shape) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(shape));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }
}
