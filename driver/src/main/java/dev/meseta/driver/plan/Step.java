package dev.meseta.driver.plan;

import java.util.List;

/** What a {@link LaunchPlan} does. Immutable. */
public sealed interface Step {
    /** Launches [first, end) of the plan, one after the other. */
    record Launches(int first, int end) implements Step {}

    /** A fixed number of rounds; in reverse their numbers count down to 0. */
    record Repeat(long steps, boolean reverse, List<Step> body) implements Step {
        /** The number of a round, which places depend on. */
        public long number(long round) {
            return reverse ? steps - 1 - round : round;
        }
    }

    /** One of two lists, by a byte. */
    record Conditional(Place condition, List<Step> then, List<Step> otherwise) implements Step {}

    /** {@code test}, then, while the byte is not 0, {@code body} and {@code test} again. */
    record RepeatWhile(List<Step> test, Place condition, List<Step> body) implements Step {}
}
