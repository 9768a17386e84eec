package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.machine.ArgumentLayout;
import dev.meseta.machine.MachineCode;
import java.util.Arrays;
import java.util.List;

/** A command that is ready to run. */
sealed interface Step {
    /** A place in a slot; strides in bytes for each enclosing Repeat. */
    record Place(int slot, long offset, long[] strides) {
        static Place of(CommandList.Binding b) {
            return new Place(
                    b.slot(), b.offset(), b.strides().stream().mapToLong(x -> x).toArray());
        }

        CommandList.Binding binding() {
            return new CommandList.Binding(
                    slot, offset, Arrays.stream(strides).boxed().toList());
        }

        boolean moves() {
            for (long s : strides) if (s != 0) return true;
            return false;
        }
    }

    /**
     * A launch.
     *
     * @param number its number among the launches of the plan
     * @param arguments byte offset of its argument block
     * @param grid number of iterations
     * @param repetitions how often it runs for the Repeats around it
     * @param moving numbers of the buffers whose place depends on a Repeat
     */
    record Launch(
            int number,
            Kernel kernel,
            MachineCode code,
            ArgumentLayout layout,
            long arguments,
            List<Place> places,
            List<Long> extents,
            long grid,
            double repetitions,
            int[] moving,
            String origin) {}

    /**
     * Launches one after the other.
     *
     * @param first number of the first
     * @param end number behind the last
     * @param moving those of them that have buffers whose place depends on a Repeat
     */
    record Launches(int first, int end, List<Launch> moving) implements Step {}

    /**
     * A fixed number of rounds.
     *
     * @param depth number of Repeats around it
     */
    record Repeat(int depth, long steps, boolean reverse, List<Step> body) implements Step {}

    record Conditional(Place condition, List<Step> then, List<Step> otherwise) implements Step {}

    record RepeatWhile(List<Step> test, Place condition, List<Step> body) implements Step {}
}
