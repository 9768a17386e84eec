package dev.meseta.drivers.mock;

import java.time.Duration;

/** What a mock device does with a job. */
public sealed interface Behaviour {
    /** Runs it. */
    record Well() implements Behaviour {}

    /** Takes its time, and makes progress all the while; then runs it. */
    record Slow(Duration time) implements Behaviour {}

    /** Begins, and makes no progress, until it is stopped. */
    record Hang() implements Behaviour {}

    /** Takes the job and does not begin with it, until it is stopped. */
    record Dawdle() implements Behaviour {}

    /** Fails. */
    record Fail(String message) implements Behaviour {}

    /** Says that the job has failed on the thread that brings it. */
    record Refuse(String message) implements Behaviour {}

    /** Is gone, with all the jobs that it has. */
    record Vanish() implements Behaviour {}
}
