package dev.meseta.drivers.cpu;

import dev.meseta.compiler.llvm.LlvmTarget;
import dev.meseta.driver.Target;
import dev.meseta.driver.plan.Requirements;
import dev.meseta.graph.DType;
import dev.meseta.linux.MatrixRegisters;
import dev.meseta.linux.Processors;
import dev.meseta.linux.VectorLength;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The instructions that kernels may use: the processor's, or fewer where the property {@code meseta.isa} or the variable MESETA_ISA says
 * {@code avx512} (without matrices), {@code avx2} or {@code sse4} (so that code for older processors can be tried on a newer one).
 */
final class Instructions {
    private static final String ASKED = System.getProperty(
                    "meseta.isa", System.getenv().getOrDefault("MESETA_ISA", ""))
            .strip()
            .toLowerCase(Locale.ROOT);

    /** Arm's vectors of any length; with the number of bits behind it those of that length. */
    private static final String SVE = "sve";

    private static final String MATRICES = "amx_int8";

    private Instructions() {}

    /** Families of processors that code is generated for. */
    enum Architecture {
        X86_64("x86_64"),
        AARCH64("aarch64");

        private final String text;

        Architecture(String text) {
            this.text = text;
        }

        /** That of the processor that this runs on. */
        static Architecture here() {
            return System.getProperty("os.arch").equals("aarch64") ? AARCH64 : X86_64;
        }

        String text() {
            return text;
        }

        String triple() {
            return text + "-unknown-linux-gnu";
        }
    }

    /** What schedules need to know of a processor with some instructions. */
    static Target schedules(Architecture architecture, Set<String> features, int threads, long l1Bytes, long l2Bytes) {
        boolean wide = features.containsAll(Set.of("avx512f", "avx512bw", "avx512dq", "avx512vl"));
        int bytes = wide ? 64 : features.contains("avx2") ? 32 : Math.max(16, sveBits(features) / Byte.SIZE);
        int registers = wide || architecture == Architecture.AARCH64 ? 32 : 16;
        boolean products = features.contains("avx512_vnni") && (wide || features.contains("avx512vl"))
                || !wide && features.contains("avx_vnni")
                || features.contains("i8mm");
        boolean saturates = !products && mayBytesSaturate() && features.contains("ssse3");
        // Zen 4 has registers of 64 bytes and units of 32. It is known by what it has beside what those have that are
        // like it.
        boolean halved =
                wide && features.containsAll(Set.of("avx512_bf16", "avx512_vbmi2")) && !features.contains("avx_vnni");
        return new Target(
                bytes,
                registers,
                threads,
                l1Bytes,
                l2Bytes,
                products || saturates,
                saturates,
                false,
                halved,
                0,
                0,
                0,
                0,
                features.contains(MATRICES) ? MATRICES_OF_BYTES : List.of());
    }

    /** AMX: 16 rows of 64 bytes by 64 rows of 16, of any signs. */
    private static final List<Target.Matrix> MATRICES_OF_BYTES = Stream.of(DType.U8, DType.I8)
            .flatMap(left -> Stream.of(DType.U8, DType.I8)
                    .map(right -> new Target.Matrix(16, 16, 64, left, right, DType.I32, 1)))
            .toList();

    /** Whether the system lets this process use the registers for matrices. */
    private static final class Permission {
        static final boolean GIVEN = MatrixRegisters.ask();
    }

    /** The processor's features by Linux's names, without those that are not to be used. */
    static Set<String> features() {
        Set<String> all = new HashSet<>(Processors.here().features());
        boolean narrow = !ASKED.isEmpty() && !ASKED.equals("avx512");
        if (narrow) all.removeIf(f -> f.startsWith("avx512") || f.startsWith("avx_"));
        if (!ASKED.isEmpty() || !all.contains(MATRICES) || !Permission.GIVEN) all.removeIf(f -> f.startsWith("amx_"));
        if (all.contains(SVE)) all.add(SVE + VectorLength.sveBits());
        if (ASKED.equals("sse4")) all.removeIf(f -> f.startsWith("avx") || f.equals("fma") || f.equals("f16c"));
        return all;
    }

    /** What of an image's requirements a processor does not have; empty if nothing is missing. */
    static String lacking(String requirements, Architecture architecture, Set<String> features) {
        int needed = sveBits(new HashSet<>(List.of(requirements.split(" "))));
        if (needed > 0 && features.contains(SVE) && sveLength(features) != needed)
            return "its code needs vectors of SVE of " + needed + " bits, this processor's have " + sveLength(features)
                    + "; compile the model for this length";
        return new Requirements(PlanImage.FORM, architecture.text(), features).lacks(requirements, "this processor");
    }

    /** The length of SVE's vectors, in bits, that features name; 0 where they name none. */
    static int sveLength(Set<String> features) {
        return features.stream()
                .filter(Instructions::isSveLength)
                .mapToInt(f -> Integer.parseInt(f.substring(SVE.length())))
                .max()
                .orElse(0);
    }

    /** Whether a feature is SVE's name with three or four digits behind it. Without a pattern, which takes Java milliseconds to make first. */
    private static boolean isSveLength(String feature) {
        int digits = feature.length() - SVE.length();
        return feature.startsWith(SVE)
                && (digits == 3 || digits == 4)
                && feature.chars().skip(SVE.length()).allMatch(c -> c >= '0' && c <= '9');
    }

    /** The length of SVE's vectors that code with these features relies on, longer than NEON's; 0 where it relies on none. */
    static int sveBits(Set<String> features) {
        int bits = sveLength(features);
        return bits == 256 || bits == 512 ? bits : 0;
    }

    /**
     * Whether products of bytes may use the instruction of SSSE3 and AVX2 that saturates sums of two products at 16 bits: where the property
     * {@code meseta.int8} or the variable MESETA_INT8 says {@code saturating}. Models whose weights keep to 7 bits give the same results,
     * others other ones than anywhere else. Throws {@link IllegalArgumentException} for another word.
     */
    static boolean mayBytesSaturate() {
        String asked = System.getProperty("meseta.int8", System.getenv().getOrDefault("MESETA_INT8", ""))
                .strip()
                .toLowerCase(Locale.ROOT);
        return switch (asked) {
            case "", "exact" -> false;
            case "saturating" -> true;
            default ->
                throw new IllegalArgumentException(
                        "MESETA_INT8 is \"" + asked + "\"; it must be exact or saturating, or empty");
        };
    }

    /** All that {@link #target} depends on, as a text. Does not open LLVM. */
    static String identity() {
        return Identity.TEXT;
    }

    private static final class Identity {
        static final String TEXT = text(features());

        private static String text(Set<String> features) {
            return Processors.here().identity() + "; " + ASKED + "; " + sveBits(features)
                    + (features.contains(MATRICES) ? "; " + MATRICES : "");
        }
    }

    /** What LLVM is to generate code for. Opens LLVM. */
    static LlvmTarget target() {
        LlvmTarget host = LlvmTarget.host();
        return switch (ASKED) {
            case "", "avx512" -> new LlvmTarget(host.triple(), host.cpu(), host.features(), sveBits(features()));
            case "avx2" -> new LlvmTarget(host.triple(), "x86-64-v3", "+f16c");
            case "sse4" -> new LlvmTarget(host.triple(), "x86-64-v2", "");
            default ->
                throw new IllegalArgumentException(
                        "MESETA_ISA is \"" + ASKED + "\"; it must be avx512, avx2 or sse4, or empty");
        };
    }
}
