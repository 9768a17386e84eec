package dev.meseta.runtime;

import dev.meseta.driver.ByteForm;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MesetaException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.runtime.scheduler.Client;
import java.io.IOException;
import java.io.InputStream;
import java.io.StreamCorruptedException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A model that was compiled for a target, in one file: what a device runs for some shapes, and the weights, which are used where they are
 * mapped. The form of the file is in {@code docs/packages.md}. A file is checked whole before anything of it is used: what is of another
 * version, cut off or damaged is an {@link InvalidInputException} that says so. Immutable; thread-safe.
 */
public final class ModelPackage {
    /** Version of what is in the sections; that of the file's own form is {@link SectionFile}'s. */
    static final int VERSION = 1;

    static final int TARGET = 16;
    static final int SIGNATURE = 17;
    static final int PLANS = 18;
    static final int PROGRAM = 19;
    static final int WEIGHTS = 20;
    static final int REST = 21;

    /**
     * What a package was made by and for.
     *
     * @param driver the name of the driver that runs it
     * @param target what the driver compiled for, such as {@code znver3}
     * @param requirements what that needs of a machine, in a form of the driver's own
     * @param producer the program that wrote the package, with its version
     */
    public record Made(String driver, String target, String requirements, String producer) {}

    /** A constant's place. */
    record Constant(TensorType type, int section, long offset) {}

    /**
     * A plan as it is in the file.
     *
     * @param program the section with the driver's form of it; -1 if nothing runs
     */
    record Entry(int program, List<Constant> constants, byte[] stage) {}

    private final Path path;
    private final SectionFile file;
    private final Made made;
    private final Optional<Made> rest;
    private final Signature signature;
    private final Map<String, Entry> plans;
    private final long weightBytes;

    private ModelPackage(Path path, SectionFile file) throws IOException {
        this.path = path;
        this.file = file;
        file.verify();
        this.made = Form.read(file.tagged(TARGET), ModelPackage::made);
        this.signature = Form.read(file.tagged(SIGNATURE), Form::signature);
        this.plans = Form.read(file.tagged(PLANS), this::plans);
        long weights = 0;
        boolean divided = false;
        for (int i = 0; i < file.count(); i++) {
            if (file.tag(i) == WEIGHTS) weights += file.bytes(i);
            divided |= file.tag(i) == REST;
        }
        this.rest = divided ? Optional.of(Form.read(file.tagged(REST), ModelPackage::made)) : Optional.empty();
        this.weightBytes = weights;
    }

