package dev.meseta.compiler;

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
