package dev.meseta.compiler.llvm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelInterpreter;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.kernel.KernelVerifier;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.machine.ArgumentLayout;
import dev.meseta.machine.MachineCode;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/** Runs one kernel by machine code, under an {@link Emulator} where it is another machine's, and by the interpreter. */
final class Runner {
    private static final MethodHandle CALL =
            Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG));
    private static final LlvmTarget HOST = LlvmTarget.host();

    private Runner() {}

    /** The buffers after machine code ran on copies of the given ones. Returns the status' code and index in {@code status}. */
    static List<Tensor> machine(
            Kernel kernel, List<Tensor> buffers, List<Long> extents, boolean checking, long[] status) {
        return machine(HOST, kernel, buffers, extents, checking, status);
    }

    private static List<Tensor> machine(
            LlvmTarget target,
            Kernel kernel,
            List<Tensor> buffers,
            List<Long> extents,
            boolean checking,
            long[] status) {
        KernelCompiler compiler = new KernelCompiler(target, checking);
        List<Tensor> copies = copies(buffers);
        if (!target.architecture().equals(HOST.architecture())) {
            Emulator.run(target, compiler, kernel, copies, extents, status);
            return copies;
        }
        MachineCode code = MachineCode.load(compiler.object(kernel), compiler.symbol(kernel));
        ArgumentLayout layout = ArgumentLayout.of(kernel);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(layout.bytes(), 8);
            MemorySegment state = arena.allocate(ArgumentLayout.STATUS_BYTES, 8);
            for (int i = 0; i < copies.size(); i++) {
                block.set(ADDRESS, layout.buffer(i), copies.get(i).data());
                long elements = Kernels.evaluate(kernel.buffers().get(i).elements(), extents);
                block.set(JAVA_LONG, layout.size(i), elements);
            }
            for (int i = 0; i < extents.size(); i++) block.set(JAVA_LONG, layout.extent(i), extents.get(i));
            block.set(ADDRESS, layout.status(), state);
            CALL.invokeExact(code.entry(), block, 0L, Kernels.evaluate(kernel.grid(), extents));
            status[0] = state.get(JAVA_LONG, 0);
            status[1] = state.get(JAVA_LONG, 8);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        return copies;
    }

    static List<Tensor> interpreted(Kernel kernel, List<Tensor> buffers, List<Long> extents) {
        KernelVerifier.verify(kernel);
        List<Tensor> copies = copies(buffers);
        KernelInterpreter.run(kernel, copies.stream().map(Tensor::data).toList(), extents);
        return copies;
    }

    private static List<Tensor> copies(List<Tensor> tensors) {
        List<Tensor> copies = new ArrayList<>();
        for (Tensor t : tensors) copies.add(t.copy());
        return copies;
    }

    /** Runs both ways, with tests of bounds and without, and compares; floats to a number of units in the last place. */
    static void compare(Kernel kernel, List<Tensor> buffers, List<Long> extents, double[] ulps, boolean zeroSigns) {
        compare(HOST, kernel, buffers, extents, ulps, zeroSigns);
    }

    static void compare(
            LlvmTarget target,
            Kernel kernel,
            List<Tensor> buffers,
            List<Long> extents,
            double[] ulps,
            boolean zeroSigns) {
        List<Tensor> expected = interpreted(kernel, buffers, extents);
        for (boolean checking : new boolean[] {false, true}) {
            long[] status = new long[2];
            List<Tensor> actual = machine(target, kernel, buffers, extents, checking, status);
            if (status[0] != 0)
                throw new AssertionError("status " + status[0] + " at " + status[1] + "\n" + KernelText.of(kernel));
            for (int b = 0; b < expected.size(); b++) {
                for (long i = 0; i < expected.get(b).elements(); i++) {
                    if (!same(expected.get(b), actual.get(b), i, ulps[b], zeroSigns))
                        throw new AssertionError(
                                "buffer " + kernel.buffers().get(b).name() + "[" + i + "] is " + show(actual.get(b), i)
                                        + ", not " + show(expected.get(b), i) + inputs(kernel, buffers, i));
                }
            }
        }
    }

    private static String inputs(Kernel kernel, List<Tensor> buffers, long i) {
        StringBuilder out = new StringBuilder(" for");
        for (int b = 0; b < buffers.size(); b++) {
            if (kernel.buffers().get(b).access() == Kernel.Access.READ
                    && i < buffers.get(b).elements()) out.append(' ').append(show(buffers.get(b), i));
        }
        return out.toString();
    }

    private static String show(Tensor t, long i) {
        return t.dtype().isFloat()
                ? t.getDouble(i) + " (" + Double.toHexString(t.getDouble(i)) + ")"
                : "" + t.getLong(i);
    }

    private static boolean same(Tensor a, Tensor b, long i, double ulps, boolean zeroSigns) {
        DType t = a.dtype();
        if (!t.isFloat()) return a.getLong(i) == b.getLong(i);
        double x = a.getDouble(i);
        double y = b.getDouble(i);
        if (Double.isNaN(x) || Double.isNaN(y)) return Double.isNaN(x) && Double.isNaN(y);
        if (x == y) return !zeroSigns || x != 0 || Double.compare(x, y) == 0;
        double ulp = t == DType.F32 ? Math.ulp((float) x) : Math.ulp(x);
        return ulps > 0 && Math.abs(x - y) <= ulps * ulp;
    }

    static Tensor doubles(DType t, double[] values) {
        Tensor x = Tensor.allocate(t, Shape.of(values.length));
        for (int i = 0; i < values.length; i++) x.setDouble(i, values[i]);
        return x;
    }

    static Tensor longs(DType t, long[] values) {
        Tensor x = Tensor.allocate(t, Shape.of(values.length));
        for (int i = 0; i < values.length; i++) x.setLong(i, values[i]);
        return x;
    }
}
