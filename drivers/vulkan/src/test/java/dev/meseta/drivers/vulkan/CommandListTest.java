package dev.meseta.drivers.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.Access;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Loops, conditions, copies, and what is bound to a run. */
class CommandListTest {
    static final int N = 100;
    private static final TensorType TYPE = new TensorType(DType.I32, Shape.of(N));

    private KernelDevice device = KernelRunner.device();

    /** The same cases on another device. */
    static CommandListTest on(KernelDevice device) {
        CommandListTest t = new CommandListTest();
        t.device = device;
        return t;
    }

    /** All cases. */
    void all() {
        repeatsAreWrittenOut();
        stridesFollowTheIteration();
        conditionsChoose();
        whileLoopsEnd();
        buffersOfTheDeviceAreNotCopied();
        outputsMayBeInputsConstantsAndTemporary();
        largeConstantsAreUploaded();
        aFailedCheckNamesTheNode();
    }

    /** to[i] = from[i] + 1. */
    static CommandList.Launch increment(Binding from, Binding to) {
        Expr one = new Expr.Int(Type.of(DType.I32), 1);
        Expr x = Kernels.load(0, Kernel.GRID_VARIABLE, Type.of(DType.I32));
        Kernel k = new Kernel(
                "increment",
                List.of(
                        new Kernel.Buffer("from", DType.I32, Kernel.Access.READ, Kernels.index(N)),
                        new Kernel.Buffer("to", DType.I32, Kernel.Access.WRITE, Kernels.index(N))),
                0,
                Kernels.index(N),
                Kernels.store(1, Kernel.GRID_VARIABLE, Kernels.add(x, one)));
        return new CommandList.Launch(k, List.of(from, to), List.of(), "increment");
    }

    /** to[0] = from[0] < limit. */
    private static CommandList.Launch isBelow(int limit, Binding from, Binding to) {
        Expr x = Kernels.load(0, Kernels.index(0), Type.of(DType.I32));
        Kernel k = new Kernel(
                "below",
                List.of(
                        new Kernel.Buffer("from", DType.I32, Kernel.Access.READ, Kernels.index(1)),
                        new Kernel.Buffer("to", DType.BOOL, Kernel.Access.WRITE, Kernels.index(1))),
                0,
                Kernels.index(1),
                Kernels.store(1, Kernels.index(0), Kernels.lt(x, new Expr.Int(Type.of(DType.I32), limit))));
        return new CommandList.Launch(k, List.of(from, to), List.of(), "below");
    }

    static Tensor numbers(int first) {
        Tensor t = Tensor.allocate(TYPE);
        for (int i = 0; i < N; i++) t.setLong(i, first + i);
        return t;
    }

    private static final List<CommandList.Slot> SLOTS = List.of(
            new CommandList.InputSlot(4L * N),
            new CommandList.OutputSlot(4L * N),
            new CommandList.TemporarySlot(4L * N, 0),
            new CommandList.TemporarySlot(4L * N, 448),
            new CommandList.TemporarySlot(64, 896));

    static CommandList list(List<CommandList.Command> commands) {
        return new CommandList(SLOTS, commands, List.of(0), List.of(new CommandList.Output(1, TYPE)), 960);
    }

    private long[] run(List<CommandList.Command> commands, int first) {
        Executable e = device.load(list(commands));
        // Twice: the second run meets the memory and the command buffers of the first.
        KernelRunner.run(device, e, List.of(numbers(50)));
        return longs(KernelRunner.run(device, e, List.of(numbers(first))).getFirst());
    }

    static long[] longs(Tensor t) {
        long[] v = new long[(int) t.elements()];
        for (int i = 0; i < v.length; i++) v[i] = t.getLong(i);
        return v;
    }

    static final Binding IN = Binding.of(0);
    static final Binding OUT = Binding.of(1);
    static final Binding A = Binding.of(2);
    static final Binding B = Binding.of(3);
    private static final Binding FLAG = Binding.of(4);

    @Test
    void repeatsAreWrittenOut() {
        List<CommandList.Command> commands = List.of(
                new CommandList.Copy(IN, A, 4L * N),
                new CommandList.Repeat(7, false, List.of(increment(A, B), increment(B, A))),
                new CommandList.Copy(A, OUT, 4L * N));
        assertArrayEquals(longs(numbers(14)), run(commands, 0));
        String shown = device.load(list(commands)).describe();
        assertTrue(shown.contains("submissions per run: 1\n"), shown);
    }

    @Test
    void stridesFollowTheIteration() {
        // Row n of the output is row n of the input, from the last to the first.
        Binding row = new Binding(0, 0, List.of(40L));
        Binding to = new Binding(1, 0, List.of(40L));
        List<CommandList.Command> commands =
                List.of(new CommandList.Repeat(10, true, List.of(new CommandList.Copy(row, to, 40))));
        assertArrayEquals(longs(numbers(3)), run(commands, 3));
    }

