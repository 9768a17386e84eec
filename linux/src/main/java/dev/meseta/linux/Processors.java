package dev.meseta.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringTokenizer;
import org.jspecify.annotations.Nullable;

/**
 * What this process may use of the machine's processors, read from {@code /proc} and {@code /sys}. On a system without them every method
 * answers with its stated default. Reads files at every call, but for what kind of processor it is: keep the answers. Thread-safe.
 */
public final class Processors {
    /** Level-1 data cache where nothing is known. */
    public static final long DEFAULT_L1_BYTES = 32 << 10;

    /** Level-2 cache where nothing is known. */
    public static final long DEFAULT_L2_BYTES = 512 << 10;

    private static final List<String> IDENTITY = List.of(
            "vendor_id",
            "cpu family",
            "model",
            "model name",
            "stepping",
            "flags",
            "CPU implementer",
            "CPU variant",
            "CPU part",
            "CPU revision",
            "Features");

    private static final Processors THIS =
            new Processors(Path.of("/"), Runtime.getRuntime().availableProcessors());

    private final Path root;
    private final int jvm;

    /** What is said of the first processor, once it was read. */
    private volatile @Nullable Map<String, String> processor;

    /** The files below another root: for tests. */
    Processors(Path root, int jvm) {
        this.root = root;
        this.jvm = jvm;
    }

    /** The machine that this runs on. */
    public static Processors here() {
        return THIS;
    }

    /**
     * How many threads can compute at once, at least 1: the processors that the process may be scheduled on, limited by the quotas of its
     * control groups and theirs above it (versions 2 and 1), and by what the JVM says, which {@code -XX:ActiveProcessorCount} sets; part of
     * a processor counts as one.
     */
    public int usable() {
        double limit = Math.min(jvm, allowed());
        for (String line : lines("proc/self/cgroup")) {
            String[] fields = line.split(":", 3);
            if (fields.length < 3) continue;
            if (fields[0].equals("0")) limit = Math.min(limit, quota2(fields[2]));
            if (List.of(fields[1].split(",")).contains("cpu")) limit = Math.min(limit, quota1(fields[1], fields[2]));
        }
        return Math.max(1, (int) Math.ceil(limit));
    }

    private int allowed() {
        for (String line : lines("proc/self/status")) {
            if (!line.startsWith("Cpus_allowed_list:")) continue;
            int n = count(line.substring(line.indexOf(':') + 1).strip());
            if (n > 0) return n;
        }
        return jvm;
    }

    /** The number of processors in a list such as {@code 0-3,8}; 0 for something else. */
    static int count(String list) {
        int n = 0;
        for (String range : list.split(",")) {
            String[] ends = range.strip().split("-");
            try {
                int first = Integer.parseInt(ends[0].strip());
                n += ends.length == 1 ? 1 : Integer.parseInt(ends[1].strip()) - first + 1;
            } catch (NumberFormatException e) {
                return 0;
            }
        }
        return n;
    }

    /** The groups from the process' own up to the top. A container may see its group as the top: a path that is not there counts as it. */
    private List<Path> groups(Path mount, String path) {
        List<Path> groups = new ArrayList<>();
        @Nullable Path p = mount.resolve("./" + path).normalize();
        for (; p != null && p.startsWith(mount) && !p.equals(mount); p = p.getParent()) groups.add(p);
        groups.add(mount);
        return groups;
    }

    private double quota2(String path) {
        double limit = Double.POSITIVE_INFINITY;
        for (Path group : groups(root.resolve("sys/fs/cgroup"), path)) {
            List<String> fields = words(read(group.resolve("cpu.max")).orElse(""));
            if (fields.size() == 2) limit = Math.min(limit, ratio(fields.get(0), fields.get(1)));
        }
        return limit;
    }

    private double quota1(String controllers, String path) {
        double limit = Double.POSITIVE_INFINITY;
        for (String mount : List.of(controllers, "cpu")) {
            for (Path group : groups(root.resolve("sys/fs/cgroup").resolve(mount), path)) {
                String quota = read(group.resolve("cpu.cfs_quota_us")).orElse("");
                limit = Math.min(
                        limit,
                        ratio(quota, read(group.resolve("cpu.cfs_period_us")).orElse("")));
            }
        }
        return limit;
    }

