package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.ConstantSlot;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights that a graph widens stay narrow in memory, and are widened by the kernel that multiplies them. */
class NarrowWeightsTest {

    private final Random random = new Random(7);
    private final GraphBuilder b = new GraphBuilder("narrow", Interpreter::evaluate);

    private Tensor random(DType type, long... extents) {
        Tensor t = Tensor.allocate(type, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) {
            if (type.isFloat()) t.setDouble(i, random.nextDouble(-1, 1));
            else t.setLong(i, random.nextLong(type.minInteger(), type.maxInteger() + 1));
        }
        return t;
    }

    private Value weights(DType type, long... extents) {
        return b.cast(b.constant(random(type, extents)), DType.F32);
    }

    private void check(Value y, Tensor x, long weights, DType type) {
        Graph g = b.build(List.of(y));
        CommandList list = GraphCompiler.compile(g, Targets.AVX2);
        assertEquals(1, list.commands().size(), list.toString());
        long constants = list.slots().stream()
                .filter(ConstantSlot.class::isInstance)
                .mapToLong(CommandList.Slot::bytes)
                .sum();
        assertTrue(constants <= weights * type.bytes(), constants + " bytes of " + weights + " weights of " + type);
        List<Tensor> in = List.of(x);
        RandomGraphTest.compare(
                "output",
                Interpreter.run(g, in).getFirst(),
                SlowDevice.run(list, in).getFirst(),
                1e-4);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "I8", "U8"})
    void aProductWidensThem(DType type) {
        Value x = b.input("x", TensorType.of(DType.F32, 5, 160));
        check(b.matmul(x, weights(type, 160, 112), DType.F32), random(DType.F32, 5, 160), 160 * 112, type);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "I8", "U8"})
    void aProductWithTheTransposeWidensThem(DType type) {
        Value x = b.input("x", TensorType.of(DType.F32, 5, 160));
        Value w = b.transpose(weights(type, 112, 160), 1, 0);
        check(b.matmul(x, w, DType.F32), random(DType.F32, 5, 160), 160 * 112, type);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "I8"})
    void aConvolutionWidensThem(DType type) {
        Value x = b.input("x", TensorType.of(DType.F32, 1, 32, 8, 8));
        Value w = weights(type, 64, 32, 3, 3);
        List<Long> ones = Collections.nCopies(2, 1L);
        List<Long> none = Collections.nCopies(2, 0L);
        Op op = new Op.Convolution(ones, none, none, ones, ones, 1, DType.F32);
        check(b.add(op, x, w), random(DType.F32, 1, 32, 8, 8), 64 * 32 * 9, type);
    }
}
