package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Layers that repeat get the kernels of the first, bound to their own values and weights; what differs in code gets its own. */
class RepeatsTest {

    private static CommandList compile(Graph g) {
        // Both ways: the second runs, the first tells where it would have been different.
        GraphCompiler.compile(g, Targets.AVX2, Choices.NONE, _ -> {}, true);
        return GraphCompiler.compile(g, Targets.AVX2, Choices.NONE, _ -> {}, false);
    }

    private static void compare(Graph g, CommandList list, List<Tensor> inputs) {
        List<Tensor> expected = Interpreter.run(g, inputs);
        List<Tensor> actual = SlowDevice.run(list, inputs);
        for (int i = 0; i < expected.size(); i++)
            RandomGraphTest.compare("output " + i, expected.get(i), actual.get(i), 1e-4);
    }

    private static int kernels(CommandList list) {
        Set<Kernel> kernels = Collections.newSetFromMap(new IdentityHashMap<>());
        for (CommandList.Command c : list.commands()) if (c instanceof CommandList.Launch l) kernels.add(l.kernel());
        return kernels.size();
    }

    @Test
    void layersOfATransformerShareTheirKernels() {
        CommandList one = compile(ShapesTest.transformer(21, 1));
        Graph g = ShapesTest.transformer(21, 3);
        CommandList three = compile(g);
        assertEquals(3 * one.commands().size(), three.commands().size());
        // The first layer reads an input, and the last stores an output.
        assertTrue(kernels(three) <= kernels(one) + 2, kernels(three) + " kernels, " + kernels(one) + " in a layer");
        Tensor x = ShapesTest.random(1, 1, 21, 64);
        compare(g, three, List.of(Tensor.wrap(g.inputTypes().getFirst(), x.data())));
    }

    private static Value convolution(GraphBuilder b, Value x, long seed, long kernel, int groups) {
        long channels = x.extent(1);
        List<Long> pads = List.of(kernel / 2, kernel / 2);
        List<Long> ones = List.of(1L, 1L);
        Value w = b.constant(ShapesTest.random(seed, channels, channels / groups, kernel, kernel));
        Value y = b.add(new Op.Convolution(ones, pads, pads, ones, ones, groups, DType.F32), x, w);
        Value bias = b.constant(ShapesTest.random(seed + 1, channels, 1, 1));
        return b.max(b.plus(y, bias), b.scalar(DType.F32, 0.0));
    }

    @Test
    void layersOfAConvolutionalNetworkShareTheirKernels() {
        GraphBuilder b = new GraphBuilder("network", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.F32, 1, 32, 11, 9));
        Value y = x;
        for (long l = 0; l < 4; l++) {
            y = convolution(b, y, 100 * l, 3, 1);
            y = convolution(b, y, 100 * l + 10, 3, 32);
            y = convolution(b, y, 100 * l + 20, 1, 1);
        }
        Graph g = b.build(List.of(y));
        CommandList list = compile(g);
        assertTrue(kernels(list) <= 9, kernels(list) + " of " + list.commands().size());
        compare(g, list, List.of(ShapesTest.random(7, 1, 32, 11, 9)));
    }

    @Test
    void productsOfBytesShareTheirKernels() {
        GraphBuilder b = new GraphBuilder("bytes", Interpreter::evaluate);
        Random random = new Random(5);
        Value y = b.input("x", TensorType.of(DType.U8, 12, 32));
        for (int l = 0; l < 5; l++) {
            Tensor w = Tensor.allocate(DType.U8, Shape.of(32, 32));
            for (long i = 0; i < w.elements(); i++) w.setLong(i, random.nextInt(256));
            Value product = b.matmul(y, b.constant(w), DType.I32);
            y = b.add(
                    new Op.Cast(DType.U8, Op.Cast.Rounding.WRAP),
                    b.map(MapFunction.SHIFT_RIGHT, product, b.scalar(DType.I32, 11L)));
        }
        Graph g = b.build(List.of(b.cast(y, DType.F32)));
        CommandList list = compile(g);
        assertTrue(
                kernels(list) < list.commands().size(),
                kernels(list) + " of " + list.commands().size());
        Tensor x = Tensor.allocate(DType.U8, Shape.of(12, 32));
        for (long i = 0; i < x.elements(); i++) x.setLong(i, random.nextInt(256));
        compare(g, list, List.of(x));
    }

    private static Value exp(GraphBuilder b, Value x) {
        return b.add(new Op.Map(MapFunction.EXP), x);
    }

    /** Sums along an axis keep the groups apart. */
    private static Value apart(GraphBuilder b, Value x) {
        return b.sum(x, 0, true);
    }

    @Test
    void literalsAndSharedOperandsMakeADifference() {
        GraphBuilder b = new GraphBuilder("differences", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.F32, 5, 40));
        Value y = b.input("y", TensorType.of(DType.F32, 5, 40));
        Value two = apart(b, b.times(exp(b, x), b.scalar(DType.F32, 2.0)));
        Value three = apart(b, b.times(exp(b, x), b.scalar(DType.F32, 3.0)));
        Value odd = apart(b, b.times(exp(b, x), b.scalar(DType.F32, 0.3)));
        Value odder = apart(b, b.times(exp(b, y), b.scalar(DType.F32, 0.7)));
        Value same = apart(b, b.plus(exp(b, x), b.minus(x, y)));
        Value other = apart(b, b.plus(exp(b, x), b.minus(y, x)));
        Value twice = apart(b, b.plus(exp(b, x), b.minus(y, y)));
        Graph g = b.build(List.of(two, three, odd, odder, same, other, twice));
        compare(g, compile(g), List.of(ShapesTest.random(1, 5, 40), ShapesTest.random(2, 5, 40)));
    }
}
