package dev.meseta.linux;

/** The length of the vectors of Arm's SVE, which instructions leave open and the system sets for each process. Thread-safe. */
public final class VectorLength {
    private static final int PR_SVE_GET_VL = 51;
    private static final long BYTES = 0xffff;

    private VectorLength() {}

    /** Bits of a vector of SVE in this process, a multiple of 128; 0 where the processor or the system has none. */
    public static int sveBits() {
        return Calls.function("prctl")
                .map(f -> (int) Calls.call(f, PR_SVE_GET_VL, 0, 0))
                .filter(v -> v > 0)
                .map(v -> (int) (v & BYTES) * Byte.SIZE)
                .orElse(0);
    }
}
