package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every scalar function and conversion on the device agrees with the interpreter, on special and on random values. */
class MapFunctionTest {
    private static final int COUNT = 600;
    private static final DType[] COMPUTED = {
        DType.F32,
        DType.F64,
        DType.I64,
        DType.I32,
        DType.I16,
        DType.I8,
        DType.U64,
        DType.U32,
        DType.U16,
        DType.U8,
        DType.BOOL
    };
    private static final DType[] STORED = {
        DType.F32,
        DType.F64,
        DType.F16,
        DType.BF16,
        DType.F8E4M3FN,
        DType.F8E4M3FNUZ,
        DType.F8E5M2,
        DType.F8E5M2FNUZ,
        DType.F8E8M0,
        DType.F4E2M1,
        DType.I64,
        DType.I32,
        DType.I16,
        DType.I8,
        DType.I4,
        DType.I2,
        DType.U64,
        DType.U32,
        DType.U16,
        DType.U8,
        DType.U4,
        DType.U2,
        DType.BOOL
    };

    @TestFactory
    Stream<DynamicTest> functions() {
        return Stream.of(MapFunction.values()).map(f -> DynamicTest.dynamicTest(f.text(), () -> function(f)));
    }

    /** All element types in one kernel: compiling it is what takes time. */
    private static void function(MapFunction f) {
        List<Kernel.Buffer> buffers = new ArrayList<>();
        List<Tensor> tensors = new ArrayList<>();
        List<Stmt> body = new ArrayList<>();
        List<Double> ulps = new ArrayList<>();
        for (DType t : COMPUTED) {
            if (!f.accepts(t)) continue;
            Random random = new Random(f.ordinal() * 100L + t.ordinal());
            List<Expr> operands = new ArrayList<>();
            for (int i = 0; i < f.arity(); i++) {
                DType of = f == MapFunction.SELECT && i == 0 ? DType.BOOL : t;
                operands.add(Kernels.load(buffers.size(), Kernel.GRID_VARIABLE, Type.of(of)));
                buffers.add(buffer("x", of, Kernel.Access.READ, buffers));
                tensors.add(values(of, random, f));
            }
            DType to = f.isPredicate() ? DType.BOOL : t;
            body.add(Kernels.store(buffers.size(), Kernel.GRID_VARIABLE, new Expr.Apply(f, operands)));
            buffers.add(buffer("y", to, Kernel.Access.WRITE, buffers));
            tensors.add(Tensor.allocate(to, Shape.of(COUNT)));
            ulps.add(tolerance(f, t));
        }
        Kernel kernel = new Kernel("one_" + f.text(), buffers, 0, Kernels.index(COUNT), Kernels.block(body));
        KernelRunner.compare(kernel, tensors, List.of(), ulps);
    }

    private static Kernel.Buffer buffer(String name, DType t, Kernel.Access access, List<Kernel.Buffer> before) {
        return new Kernel.Buffer(name + before.size(), t, access, Kernels.index(COUNT));
    }

    /** Units in the last place. */
    private static double tolerance(MapFunction f, DType t) {
        boolean wide = t == DType.F64;
        return switch (f) {
            case EXP, TANH, SIGMOID, ERF -> wide ? 8 : 6;
            case LOG, LOG1P, EXPM1, SIN, COS, TAN, ASIN, ACOS, ATAN, SINH, COSH, ASINH, ACOSH, ATANH, ATAN2 ->
                wide ? 16 : 1;
            case POW -> wide ? 2000 : 1;
            case DIV, SQRT -> 1;
            default -> 0;
        };
    }

    private static Tensor values(DType t, Random random, MapFunction f) {
        Tensor x = Tensor.allocate(t, Shape.of(COUNT));
        for (int i = 0; i < COUNT; i++) {
            if (t.isFloat()) x.setDouble(i, real(t, random, f));
            else x.setLong(i, t == DType.BOOL ? random.nextInt(2) : whole(random));
        }
        return x;
    }

    private static long whole(Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> random.nextInt(7) - 3;
            case 1 -> Long.MIN_VALUE >> random.nextInt(64);
            case 2 -> Long.MAX_VALUE >>> random.nextInt(64);
            default -> random.nextLong() >> random.nextInt(64);
        };
    }

    private static double real(DType t, Random random, MapFunction f) {
        double[] special = {0, -0.0, 1, -1, 0.5, -0.5, 2, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN
        };
        boolean angle = f == MapFunction.SIN || f == MapFunction.COS || f == MapFunction.TAN;
        return switch (random.nextInt(4)) {
            case 0 -> special[random.nextInt(special.length)];
            case 1 -> random.nextGaussian();
            case 2 -> (random.nextInt(2000) - 1000) / 8.0;
            default -> {
                int range = angle ? 18 : t == DType.F64 ? 900 : 120;
                yield Math.scalb(random.nextDouble() * 2 - 1, random.nextInt(2 * range) - range);
            }
        };
    }

    @TestFactory
    Stream<DynamicTest> conversions() {
        return Stream.of(STORED)
                .flatMap(from -> Stream.of(Rounding.values())
                        .filter(r -> r != Rounding.UP && r != Rounding.DOWN || from == DType.F32)
                        .map(r -> DynamicTest.dynamicTest(from + " " + r, () -> conversion(from, r))));
    }

    /** To all types in one kernel. */
    private static void conversion(DType from, Rounding rounding) {
        Random random = new Random(from.ordinal());
        List<Kernel.Buffer> buffers = new ArrayList<>();
        List<Tensor> tensors = new ArrayList<>();
        List<Stmt> body = new ArrayList<>();
        Tensor x = Tensor.allocate(from, Shape.of(COUNT));
        for (int i = 0; i < COUNT; i++) {
            if (from.isFloat()) x.setDouble(i, real(from, random, MapFunction.ADD));
            else x.setLong(i, from == DType.BOOL ? random.nextInt(2) : whole(random));
        }
        buffers.add(buffer("x", from, Kernel.Access.READ, buffers));
        tensors.add(x);
        body.add(new Stmt.Let("v", Kernels.load(0, Kernel.GRID_VARIABLE, Type.of(Type.widened(from)))));
        Expr value = Kernels.variable("v", Type.of(Type.widened(from)));
        boolean directed = rounding == Rounding.UP || rounding == Rounding.DOWN;
        for (DType to : directed ? new DType[] {DType.F8E8M0} : STORED) {
            body.add(Kernels.store(buffers.size(), Kernel.GRID_VARIABLE, new Expr.Convert(to, rounding, value)));
            buffers.add(buffer("y", to, Kernel.Access.WRITE, buffers));
            tensors.add(Tensor.allocate(to, Shape.of(COUNT)));
        }
        Kernel kernel = new Kernel("convert", buffers, 0, Kernels.index(COUNT), Kernels.block(body));
        KernelRunner.compare(kernel, tensors, List.of(), 0);
    }
}
