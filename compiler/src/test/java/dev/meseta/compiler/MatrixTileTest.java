package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.kernel.KernelVerifier;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products by instructions for small matrices: every way in which factors may lie, and what such instructions cannot take. */
class MatrixTileTest {
    private static final Target TARGET = Target.lockstep(
            32,
            8192,
            false,
            256,
            32 << 10,
            0,
            0,
            List.of(
                    new Target.Matrix(16, 8, 16, DType.F16, DType.F16, DType.F32, 8),
                    new Target.Matrix(16, 16, 32, DType.I8, DType.I8, DType.I32, 4),
                    new Target.Matrix(8, 16, 32, DType.U8, DType.I8, DType.I32, 4)));

    private static Tensor random(Random random, DType type, long... extents) {
        Tensor x = Tensor.allocate(type, Shape.of(extents));
        for (long i = 0; i < x.elements(); i++)
            x.setDouble(i, type.isSigned() || type.isFloat() ? random.nextInt(-8, 9) : random.nextInt(256));
        return x;
    }

    /**
     * A product of small integers, exact in any order, and 3.
     *
     * @param lying which factors are transposed in memory
     */
    private static void product(
            DType left, DType right, long m, long n, long k, int lying, boolean constant, int matrices) {
        Random random = new Random(lying);
        GraphBuilder b = new GraphBuilder("product", Interpreter::evaluate);
        boolean leftDown = (lying & 1) != 0;
        boolean rightDown = (lying & 2) != 0;
        Tensor x = leftDown ? random(random, left, 2, k, m) : random(random, left, 2, m, k);
        Tensor w = rightDown ? random(random, right, 2, n, k) : random(random, right, 2, k, n);
        Value p = b.input("x", x.type());
        Value q = constant ? b.constant(w) : b.input("w", w.type());
        if (leftDown) p = b.transpose(p, 0, 2, 1);
        if (rightDown) q = b.transpose(q, 0, 2, 1);
        Value y;
        if (left == DType.F16) {
            y = b.plus(b.matmul(p, q, DType.F16), b.scalar(DType.F16, 3));
        } else {
            y = b.plus(b.matmul(p, q, DType.I32), b.scalar(DType.I32, 3));
        }
        Graph graph = b.build(List.of(y));
        CommandList list = GraphCompiler.compile(graph, TARGET);
        int found = 0;
        for (CommandList.Command c : list.commands()) {
            if (!(c instanceof CommandList.Launch l)) continue;
            KernelVerifier.verify(l.kernel());
            if (KernelText.of(l.kernel()).contains("matrix ")) found++;
        }
        assertEquals(matrices, found, "kernels of matrices");
        List<Tensor> inputs = constant ? List.of(x) : List.of(x, w);
        Tensor expected = Interpreter.run(graph, inputs).getFirst();
        Tensor actual = SlowDevice.run(list, inputs).getFirst();
        for (long i = 0; i < expected.elements(); i++)
            assertEquals(expected.getDouble(i), actual.getDouble(i), "element " + i);
    }

    @ParameterizedTest
    @CsvSource({"0, false", "1, false", "2, false", "3, false", "0, true", "2, true"})
    void ofHalves(int lying, boolean constant) {
        product(DType.F16, DType.F16, 48, 40, 32, lying, constant, 1);
    }

    @ParameterizedTest
    @CsvSource({"I8, I8, 0", "U8, I8, 0", "I8, I8, 3", "U8, I8, 2"})
    void ofBytes(DType left, DType right, int lying) {
        product(left, right, 48, 32, 64, lying, false, 1);
    }

    /** Extents that matrices do not divide, types that none are of, and columns of 8 bytes, which begin at no multiple of 16. */
    @Test
    void whatDoesNotFit() {
        product(DType.F16, DType.F16, 47, 40, 32, 0, false, 0);
        product(DType.F16, DType.F16, 48, 40, 33, 0, false, 0);
        product(DType.F16, DType.F16, 48, 36, 32, 0, false, 0);
        product(DType.I8, DType.U8, 48, 32, 64, 0, false, 0);
        product(DType.U8, DType.I8, 48, 32, 64, 1, false, 0);
    }
}
