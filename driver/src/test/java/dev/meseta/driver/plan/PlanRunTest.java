package dev.meseta.driver.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Job;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** How steps are followed, whatever the device. */
class PlanRunTest {
    private static final Place CONDITION = new Place(0, 0, new long[0]);

    /** Notes what it runs; its condition holds so many times. */
    private static final class Noting extends PlanRun {
        private final List<String> seen = new ArrayList<>();
        private final List<Step> steps;
        private long holds;

        Noting(long holds, Step... steps) {
            this.holds = holds;
            this.steps = List.of(steps);
        }

        @Override
        protected void bind(int slot, Buffer buffer, MemorySegment memory) {}

        @Override
        protected void run() {
            steps(steps);
        }

        @Override
        protected void launch(Step.Launches launches) {
            seen.add(launches.first() + " in " + rounds[0] + " " + rounds[1]);
        }

        @Override
        protected boolean test(Place place) {
            return holds-- > 0;
        }

        @Override
        protected MemorySegment output(int number) {
            return MemorySegment.NULL;
        }

        @Override
        protected void unbind() {}
    }

    /** One that nobody waits for any more, or somebody. */
    private record TestJob(boolean isCancelled) implements Job {
        @Override
        public Executable executable() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Buffer buffer(int region) {
            throw new UnsupportedOperationException();
        }

        @Override
        public MemorySegment memory(int region) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void started() {}

        @Override
        public void done() {}

        @Override
        public void failed(RuntimeException reason) {}
    }

    private static Step launch(int number) {
        return new Step.Launches(number, number + 1);
    }

    @Test
    void roundsAreThoseOfTheRepeatsAround() {
        Step inner = new Step.Repeat(2, false, List.of(launch(1)));
        Noting run = new Noting(0, new Step.Repeat(2, true, List.of(launch(0), inner)), launch(2));
        AtomicLong progress = new AtomicLong();
        run.run(new TestJob(false), progress);
        assertEquals(
                List.of("0 in 1 0", "1 in 1 0", "1 in 1 1", "0 in 0 0", "1 in 0 0", "1 in 0 1", "2 in 0 0"), run.seen);
        assertEquals(6, progress.get());
    }

    @Test
    void conditionsChooseAndEnd() {
        Step chosen = new Step.Conditional(CONDITION, List.of(launch(0)), List.of(launch(1)));
        Noting run = new Noting(2, new Step.RepeatWhile(List.of(launch(2)), CONDITION, List.of(launch(3))), chosen);
        run.run(new TestJob(false), new AtomicLong());
        assertEquals(List.of("2 in 0 0", "3 in 0 0", "2 in 0 0", "3 in 0 0", "2 in 0 0", "1 in 0 0"), run.seen);
    }

    @Test
    void loopsOfJobsThatNobodyWaitsForEnd() {
        Noting run = new Noting(Long.MAX_VALUE, new Step.RepeatWhile(List.of(), CONDITION, List.of(launch(0))));
        DeviceException e = assertThrows(DeviceException.class, () -> run.run(new TestJob(true), new AtomicLong()));
        assertEquals(DeviceException.Kind.CANCELLED, e.kind());
        assertEquals(List.of(), run.seen);
    }
}
