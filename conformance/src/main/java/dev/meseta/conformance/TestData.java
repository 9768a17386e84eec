package dev.meseta.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds the data that suites and tests run on, and unpacks it once under the checkout's {@code target/testdata} (outside
 * a checkout: under the user's cache folder).
 *
 * <p>A place is named by a system property, else by an environment variable, else a default is tried:
 *
 * <table>
 * <caption>where data is looked for</caption>
 * <tr><th>data</th><th>property, variable</th><th>default</th></tr>
 * <tr><td>ONNX's operator cases as Debian packs them</td><td>{@code meseta.testdata.debian}, {@code
 * MESETA_TESTDATA_DEBIAN}</td><td>the installed package {@value #PACKAGE}, else the package is fetched with {@code
 * apt-get download}, without installing it</td></tr>
 * <tr><td>newer cases and models</td><td>{@code meseta.testdata}, {@code MESETA_TESTDATA}</td><td>the folder {@code
 * ../shared/testdata} beside the checkout</td></tr>
 * </table>
 *
 * <p>Every step has a time-out, and what cannot be found is a {@link Missing} that says why and what to do: the caller
 * shows the reason. Threads and processes may look at the same time; one unpacks and the others wait for it.
 */
public final class TestData {
    private static final String PACKAGE = "libonnx-testdata";
    private static final String NEWER_ARCHIVE = "onnx-1.23.tar.xz";
    private static final Path INSTALLED = Path.of("/usr/share/libonnx-testdata/data");
    private static final Path IN_PACKAGE = Path.of("usr/share/libonnx-testdata/data");
    private static final Duration FETCH_LIMIT = Duration.ofMinutes(2);
    private static final Duration UNPACK_LIMIT = Duration.ofMinutes(3);
    private static final Duration LOCK_LIMIT = Duration.ofMinutes(8);
    // Two places in one process must not ask for one file lock at the same time: Java forbids it.
    private static final ReentrantLock IN_PROCESS = new ReentrantLock();

    private final Path cache;
    private final Optional<Path> checkout;
    private final Settings settings;

    /** Looks a setting up by its property's name; null when it is not set. */
    interface Settings {
        @Nullable
        String get(String property);
    }

    /** Whether a set of data is there. */
    public sealed interface Source {
        /** {@return what the data is, in words} */
        String name();
    }

    /**
     * Data that is there.
     *
     * @param name what the data is, in words
     * @param folder the folder that holds it
     */
    public record Found(String name, Path folder) implements Source {}

    /**
     * Data that cannot be had on this machine.
     *
     * @param name what the data is, in words
     * @param reason why it cannot be had, and what to do about it
     */
    public record Missing(String name, String reason) implements Source {}

    TestData(Path cache, Optional<Path> checkout, Settings settings) {
        this.cache = cache;
        this.checkout = checkout;
        this.settings = settings;
    }

    /** {@return the data of this machine, as told by the system's properties and environment} */
    public static TestData ofThisMachine() {
        Optional<Path> checkout = checkoutAbove(Path.of(System.getProperty("meseta.home", "")));
        Path cache = checkout.map(root -> root.resolve("target")).orElseGet(TestData::userCache);
        return new TestData(cache.resolve("testdata"), checkout, TestData::propertyOrVariable);
    }

    /**
     * {@return ONNX's operator cases as Debian packs them: a folder of the groups {@code node}, {@code simple}, {@code
     * pytorch-converted}, {@code pytorch-operator} and {@code real}, each a folder of {@code test_*} folders}
     */
    public Source debianCases() {
        String name = "ONNX operator cases of Debian's package " + PACKAGE;
        String set = settings.get("meseta.testdata.debian");
        if (set != null) {
            return existing(name, Path.of(set), "named by meseta.testdata.debian");
        }
        return Files.isDirectory(INSTALLED)
                ? new Found(name, INSTALLED)
                : unpackedOnce(name, PACKAGE, this::fetchPackage)
                        .map(folder -> folder.resolve(IN_PACKAGE))
                        .source(name);
    }

