package dev.meseta.compiler.llvm;

import static dev.meseta.compiler.kernel.Kernels.*;
import static java.lang.foreign.ValueLayout.*;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import org.junit.jupiter.api.Test;

class JitTest {
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
            long t0 = System.nanoTime();
            byte[] object = compiler.object(k);
            long t1 = System.nanoTime();
            Jit.Code code = Jit.get().load(object, compiler.symbol(k));
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
}
