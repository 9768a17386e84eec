package dev.meseta.linux;

/**
 * The registers for matrices of x86 processors (AMX), which Linux gives to processes that ask for them: the state of a thread that uses them has
 * eight kilobytes more. Thread-safe.
 */
public final class MatrixRegisters {
    private static final long ARCH_PRCTL = 158;
    private static final long ARCH_REQ_XCOMP_PERM = 0x1023;
    private static final long XFEATURE_XTILEDATA = 18;

    private MatrixRegisters() {}

    /** Asks for them, for all threads of this process. Whether they may be used: not where the processor has none, or Linux is older than 5.16. */
    public static boolean ask() {
        return System.getProperty("os.arch").equals("amd64")
                && Calls.function("syscall")
                        .map(f -> Calls.call(f, ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA))
                        .filter(r -> r == 0)
                        .isPresent();
    }
}
