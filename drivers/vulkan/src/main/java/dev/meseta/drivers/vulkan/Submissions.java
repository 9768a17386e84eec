package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.ShaderArguments;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchPlan;
import dev.meseta.driver.plan.LaunchTimes;
import dev.meseta.driver.plan.Place;
import dev.meseta.driver.plan.Step;
import java.util.ArrayList;
import java.util.List;

/**
 * A plan as the host submits it: its Repeats written out, cut into segments, each of which is a command buffer. Between them the host looks at a
 * condition. What it looks at in temporary memory, outputs among it, is brought to the control memory.
 */
record Submissions(List<Segment> segments, List<Turn> turns, List<Long> fetched, long controlBytes) {
    /** Launches, and rounds of Repeats, that are written out. */
    private static final int MOST_LAUNCHES = 1 << 18;

    /** What uniform buffers are aligned to at most. */
    private static final long ARGUMENT_ALIGNMENT = 256;

    /** Launches, and what is brought to the control memory behind them. */
    record Segment(List<Dispatch> dispatches, List<Fetch> fetches) {}

    /** What the host does. */
    sealed interface Turn {}

    /** Submits a segment and waits for its end. */
    record Submit(int segment) implements Turn {}

    /** Goes on with one of two lists. */
    record Choose(Condition condition, List<Turn> then, List<Turn> otherwise) implements Turn {}

    /** {@code test}, then, while the byte is not 0, {@code body} and {@code test} again. */
    record While(List<Turn> test, Condition condition, List<Turn> body) implements Turn {}

    /** A byte of a slot, or of the control memory where {@code slot} is negative. */
    record Condition(int slot, long at) {}

    /** Bytes that are copied from the arena to the control memory. */
    record Fetch(long from, long to, long bytes) {}

    /**
     * A launch in one round of the Repeats around it.
     *
     * @param number its number among all, from 1
     * @param arguments byte offset of its arguments
     * @param offsets where in its slot each of its uses is
     */
    record Dispatch(Launch launch, int number, long arguments, long[] offsets) {
        ShaderArguments layout() {
            return new ShaderArguments(launch.uses().size(), launch.extents().size());
        }

        long end() {
            return arguments + 8L * layout().count();
        }
    }

    /** Throws {@link DeviceException} for a plan that is too long. */
    static Submissions of(LaunchPlan plan) {
        return new Builder(plan).submissions();
    }

    /** All dispatches, in order. */
    List<Dispatch> dispatches() {
        return segments.stream().flatMap(s -> s.dispatches().stream()).toList();
    }

    private static final class Builder {
        private final LaunchPlan plan;
        private final long[] rounds = new long[LaunchPlan.DEEPEST];
        private final List<Segment> segments = new ArrayList<>();
        private List<Dispatch> dispatches = new ArrayList<>();
        private List<Fetch> fetches = new ArrayList<>();
        private int number;
        private int written;
        private long arguments;
        private long control = ShaderArguments.STATUS_BYTES;

        Builder(LaunchPlan plan) {
            this.plan = plan;
        }

        Submissions submissions() {
            List<Turn> steps = new ArrayList<>();
            write(plan.steps(), 0, steps);
            List<Long> fetched = new ArrayList<>();
            for (CommandList.Output o : plan.memory().outputs()) {
                fetched.add(control);
                if (plan.slots().get(o.slot()) instanceof CommandList.TemporarySlot t)
                    fetch(t.offset(), o.type().bytes());
            }
            close(steps);
            return new Submissions(segments, steps, fetched, control);
        }

        private void fetch(long from, long bytes) {
            if (bytes > 0) fetches.add(new Fetch(from, control, bytes));
            control += bytes;
        }

        /** @param depth number of Repeats around the steps */
        private void write(List<Step> list, int depth, List<Turn> into) {
            for (Step s : list) {
                switch (s) {
                    case Step.Launches x -> {
                        for (Launch l : plan.launches().subList(x.first(), x.end())) {
                            if (LaunchTimes.areWanted()) close(into);
                            dispatch(l);
                        }
                    }
                    case Step.Repeat x -> {
                        for (long n = 0; n < x.steps(); n++) {
                            count();
                            rounds[depth] = x.number(n);
                            write(x.body(), depth + 1, into);
                        }
                    }
                    case Step.Conditional x -> {
                        Condition condition = condition(x.condition(), into);
                        into.add(new Choose(condition, list(x.then(), depth), list(x.otherwise(), depth)));
                    }
                    case Step.RepeatWhile x -> {
                        close(into);
                        List<Turn> test = new ArrayList<>();
                        write(x.test(), depth, test);
                        Condition condition = condition(x.condition(), test);
                        into.add(new While(test, condition, list(x.body(), depth)));
                    }
                }
            }
        }

        private List<Turn> list(List<Step> list, int depth) {
            List<Turn> steps = new ArrayList<>();
            write(list, depth, steps);
            close(steps);
            return steps;
        }

        /** Brings a condition to where the host sees it, and ends the segment. */
        private Condition condition(Place p, List<Turn> into) {
            long offset = p.offset(rounds);
            Condition c = new Condition(p.slot(), offset);
            if (plan.slots().get(p.slot()) instanceof CommandList.TemporarySlot t) {
                c = new Condition(-1, control);
                fetch(t.offset() + offset, 1);
            }
            close(into);
            return c;
        }

        private void close(List<Turn> into) {
            if (dispatches.isEmpty() && fetches.isEmpty()) return;
            into.add(new Submit(segments.size()));
            segments.add(new Segment(dispatches, fetches));
            dispatches = new ArrayList<>();
            fetches = new ArrayList<>();
        }

        private void count() {
            if (++written > MOST_LAUNCHES)
                throw DeviceException.unsupported("a plan of more than " + MOST_LAUNCHES
                        + " launches: a loop of a fixed length is too long to be written out; use another device");
        }

        private void dispatch(Launch l) {
            count();
            long[] offsets =
                    l.uses().stream().mapToLong(u -> u.place().offset(rounds)).toArray();
            Dispatch d = new Dispatch(l, ++number, arguments, offsets);
            dispatches.add(d);
            arguments = Math.ceilDiv(d.end(), ARGUMENT_ALIGNMENT) * ARGUMENT_ALIGNMENT;
        }
    }
}
