package dev.meseta.machine;

/** What makes machine code of kernels, found by {@link java.util.ServiceLoader}. Where there is none, code that was made before still runs. */
public interface CodeGenerator {
    /** Why it cannot be used on this machine and what to do about it; empty if it can. */
    String unavailable();
}
