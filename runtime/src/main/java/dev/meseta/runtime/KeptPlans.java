package dev.meseta.runtime;

import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Image;
import dev.meseta.graph.MesetaException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.runtime.trace.Trace;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The plans of one model on one device, in a {@link PlanStore}. Thread-safe. */
public final class KeptPlans implements Plans {
    private static final int STAGE = 3;
    private static final int CONSTANTS = 4;
    private static final int PROGRAM = 5;
    private static final String KIND = ".plan";

    /** The folder is looked through after so many plans. */
    private static final int CLEANED_AFTER = 32;

    private final PlanStore store;
    private final Signature signature;
    private final ModelFiles files;
    private final Loader loader;
    private final String prefix;

    /** Plans of this model that were written; of the thread that writes. */
    private int written;

    KeptPlans(PlanStore store, Signature signature, ModelFiles files, Loader loader, String choices) {
        this.store = store;
        this.signature = signature;
        this.files = files;
        this.loader = loader;
        this.prefix = String.join("\n", store.version(), loader.identity(), choices, files.identity(), "");
    }

    /** The plan for inputs of a kind, from whoever uses it, or from disk; null if there is none. */
    @Override
    public @Nullable Compiled find(String inputs) {
        String key = prefix + inputs;
        Compiled used = store.inUse(key);
        if (used != null) return used;
        WeightFiles weights = store.weights();
        if (weights == null) return null;
        try {
            Trace.Work loading = Trace.load("plan", signature.name());
            Optional<SectionFile> file = store.read(PlanFolder.name(key, KIND), key);
            if (file.isEmpty()) return null;
            Compiled found = read(file.get(), weights);
            loading.close();
            return store.share(key, found);
        } catch (IOException | IllegalArgumentException | MesetaException e) {
            System.getLogger(KeptPlans.class.getName())
                    .log(System.Logger.Level.DEBUG, "a plan of {0} is made again: {1}", signature.name(), e);
            return null;
        }
    }

    /** Shares a plan that was made, and keeps it on disk. The answer is what is to be used: another thread may have been faster. */
    @Override
    public Compiled keep(String inputs, Compiled compiled) {
        String key = prefix + inputs;
        Compiled used = store.share(key, compiled);
        PlanFolder folder = store.folder();
        WeightFiles weights = store.weights();
        if (used != compiled || folder == null || weights == null) return used;
        PlanStore.later(() -> {
            if (!files.unchanged()) return;
            Optional<List<SectionFile.Section>> sections = write(key, compiled, weights);
            if (sections.isEmpty()) return;
            folder.write(PlanFolder.name(key, KIND), sections.get());
            if (written++ % CLEANED_AFTER != 0) return;
            store.writeModel(folder, signature, files);
            folder.clean();
        });
        return used;
    }

    // ---- constants ----

    private enum Origin {
        /** A slice of one of the model's files. */
        MODEL,
        /** In a file of weights. */
        WEIGHTS
    }

    private void writeConstants(
            DataOutputStream out, List<Tensor> constants, Map<Tensor, WeightFiles.Place> places, List<String> names)
            throws IOException {
        out.writeInt(names.size());
        for (String n : names) ByteForm.text(out, n);
        out.writeInt(constants.size());
        for (Tensor t : constants) {
            ByteForm.type(out, t.type());
            Optional<ModelFiles.Range> range = files.locate(t);
            WeightFiles.Place place = places.get(t);
            if (range.isPresent()) {
                out.writeByte(Origin.MODEL.ordinal());
                out.writeInt(range.get().part());
                out.writeInt(0);
                out.writeLong(range.get().offset());
            } else if (place != null) {
                out.writeByte(Origin.WEIGHTS.ordinal());
                out.writeInt(names.indexOf(place.file()));
                out.writeInt(place.section());
                out.writeLong(place.offset());
            } else {
                throw new IOException("a constant has no place");
            }
        }
    }

    private List<Tensor> readConstants(ByteBuffer in, WeightFiles weights, List<WeightFiles.Loaded> loaded)
            throws IOException {
        List<String> names = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--) names.add(ByteForm.text(in));
        for (String n : names) loaded.add(weights.load(n));
        List<Tensor> constants = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--) {
            TensorType type = ByteForm.type(in);
            Origin origin = Origin.values()[in.get()];
            int file = in.getInt();
            int section = in.getInt();
            long offset = in.getLong();
            constants.add(
                    switch (origin) {
                        case MODEL -> Tensor.wrap(type, files.bytes(file, offset, type.bytes()));
                        case WEIGHTS -> weights.read(loaded.get(file), type, section, offset);
                    });
        }
        return constants;
    }

    // ---- plans ----

    /** Empty for what is not kept: a plan that gives the caller what is no tensor, or holds too much. */
    private Optional<List<SectionFile.Section>> write(String key, Compiled c, WeightFiles weights) throws IOException {
        StageForm form = StageForm.of(c).orElse(null);
        if (form == null) return Optional.empty();
        List<Tensor> constants = form.constants();
        List<Tensor> own = constants.stream()
                .filter(t -> files.locate(t).isEmpty())
                .distinct()
                .toList();
        Map<Tensor, WeightFiles.Place> places = weights.keep(PlanFolder.name(files.identity(), ""), own);
        if (places.size() < own.size()) return Optional.empty();
        List<String> names =
                places.values().stream().map(WeightFiles.Place::file).distinct().toList();
        List<SectionFile.Section> sections = new ArrayList<>();
        sections.add(new SectionFile.Section(PlanStore.KEY, PlanStore.keySection(key)));
        sections.add(new SectionFile.Section(STAGE, Form.write(form::write)));
        sections.add(
                new SectionFile.Section(CONSTANTS, Form.write(out -> writeConstants(out, constants, places, names))));
        Image image = form.image();
        if (image != null) sections.add(new SectionFile.Section(PROGRAM, MemorySegment.ofArray(image.program())));
        return Optional.of(sections);
    }

    private Compiled read(SectionFile file, WeightFiles weights) throws IOException {
        List<WeightFiles.Loaded> loaded = new ArrayList<>();
        List<Tensor> constants = Form.read(file.tagged(CONSTANTS), in -> readConstants(in, weights, loaded));
        return Form.read(
                file.tagged(STAGE),
                in -> StageForm.read(
                        in, () -> file.tagged(PROGRAM).toArray(ValueLayout.JAVA_BYTE), constants, loader, loaded));
    }
}