    /**
     * {@return ONNX's operator cases up to opset 28: a folder of {@code node} (folders {@code test_*}) and {@code
     * light} (files {@code light_*.onnx} and {@code light_*_output_0.pb})}
     */
    public Source newerCases() {
        String name = "ONNX operator cases of " + NEWER_ARCHIVE;
        Source shared = shared();
        if (!(shared instanceof Found(String _, Path folder))) {
            return new Missing(name, ((Missing) shared).reason());
        }
        Path archive = folder.resolve(NEWER_ARCHIVE);
        if (!Files.isRegularFile(archive)) {
            return new Missing(name, archive + " does not exist");
        }
        try {
            // The size in the name: another archive is unpacked afresh.
            String key = NEWER_ARCHIVE.replace(".tar.xz", "") + "-cases-" + Files.size(archive);
            return unpackedOnce(name, key, into -> unpackArchive(archive, into)).source(name);
        } catch (IOException e) {
            return new Missing(name, archive + " cannot be read: " + e.getMessage());
        }
    }

    /** {@return the folder of models and inputs beside the checkout, with {@code models/} and {@code inputs/}} */
    public Source shared() {
        String name = "models and newer cases";
        String set = settings.get("meseta.testdata");
        if (set != null) {
            return existing(name, Path.of(set), "named by meseta.testdata");
        }
        return checkout.map(root -> existing(
                        name,
                        root.resolveSibling("shared").resolve("testdata"),
                        "the default; set MESETA_TESTDATA to the folder that holds " + NEWER_ARCHIVE))
                .orElseGet(() -> new Missing(
                        name,
                        "not run from a checkout; set MESETA_TESTDATA to the folder that holds " + NEWER_ARCHIVE));
    }

    private static Source existing(String name, Path folder, String origin) {
        return Files.isDirectory(folder)
                ? new Found(name, folder)
                : new Missing(name, "the folder " + folder + " does not exist (" + origin + ")");
    }

    // ---- unpacking ----

    /** Fills a new, empty folder; returns null on success, else the reason for the failure. */
    private interface Filler {
        @Nullable
        String fill(Path into) throws IOException, InterruptedException;
    }

    /** A folder, or the reason why there is none: exactly one of the two is present. */
    private record Outcome(Optional<Path> folder, String reason) {
        Outcome map(UnaryOperator<Path> step) {
            return new Outcome(folder.map(step), reason);
        }

        Source source(String name) {
            return folder.<Source>map(
                            found -> existing(name, found, "unpacked, but its layout is not the expected one"))
                    .orElseGet(() -> new Missing(name, reason));
        }
    }

