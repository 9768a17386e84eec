package dev.meseta.benchmarks;

import static dev.meseta.compiler.kernel.Kernels.add;
import static dev.meseta.compiler.kernel.Kernels.index;
import static dev.meseta.compiler.kernel.Kernels.load;
import static dev.meseta.compiler.kernel.Kernels.mul;
import static dev.meseta.compiler.kernel.Kernels.splat;
import static dev.meseta.compiler.kernel.Kernels.store;
import static dev.meseta.compiler.kernel.Kernels.variable;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.compiler.llvm.LlvmTarget;
import dev.meseta.graph.DType;
import dev.meseta.machine.ArgumentLayout;
import dev.meseta.machine.MachineCode;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Register tiles of a matrix product in F32 against the processor's peak of fused multiply-adds, both measured in turns; the data lie in the
 * level-1 cache. Run by:
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.MicroKernelBenchmark ./meseta
 * }</pre>
 *
 * Prints a line a tile: rows × columns, lanes, GFLOP/s, percentage of the peak, milliseconds to compile, and the loop's vector instructions
 * that touch the stack (spills).
 */
public final class MicroKernelBenchmark {
    private static final MethodHandle CALL =
            Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG));
    private static final int DEPTH = 256;
    private static final long REPEATS = 2000;
    private static final int ROUNDS = 15;

    private MicroKernelBenchmark() {}

    /** Rows × (vectors * lanes) of C += A B, A by its rows' stride, B packed in panels; the grid repeats it. */
    static Kernel tile(int rows, int vectors, int lanes) {
        Type v = new Type(DType.F32, lanes);
        int columns = vectors * lanes;
        List<Stmt> body = new ArrayList<>();
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < vectors; c++) body.add(new Stmt.Declare(accumulator(r, c), Kernels.f32(0, lanes)));
        List<Stmt> step = new ArrayList<>();
        Expr.Var k = variable("k");
        for (int c = 0; c < vectors; c++) step.add(new Stmt.Let("b" + c, load(1, add(mul(k, columns), c * lanes), v)));
        for (int r = 0; r < rows; r++) {
            step.add(new Stmt.Let("a" + r, splat(load(0, add(k, r * DEPTH), Type.of(DType.F32)), lanes)));
            for (int c = 0; c < vectors; c++) {
                String name = accumulator(r, c);
                step.add(new Stmt.Assign(
                        name, Kernels.fma(variable("a" + r, v), variable("b" + c, v), variable(name, v))));
            }
        }
        body.add(Kernels.loop("k", index(0), index(DEPTH), 1, Kernels.block(step)));
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < vectors; c++)
                body.add(store(2, index((long) r * columns + (long) c * lanes), variable(accumulator(r, c), v)));
        return new Kernel(
                "tile",
                List.of(
                        new Kernel.Buffer("a", DType.F32, Kernel.Access.READ, index((long) rows * DEPTH)),
                        new Kernel.Buffer("b", DType.F32, Kernel.Access.READ, index((long) columns * DEPTH)),
                        new Kernel.Buffer("c", DType.F32, Kernel.Access.WRITE, index((long) rows * columns))),
                0,
                index(REPEATS),
                Kernels.block(body));
    }

    private static String accumulator(int row, int column) {
        return "c" + row + "_" + column;
    }

    /** Chains of multiply-adds that touch no memory. */
    static Kernel peak(int chains, int lanes) {
        Type v = new Type(DType.F32, lanes);
        List<Stmt> body = new ArrayList<>();
        List<Stmt> step = new ArrayList<>();
        body.add(new Stmt.Let("x", splat(load(0, index(0), Type.of(DType.F32)), lanes)));
        for (int i = 0; i < chains; i++) {
            body.add(new Stmt.Declare("s" + i, load(0, index((long) i * lanes), v)));
            step.add(new Stmt.Assign("s" + i, Kernels.fma(variable("s" + i, v), variable("x", v), variable("x", v))));
        }
        body.add(Kernels.loop("k", index(0), index(DEPTH), 1, Kernels.block(step)));
        for (int i = 0; i < chains; i++) body.add(store(1, index((long) i * lanes), variable("s" + i, v)));
        long n = (long) chains * lanes;
        return new Kernel(
                "peak",
                List.of(
                        new Kernel.Buffer("x", DType.F32, Kernel.Access.READ, index(n)),
                        new Kernel.Buffer("y", DType.F32, Kernel.Access.WRITE, index(n))),
                0,
                index(REPEATS),
                Kernels.block(body));
    }

    private record Candidate(
            String name,
            double flops,
            MachineCode code,
            MemorySegment block,
            double compileMs,
            long spills,
            double[] best) {
        void run() throws Throwable {
            long t = System.nanoTime();
            CALL.invokeExact(code.entry(), block, 0L, REPEATS);
            best[0] = Math.max(best[0], flops / (System.nanoTime() - t));
        }
    }

    private static Candidate candidate(String name, Kernel kernel, double flops) {
        KernelCompiler compiler = new KernelCompiler(LlvmTarget.host(), false);
        long t = System.nanoTime();
        byte[] object = compiler.object(kernel);
        double ms = (System.nanoTime() - t) / 1e6;
        long spills = compiler.assembly(kernel)
                .lines()
                .filter(l -> l.contains("(%rsp)") && (l.contains("vmovups") || l.contains("vmovaps")))
                .count();
        Arena arena = Arena.global();
        ArgumentLayout layout = ArgumentLayout.of(kernel);
        MemorySegment block = arena.allocate(layout.bytes(), 64);
        for (int i = 0; i < kernel.buffers().size(); i++) {
            long n = Kernels.evaluate(kernel.buffers().get(i).elements(), List.of());
            MemorySegment memory = arena.allocate(n * 4, 64);
            for (long e = 0; e < n; e++) memory.setAtIndex(JAVA_FLOAT, e, (e % 7) / 8f);
            block.set(ADDRESS, layout.buffer(i), memory);
        }
        block.set(ADDRESS, layout.status(), arena.allocate(ArgumentLayout.STATUS_BYTES, 64));
        MachineCode code = MachineCode.load(object, compiler.symbol(kernel));
        return new Candidate(name, flops, code, block, ms, spills, new double[1]);
    }

    public static void main(String[] arguments) throws Throwable {
        boolean wide = LlvmTarget.host().has("avx512f");
        List<Candidate> all = new ArrayList<>();
        for (int lanes : wide ? new int[] {8, 16} : new int[] {8})
            all.add(candidate("peak x" + lanes, peak(12, lanes), 2.0 * 12 * lanes * DEPTH * REPEATS));
        int[][] shapes = {
            {6, 2, 8},
            {4, 3, 8},
            {8, 1, 8},
            {4, 2, 8},
            {12, 2, 8},
            {8, 3, 8},
            {6, 2, 16},
            {12, 2, 16},
            {8, 3, 16},
            {14, 2, 16},
            {6, 4, 16}
        };
        for (int[] s : shapes) {
            if (s[2] == 16 && !wide) continue;
            String name = s[0] + "x" + s[1] * s[2] + " x" + s[2];
            all.add(candidate(name, tile(s[0], s[1], s[2]), 2.0 * s[0] * s[1] * s[2] * DEPTH * REPEATS));
        }
        for (int i = 0; i < ROUNDS; i++) for (Candidate c : all) c.run();
        double peak = 0;
        for (Candidate c : all) if (c.name().startsWith("peak")) peak = Math.max(peak, c.best()[0]);
        for (Candidate c : all)
            System.out.printf(
                    Locale.ROOT,
                    "%-10s %7.1f GFLOP/s %5.1f %% of the peak, compiled in %.1f ms, %d spills%n",
                    c.name(),
                    c.best()[0],
                    100 * c.best()[0] / peak,
                    c.compileMs(),
                    c.spills());
    }
}
