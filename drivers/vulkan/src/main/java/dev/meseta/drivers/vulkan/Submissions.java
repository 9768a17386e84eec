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
final class Submissions {
    /** In the place of a slot, the control memory. */
    static final int CONTROL = -1;

    /** Launches, and rounds of Repeats, that are written out. */
    private static final int MOST_LAUNCHES = 1 << 18;

    /** What uniform buffers are aligned to at most. */
    private static final long ARGUMENT_ALIGNMENT = 256;

    final List<Segment> segments = new ArrayList<>();

    /** What the host does, with segments in the place of launches. */
    final List<Step> steps;

    /** Where the outputs are. */
    final List<Place> outputs = new ArrayList<>();

    private final LaunchPlan plan;
    private final List<Shader> shaders;
    private final long[] rounds = new long[LaunchPlan.DEEPEST];
    private List<Dispatch> dispatches = new ArrayList<>();
    private List<Fetch> fetches = new ArrayList<>();
    private int number;
    private int written;
    private long arguments;
    private long control = ShaderArguments.STATUS_BYTES;

    /** Launches, and what is brought to the control memory behind them. */
    record Segment(List<Dispatch> dispatches, List<Fetch> fetches) {}

    /** Bytes that are copied from the arena to the control memory. */
    record Fetch(long from, long to, long bytes) {}

    /**
     * A launch in one round of the Repeats around it.
     *
     * @param shader its code
     * @param number its number among all, from 1
     * @param arguments byte offset of its arguments
     * @param offsets where in its slot each of its uses is
     */
    record Dispatch(Launch launch, Shader shader, int number, long arguments, long[] offsets) {
        long argumentBytes() {
            int count =
                    new ShaderArguments(launch.uses().size(), launch.extents().size()).count();
            return (long) Long.BYTES * count;
        }
    }

    /** Throws {@link DeviceException} for a plan that is too long, as readers of images for one whose shaders cannot be its own. */
    Submissions(LaunchPlan plan, List<Shader> shaders) {
        this.plan = plan;
        this.shaders = shaders;
        this.steps = list(plan.steps(), 0);
        for (CommandList.Output o : plan.memory().outputs())
            outputs.add(seen(new Place(o.slot(), 0, new long[0]), o.type().bytes()));
        close(steps);
    }

    /** All dispatches, in order. */
    List<Dispatch> dispatches() {
        return segments.stream().flatMap(s -> s.dispatches().stream()).toList();
    }

    long controlBytes() {
        return control;
    }

    private List<Step> list(List<Step> list, int depth) {
        List<Step> steps = new ArrayList<>();
        write(list, depth, steps);
        close(steps);
        return steps;
    }

    /** @param depth number of Repeats around the steps */
    private void write(List<Step> list, int depth, List<Step> into) {
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
                    Place condition = seen(x.condition(), 1);
                    close(into);
                    into.add(new Step.Conditional(condition, list(x.then(), depth), list(x.otherwise(), depth)));
                }
                case Step.RepeatWhile x -> {
                    close(into);
                    List<Step> test = new ArrayList<>();
                    write(x.test(), depth, test);
                    Place condition = seen(x.condition(), 1);
                    close(test);
                    into.add(new Step.RepeatWhile(test, condition, list(x.body(), depth)));
                }
            }
        }
    }

    /** Where the host sees bytes, which are fetched where it would not. */
    private Place seen(Place p, long bytes) {
        long offset = p.offset(rounds);
        if (!(plan.slots().get(p.slot()) instanceof CommandList.TemporarySlot t))
            return new Place(p.slot(), offset, new long[0]);
        Place seen = new Place(CONTROL, control, new long[0]);
        if (bytes > 0) fetches.add(new Fetch(t.offset() + offset, control, bytes));
        control += bytes;
        return seen;
    }

    /** Ends a segment. */
    private void close(List<Step> into) {
        if (dispatches.isEmpty() && fetches.isEmpty()) return;
        into.add(new Step.Launches(segments.size(), segments.size() + 1));
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
        Shader shader = shaders.get(l.code());
        if (shader.texels() >> l.uses().size() != 0)
            throw new IllegalArgumentException(l.who() + " has a shader that cannot be its own: " + l);
        Dispatch d = new Dispatch(l, shader, ++number, arguments, offsets);
        dispatches.add(d);
        arguments = Math.ceilDiv(arguments + d.argumentBytes(), ARGUMENT_ALIGNMENT) * ARGUMENT_ALIGNMENT;
    }
}
