package dev.meseta.driver.plan;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Job;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The memory of one run of a plan: used by one job at a time, and by many one after the other. */
public abstract class PlanRun {
    /** The numbers of the rounds of the Repeats around what runs. */
    protected final long[] rounds = new long[LaunchPlan.DEEPEST];

    private @Nullable Job job;
    private AtomicLong progress = new AtomicLong();

    /** Whether it can still be used. */
    protected boolean isTimely() {
        return true;
    }

    /**
     * Binds an input or output slot.
     *
     * @param memory of the buffer, as the host sees it
     */
    protected abstract void bind(int slot, Buffer buffer, MemorySegment memory);

    /** Runs the plan on what is bound, by way of {@link #steps}. */
    protected abstract void run();

    /** Runs launches to their end. */
    protected abstract void launch(Step.Launches launches);

    /** Whether the byte at a place is not 0, in {@link #rounds}. */
    protected abstract boolean test(Place place);

    /** The bytes of an output after the run, as the host sees them; more may lie behind them. */
    protected abstract MemorySegment output(int number);

    /** Lets go of what is bound. */
    protected abstract void unbind();

    /** Runs the plan for a job, and counts steps. */
    final void run(Job forJob, AtomicLong steps) {
        job = forJob;
        progress = steps;
        try {
            run();
        } finally {
            job = null;
        }
    }

    /** Does what steps say. */
    protected final void steps(List<Step> steps) {
        steps(steps, 0);
    }

    /** @param depth number of Repeats around the steps */
    private void steps(List<Step> steps, int depth) {
        for (int i = 0; i < steps.size(); i++) {
            switch (steps.get(i)) {
                case Step.Launches l -> launch(l);
                case Step.Repeat r -> {
                    for (long n = 0; n < r.steps(); n++) {
                        round();
                        rounds[depth] = r.number(n);
                        steps(r.body(), depth + 1);
                    }
                    rounds[depth] = 0;
                }
                case Step.Conditional c -> steps(test(c.condition()) ? c.then() : c.otherwise(), depth);
                case Step.RepeatWhile w -> {
                    steps(w.test(), depth);
                    while (test(w.condition())) {
                        round();
                        steps(w.body(), depth);
                        steps(w.test(), depth);
                    }
                }
            }
        }
    }

    /** Between two rounds: a job that nobody waits for any more ends here. */
    private void round() {
        advance();
        Job j = job;
        if (j != null && j.isCancelled())
            throw new DeviceException(DeviceException.Kind.CANCELLED, "the job was cancelled in a loop");
    }

    /** Counts a step. */
    protected final void advance() {
        progress.incrementAndGet();
    }
}
