package dev.meseta.compiler;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.CommandList.Command;
import dev.meseta.driver.CommandList.ConstantSlot;
import dev.meseta.driver.CommandList.Slot;
import dev.meseta.driver.CommandList.TemporarySlot;
import dev.meseta.driver.Packing;
import dev.meseta.driver.Packing.Piece;
import dev.meseta.graph.Debug;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Gives the temporary slots of a command list their places in the arena. A slot lives from the first to the last command that touches
 * it; what lives at the same time does not overlap ({@link Packing}).
 */
final class MemoryPlan {
    private static final long ALIGNMENT = 64;

    private final CommandList list;
    private final int[] first;
    private final int[] last;
    private int time;

    /** For each loop: its first and last time. */
    private final List<int[]> loops = new ArrayList<>();

    private final List<int[]> touches = new ArrayList<>();

    private MemoryPlan(CommandList list) {
        this.list = list;
        this.first = new int[list.slots().size()];
        this.last = new int[list.slots().size()];
        Arrays.fill(first, Integer.MAX_VALUE);
        Arrays.fill(last, -1);
    }

    static CommandList of(CommandList list) {
        MemoryPlan p = new MemoryPlan(list);
        p.walk(list.commands(), List.of());
        p.extend();
        CommandList planned = p.place();
        Debug.PLAN.print(() -> Describe.plan(planned));
        return planned;
    }

    private void touch(Binding b, List<Integer> around) {
        first[b.slot()] = Math.min(first[b.slot()], time);
        last[b.slot()] = Math.max(last[b.slot()], time);
        boolean moves = b.strides().stream().anyMatch(s -> s != 0);
        for (int loop : around) touches.add(new int[] {b.slot(), loop, moves ? 1 : 0});
    }

    private void walk(List<Command> commands, List<Integer> around) {
        for (Command c : commands) {
            time++;
            switch (c) {
                case CommandList.Launch l -> l.bindings().forEach(b -> touch(b, around));
                case CommandList.Copy x -> {
                    touch(x.from(), around);
                    touch(x.to(), around);
                }
                case CommandList.Conditional x -> {
                    touch(x.condition(), around);
                    walk(x.then(), around);
                    walk(x.otherwise(), around);
                }
                case CommandList.Repeat r -> loop(r.body(), List.of(), null, around);
                case CommandList.RepeatWhile w -> loop(w.test(), w.body(), w.condition(), around);
            }
        }
    }

    private void loop(
            List<Command> body,
            List<Command> more,
            @org.jspecify.annotations.Nullable Binding condition,
            List<Integer> around) {
        int[] span = {time, 0};
        List<Integer> inside = new ArrayList<>(around);
        inside.add(loops.size());
        loops.add(span);
        walk(body, inside);
        if (condition != null) touch(condition, inside);
        walk(more, inside);
        time++;
        span[1] = time;
    }

    /** What lives across a step of a loop lives in all of it. */
    private void extend() {
        // Inner loops were added later than those around them.
        for (int i = touches.size() - 1; i >= 0; i--) {
            int[] t = touches.get(i);
            int[] span = loops.get(t[1]);
            boolean outside = first[t[0]] <= span[0] || last[t[0]] >= span[1];
            if (!outside && t[2] == 0) continue;
            first[t[0]] = Math.min(first[t[0]], span[0]);
            last[t[0]] = Math.max(last[t[0]], span[1]);
        }
    }

    private CommandList place() {
        List<Integer> placed = new ArrayList<>();
        List<Piece> pieces = new ArrayList<>();
        List<Slot> slots = new ArrayList<>(list.slots());
        for (int i = 0; i < slots.size(); i++) {
            boolean temporary = slots.get(i) instanceof TemporarySlot;
            boolean touched = last[i] >= 0;
            if (temporary && touched) {
                placed.add(i);
                pieces.add(new Piece(aligned(slots.get(i).bytes()), first[i], last[i]));
            } else if (!touched && (temporary || slots.get(i) instanceof ConstantSlot && !isOutput(i))) {
                // Such as weights of which only the packed form is read: they need not be kept.
                slots.set(i, new TemporarySlot(0, 0));
            }
        }
        Packing packing = Packing.of(pieces);
        for (int i = 0; i < placed.size(); i++) {
            int s = placed.get(i);
            slots.set(
                    s, new TemporarySlot(slots.get(s).bytes(), packing.offsets().get(i)));
        }
        return new CommandList(slots, list.commands(), list.inputs(), list.outputs(), packing.end());
    }

    private boolean isOutput(int slot) {
        return list.outputs().stream().anyMatch(o -> o.slot() == slot);
    }

    private static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
