package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.ByteForm;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Image;
import dev.meseta.driver.SlotForm;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A plan as bytes: its slots, shaders in SPIR-V, launches and steps. What can be told of a wrong one is an {@link IllegalArgumentException}. */
final class PlanImage {
    /** Version of the form, and of what shaders and the host agree on; to be raised with any change of either ({@code PlanFormTest} sees to it). */
    static final int FORM = 1;

    /** Steps within each other: no model comes near. */
    private static final int DEEPEST = 500;

    private static final int SUBMIT = 0;
    private static final int CHOOSE = 1;
    private static final int WHILE = 2;

    private PlanImage() {}

    static Image of(VulkanPlan plan) {
        List<Tensor> constants = new ArrayList<>();
        byte[] program = ByteForm.write(out -> {
            out.writeInt(FORM);
            SlotForm.write(out, plan.memory(), constants);
            out.writeInt(plan.shaders().size());
            for (Step.Shader s : plan.shaders()) {
                ByteForm.text(out, s.kernel());
                ByteForm.texts(
                        out,
                        s.module().needs().stream()
                                .map(Capability::name)
                                .sorted()
                                .toList());
                out.writeLong(s.module().rounds());
                ByteForm.bytes(out, ByteForm.write(code -> {
                    for (int w : s.module().words()) code.writeInt(w);
                }));
            }
            out.writeInt(plan.segments().size());
            for (List<Step.Launch> segment : plan.segments()) {
                out.writeInt(segment.size());
                for (Step.Launch l : segment) launch(out, l);
            }
            steps(out, plan.steps());
            out.writeInt(plan.conditions());
        });
        return new Image(program, constants);
    }

    private static void launch(DataOutputStream out, Step.Launch l) throws IOException {
        out.writeInt(l.shader());
        ByteForm.text(out, l.origin());
        out.writeLong(l.grid());
        out.writeLong(l.groups());
        out.writeLong(l.texels());
        ByteForm.longs(out, l.extents().stream().mapToLong(x -> x).toArray());
        out.writeInt(l.uses().size());
        for (Step.Use u : l.uses()) {
            ByteForm.text(out, u.name());
            out.writeByte(u.dtype().ordinal());
            out.writeByte(u.access().ordinal());
            out.writeInt(u.slot());
            out.writeLong(u.offset());
            out.writeLong(u.bytes());
        }
    }

    private static void steps(DataOutputStream out, List<Step> steps) throws IOException {
        out.writeInt(steps.size());
        for (Step s : steps) {
            switch (s) {
                case Step.Submit x -> step(out, SUBMIT, x.segment());
                case Step.Choose x -> {
                    step(out, CHOOSE, x.condition());
                    steps(out, x.then());
                    steps(out, x.otherwise());
                }
                case Step.While x -> {
                    step(out, WHILE, x.condition());
                    steps(out, x.test());
                    steps(out, x.body());
                }
            }
        }
    }

    private static void step(DataOutputStream out, int kind, int number) throws IOException {
        out.writeByte(kind);
        out.writeInt(number);
    }

    static VulkanPlan load(Image image) {
        return ByteForm.read(image, in -> {
            int form = in.getInt();
            VulkanPlan.check(form == FORM, () -> "an image of a plan has form " + form + ", not " + FORM);
            CommandList memory = SlotForm.read(in, image.constants());
            List<Step.Shader> shaders = new ArrayList<>();
            for (int n = ByteForm.count(in); n > 0; n--) shaders.add(shader(in));
            List<List<Step.Launch>> segments = new ArrayList<>();
            Step.Launch last = null;
            for (int n = ByteForm.count(in); n > 0; n--) {
                List<Step.Launch> segment = new ArrayList<>();
                for (int k = ByteForm.count(in); k > 0; k--) {
                    last = launch(in, shaders, last);
                    segment.add(last);
                }
                segments.add(segment);
            }
            return new VulkanPlan(memory, shaders, segments, steps(in, DEEPEST), in.getInt());
        });
    }

    private static Step.Shader shader(ByteBuffer in) {
        String kernel = ByteForm.text(in);
        Set<Capability> needs = EnumSet.noneOf(Capability.class);
        for (String s : ByteForm.texts(in)) needs.add(Capability.valueOf(s));
        long rounds = in.getLong();
        ByteBuffer code = ByteBuffer.wrap(ByteForm.bytes(in));
        int[] words = new int[code.remaining() / Integer.BYTES];
        code.asIntBuffer().get(words);
        return new Step.Shader(kernel, new SpirvModule(words, needs, rounds));
    }

    private static Step.Launch launch(ByteBuffer in, List<Step.Shader> shaders, Step.@Nullable Launch last) {
        int shader = in.getInt();
        String origin = ByteForm.text(in);
        long grid = in.getLong();
        long groups = in.getLong();
        long texels = in.getLong();
        List<Long> extents = new ArrayList<>();
        for (long e : ByteForm.longs(in)) extents.add(e);
        List<Step.Use> uses = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--)
            uses.add(new Step.Use(
                    ByteForm.text(in),
                    DType.values()[in.get()],
                    Kernel.Access.values()[in.get()],
                    in.getInt(),
                    in.getLong(),
                    in.getLong()));
        String kernel = shaders.get(shader).kernel();
        return Step.Launch.after(last, shader, kernel, uses, List.copyOf(extents), grid, groups, texels, origin);
    }

    private static List<Step> steps(ByteBuffer in, int deepest) {
        VulkanPlan.check(deepest > 0, () -> "an image of a plan is nested too deeply");
        List<Step> steps = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--) {
            int kind = in.get();
            int number = in.getInt();
            steps.add(
                    switch (kind) {
                        case SUBMIT -> new Step.Submit(number);
                        case CHOOSE -> new Step.Choose(number, steps(in, deepest - 1), steps(in, deepest - 1));
                        case WHILE -> {
                            List<Step> test = steps(in, deepest - 1);
                            yield new Step.While(test, number, steps(in, deepest - 1));
                        }
                        default -> throw new IllegalArgumentException("an image of a plan has a step of kind " + kind);
                    });
        }
        return steps;
    }
}
