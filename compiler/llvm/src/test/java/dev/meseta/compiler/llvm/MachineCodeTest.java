package dev.meseta.compiler.llvm;

import static dev.meseta.compiler.kernel.Kernels.*;
import static java.lang.foreign.ValueLayout.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.machine.ArgumentLayout;
import dev.meseta.machine.MachineCode;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MachineCodeTest {
    private static final MethodHandle CALL =
            Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG));

    /** y = erf(a * x + y), eight lanes an iteration. */
    private static Kernel axpy() {
        Type v = new Type(DType.F32, 8);
        Expr at = mul(Kernel.GRID_VARIABLE, 8);
        Expr a = splat(load(0, index(0), Type.of(DType.F32)), 8);
        Stmt body = store(2, at, apply(MapFunction.ERF, fma(a, load(1, at, v), load(2, at, v))));
        return new Kernel(
                "axpy",
                List.of(
                        new Kernel.Buffer("a", DType.F32, Kernel.Access.READ, index(1)),
                        new Kernel.Buffer("x", DType.F32, Kernel.Access.READ, mul(extent(0), 8)),
                        new Kernel.Buffer("y", DType.F32, Kernel.Access.READ_WRITE, mul(extent(0), 8))),
                1,
                extent(0),
                body);
    }

    @Test
    void runsAKernel() throws Throwable {
        for (boolean checking : new boolean[] {false, true}) {
            KernelCompiler compiler = new KernelCompiler(LlvmTarget.host(), checking);
            Kernel k = axpy();
            byte[] object = compiler.object(k);
            MachineCode code = MachineCode.load(object, compiler.symbol(k));
            try (Arena arena = Arena.ofConfined()) {
                ArgumentLayout layout = ArgumentLayout.of(k);
                MemorySegment args = arena.allocate(layout.bytes(), 8);
                MemorySegment status = arena.allocate(16, 8);
                MemorySegment a = arena.allocateFrom(JAVA_FLOAT, 0.5f);
                MemorySegment x = arena.allocate(64 * 4, 8);
                MemorySegment y = arena.allocate(64 * 4, 8);
                for (int i = 0; i < 64; i++) {
                    x.setAtIndex(JAVA_FLOAT, i, i / 16f);
                    y.setAtIndex(JAVA_FLOAT, i, 0.25f);
                }
                args.set(ADDRESS, layout.buffer(0), a);
                args.set(ADDRESS, layout.buffer(1), x);
                args.set(ADDRESS, layout.buffer(2), y);
                args.set(JAVA_LONG, layout.size(0), 1);
                args.set(JAVA_LONG, layout.size(1), 64);
                args.set(JAVA_LONG, layout.size(2), 64);
                args.set(JAVA_LONG, layout.extent(0), 8);
                args.set(ADDRESS, layout.status(), status);
                CALL.invokeExact(code.entry(), args, 0L, 8L);
                assertEquals(0, status.get(JAVA_LONG, 0));
                assertEquals(0.27632639f, y.getAtIndex(JAVA_FLOAT, 0), 1e-6f);
                if (checking) {
                    CALL.invokeExact(code.entry(), args, 8L, 9L);
                    assertEquals(ArgumentLayout.BUFFER + 1, status.get(JAVA_LONG, 0));
                    assertEquals(71, status.get(JAVA_LONG, 8));
                }
            }
        }
    }

    /** Calls each function of the C library that kernels call, and has constants and tables. */
    private static Kernel mathematics(int lanes) {
        Type t = new Type(DType.F32, lanes);
        Expr at = mul(Kernel.GRID_VARIABLE, lanes);
        Expr x = load(0, at, t);
        for (MapFunction f : MapFunction.values())
            if (f.arity() == 1 && f.accepts(DType.F32) && !f.isPredicate()) x = apply(f, x);
        x = apply(MapFunction.POW, x, apply(MapFunction.MOD, x, load(0, at, t)));
        return new Kernel(
                "mathematics",
                List.of(
                        new Kernel.Buffer("x", DType.F32, Kernel.Access.READ, mul(extent(0), lanes)),
                        new Kernel.Buffer("y", DType.F32, Kernel.Access.WRITE, mul(extent(0), lanes))),
                1,
                extent(0),
                store(1, at, x));
    }

    /** Objects for other processors are laid out here, but never run. */
    @Test
    void loadsWhatIsMadeForEveryProcessor() {
        for (String[] target : new String[][] {
            {"x86_64-unknown-linux-gnu", "x86-64"},
            {"x86_64-unknown-linux-gnu", "znver4"},
            {"aarch64-unknown-linux-gnu", "cortex-a76"},
            {"aarch64-unknown-linux-gnu", "neoverse-v1"}
        }) {
            for (boolean checking : new boolean[] {false, true}) {
                int sveBits = target[1].equals("neoverse-v1") ? 256 : 0;
                LlvmTarget t = new LlvmTarget(target[0], target[1], "", sveBits);
                KernelCompiler compiler = new KernelCompiler(t, checking);
                for (Kernel k : List.of(axpy(), mathematics(1), mathematics(8))) {
                    byte[] object = compiler.object(k);
                    assertEquals(
                            0,
                            MachineCode.place(object, compiler.symbol(k))
                                            .entry()
                                            .address()
                                    % 4,
                            target[1]);
                }
            }
        }
    }

    @Test
    void refusesWhatIsMadeForAnotherProcessor() {
        boolean here = System.getProperty("os.arch").equals("aarch64");
        String other = here ? "x86_64-unknown-linux-gnu" : "aarch64-unknown-linux-gnu";
        KernelCompiler compiler = new KernelCompiler(new LlvmTarget(other, "", ""), false);
        byte[] object = compiler.object(axpy());
        assertThrows(IllegalArgumentException.class, () -> MachineCode.load(object, compiler.symbol(axpy())));
    }

    /** A damaged file is refused or gives other code, which nobody runs; it never does anything else. */
    @Test
    void survivesDamage() {
        KernelCompiler compiler = new KernelCompiler(LlvmTarget.host(), false);
        Kernel k = mathematics(8);
        byte[] whole = compiler.object(k);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] damaged = whole.clone();
            if (i % 4 == 0) damaged = Arrays.copyOf(whole, random.nextInt(whole.length));
            for (int n = random.nextInt(4); n >= 0 && damaged.length > 0; n--) {
                // The headers are at both ends of the file.
                int near = random.nextInt(Math.min(damaged.length, random.nextBoolean() ? 100 : damaged.length));
                int at = random.nextBoolean() ? near : damaged.length - 1 - near;
                damaged[at] = (byte) (random.nextBoolean() ? random.nextInt() : -random.nextInt(2));
            }
            try {
                MachineCode.load(damaged, compiler.symbol(k));
            } catch (IllegalArgumentException e) {
                assertTrue(e.getMessage().contains("object file"), e.getMessage());
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", file " + i, e);
            }
        }
    }

    @Test
    void saysWhatIsMissing() {
        KernelCompiler compiler = new KernelCompiler(LlvmTarget.host(), false);
        byte[] object = compiler.object(axpy());
        String message = assertThrows(IllegalArgumentException.class, () -> MachineCode.load(object, "another"))
                .getMessage();
        assertTrue(message.contains("another"), message);
    }

    @Test
    void codeGoesWhenNobodyHoldsIt() throws InterruptedException {
        KernelCompiler compiler = new KernelCompiler(LlvmTarget.host(), false);
        byte[] object = compiler.object(axpy());
        WeakReference<MemorySegment> entry = new WeakReference<>(
                MachineCode.load(object, compiler.symbol(axpy())).entry());
        for (int i = 0; i < 100 && entry.get() != null; i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertNull(entry.get());
    }

    @Test
    void aKeyNamesAllThatDecidesAboutTheCode() {
        KernelCompiler compiler = new KernelCompiler("a processor", () -> fail("LLVM is not needed"), false);
        String key = compiler.key(compiler.symbol(axpy()));
        assertEquals(key, compiler.key(compiler.symbol(axpy())));
        KernelCompiler checking = new KernelCompiler("a processor", () -> fail("LLVM is not needed"), true);
        KernelCompiler other = new KernelCompiler("another", () -> fail("LLVM is not needed"), false);
        assertEquals(
                4,
                Set.of(
                                key,
                                checking.key(checking.symbol(axpy())),
                                other.key(other.symbol(axpy())),
                                compiler.key(compiler.symbol(mathematics(1))))
                        .size());
    }
}
