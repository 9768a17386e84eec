package dev.meseta.runtime;

import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.graph.Data;
import dev.meseta.graph.Graph;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.scheduler.Client;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Collects what a model needs to run for some shapes, and writes it as a {@link ModelPackage}. For one thread. */
public final class PackageWriter {
    /** Programs follow the target, the signature and the plans. */
    private static final int FIRST_PROGRAM = 3;

    /** Sections are checked side by side, each by a thread. */
    private static final long SECTION_BYTES = 8 << 20;

    private final Signature signature;
    private final ModelPackage.Made made;
    private final Optional<ModelPackage.Made> rest;
    private final Map<String, Compiled> plans = new LinkedHashMap<>();
    private final List<List<@Nullable Data>> variants = new ArrayList<>();

    /**
     * @param made what its executables are for
     * @param rest where that is a device for parts of graphs: what the rest of them is for
     */
    public PackageWriter(Signature signature, ModelPackage.Made made, Optional<ModelPackage.Made> rest) {
        this.signature = signature;
        this.made = made;
        this.rest = rest;
    }

    /** Takes every plan that is made. */
    private final class Recorder implements Plans {
        @Override
        public @Nullable Compiled find(String name) {
            return plans.get(name);
        }

        @Override
        public Compiled keep(String name, Compiled compiled) {
            plans.put(name, compiled);
            return compiled;
        }
    }

    /**
     * Adds all that runs for inputs of these types.
     *
     * @param compile makes a graph an executable that has an image
     * @param inputs one for each of the model's inputs, null for one left out
     * @param known names of those inputs whose contents are what they will be
     * @throws InvalidInputException if the model does something that cannot be put into a package
     */
    public void add(
            Supplier<Program> program,
            StageMaker maker,
            Function<Graph, Executable> compile,
            Client client,
            List<@Nullable Data> inputs,
            Set<String> known) {
        new ProgramRunner(program, maker, compile, client, new Recorder())
                .complete(
                        inputs,
                        place -> known.contains(signature.inputs().get(place).name()));
        variants.add(inputs);
    }

    /** Writes the package. The file appears whole. */
    public void write(Path file) {
        try {
            List<SectionFile.Section> sections = sections();
            Path folder = Objects.requireNonNull(file.toAbsolutePath().getParent());
            Path part = folder.resolve(file.getFileName() + "." + UUID.randomUUID() + ".part");
            try {
                SectionFile.write(part, SectionFile.PACKAGE, sections);
                Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw new InvalidInputException("the package " + file + " cannot be written: " + e, e);
        }
    }

    private List<SectionFile.Section> sections() throws IOException {
        Map<String, StageForm> forms = new LinkedHashMap<>();
        List<SectionFile.Section> programs = new ArrayList<>();
        Map<StageForm, Integer> numbers = new IdentityHashMap<>();
        for (Map.Entry<String, Compiled> p : plans.entrySet()) {
            StageForm form = StageForm.of(p.getValue())
                    .orElseThrow(() -> new InvalidInputException(
                            "the model gives what is no tensor, which a package cannot hold"));
            forms.put(p.getKey(), form);
            Image image = form.image();
            numbers.put(form, image == null ? -1 : FIRST_PROGRAM + programs.size());
            if (image != null)
                programs.add(new SectionFile.Section(ModelPackage.PROGRAM, MemorySegment.ofArray(image.program())));
        }
        Weights weights = new Weights(FIRST_PROGRAM + programs.size());
        for (StageForm f : forms.values()) f.constants().forEach(weights::add);
        List<SectionFile.Section> all = new ArrayList<>();
        all.add(new SectionFile.Section(ModelPackage.TARGET, Form.write(out -> target(out, made))));
        all.add(new SectionFile.Section(ModelPackage.SIGNATURE, Form.write(out -> Form.signature(out, stated()))));
        all.add(new SectionFile.Section(ModelPackage.PLANS, Form.write(out -> {
            out.writeInt(forms.size());
            for (Map.Entry<String, StageForm> f : forms.entrySet())
                plan(out, f.getKey(), f.getValue(), Objects.requireNonNull(numbers.get(f.getValue())), weights);
        })));
        all.addAll(programs);
        for (List<MemorySegment> w : weights.sections) all.add(SectionFile.Section.pages(ModelPackage.WEIGHTS, w));
        if (rest.isPresent() && isDivided())
            all.add(new SectionFile.Section(ModelPackage.REST, Form.write(out -> target(out, rest.get()))));
        return all;
    }

    /** Whether something runs on the second device. */
    private boolean isDivided() {
        return plans.values().stream()
                .anyMatch(c -> c.executable() instanceof Segmented s
                        && s.submissions() < s.segments().size());
    }

    private static void target(DataOutputStream out, ModelPackage.Made made) throws IOException {
        out.writeInt(ModelPackage.VERSION);
        ByteForm.text(out, made.driver());
        ByteForm.text(out, made.target());
        ByteForm.text(out, made.requirements());
        ByteForm.text(out, made.producer());
    }

    /** Where there is one shape for each input, it is what the package takes. */
    private Signature stated() {
        if (variants.size() != 1) return signature;
        List<Port> inputs = new ArrayList<>();
        for (int i = 0; i < signature.inputs().size(); i++) {
            Port p = signature.inputs().get(i);
            inputs.add(
                    variants.getFirst().get(i) instanceof Tensor t
                            ? new Port(p.name(), p.kind(), t.dtype(), t.shape().fixed(), p.optional())
                            : p);
        }
        return new Signature(signature.name(), inputs, signature.outputs(), signature.defaults());
    }

    private static void plan(DataOutputStream out, String name, StageForm form, int program, Weights weights)
            throws IOException {
        ByteForm.text(out, name);
        out.writeInt(program);
        out.writeInt(form.constants().size());
        for (Tensor t : form.constants()) {
            Weights.Place place = Objects.requireNonNull(weights.places.get(t));
            ByteForm.type(out, t.type());
            out.writeInt(place.section);
            out.writeLong(place.offset);
        }
        ByteForm.bytes(out, Form.write(form::write).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
    }

    /** Constants in sections; equal ones, such as those of plans for other shapes, once. */
    private static final class Weights {
        private record Place(int section, long offset) {}

        private record Key(int checksum, long bytes) {}

        private final int first;
        private final List<List<MemorySegment>> sections = new ArrayList<>();
        private final Map<Tensor, Place> places = new IdentityHashMap<>();
        private final Map<Key, List<Tensor>> equal = new HashMap<>();
        private long end = SECTION_BYTES;

        Weights(int first) {
            this.first = first;
        }

        void add(Tensor t) {
            if (places.containsKey(t)) return;
            MemorySegment data = t.data();
            List<Tensor> similar =
                    equal.computeIfAbsent(new Key(SectionFile.checksum(data), data.byteSize()), _ -> new ArrayList<>());
            for (Tensor other : similar) {
                if (other.data().mismatch(data) >= 0) continue;
                places.put(t, Objects.requireNonNull(places.get(other)));
                return;
            }
            similar.add(t);
            if (end >= SECTION_BYTES) {
                sections.add(new ArrayList<>());
                end = 0;
            }
            sections.getLast().add(data);
            places.put(t, new Place(first + sections.size() - 1, end));
            end = SectionFile.aligned(end + data.byteSize());
        }
    }
}
