package dev.meseta.driver;

/** What became of a device that was told to stop a job. */
public enum Stop {
    /** The job is dead or will be soon; the others go on. */
    STOPPED,
    /** The device was reset: every job that it had taken is dead, and it takes jobs again. */
    RESET,
    /** The device is gone for good. */
    GONE
}
