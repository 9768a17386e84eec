package dev.meseta.conformance;

import java.util.List;

/** What a suite tells while it runs. Called by one thread at a time, results in the order of their numbers. */
public interface Report {
    /** How a test ended, held against what was expected of it. */
    enum Outcome {
        PASS,
        FAIL,
        SKIP,
        /** It failed, as the list of expected failures says. */
        EXPECTED_FAILURE,
        /** It passed, though the list of expected failures says that it fails. */
        UNEXPECTED_PASS;

        /** Whether the suite as a whole may still succeed. */
        public boolean isExpected() {
            return this != FAIL && this != UNEXPECTED_PASS;
        }
    }

    /**
     * The end of one test.
     *
     * @param number counts from 1
     * @param name the case and the way
     * @param outcome how it ended
     * @param reason of a skip or an expected failure, else empty
     * @param details lines about what went wrong
     * @param milliseconds how long it took
     */
    record Result(int number, String name, Outcome outcome, String reason, List<String> details, double milliseconds) {
        public Result {
            details = List.copyOf(details);
        }
    }

    /**
     * All results, counted.
     *
     * @param pass tests that passed and should
     * @param fail all others that ran
     * @param skip tests that did not run
     * @param expectedFailures those of {@code fail} that are listed
     */
    record Summary(int pass, int fail, int skip, int expectedFailures) {
        /** Whether nothing unexpected happened. */
        public boolean isExpected() {
            return fail == expectedFailures;
        }

        /** The counts of these. */
        public static Summary of(List<Result> results) {
            int[] n = new int[Outcome.values().length];
            for (Result r : results) n[r.outcome().ordinal()]++;
            int expected = n[Outcome.EXPECTED_FAILURE.ordinal()];
            return new Summary(
                    n[Outcome.PASS.ordinal()],
                    n[Outcome.FAIL.ordinal()] + expected + n[Outcome.UNEXPECTED_PASS.ordinal()],
                    n[Outcome.SKIP.ordinal()],
                    expected);
        }
    }

    /** Before the first test: how many there are. */
    default void plan(int tests) {}

    /** A test begins. Not in the order of numbers; called by several threads. */
    default void started(int number, String name) {}

    /** A test has ended. */
    void result(Result result);

    /** A remark on the run as a whole. */
    default void remark(String line) {}

    /** After the last test. */
    default void summary(Summary summary) {}
}