    @Test
    void conditionsChoose() {
        List<CommandList.Command> commands = List.of(
                isBelow(10, IN, FLAG),
                new CommandList.Conditional(
                        FLAG, List.of(increment(IN, OUT)), List.of(new CommandList.Copy(IN, OUT, 4L * N))));
        assertArrayEquals(longs(numbers(6)), run(commands, 5));
        assertArrayEquals(longs(numbers(20)), run(commands, 20));
    }

    @Test
    void whileLoopsEnd() {
        List<CommandList.Command> commands = List.of(
                new CommandList.Copy(IN, A, 4L * N),
                new CommandList.RepeatWhile(
                        List.of(isBelow(33, A, FLAG)),
                        FLAG,
                        List.of(increment(A, B), new CommandList.Copy(B, A, 4L * N))),
                new CommandList.Copy(A, OUT, 4L * N));
        assertArrayEquals(longs(numbers(33)), run(commands, 5));
        assertArrayEquals(longs(numbers(60)), run(commands, 60));
    }

    @Test
    void buffersOfTheDeviceAreNotCopied() {
        Executable e = device.load(list(List.of(increment(IN, OUT))));
        try (Buffer in = Buffer.allocate(device, 4L * N, false);
                Buffer out = Buffer.allocate(device, 4L * N + 64, true)) {
            in.memory().copyFrom(numbers(7).data());
            device.run(new TestJob(e, List.of(in, out.part(64, 4L * N))));
            Tensor t = Tensor.allocate(TYPE);
            t.data().copyFrom(out.memory().asSlice(64, 4L * N));
            assertArrayEquals(longs(numbers(8)), longs(t));
            try (Buffer again = Buffer.importMemory(device, out.export(), 4L * N + 64, Access.READ)) {
                assertEquals(-1, again.memory().mismatch(out.memory()));
            }
        }
    }

    @Test
    void outputsMayBeInputsConstantsAndTemporary() {
        Tensor constant = numbers(1000);
        List<CommandList.Slot> slots = new ArrayList<>(SLOTS);
        slots.add(new CommandList.ConstantSlot(constant));
        CommandList list = new CommandList(
                slots,
                List.of(increment(IN, A), increment(Binding.of(5), OUT)),
                List.of(0),
                List.of(
                        new CommandList.Output(0, TYPE),
                        new CommandList.Output(5, TYPE),
                        new CommandList.Output(2, TYPE),
                        new CommandList.Output(1, TYPE),
                        new CommandList.Output(1, TYPE)),
                960);
        List<Tensor> results = KernelRunner.run(device, device.load(list), List.of(numbers(2)));
        int[] first = {2, 1000, 3, 1001, 1001};
        for (int i = 0; i < first.length; i++) assertArrayEquals(longs(numbers(first[i])), longs(results.get(i)));
    }

    @Test
    void largeConstantsAreUploaded() {
        int first = 20_000;
        Tensor constant = Tensor.allocate(new TensorType(DType.I32, Shape.of(first + N)));
        for (int i = 0; i < constant.elements(); i++) constant.setLong(i, i);
        List<CommandList.Slot> slots = new ArrayList<>(SLOTS);
        slots.add(new CommandList.ConstantSlot(constant));
        CommandList list = new CommandList(
                slots,
                List.of(increment(new Binding(5, 4L * first, List.of()), OUT)),
                List.of(0),
                List.of(new CommandList.Output(1, TYPE)),
                960);
        Executable e = device.load(list);
        assertArrayEquals(
                longs(numbers(first + 1)),
                longs(KernelRunner.run(device, e, List.of(numbers(0))).getFirst()));
    }

    @Test
    void aFailedCheckNamesTheNode() {
        Kernel k = new Kernel(
                "check",
                List.of(new Kernel.Buffer("to", DType.I32, Kernel.Access.WRITE, Kernels.index(N))),
                0,
                Kernels.index(N),
                new Stmt.Check(
                        Kernels.apply(MapFunction.LT, Kernel.GRID_VARIABLE, Kernels.index(50)),
                        Stmt.Failure.POSITION_OUTSIDE));
        Executable e = device.load(
                list(List.of(increment(IN, A), new CommandList.Launch(k, List.of(OUT), List.of(), "gather_7"))));
        for (int i = 0; i < 2; i++) {
            InvalidInputException failure =
                    assertThrows(InvalidInputException.class, () -> KernelRunner.run(device, e, List.of(numbers(0))));
            assertTrue(String.valueOf(failure.getMessage()).contains("gather_7"), failure.getMessage());
        }
    }

    @Test
    void accessesOutsideAreReportedWhereTheyAreChecked() {
        Kernel k = new Kernel(
                "outside",
                List.of(new Kernel.Buffer("to", DType.I32, Kernel.Access.WRITE, Kernels.index(10))),
                0,
                Kernels.index(1),
                Kernels.store(0, Kernels.index(77), new Expr.Int(Type.of(DType.I32), 1)));
        Executable e = device.load(list(List.of(new CommandList.Launch(k, List.of(OUT), List.of(), "node"))));
        IllegalStateException failure =
                assertThrows(IllegalStateException.class, () -> KernelRunner.run(device, e, List.of(numbers(0))));
        assertTrue(String.valueOf(failure.getMessage()).contains("at index 77"), failure.getMessage());
    }
}
