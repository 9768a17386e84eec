package dev.meseta.driver.plan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Image;
import dev.meseta.driver.SlotForm;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * A plan as an image, with what the driver has beside it: its memory as {@link SlotForm}, a list of texts, launches, and steps. Whoever keeps images sees to
 * it that they are whole; what can be told here of a wrong one is an {@link IllegalArgumentException}, or another of {@link ByteForm}'s. A change
 * here changes the forms of all drivers that use it ({@code PlanFormTest} of each sees to their numbers).
 */
public final class PlanForm {
    /** Steps within each other: no model comes near. */
    private static final int DEEPEST = 500;

    private static final DType[] DTYPES = DType.values();
    private static final Kernel.Access[] ACCESSES = Kernel.Access.values();
    private static final Kind[] KINDS = Kind.values();

    private enum Kind {
        LAUNCHES,
        REPEAT,
        CONDITIONAL,
        REPEAT_WHILE
    }

    private PlanForm() {}

    // Writing

    /**
     * A plan as an image.
     *
     * @param form the version of the driver's form
     * @param more writes what the driver has beside the plan
     */
    public static Image image(int form, LaunchPlan plan, ByteForm.Writing more) {
        List<Tensor> constants = new ArrayList<>();
        byte[] program = ByteForm.write(out -> {
            out.writeInt(form);
            write(out, plan, constants);
            more.write(out);
        });
        return new Image(program, constants);
    }

    private static void write(DataOutputStream out, LaunchPlan plan, List<Tensor> constants) throws IOException {
        SlotForm.write(out, plan.memory(), constants);
        Map<String, Integer> texts = new LinkedHashMap<>();
        byte[] launches = ByteForm.write(own -> {
            own.writeInt(plan.launches().size());
            for (Launch l : plan.launches()) launch(own, l, texts);
        });
        ByteForm.texts(out, List.copyOf(texts.keySet()));
        out.write(launches);
        steps(out, plan.steps());
    }

    private static void text(DataOutputStream out, String text, Map<String, Integer> texts) throws IOException {
        out.writeInt(texts.computeIfAbsent(text, _ -> texts.size()));
    }

    private static void launch(DataOutputStream out, Launch l, Map<String, Integer> texts) throws IOException {
        out.writeInt(l.code());
        text(out, l.kernel(), texts);
        text(out, l.origin(), texts);
        ByteForm.longs(out, l.extents().stream().mapToLong(x -> x).toArray());
        out.writeLong(l.grid());
        out.writeDouble(l.repetitions());
        out.writeInt(l.uses().size());
        for (Launch.Use u : l.uses()) {
            text(out, u.name(), texts);
            out.writeByte(u.dtype().ordinal());
            out.writeByte(u.access().ordinal());
            out.writeLong(u.elements());
            place(out, u.place());
        }
    }

    private static void place(DataOutputStream out, Place p) throws IOException {
        out.writeInt(p.slot());
        out.writeLong(p.offset());
        ByteForm.longs(out, p.strides());
    }

    private static void steps(DataOutputStream out, List<Step> steps) throws IOException {
        out.writeInt(steps.size());
        for (Step s : steps) {
            switch (s) {
                case Step.Launches x -> {
                    out.writeByte(Kind.LAUNCHES.ordinal());
                    out.writeInt(x.first());
                    out.writeInt(x.end());
                }
                case Step.Repeat x -> {
                    out.writeByte(Kind.REPEAT.ordinal());
                    out.writeLong(x.steps());
                    out.writeBoolean(x.reverse());
                    steps(out, x.body());
                }
                case Step.Conditional x -> {
                    out.writeByte(Kind.CONDITIONAL.ordinal());
                    place(out, x.condition());
                    steps(out, x.then());
                    steps(out, x.otherwise());
                }
                case Step.RepeatWhile x -> {
                    out.writeByte(Kind.REPEAT_WHILE.ordinal());
                    steps(out, x.test());
                    place(out, x.condition());
                    steps(out, x.body());
                }
            }
        }
    }

    // Reading

    /**
     * What {@link #image} wrote. Throws {@link IllegalArgumentException} for a damaged one, and for another form than the driver's own.
     *
     * @param more reads what the driver has beside the plan
     */
    public static <T> T load(Image image, int form, BiFunction<LaunchPlan, ByteBuffer, T> more) {
        return ByteForm.read(image, in -> {
            int found = in.getInt();
            if (found != form)
                throw new IllegalArgumentException("an image of a plan has form " + found + ", not " + form);
            return more.apply(read(in, image.constants()), in);
        });
    }

    private static LaunchPlan read(ByteBuffer in, List<Tensor> constants) {
        var memory = SlotForm.read(in, constants);
        List<String> texts = ByteForm.texts(in);
        int count = ByteForm.count(in);
        List<Launch> launches = new ArrayList<>(count);
        for (int i = 0; i < count; i++) launches.add(launch(in, i, texts));
        return new LaunchPlan(memory, launches, steps(in, DEEPEST));
    }

    private static Launch launch(ByteBuffer in, int number, List<String> texts) {
        int code = in.getInt();
        String kernel = texts.get(in.getInt());
        String origin = texts.get(in.getInt());
        List<Long> extents = new ArrayList<>();
        for (long e : ByteForm.longs(in)) extents.add(e);
        long grid = in.getLong();
        double repetitions = in.getDouble();
        int count = ByteForm.count(in);
        List<Launch.Use> uses = new ArrayList<>(count);
        for (int i = 0; i < count; i++)
            uses.add(new Launch.Use(
                    texts.get(in.getInt()), DTYPES[in.get()], ACCESSES[in.get()], in.getLong(), place(in)));
        return new Launch(number, code, kernel, uses, extents, grid, repetitions, origin);
    }

    private static Place place(ByteBuffer in) {
        return new Place(in.getInt(), in.getLong(), ByteForm.longs(in));
    }

    private static List<Step> steps(ByteBuffer in, int deepest) {
        if (deepest == 0) throw new IllegalArgumentException("an image of a plan is nested too deeply");
        int count = ByteForm.count(in);
        List<Step> steps = new ArrayList<>(count);
        for (int i = 0; i < count; i++)
            steps.add(
                    switch (KINDS[in.get()]) {
                        case LAUNCHES -> new Step.Launches(in.getInt(), in.getInt());
                        case REPEAT -> new Step.Repeat(in.getLong(), in.get() != 0, steps(in, deepest - 1));
                        case CONDITIONAL ->
                            new Step.Conditional(place(in), steps(in, deepest - 1), steps(in, deepest - 1));
                        case REPEAT_WHILE ->
                            new Step.RepeatWhile(steps(in, deepest - 1), place(in), steps(in, deepest - 1));
                    });
        return steps;
    }
}