    /** Quota by period; infinite where there is none ("max", -1 or no number). */
    private static double ratio(String quota, String period) {
        try {
            double q = Double.parseDouble(quota);
            double p = Double.parseDouble(period);
            return q > 0 && p > 0 ? q / p : Double.POSITIVE_INFINITY;
        } catch (NumberFormatException e) {
            return Double.POSITIVE_INFINITY;
        }
    }

    /** Size of the first processor's level-1 data cache in bytes. Default {@link #DEFAULT_L1_BYTES}. */
    public long l1Bytes() {
        return cache(1, DEFAULT_L1_BYTES);
    }

    /** Size of the first processor's level-2 cache in bytes. Default {@link #DEFAULT_L2_BYTES}. */
    public long l2Bytes() {
        return cache(2, DEFAULT_L2_BYTES);
    }

    private long cache(int level, long otherwise) {
        for (int i = 0; i < 8; i++) {
            Path cache = root.resolve("sys/devices/system/cpu/cpu0/cache/index" + i);
            String type = read(cache.resolve("type")).orElse("");
            if (!read(cache.resolve("level")).orElse("").equals(Integer.toString(level))) continue;
            if (!type.equals("Data") && !type.equals("Unified")) continue;
            long size = bytes(read(cache.resolve("size")).orElse(""));
            if (size > 0) return size;
        }
        return otherwise;
    }

    /** Bytes from a size such as {@code 32K}; 0 for something else. */
    static long bytes(String text) {
        if (text.isEmpty()) return 0;
        int shift = switch (text.charAt(text.length() - 1)) {
            case 'K' -> 10;
            case 'M' -> 20;
            case 'G' -> 30;
            default -> 0;
        };
        try {
            return Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 1)) << shift;
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** The processor's name. Default: the architecture as the JVM calls it. */
    public String model() {
        return info("model name").or(() -> info("Processor")).orElse(System.getProperty("os.arch"));
    }

    /** The processor's features by the kernel's names, such as {@code avx2}, {@code fma}; empty where nothing is known. */
    public Set<String> features() {
        String all = info("flags").or(() -> info("Features")).orElse("");
        return new LinkedHashSet<>(words(all));
    }

    /** What stands between spaces. Patterns take Java milliseconds to make first. */
    private static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        for (StringTokenizer t = new StringTokenizer(text); t.hasMoreTokens(); ) words.add(t.nextToken());
        return words;
    }

    /** What a compiler may know a processor by, in one text: architecture, maker, model and features. Equal for equal processors. */
    public String identity() {
        StringBuilder out = new StringBuilder(System.getProperty("os.arch"));
        Map<String, String> known = first();
        for (String key : IDENTITY)
            if (known.containsKey(key)) out.append("; ").append(key).append(' ').append(known.get(key));
        return out.toString();
    }

    private Optional<String> info(String key) {
        return Optional.ofNullable(first().get(key));
    }

    /** What is said of the first processor. The file repeats it for each: with hundreds of them it is long, and slow to come. */
    private Map<String, String> first() {
        Map<String, String> known = processor;
        if (known == null) {
            known = readFirst();
            processor = known;
        }
        return known;
    }

    private Map<String, String> readFirst() {
        Map<String, String> first = new HashMap<>();
        try (BufferedReader in = Files.newBufferedReader(root.resolve("proc/cpuinfo"))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                int colon = line.indexOf(':');
                if (colon < 0 && !first.isEmpty()) break;
                if (colon > 0)
                    first.putIfAbsent(
                            line.substring(0, colon).strip(),
                            line.substring(colon + 1).strip());
            }
        } catch (IOException e) {
            // As if nothing were known.
        }
        return Map.copyOf(first);
    }

    private List<String> lines(String path) {
        return read(root.resolve(path)).map(s -> s.lines().toList()).orElse(List.of());
    }

    /** A small file's text; empty where there is none or it may not be read. */
    private static Optional<String> read(Path file) {
        try {
            return Optional.of(Files.readString(file).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
