package dev.meseta.runtime.scheduler;

/** A job runs before all that are ready at a lower priority. */
public enum Priority {
    HIGH,
    NORMAL,
    LOW
}
