package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.CommandList.TemporarySlot;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Memory is used again as soon as nobody needs what is in it, and not before. The check follows a command list in the order in which it
 * runs and notes which slot wrote each part of the arena last; it knows nothing of how places were found.
 */
class MemoryPlanTest {
    private static final int UNIT = 4;
    private static final int NOBODY = -1;
    /** Written in one branch of a condition and not, or by another slot, in the other. */
    private static final int UNSURE = -2;

    private static final class Arena {
        private final CommandList list;
        private int[] owner;

        Arena(CommandList list) {
            this.list = list;
            this.owner = new int[Math.toIntExact((list.arenaBytes() + UNIT - 1) / UNIT)];
            Arrays.fill(owner, NOBODY);
        }

        static void check(CommandList list) {
            new Arena(list).run(list.commands());
        }

        private void run(List<CommandList.Command> commands) {
            for (CommandList.Command c : commands) {
                switch (c) {
                    case CommandList.Launch l -> launch(l);
                    case CommandList.Copy x -> {
                        apart(x.from(), x.to(), "a copy");
                        read(x.from(), "a copy");
                        write(x.to());
                    }
                    // Twice, so that what one step leaves meets what the next does.
                    case CommandList.Repeat r -> {
                        run(r.body());
                        run(r.body());
                    }
                    case CommandList.RepeatWhile w -> {
                        for (int i = 0; i < 2; i++) {
                            run(w.test());
                            read(w.condition(), "a condition");
                            run(w.body());
                        }
                        run(w.test());
                        read(w.condition(), "a condition");
                    }
                    case CommandList.Conditional x -> {
                        read(x.condition(), "a condition");
                        int[] before = owner.clone();
                        run(x.then());
                        int[] then = owner;
                        owner = before;
                        run(x.otherwise());
                        for (int i = 0; i < owner.length; i++) if (owner[i] != then[i]) owner[i] = UNSURE;
                    }
                }
            }
        }

        private void launch(CommandList.Launch l) {
            List<Kernel.Buffer> buffers = l.kernel().buffers();
            for (int i = 0; i < buffers.size(); i++) {
                if (buffers.get(i).access() == Kernel.Access.READ) continue;
                for (int k = 0; k < buffers.size(); k++)
                    if (k != i)
                        apart(
                                l.bindings().get(i),
                                l.bindings().get(k),
                                l.kernel().name());
            }
            for (int i = 0; i < buffers.size(); i++)
                if (buffers.get(i).access() == Kernel.Access.READ)
                    read(l.bindings().get(i), l.kernel().name());
            for (int i = 0; i < buffers.size(); i++)
                if (buffers.get(i).access() != Kernel.Access.READ)
                    write(l.bindings().get(i));
        }

        /** Two that a kernel takes for different memory, one of which it writes. */
        private void apart(Binding a, Binding b, String who) {
            if (a.slot() == b.slot()
                    || !(list.slots().get(a.slot()) instanceof TemporarySlot s)
                    || !(list.slots().get(b.slot()) instanceof TemporarySlot t)) return;
            if (s.offset() < t.offset() + t.bytes() && t.offset() < s.offset() + s.bytes())
                throw new AssertionError(who + " has slots " + a.slot() + " and " + b.slot() + " in the same memory");
        }

        private void read(Binding b, String who) {
            if (!(list.slots().get(b.slot()) instanceof TemporarySlot t)) return;
            for (long i = t.offset() / UNIT; i < (t.offset() + t.bytes() + UNIT - 1) / UNIT; i++) {
                int by = owner[(int) i];
                if (by != b.slot() && by != NOBODY)
                    throw new AssertionError(who + " reads slot " + b.slot() + " where slot " + by + " has written");
            }
        }

        private void write(Binding b) {
            if (list.slots().get(b.slot()) instanceof TemporarySlot t)
                Arrays.fill(
                        owner, (int) (t.offset() / UNIT), (int) ((t.offset() + t.bytes() + UNIT - 1) / UNIT), b.slot());
        }
    }

    private static GraphBuilder builder() {
        return new GraphBuilder("test", Interpreter::evaluate);
    }

    /** Functions of one operand, one on the other. */
    private static Value chain(GraphBuilder b, Value x) {
        Value v = x;
        for (MapFunction f : List.of(MapFunction.TANH, MapFunction.NEG, MapFunction.EXP, MapFunction.ABS))
            v = b.map(f, v);
        return v;
    }

    private static List<TemporarySlot> temporaries(CommandList list) {
        List<TemporarySlot> all = new ArrayList<>();
        for (CommandList.Slot s : list.slots()) if (s instanceof TemporarySlot t && t.bytes() > 0) all.add(t);
        return all;
    }

