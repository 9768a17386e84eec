package dev.meseta.runtime;

import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.graph.Tensor;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How a compiled stage is written, and read: its places, what follows it, and which constants belong to it. */
final class StageForm {
    private static final int FINISH = 0;
    private static final int READ = 1;
    private static final int ASK = 2;

    private static final int PLACE = 0;
    private static final int FIXED = 1;
    private static final int ABSENT = 2;

    private final Compiled compiled;
    private final @Nullable Image image;
    private final List<Tensor> constants = new ArrayList<>();
    private final Map<Tensor, Integer> fixed = new IdentityHashMap<>();

    private StageForm(Compiled compiled, @Nullable Image image) {
        this.compiled = compiled;
        this.image = image;
    }

    /** Of a stage; empty for one that cannot be written: its device has no images, or it gives the caller what is no tensor. */
    static Optional<StageForm> of(Compiled compiled) {
        Executable executable = compiled.executable();
        Image image = executable == null ? null : executable.image().orElse(null);
        if (executable != null && image == null) return Optional.empty();
        StageForm form = new StageForm(compiled, image);
        if (image != null) form.constants.addAll(image.constants());
        if (compiled.then() instanceof Compiled.Finish f) {
            for (Stage.Source s : f.outputs()) {
                if (!(s instanceof Stage.Fixed x)) continue;
                if (!(x.value() instanceof Tensor t)) return Optional.empty();
                form.fixed.put(t, form.constants.size());
                form.constants.add(t);
            }
        }
        return Optional.of(form);
    }

    /** The device's image; null if nothing runs. */
    @Nullable
    Image image() {
        return image;
    }

    /** The image's constants, then those that the stage gives the caller. */
    List<Tensor> constants() {
        return constants;
    }

    void write(DataOutputStream out) throws IOException {
        ByteForm.numbers(out, compiled.inputs());
        ByteForm.numbers(out, compiled.outputs());
        out.writeBoolean(compiled.executable() != null);
        switch (compiled.then()) {
            case Compiled.Finish f -> {
                out.writeByte(FINISH);
                out.writeInt(f.outputs().size());
                for (Stage.Source s : f.outputs()) {
                    switch (s) {
                        case Stage.Place p -> {
                            out.writeByte(PLACE);
                            out.writeInt(p.number());
                        }
                        case Stage.Fixed x -> {
                            out.writeByte(FIXED);
                            out.writeInt(x.value() instanceof Tensor t ? fixed.getOrDefault(t, -1) : -1);
                        }
                        case Stage.Absent _ -> {
                            out.writeByte(ABSENT);
                            out.writeInt(0);
                        }
                    }
                }
            }
            case Compiled.Read r -> {
                out.writeByte(READ);
                ByteForm.numbers(out, r.places());
            }
            case Compiled.Ask _ -> out.writeByte(ASK);
        }
    }

    /** Gives the device's form of a program. */
    @FunctionalInterface
    interface Programs {
        byte[] get() throws IOException;
    }

    /**
     * Reads a stage and loads what it runs.
     *
     * @param program asked for if the stage runs anything
     * @param constants as {@link #constants}
     * @param files what must stay reachable as long as the stage is in use
     */
    static Compiled read(ByteBuffer in, Programs program, List<Tensor> constants, Loader loader, List<?> files)
            throws IOException {
        List<Integer> inputs = ByteForm.numbers(in);
        List<Integer> outputs = ByteForm.numbers(in);
        boolean runs = in.get() != 0;
        int fixed = 0;
        Compiled.Then then;
        switch (in.get()) {
            case FINISH -> {
                List<Stage.Source> sources = new ArrayList<>();
                for (int n = ByteForm.count(in); n > 0; n--) {
                    byte kind = in.get();
                    int number = in.getInt();
                    if (kind == FIXED) fixed++;
                    sources.add(
                            switch (kind) {
                                case PLACE -> new Stage.Place(number);
                                case FIXED -> new Stage.Fixed(constants.get(number));
                                case ABSENT -> new Stage.Absent();
                                default -> throw new IOException("a source of kind " + kind);
                            });
                }
                then = new Compiled.Finish(sources);
            }
            case READ -> then = new Compiled.Read(ByteForm.numbers(in));
            case ASK -> then = new Compiled.Ask();
            default -> throw new IOException("a plan that goes on in an unknown way");
        }
        Executable executable = null;
        if (runs) executable = loader.load(new Image(program.get(), constants.subList(0, constants.size() - fixed)));
        if (executable != null && executable.regions().size() != inputs.size() + outputs.size())
            throw new IOException("a plan does not fit what it runs");
        return new Compiled(inputs, outputs, then, executable, files);
    }
}
