package dev.meseta.drivers.cpu;

import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.compiler.llvm.LlvmTarget;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.plan.Requirements;
import dev.meseta.driver.plan.TargetDevice;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.linux.Processors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What code is generated for: a name of the table, with more instructions where they are added, such as {@code x86-64-v3+avx_vnni}. Names
 * of instructions are Linux's, as in {@code /proc/cpuinfo}; {@code sve256} and {@code sve512} are SVE with vectors of that length.
 *
 * @param name as it was asked for
 * @param features all that the code may use beyond its architecture's base
 * @param llvm the same, for LLVM
 * @param l1Bytes size of the first-level data cache that schedules reckon with
 * @param l2Bytes size of the second-level cache
 */
record CpuTarget(
        String name,
        Instructions.Architecture architecture,
        Set<String> features,
        LlvmTarget llvm,
        long l1Bytes,
        long l2Bytes) {
    /** The processor that this runs on. */
    static final String NATIVE = "native";

    private static final String V2 = "cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2";
    private static final String V3 = V2 + " avx avx2 bmi1 bmi2 f16c fma abm movbe xsave";
    private static final String V4 = V3 + " avx512f avx512bw avx512cd avx512dq avx512vl";
    private static final String ICE =
            V4 + " avx512_vnni avx512ifma avx512vbmi avx512_vbmi2 avx512_bitalg avx512_vpopcntdq gfni vaes vpclmulqdq";

    /** Names of instructions where LLVM's differ from Linux's. */
    private static final Map<String, String> LLVM_NAMES = Map.ofEntries(
            Map.entry("lahf_lm", "sahf"),
            Map.entry("pni", "sse3"),
            Map.entry("sse4_1", "sse4.1"),
            Map.entry("sse4_2", "sse4.2"),
            Map.entry("bmi1", "bmi"),
            Map.entry("abm", "lzcnt"),
            Map.entry("avx_vnni", "avxvnni"),
            Map.entry("avx512_vnni", "avx512vnni"),
            Map.entry("avx512_bf16", "avx512bf16"),
            Map.entry("avx512_vbmi2", "avx512vbmi2"),
            Map.entry("avx512_bitalg", "avx512bitalg"),
            Map.entry("avx512_vpopcntdq", "avx512vpopcntdq"),
            Map.entry("avx512_fp16", "avx512fp16"),
            Map.entry("amx_tile", "amx-tile"),
            Map.entry("amx_int8", "amx-int8"),
            Map.entry("asimd", "neon"),
            Map.entry("asimddp", "dotprod"),
            Map.entry("asimdhp", "fullfp16"),
            Map.entry("atomics", "lse"),
            Map.entry("crc32", "crc"),
            Map.entry("sve256", "sve"),
            Map.entry("sve512", "sve"));

    private static final Set<String> X86 =
            Set.of((ICE + " sse4a avx_vnni avx512_bf16 avx512_fp16 amx_tile amx_int8").split(" "));
    private static final Set<String> ARM = Set.of(
            "asimd", "atomics", "crc32", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "sve256", "sve512");
    private static final String V8_2 = "asimd atomics crc32 asimdhp";
    private static final String V8_4 = V8_2 + " asimddp i8mm bf16 sve";

    /**
     * A line of the table.
     *
     * @param llvm LLVM's name
     * @param l1 KiB
     * @param l2 KiB
     */
    private record Row(
            Instructions.Architecture architecture, String llvm, Set<String> features, int l1, int l2, String about) {}

    private static final Map<String, Row> TABLE = table();

    private static Map<String, Row> table() {
        Map<String, Row> t = new LinkedHashMap<>();
        x86(t, "x86-64-v2", V2, 32, 256, "x86 with SSE4.2");
        x86(t, "x86-64-v3", V3, 32, 512, "x86 with AVX2 and FMA");
        x86(t, "x86-64-v4", V4, 32, 1024, "x86 with AVX-512");
        x86(t, "haswell", V3, 32, 256, "Intel of 2013");
        x86(t, "skylake", V3, 32, 256, "Intel of 2015");
        x86(t, "skylake-avx512", V4, 32, 1024, "Intel Xeon of 2017");
        x86(t, "cascadelake", V4 + " avx512_vnni", 32, 1024, "Intel Xeon of 2019");
        x86(t, "icelake-server", ICE, 48, 1280, "Intel Xeon of 2021");
        x86(t, "alderlake", V3 + " avx_vnni gfni vaes vpclmulqdq", 32, 1280, "Intel Core of 2021");
        x86(
                t,
                "sapphirerapids",
                ICE + " avx_vnni avx512_bf16 avx512_fp16 amx_tile amx_int8",
                48,
                2048,
                "Intel Xeon of 2023");
        x86(t, "znver2", V3 + " sse4a", 32, 512, "AMD Zen 2");
        x86(t, "znver3", V3 + " sse4a vaes vpclmulqdq", 32, 512, "AMD Zen 3");
        x86(t, "znver4", ICE + " sse4a avx512_bf16", 32, 1024, "AMD Zen 4");
        x86(t, "znver5", ICE + " sse4a avx512_bf16 avx_vnni", 48, 1024, "AMD Zen 5");
        arm(t, "armv8-a", "generic", "asimd", 32, 512, "Arm of 64 bits");
        arm(t, "cortex-a55", "cortex-a55", V8_2 + " asimddp", 32, 64, "Arm Cortex-A55, as on i.MX93");
        arm(t, "neoverse-n1", "neoverse-n1", V8_2 + " asimddp", 64, 1024, "Arm Neoverse N1");
        arm(t, "neoverse-v1", "neoverse-v1", V8_4 + " sve256", 64, 1024, "Arm Neoverse V1");
        arm(t, "neoverse-n2", "neoverse-n2", V8_4 + " sve2", 64, 1024, "Arm Neoverse N2");
        arm(t, "neoverse-v2", "neoverse-v2", V8_4 + " sve2", 64, 2048, "Arm Neoverse V2");
        // Twelve cores share 8 MiB.
        arm(t, "a64fx", "a64fx", V8_2 + " sve sve512", 64, 640, "Fujitsu A64FX");
        return t;
    }

    private static void x86(Map<String, Row> t, String name, String features, int l1, int l2, String about) {
        t.put(name, new Row(Instructions.Architecture.X86_64, name, Set.of(features.split(" ")), l1, l2, about));
    }

    private static void arm(
            Map<String, Row> t, String name, String llvm, String features, int l1, int l2, String about) {
        t.put(name, new Row(Instructions.Architecture.AARCH64, llvm, Set.of(features.split(" ")), l1, l2, about));
    }

    /** The names that there are, each with what it is. */
    static Map<String, String> names() {
        Map<String, String> names = new LinkedHashMap<>();
        names.put(NATIVE, "this processor");
        TABLE.forEach((name, row) -> names.put(name, row.about));
        return names;
    }

    /** What {@link #parse} takes, in words. */
    private static String choices() {
        return "there are " + String.join(", ", names().keySet())
                + ", each of which can be followed by more instructions, as in x86-64-v3+avx_vnni";
    }

    /** The instructions that a name can be followed by. */
    private static Set<String> known(Instructions.Architecture architecture) {
        return architecture == Instructions.Architecture.X86_64 ? X86 : ARM;
    }

    /** A target by its name. Throws {@link InvalidInputException} that lists those there are; opens LLVM for {@link #NATIVE} alone. */
    static CpuTarget parse(String spec) {
        List<String> parts = new ArrayList<>(Arrays.asList(spec.split("\\+", -1)));
        String name = parts.removeFirst();
        if (name.equals(NATIVE)) return here(spec, parts);
        Row row = TABLE.get(name);
        if (row == null) throw new InvalidInputException("cpu has no target '" + spec + "'; " + choices());
        Set<String> known = known(row.architecture);
        Set<String> features = new TreeSet<>(row.features);
        for (String more : parts) {
            if (!known.contains(more))
                throw new InvalidInputException("target '" + spec + "': code for " + row.architecture.text()
                        + " has no use for instructions named '" + more + "'; known are "
                        + String.join(" ", new TreeSet<>(known)));
            features.add(more);
        }
        if (features.containsAll(Set.of("sve256", "sve512")))
            throw new InvalidInputException(
                    "target '" + spec + "': vectors of SVE have one length, not 256 and 512 bits");
        String llvm =
                features.stream().map(f -> "+" + LLVM_NAMES.getOrDefault(f, f)).collect(Collectors.joining(","));
        return new CpuTarget(
                spec,
                row.architecture,
                features,
                new LlvmTarget(row.architecture.triple(), row.llvm, llvm, Instructions.sveBits(features)),
                row.l1 * 1024L,
                row.l2 * 1024L);
    }

    private static CpuTarget here(String spec, List<String> more) {
        if (!more.isEmpty())
            throw new InvalidInputException(
                    "target '" + spec + "': " + NATIVE + " has what this processor has, and no more");
        Processors p = Processors.here();
        Instructions.Architecture architecture = Instructions.Architecture.here();
        Set<String> features = new TreeSet<>(Instructions.features());
        features.retainAll(known(architecture));
        return new CpuTarget(spec, architecture, features, Instructions.target(), p.l1Bytes(), p.l2Bytes());
    }

    /** What its code needs of a processor. */
    String requirements() {
        return new Requirements(PlanImage.FORM, architecture.text(), features).text();
    }

    /** A device that compiles for it. */
    KernelDevice device() {
        // Code for one thread has no launches that are shared: others could not help.
        int threads = Math.max(2, WorkerPool.configured());
        KernelCache kernels = KernelCache.forTarget(
                new KernelCompiler("target " + llvm, () -> llvm, KernelCache.checkedByDefault()), threads);
        Map<String, String> properties = new LinkedHashMap<>();
        properties.put("architecture", architecture.text());
        properties.put("instructions", String.join(" ", features));
        return new TargetDevice(
                "cpu:" + name,
                names().getOrDefault(name, name),
                properties,
                Instructions.schedules(architecture, features, threads, l1Bytes, l2Bytes),
                requirements(),
                () -> new KernelBatch(kernels, threads));
    }
}
