package dev.meseta.compiler.llvm;

/**
 * What LLVM generates code for.
 *
 * @param triple such as {@code x86_64-unknown-linux-gnu}
 * @param cpu such as {@code znver3}
 * @param features comma-separated, such as {@code +avx2,-avx512f}; empty for those of the processor
 * @param sveBits length of the vectors of Arm's SVE that the code may rely on, a multiple of 128; 0 where it must run with any length
 */
public record LlvmTarget(String triple, String cpu, String features, int sveBits) {
    /** A target without vectors whose length the instructions leave open. */
    public LlvmTarget(String triple, String cpu, String features) {
        this(triple, cpu, features, 0);
    }

    /** The processor that runs this. Opens LLVM. */
    public static LlvmTarget host() {
        return Llvm.get().host();
    }

    /** Whether a feature such as {@code f16c} is named as present. */
    public boolean has(String feature) {
        return ("," + features + ",").contains(",+" + feature + ",");
    }

    /** The architecture: the triple's first part. */
    public String architecture() {
        int dash = triple.indexOf('-');
        return dash < 0 ? triple : triple.substring(0, dash);
    }
}