    /** The folder {@code key} of the cache; it appears in one step, complete, by whoever comes first. */
    private Outcome unpackedOnce(String name, String key, Filler filler) {
        Path ready = cache.resolve(key);
        if (Files.isDirectory(ready)) {
            return new Outcome(Optional.of(ready), "");
        }
        try {
            Files.createDirectories(cache);
            if (!IN_PROCESS.tryLock(LOCK_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                return new Outcome(Optional.empty(), "another thread has been fetching it for " + LOCK_LIMIT);
            }
            try (FileChannel channel = FileChannel.open(
                            cache.resolve(key + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock _ = lock(channel)) {
                return Files.isDirectory(ready)
                        ? new Outcome(Optional.of(ready), "")
                        : fillAndPublish(ready, key, filler);
            } finally {
                IN_PROCESS.unlock();
            }
        } catch (IOException | UncheckedIOException e) {
            return new Outcome(Optional.empty(), name + " cannot be unpacked under " + cache + ": " + e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return new Outcome(Optional.empty(), "interrupted while unpacking");
        }
    }

    private Outcome fillAndPublish(Path ready, String key, Filler filler) throws IOException, InterruptedException {
        Path draft = cache.resolve(key + ".draft-" + UUID.randomUUID());
        Files.createDirectory(draft);
        try {
            String failure = filler.fill(draft);
            if (failure != null) {
                return new Outcome(Optional.empty(), failure);
            }
            Files.move(draft, ready, StandardCopyOption.ATOMIC_MOVE);
            return new Outcome(Optional.of(ready), "");
        } finally {
            delete(draft);
        }
    }

    private static FileLock lock(FileChannel channel) throws IOException, InterruptedException {
        long end = System.nanoTime() + LOCK_LIMIT.toNanos();
        while (System.nanoTime() < end) {
            try {
                FileLock lock = channel.tryLock();
                if (lock != null) {
                    return lock;
                }
            } catch (OverlappingFileLockException _) {
                // Held under another class loader of this process: the same wait.
            }
            Thread.sleep(200);
        }
        throw new IOException("another process has held the lock for " + LOCK_LIMIT);
    }

    /** Without the folder that holds everything in the archive. */
    private static @Nullable String unpackArchive(Path archive, Path into) throws IOException, InterruptedException {
        return run(
                into,
                UNPACK_LIMIT,
                "install tar and xz-utils",
                List.of("tar", "-xJf", archive.toAbsolutePath().toString(), "--no-same-owner", "--strip-components=1"));
    }

    private @Nullable String fetchPackage(Path into) throws IOException, InterruptedException {
        String advice = "on Debian, install the package " + PACKAGE
                + "; elsewhere, set MESETA_TESTDATA_DEBIAN to a copy of its folder " + INSTALLED;
        Path work = Files.createDirectory(into.resolve("fetch"));
        List<String> limits = List.of("-q", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1");
        List<String> download = new ArrayList<>(List.of("apt-get", "download", PACKAGE));
        download.addAll(limits);
        String failure = run(work, FETCH_LIMIT, advice, download);
        if (failure != null && hasProgram("apt-get")) {
            // A machine whose package lists are empty or stale: fetch lists of our own, which needs no privilege.
            List<String> own = new ArrayList<>(limits);
            Path lists = work.resolve("lists");
            Path archives = work.resolve("cache");
            Files.createDirectories(lists.resolve("partial"));
            Files.createDirectories(archives.resolve("archives/partial"));
            own.addAll(List.of("-o", "Dir::State::lists=" + lists.toAbsolutePath()));
            own.addAll(List.of("-o", "Dir::Cache=" + archives.toAbsolutePath()));
            List<String> update = new ArrayList<>(List.of("apt-get", "update"));
            update.addAll(own);
            failure = run(work, FETCH_LIMIT, advice, update);
            if (failure == null) {
                List<String> again = new ArrayList<>(List.of("apt-get", "download", PACKAGE));
                again.addAll(own);
                failure = run(work, FETCH_LIMIT, advice, again);
            }
        }
        if (failure != null) {
            return failure;
        }
        List<Path> packages;
        try (Stream<Path> files = Files.list(work)) {
            packages = files.filter(file -> file.toString().endsWith(".deb"))
                    .sorted()
                    .toList();
        }
        if (packages.isEmpty()) {
            return "apt-get downloaded no package; " + advice;
        }
        String unpacked = run(
                into,
                UNPACK_LIMIT,
                advice,
                List.of("dpkg-deb", "-x", packages.getFirst().toAbsolutePath().toString(), "."));
        delete(work);
        return unpacked;
    }

    /** Runs a program with a time-out; returns null when it succeeded, else what to tell the user. */
    static @Nullable String run(Path folder, Duration limit, String advice, List<String> command)
            throws IOException, InterruptedException {
        String shown = String.join(" ", command);
        if (!hasProgram(command.getFirst())) {
            return "the program " + command.getFirst() + " is not installed; " + advice;
        }
        Path output = Files.createTempFile(folder, "run", ".log");
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(output.toFile());
            builder.environment().put("LC_ALL", "C");
            Process process = builder.start();
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
                return "`" + shown + "` did not end within " + limit.toSeconds() + " s; " + advice;
            }
            if (process.exitValue() == 0) {
                return null;
            }
            return "`" + shown + "` failed (" + lastLine(output) + "); " + advice;
        } finally {
            Files.deleteIfExists(output);
        }
    }

    private static String lastLine(Path output) throws IOException {
        List<String> lines = Files.readAllLines(output, StandardCharsets.ISO_8859_1).stream()
                .filter(line -> !line.isBlank())
                .toList();
        return lines.isEmpty() ? "it printed nothing" : lines.getLast().strip();
    }

    private static boolean hasProgram(String name) {
        String path = System.getenv("PATH");
        return path != null
                && Stream.of(path.split(":"))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder).resolve(name)));
    }

    private static void delete(Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return;
        }
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    // ---- places ----

    /** The nearest folder, from {@code start} upwards, that is a checkout of Meseta. */
    private static Optional<Path> checkoutAbove(Path start) {
        for (Path folder = start.toAbsolutePath(); folder != null; folder = folder.getParent()) {
            if (Files.isRegularFile(folder.resolve(".mvn/jdk.sh")) && Files.isRegularFile(folder.resolve("mvnw"))) {
                return Optional.of(folder);
            }
        }
        return Optional.empty();
    }

    private static Path userCache() {
        String set = System.getenv("XDG_CACHE_HOME");
        Path base = set == null || set.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(set);
        return base.resolve("meseta");
    }

    private static @Nullable String propertyOrVariable(String property) {
        String value = System.getProperty(property);
        if (value == null || value.isEmpty()) {
            value = System.getenv(property.toUpperCase(Locale.ROOT).replace('.', '_'));
        }
        return value == null || value.isEmpty() ? null : value;
    }
}
