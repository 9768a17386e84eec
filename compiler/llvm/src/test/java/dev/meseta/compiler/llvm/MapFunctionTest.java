package dev.meseta.compiler.llvm;

import static dev.meseta.compiler.kernel.Kernels.extent;
import static dev.meseta.compiler.kernel.Kernels.mul;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every scalar function on every element type it has, on special and random values, against the interpreter (StrictMath). */
class MapFunctionTest {
    private static final int LANES = 8;
    private static final double F32_ULPS = 2;
    private static final double F64_ULPS = 8;

    @ParameterizedTest
    @EnumSource(names = {"F64", "F32", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"})
    void everyFunction(DType t) {
        List<Tensor> operands = operands(t);
        for (int arity = 1; arity <= 3; arity++) {
            for (int lanes : new int[] {1, 2, LANES, 16}) all(t, lanes, arity, operands);
        }
    }

    private static void all(DType t, int lanes, int arity, List<Tensor> operands) {
        List<Kernel.Buffer> buffers = new ArrayList<>();
        List<Tensor> tensors = new ArrayList<>(operands);
        List<Stmt> body = new ArrayList<>();
        Type type = new Type(t, lanes);
        Expr at = mul(Kernel.GRID_VARIABLE, lanes);
        Expr elements = mul(extent(0), lanes);
        Expr[] x = new Expr[4];
        for (int i = 0; i < 4; i++) {
            DType d = i == 3 ? DType.BOOL : t;
            buffers.add(new Kernel.Buffer("x" + i, d, Kernel.Access.READ, elements));
            body.add(new Stmt.Let("v" + i, Kernels.load(i, at, type.with(d))));
            x[i] = Kernels.variable("v" + i, type.with(d));
        }
        List<Double> ulps = new ArrayList<>(List.of(0.0, 0.0, 0.0, 0.0));
        for (MapFunction f : MapFunction.values()) {
            if (f.arity() != arity || !f.accepts(t)) continue;
            Expr e = f == MapFunction.SELECT
                    ? Kernels.apply(f, x[3], x[0], x[1])
                    : Kernels.apply(f, Arrays.copyOf(x, f.arity()));
            body.add(Kernels.store(buffers.size(), at, e));
            buffers.add(new Kernel.Buffer(f.text(), e.type().element(), Kernel.Access.WRITE, elements));
            tensors.add(Tensor.allocate(e.type().element(), operands.getFirst().shape()));
            ulps.add(tolerance(f, t));
        }
        if (buffers.size() == 4) return;
        Kernel k = new Kernel("functions", buffers, 1, extent(0), Kernels.block(body));
        double[] tolerances = ulps.stream().mapToDouble(v -> v).toArray();
        Runner.compare(k, tensors, List.of(operands.getFirst().elements() / lanes), tolerances, false);
    }

    private static double tolerance(MapFunction f, DType t) {
        boolean exact = switch (f) {
            case EXP,
                    LOG,
                    LOG1P,
                    EXPM1,
                    SIN,
                    COS,
                    TAN,
                    ASIN,
                    ACOS,
                    ATAN,
                    SINH,
                    COSH,
                    TANH,
                    ASINH,
                    ACOSH,
                    ATANH,
                    ERF,
                    SIGMOID,
                    POW,
                    ATAN2 -> false;
            default -> true;
        };
        return exact ? 0 : t == DType.F32 ? F32_ULPS : F64_ULPS;
    }

    private static List<Tensor> operands(DType t) {
        List<Number> special = special(t);
        Random random = new Random(7);
        List<Number[]> rows = new ArrayList<>();
        for (Number a : special) {
            for (Number b : special) rows.add(new Number[] {a, b, special.get(random.nextInt(special.size()))});
        }
        int count = t.isFloat() ? 20_000 : 4000;
        for (int i = 0; i < count; i++)
            rows.add(new Number[] {random(t, random), random(t, random), random(t, random)});
        if (t == DType.F32) special.forEach(v -> rows.add(new Number[] {v.doubleValue() * 1.0000001, v, v}));
        while (rows.size() % 16 != 0) rows.add(rows.getLast());
        List<Tensor> out = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Tensor x = Tensor.allocate(i == 3 ? DType.BOOL : t, Shape.of(rows.size()));
            for (int r = 0; r < rows.size(); r++) {
                if (i == 3) x.setLong(r, r % 3 & 1);
                else if (t.isFloat()) x.setDouble(r, rows.get(r)[i].doubleValue());
                else x.setLong(r, rows.get(r)[i].longValue());
            }
            out.add(x);
        }
        return out;
    }

    private static List<Number> special(DType t) {
        if (t == DType.BOOL) return List.of(0, 1);
        List<Number> v = new ArrayList<>();
        if (!t.isFloat()) {
            for (long x : new long[] {0, 1, 2, 3, 5, 7, 8, 31, 63, 64, 100}) {
                v.add(x);
                v.add(-x);
            }
            for (long d = 0; d < 2; d++) {
                v.add(t.minInteger() + d);
                v.add(t.maxInteger() - d);
            }
            return v;
        }
        double[] positive = {
            0,
            0.5,
            1,
            1.5,
            2,
            2.5,
            3,
            10,
            0.1,
            0.9999999,
            1.0000001,
            1e-8,
            1e-3,
            20,
            50,
            87.5,
            88.8,
            103.9,
            104,
            709.5,
            710,
            745.2,
            1e5,
            1e9,
            1e20,
            3e38,
            8388607.5,
            0x1p23,
            0x1p24,
            0x1p31,
            0x1p-126,
            0x1p-149,
            0x1p-130,
            0x1p-1074,
            Math.PI,
            Math.PI / 2,
            1e-38,
            4.5,
            1e300
        };
        for (double p : positive) {
            v.add(p);
            v.add(-p);
        }
        v.add(Double.NaN);
        v.add(Double.POSITIVE_INFINITY);
        v.add(Double.NEGATIVE_INFINITY);
        return v;
    }

    private static Number random(DType t, Random random) {
        if (!t.isFloat()) return random.nextLong() >> random.nextInt(64);
        return switch (random.nextInt(6)) {
            case 0 ->
                t == DType.F32 ? Float.intBitsToFloat(random.nextInt()) : Double.longBitsToDouble(random.nextLong());
            case 1 -> random.nextGaussian();
            case 2 -> random.nextGaussian() * 30;
            case 3 -> random.nextGaussian() * 1000;
            case 4 -> (double) Math.round(random.nextGaussian() * 4);
            default -> 1 + random.nextGaussian() * 1e-3;
        };
    }
}