    /** What an element-wise chain has between its steps lies in registers, alone and behind a product. */
    @Test
    void aChainHasNoMemoryOfItsOwn() {
        for (Target target : Targets.ALL) {
            GraphBuilder b = builder();
            Graph alone = b.build(List.of(chain(b, b.input("x", TensorType.of(DType.F32, 64, 64)))));
            assertEquals(0, GraphCompiler.compile(alone, target).arenaBytes());
            b = builder();
            Value x = b.input("x", TensorType.of(DType.F32, 64, 64));
            Value y = chain(b, b.matmul(chain(b, b.matmul(x, x, DType.F32)), x, DType.F32));
            CommandList list = GraphCompiler.compile(b.build(List.of(y)), target);
            List<TemporarySlot> between = temporaries(list).stream()
                    .filter(t -> t.bytes() == 64 * 64 * 4)
                    .toList();
            assertEquals(1, between.size(), "the first product and its chain are one value: " + list.slots());
        }
    }

    /** In a chain of products the third result lies where the first lay, as nobody reads that any more. */
    @Test
    void memoryIsUsedAgainWhenNobodyReadsIt() {
        GraphBuilder b = builder();
        Value x = b.input("x", TensorType.of(DType.F32, 48, 48));
        Value v = x;
        for (int i = 0; i < 6; i++) v = chain(b, b.matmul(v, x, DType.F32));
        CommandList list = GraphCompiler.compile(b.build(List.of(v)), Targets.NEON);
        List<TemporarySlot> t = temporaries(list);
        assertEquals(5, t.size(), list.slots().toString());
        for (int i = 0; i + 2 < t.size(); i++)
            assertEquals(t.get(i).offset(), t.get(i + 2).offset());
        assertEquals(2 * 48 * 48 * 4, list.arenaBytes());
        Arena.check(list);
    }

    /** The same chain, but the first result is added in the end: nobody writes over it. */
    @Test
    void memoryIsKeptWhileSomebodyNeedsIt() {
        GraphBuilder b = builder();
        Value x = b.input("x", TensorType.of(DType.F32, 48, 48));
        Value first = chain(b, b.matmul(x, x, DType.F32));
        Value v = first;
        for (int i = 0; i < 4; i++) v = chain(b, b.matmul(v, x, DType.F32));
        CommandList list = GraphCompiler.compile(b.build(List.of(b.matmul(v, first, DType.F32))), Targets.NEON);
        List<TemporarySlot> t = temporaries(list);
        assertEquals(5, t.size(), list.slots().toString());
        for (TemporarySlot other : t.subList(1, t.size()))
            assertTrue(other.offset() != t.getFirst().offset());
        assertEquals(3 * 48 * 48 * 4, list.arenaBytes());
        Arena.check(list);
    }

    @Test
    void randomGraphsReadWhatTheyWrote() {
        long seed = Long.getLong("seed", 1);
        long graphs = Long.getLong("graphs", 300);
        int shared = 0;
        for (long s = seed; s < seed + graphs; s++) {
            Target target = Targets.ALL.get((int) (s % Targets.ALL.size()));
            CommandList list =
                    GraphCompiler.compile(RandomGraphs.of(s, 4 + (int) (s % 12)).graph(), target);
            try {
                Arena.check(list);
            } catch (AssertionError e) {
                throw new AssertionError("seed " + s + " (replay with -Dseed=" + s + " -Dgraphs=1): " + list, e);
            }
            long bytes =
                    temporaries(list).stream().mapToLong(TemporarySlot::bytes).sum();
            if (list.arenaBytes() < bytes) shared++;
        }
        if (graphs > 1) assertTrue(shared > 0, "no graph used memory again, so nothing was tested");
    }

    /** The check finds a plan that puts two values that live at the same time into the same memory. */
    @Test
    void theCheckFindsAWrongPlan() {
        GraphBuilder b = builder();
        Value x = b.input("x", TensorType.of(DType.F32, 48, 48));
        Value v = x;
        for (int i = 0; i < 4; i++) v = b.matmul(v, x, DType.F32);
        CommandList list = GraphCompiler.compile(b.build(List.of(v)), Targets.NEON);
        Arena.check(list);
        List<CommandList.Slot> slots = list.slots().stream()
                .map(s -> s instanceof TemporarySlot t ? new TemporarySlot(t.bytes(), 0) : s)
                .toList();
        CommandList wrong = new CommandList(slots, list.commands(), list.inputs(), list.outputs(), list.arenaBytes());
        assertThrows(AssertionError.class, () -> Arena.check(wrong));
    }
}
