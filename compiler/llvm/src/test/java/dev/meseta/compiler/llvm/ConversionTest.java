package dev.meseta.compiler.llvm;

import static dev.meseta.compiler.kernel.Kernels.extent;
import static dev.meseta.compiler.kernel.Kernels.mul;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.FloatFormat;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every conversion from every element type to every other, to the bit; exhaustive for sources of up to 16 bits. */
class ConversionTest {
    private static final int LANES = 8;

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"C64", "C128"})
    void toEveryType(DType from) {
        Tensor source = source(from);
        for (int lanes : new int[] {1, LANES}) {
            for (Rounding rounding : Rounding.values()) convert(from, source, lanes, rounding);
        }
    }

    /** As on a processor of the first 64-bit generation, which has neither wide vectors nor F16 nor fused multiply-add. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "F64", "F16", "I64"})
    void withoutExtensionsToo(DType from) {
        LlvmTarget old = new LlvmTarget(LlvmTarget.host().triple(), "x86-64", "");
        Assumptions.assumeTrue(old.architecture().equals("x86_64"));
        convert(old, from, source(from), LANES, Rounding.SATURATE);
    }

    private static void convert(DType from, Tensor source, int lanes, Rounding rounding) {
        convert(LlvmTarget.host(), from, source, lanes, rounding);
    }

    private static void convert(LlvmTarget target, DType from, Tensor source, int lanes, Rounding rounding) {
        long n = source.elements();
        List<Kernel.Buffer> buffers = new ArrayList<>();
        List<Tensor> tensors = new ArrayList<>();
        List<Stmt> body = new ArrayList<>();
        Type wide = new Type(Type.widened(from), lanes);
        Expr at = mul(Kernel.GRID_VARIABLE, lanes);
        Expr elements = mul(extent(0), lanes);
        buffers.add(new Kernel.Buffer("from", from, Kernel.Access.READ, elements));
        tensors.add(source);
        body.add(new Stmt.Let("x", Kernels.load(0, at, wide)));
        for (DType to : DType.values()) {
            if (to.kind() == DType.Kind.COMPLEX) continue;
            boolean directed = rounding == Rounding.UP || rounding == Rounding.DOWN;
            if (directed && to != DType.F8E8M0) continue;
            Expr x = new Expr.Convert(to, rounding, Kernels.variable("x", wide));
            body.add(Kernels.store(buffers.size(), at, x));
            buffers.add(new Kernel.Buffer(to.text(), to, Kernel.Access.WRITE, elements));
            tensors.add(Tensor.allocate(to, Shape.of(n)));
        }
        Kernel k = new Kernel("convert_" + rounding, buffers, 1, extent(0), Kernels.block(body));
        Runner.compare(target, k, tensors, List.of(n / lanes), new double[buffers.size()], true);
    }

    private static Tensor source(DType t) {
        if (t.bytes() <= 2) {
            int n = t == DType.BOOL ? 8 : t.bytes() == 1 ? 256 : 65536;
            Tensor x = Tensor.allocate(t, Shape.of(n));
            for (int i = 0; i < n; i++) {
                if (t.bytes() == 2) x.data().setAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i, (short) i);
                else if (t.isFloat()) x.data().set(ValueLayout.JAVA_BYTE, i, (byte) (t.bits() == 4 ? i & 15 : i));
                else x.setLong(i, t == DType.BOOL ? i & 1 : i);
            }
            return x;
        }
        Random random = new Random(42);
        List<Number> values = new ArrayList<>();
        if (t.isFloat()) floats(values, random);
        else integers(values, random);
        while (values.size() % LANES != 0) values.add(0);
        Tensor x = Tensor.allocate(t, Shape.of(values.size()));
        for (int i = 0; i < values.size(); i++) {
            if (t.isFloat()) x.setDouble(i, values.get(i).doubleValue());
            else x.setLong(i, values.get(i).longValue());
        }
        return x;
    }

    private static void floats(List<Number> values, Random random) {
        double[] special = {
            0,
            -0.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            1e30,
            -1e30,
            1e300,
            0x1p31,
            0x1p32,
            0x1p63,
            0x1p64,
            -0x1p31,
            -0x1p63,
            0x1p-149,
            0x1p-1074,
            Double.NaN,
            Double.POSITIVE_INFINITY,
            Double.NEGATIVE_INFINITY,
            Float.MAX_VALUE,
            65504,
            65519.999,
            65520,
            0x1p127,
            0x1.8p127,
            0x1.7fffffp127,
            0x1p-127,
            0x1p-128,
            0x1.8p-127
        };
        for (double v : special) {
            for (double s : new double[] {
                v, -v, Math.nextUp(v), Math.nextDown(v), Math.nextUp((float) v), Math.nextDown((float) v)
            }) values.add(s);
        }
        // Every value of the narrow formats, the ties between them, and both sides of the ties.
        for (DType t : new DType[] {
            DType.F8E4M3FN, DType.F8E4M3FNUZ, DType.F8E5M2, DType.F8E5M2FNUZ, DType.F4E2M1, DType.F8E8M0
        }) {
            double[] all = new double[256];
            for (int i = 0; i < 256; i++) all[i] = FloatFormat.of(t).decode(i);
            Arrays.sort(all);
            for (int i = 0; i + 1 < 256; i++) {
                double tie = (all[i] + all[i + 1]) / 2;
                for (double v :
                        new double[] {all[i], tie, Math.nextUp(tie), Math.nextDown(tie), Math.nextUp((float) tie)})
                    values.add(v);
            }
            double top = FloatFormat.of(t).largest();
            for (int i = 0; i < 64; i++) values.add(top * (1 + i / 64.0));
        }
        for (int i = 0; i < 4000; i++) {
            values.add(Double.longBitsToDouble(random.nextLong()));
            values.add((double) Float.intBitsToFloat(random.nextInt()));
            values.add((random.nextDouble() - 0.5) * 600);
            values.add((double) Float.float16ToFloat((short) random.nextInt())
                    * (1 + 0x1p-11 + random.nextInt(3) * 0x1p-40));
        }
    }

    private static void integers(List<Number> values, Random random) {
        for (int bit = 0; bit < 64; bit++) {
            for (long d = -2; d <= 2; d++) {
                values.add((1L << bit) + d);
                values.add(-(1L << bit) + d);
                values.add((3L << bit) + d);
            }
        }
        for (int i = 0; i < 4000; i++) values.add(random.nextLong() >> random.nextInt(64));
    }
}
