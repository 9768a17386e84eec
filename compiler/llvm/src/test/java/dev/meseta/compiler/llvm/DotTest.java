package dev.meseta.compiler.llvm;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Dot products of bytes and of 16 bits are exact in every form that they take, or saturate as asked, at the ends of both ranges too. */
class DotTest {
    private static final int STEPS = 64;

    /** @param count numbers of a product: four bytes, or two of 16 bits */
    private static Kernel kernel(int lanes, boolean repeated, int count, boolean saturates) {
        Type left = new Type(left(count), count * lanes);
        Type right = new Type(right(count), count * lanes);
        Type sum = new Type(DType.I32, lanes);
        Expr at = Kernel.GRID_VARIABLE;
        Expr bytes = Kernels.mul(at, (long) count * lanes);
        Expr a = Kernels.load(0, bytes, left);
        if (repeated) {
            Expr four = Kernels.load(0, bytes, left.with(count));
            a = new Expr.Shuffle(
                    four,
                    four,
                    IntStream.range(0, count * lanes).mapToObj(i -> i % count).toList());
        }
        Expr begin = Kernels.load(2, Kernels.mul(at, lanes), sum);
        Expr dot = new Expr.Dot(a, Kernels.load(1, bytes, right), begin, saturates);
        long n = (long) STEPS * lanes;
        return new Kernel(
                "dot",
                List.of(
                        new Kernel.Buffer("a", left(count), Kernel.Access.READ, Kernels.index(count * n)),
                        new Kernel.Buffer("b", right(count), Kernel.Access.READ, Kernels.index(count * n)),
                        new Kernel.Buffer("c", DType.I32, Kernel.Access.READ, Kernels.index(n)),
                        new Kernel.Buffer("to", DType.I32, Kernel.Access.WRITE, Kernels.index(n))),
                0,
                Kernels.index(STEPS),
                Kernels.store(3, Kernels.mul(at, lanes), dot));
    }

    private static DType left(int count) {
        return count == 4 ? DType.U8 : DType.I16;
    }

    private static DType right(int count) {
        return count == 4 ? DType.I8 : DType.I16;
    }

    private static void compare(LlvmTarget target, int lanes, boolean repeated, int count, boolean saturates) {
        Random random = new Random(lanes);
        int n = STEPS * lanes;
        Tensor a = Tensor.allocate(left(count), Shape.of((long) count * n));
        Tensor b = Tensor.allocate(right(count), Shape.of((long) count * n));
        Tensor c = Tensor.allocate(DType.I32, Shape.of(n));
        for (int i = 0; i < count * n; i++) {
            boolean extreme = random.nextInt(3) == 0;
            a.setLong(i, extreme ? 255 : random.nextInt(256));
            int least = count == 4 || random.nextBoolean() ? -128 : -255;
            b.setLong(i, extreme ? (random.nextBoolean() ? least : 127) : random.nextInt(-128, 128));
        }
        for (int i = 0; i < n; i++) c.setLong(i, random.nextInt());
        Tensor to = Tensor.allocate(DType.I32, Shape.of(n));
        Kernel kernel = kernel(lanes, repeated, count, saturates);
        Runner.compare(target, kernel, List.of(a, b, c, to), List.of(), new double[4], true);
    }

    /** Processors of several generations, as far as this one can run their code. */
    @ParameterizedTest
    @CsvSource({"host,16", "host,8", "host,4", "host,1", "x86-64-v3,8", "x86-64-v3,4", "x86-64-v2,4", "x86-64,4"})
    void isExact(String processor, int lanes) {
        LlvmTarget host = LlvmTarget.host();
        boolean here = processor.equals("host");
        Assumptions.assumeTrue(here || host.architecture().equals("x86_64"));
        Assumptions.assumeTrue(!processor.equals("x86-64-v3") || host.has("avx2"));
        LlvmTarget target = here ? host : new LlvmTarget(host.triple(), processor, "");
        for (int count : new int[] {4, 2}) {
            compare(target, lanes, false, count, false);
            compare(target, lanes, true, count, false);
        }
        if (processor.equals("x86-64")) return;
        compare(target, lanes, false, 4, true);
        compare(target, lanes, true, 4, true);
    }

    /** By NEON, by SVE with its instruction, and without one. */
    @ParameterizedTest
    @CsvSource({"neoverse-v1,+i8mm,0,4", "neoverse-v1,+i8mm,256,8", "neoverse-v1,+i8mm,256,4", "a64fx,'',512,16"})
    void isExactOnArm(String cpu, String features, int sveBits, int lanes) {
        Emulator.assume();
        LlvmTarget target = new LlvmTarget("aarch64-unknown-linux-gnu", cpu, features, sveBits);
        for (int count : new int[] {4, 2}) compare(target, lanes, true, count, false);
        compare(target, lanes, false, 4, true);
    }

    @Test
    void saturatesByOneInstructionWhereAsked() {
        LlvmTarget old = new LlvmTarget("x86_64-unknown-linux-gnu", "x86-64-v3", "");
        String assembly = new KernelCompiler(old, false).assembly(kernel(8, true, 4, true));
        assertTrue(assembly.contains("vpmaddubsw") && assembly.contains("vpmaddwd"), assembly);
    }

    @Test
    void isOneInstructionWhereThereIsOne() {
        String vnni = assembly("x86_64-unknown-linux-gnu", "", "+avx512f,+avx512bw,+avx512vl,+avx512vnni", 16);
        assertTrue(vnni.contains("vpdpbusd"), vnni);
        String avx = assembly("x86_64-unknown-linux-gnu", "", "+avx2,+avxvnni", 8);
        assertTrue(avx.contains("vpdpbusd"), avx);
        String arm = assembly("aarch64-unknown-linux-gnu", "", "+i8mm", 4);
        assertTrue(arm.contains("usdot"), arm);
        LlvmTarget sve = new LlvmTarget("aarch64-unknown-linux-gnu", "neoverse-v1", "+i8mm", 256);
        String wide = new KernelCompiler(sve, false).assembly(kernel(8, true, 4, false));
        assertTrue(wide.contains("usdot\tz"), wide);
        String old = assembly("x86_64-unknown-linux-gnu", "x86-64-v3", "", 8);
        assertTrue(old.contains("vpmaddwd") && !old.contains("vpmaddubsw"), old);
    }

    private static String assembly(String triple, String cpu, String features, int lanes) {
        return new KernelCompiler(new LlvmTarget(triple, cpu, features), false).assembly(kernel(lanes, true, 4, false));
    }
}