    /** Whether a file begins as packages do. */
    public static boolean recognizes(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return Arrays.equals(in.readNBytes(SectionFile.NAME.length), SectionFile.NAME);
        } catch (IOException e) {
            return false;
        }
    }

    /** Maps a file and checks it. Throws {@link InvalidInputException} with the reason for one that cannot be used. */
    public static ModelPackage open(Path path) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
            return of(path, mapped);
        } catch (IOException e) {
            throw unusable(path, e);
        }
    }

    /**
     * Checks the contents of a file, which must not change from then on.
     *
     * @param path its name, for messages
     */
    public static ModelPackage of(Path path, MemorySegment contents) {
        try {
            return new ModelPackage(path, SectionFile.of(contents, SectionFile.PACKAGE));
        } catch (IOException e) {
            throw unusable(path, e);
        }
    }

    private static InvalidInputException unusable(Path path, Exception e) {
        String reason = e instanceof StreamCorruptedException || e.getMessage() != null ? e.getMessage() : e.toString();
        return new InvalidInputException(path + " cannot be used as a package: " + reason, e);
    }

    private static Made made(ByteBuffer in) throws IOException {
        int version = in.getInt();
        if (version != VERSION)
            throw new StreamCorruptedException(
                    "what is in it has version " + version + ", " + VERSION + " is known; compile the model again");
        return new Made(ByteForm.text(in), ByteForm.text(in), ByteForm.text(in), ByteForm.text(in));
    }

    private Map<String, Entry> plans(ByteBuffer in) throws IOException {
        Map<String, Entry> all = new LinkedHashMap<>();
        for (int n = ByteForm.count(in); n > 0; n--) {
            String name = ByteForm.text(in);
            int program = in.getInt();
            if (program != -1 && file.tag(program) != PROGRAM)
                throw new StreamCorruptedException("a plan's program is in section " + program + ", which holds none");
            List<Constant> constants = new ArrayList<>();
            for (int c = ByteForm.count(in); c > 0; c--) constants.add(constant(in));
            if (all.put(name, new Entry(program, constants, ByteForm.bytes(in))) != null)
                throw new StreamCorruptedException("it has two plans for " + name);
        }
        if (all.isEmpty()) throw new StreamCorruptedException("it has no plans");
        return all;
    }

    private Constant constant(ByteBuffer in) throws IOException {
        Constant c = new Constant(ByteForm.type(in), in.getInt(), in.getLong());
        if (file.tag(c.section) != WEIGHTS || c.offset < 0 || c.offset > file.bytes(c.section) - c.type.bytes())
            throw new StreamCorruptedException("a constant " + c.type + " is outside of the weights");
        return c;
    }

    public Made made() {
        return made;
    }

    /** What the rest of it was made for, where {@link #made} runs only parts; empty where nothing is left. */
    public Optional<Made> rest() {
        return rest;
    }

    public Signature signature() {
        return signature;
    }

    /** Bytes of the file. */
    public long bytes() {
        return file.bytes();
    }

    /** Bytes of the file that are weights. */
    public long weightBytes() {
        return weightBytes;
    }

    /** The shapes that there are plans for, as texts such as {@code x f32[1,128]}, with contents of inputs that shapes follow from. */
    public List<String> shapes() {
        return plans.keySet().stream()
                .filter(p -> plans.keySet().stream().noneMatch(q -> PlanNames.leadsTo(p, q)))
                .map(this::describe)
                .distinct()
                .toList();
    }

    private String describe(String name) {
        return PlanNames.describe(name, signature);
    }

    /** Loads all plans, as runs would: throws {@link InvalidInputException} where that fails. */
    public void load(Loader loader) {
        Loaded loaded = new Loaded(loader);
        plans.keySet().forEach(loaded::find);
    }

    /**
     * What runs the model.
     *
     * @param loader whose devices lack nothing of {@link Made#requirements}
     * @param client whose jobs the runs are, on its device
     */
    public ProgramRunner runner(Loader loader, Client client) {
        return new ProgramRunner(
                () -> {
                    throw new InvalidInputException(
                            path + ": a package runs on tensors of the shapes that it was compiled for: "
                                    + String.join("; ", shapes()));
                },
                (_, _) -> {
                    throw new IllegalStateException("a package makes no stages");
                },
                _ -> {
                    throw new IllegalStateException("a package compiles nothing");
                },
                client,
                new Loaded(loader));
    }

    /** The plans, loaded. */
    private final class Loaded implements Plans {
        private final Loader loader;
        private final Map<String, Compiled> loaded = new ConcurrentHashMap<>();

        Loaded(Loader loader) {
            this.loader = loader;
        }

        @Override
        public Compiled find(String name) {
            Entry e = plans.get(name);
            if (e == null)
                throw new InvalidInputException(path + " holds no plan for " + describe(name) + "; there are plans for "
                        + String.join("; ", shapes()) + " (compile makes others, with --shape and --input)");
            return loaded.computeIfAbsent(name, _ -> load(e));
        }

        @Override
        public Compiled keep(String name, Compiled made) {
            return made;
        }

        private Compiled load(Entry e) {
            try {
                List<Tensor> constants = new ArrayList<>();
                for (Constant c : e.constants)
                    constants.add(Tensor.wrap(c.type, file.peek(c.section).asSlice(c.offset, c.type.bytes())));
                return Form.read(
                        MemorySegment.ofArray(e.stage),
                        in -> StageForm.read(in, () -> program(e), constants, loader, List.of()));
            } catch (IOException | IllegalArgumentException | MesetaException x) {
                throw unusable(path, x);
            }
        }

        private byte[] program(Entry e) throws IOException {
            if (e.program == -1) throw new StreamCorruptedException("a plan runs what it does not have");
            byte[] program = file.peek(e.program).toArray(ValueLayout.JAVA_BYTE);
            // What is run is what was checked, whatever has become of the file.
            if (SectionFile.checksum(MemorySegment.ofArray(program)) != file.checksum(e.program))
                throw new StreamCorruptedException("its section " + e.program + " has changed since it was opened");
            return program;
        }
    }
}
