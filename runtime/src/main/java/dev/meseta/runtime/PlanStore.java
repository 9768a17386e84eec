package dev.meseta.runtime;

import dev.meseta.driver.ByteForm;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Plans of models that came from files: those in use, which all sessions of a model share, and on disk those that were used before, so that
 * a process need not read and compile a model that it or another has compiled. What is on disk is used if nothing that it depends on has
 * changed: the model's files, the shapes, the device, our own code; what is damaged is made again. Writing happens beside, when no more
 * plans are being made, and ends before the process does. Thread-safe.
 */
public final class PlanStore {
    /** What is in a section. */
    static final int KEY = 1;

    private static final int SIGNATURE = 2;
    private static final String MODEL = ".model";
    private static final long LONGEST_WAIT_SECONDS = 20;
    private static final int FEW = 64;

    private final @Nullable PlanFolder folder;
    private final @Nullable WeightFiles weights;
    private final Supplier<String> version;
    private final Map<String, WeakReference<Compiled>> shared = new ConcurrentHashMap<>();

    /** Plans that are not in use any more are looked for when there are so many. */
    private volatile int cleanedAt = FEW;

    private static final class Background {
        static final ThreadPoolExecutor EXECUTOR = new ThreadPoolExecutor(
                0,
                1,
                1,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("meseta-plans").factory());

        static {
            Runtime.getRuntime().addShutdownHook(new Thread(Background::finish));
        }

        /** A plan is written when nobody has made one for so long: what follows a new plan is its first run, which is waited for. */
        private static final long CALM_NANOSECONDS = 200_000_000;

        private static final long LONGEST_DELAY_NANOSECONDS = 5_000_000_000L;

        /** When the last plan was made; of who holds the lock, which is the class. */
        private static long last;

        /** How many wait for what is to be written. */
        private static int waiting;

        static void execute(Runnable job) {
            long now = System.nanoTime();
            synchronized (Background.class) {
                last = now;
            }
            EXECUTOR.execute(() -> {
                awaitCalm(now);
                job.run();
            });
        }

        private static synchronized void awaitCalm(long asked) {
            try {
                while (waiting == 0) {
                    long now = System.nanoTime();
                    long left = Math.min(last + CALM_NANOSECONDS, asked + LONGEST_DELAY_NANOSECONDS) - now;
                    if (left <= 0) return;
                    Background.class.wait(left / 1_000_000, (int) (left % 1_000_000));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** From here on (1), or no longer (-1), somebody waits. */
        static synchronized void waits(int change) {
            waiting += change;
            Background.class.notifyAll();
        }

        private static void finish() {
            EXECUTOR.shutdown();
            waits(1);
            try {
                if (!EXECUTOR.awaitTermination(LONGEST_WAIT_SECONDS, TimeUnit.SECONDS)) EXECUTOR.shutdownNow();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * A store.
     *
     * @param folder where plans are kept; empty if they are not to be kept beyond the process
     * @param version tells our own code from other versions of it
     */
    public PlanStore(Optional<Path> folder, Supplier<String> version) {
        this.folder = folder.map(PlanFolder::new).orElse(null);
        this.weights = this.folder == null ? null : new WeightFiles(this.folder);
        this.version = version;
    }

    /** A model that was read before, and is still the same. */
    public record Known(Signature signature, ModelFiles files) {}

    /** What is known of a model file without reading it; empty if it is new, or was changed. */
    public Optional<Known> model(Path file) {
        if (folder == null) return Optional.empty();
        try {
            String key = modelKey(file.toAbsolutePath().normalize());
            Optional<SectionFile> sections = read(PlanFolder.name(key, MODEL), key);
            if (sections.isEmpty()) return Optional.empty();
            Known known = Form.read(sections.get().tagged(SIGNATURE), in -> {
                List<ModelFiles.Part> parts = new ArrayList<>();
                for (int n = ByteForm.count(in); n > 0; n--)
                    parts.add(new ModelFiles.Part(Path.of(ByteForm.text(in)), ByteForm.text(in)));
                return new Known(Form.signature(in), new ModelFiles(parts));
            });
            return known.files.unchanged() ? Optional.of(known) : Optional.empty();
        } catch (IOException e) {
            System.getLogger(PlanStore.class.getName())
                    .log(System.Logger.Level.DEBUG, "what is kept of {0} is not used: {1}", file, e);
            return Optional.empty();
        }
    }

    private String modelKey(Path file) {
        return version.get() + "\n" + file;
    }

    /**
     * The plans of a model on a device.
     *
     * @param choices what else decides how the model is compiled, as a text
     */
    public KeptPlans plans(Signature signature, ModelFiles files, Loader loader, String choices) {
        return new KeptPlans(this, signature, files, loader, choices);
    }

    /** A file, if it is there and belongs to the key. */
    Optional<SectionFile> read(String name, String key) throws IOException {
        if (folder == null) return Optional.empty();
        try {
            SectionFile sections = folder.read(name);
            String there = StandardCharsets.UTF_8
                    .decode(sections.tagged(KEY).asByteBuffer())
                    .toString();
            return there.equals(key) ? Optional.of(sections) : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    String version() {
        return version.get();
    }

    @Nullable
    PlanFolder folder() {
        return folder;
    }

    @Nullable
    WeightFiles weights() {
        return weights;
    }

    /** The plan of this key that is in use. */
    @Nullable
    Compiled inUse(String key) {
        WeakReference<Compiled> reference = shared.get(key);
        return reference == null ? null : reference.get();
    }

    /** Lets others use a plan as long as it is in use; the plan that is to be used is the answer. */
    Compiled share(String key, Compiled compiled) {
        if (shared.size() >= cleanedAt) {
            shared.values().removeIf(r -> r.get() == null);
            cleanedAt = Math.max(FEW, 2 * shared.size());
        }
        Compiled[] used = {compiled};
        shared.compute(key, (_, reference) -> {
            Compiled other = reference == null ? null : reference.get();
            if (other == null) return new WeakReference<>(compiled);
            used[0] = other;
            return reference;
        });
        return used[0];
    }

    @FunctionalInterface
    interface Job {
        void run() throws IOException;
    }

    /** Writes something in the background. Trouble is nobody's business but the log's. */
    static void later(Job job) {
        if (Background.EXECUTOR.isShutdown()) return;
        Background.execute(() -> {
            try {
                job.run();
            } catch (IOException | RuntimeException e) {
                System.getLogger(PlanStore.class.getName())
                        .log(System.Logger.Level.DEBUG, "a plan could not be kept: {0}", e);
            }
        });
    }

    /** Waits until all that is under way has been written. */
    public static void flush() {
        Background.waits(1);
        try {
            Background.EXECUTOR.submit(() -> {}).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e);
        } finally {
            Background.waits(-1);
        }
    }

    void writeModel(PlanFolder into, Signature signature, ModelFiles files) throws IOException {
        String key = modelKey(files.parts().getFirst().path());
        MemorySegment content = Form.write(out -> {
            out.writeInt(files.parts().size());
            for (ModelFiles.Part p : files.parts()) {
                ByteForm.text(out, p.path().toString());
                ByteForm.text(out, p.stamp());
            }
            Form.signature(out, signature);
        });
        into.write(
                PlanFolder.name(key, MODEL),
                List.of(new SectionFile.Section(KEY, keySection(key)), new SectionFile.Section(SIGNATURE, content)));
    }

    static MemorySegment keySection(String key) {
        return MemorySegment.ofArray(key.getBytes(StandardCharsets.UTF_8));
    }
}
