package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Image;
import dev.meseta.driver.plan.PlanForm;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** A plan as bytes: as {@link PlanForm}, with shaders in SPIR-V. What can be told of a wrong one is an {@link IllegalArgumentException}. */
final class PlanImage {
    /** Version of the form, and of what shaders and the host agree on; to be raised with any change of either ({@code PlanFormTest} sees to it). */
    static final int FORM = 2;

    private PlanImage() {}

    static Image of(VulkanPlan plan) {
        return PlanForm.image(FORM, plan.launches(), out -> {
            out.writeInt(plan.shaders().size());
            for (Shader s : plan.shaders()) shader(out, s);
        });
    }

    private static void shader(DataOutputStream out, Shader s) throws IOException {
        ByteForm.text(out, s.kernel());
        ByteForm.texts(
                out, s.module().needs().stream().map(Capability::name).sorted().toList());
        out.writeLong(s.module().rounds());
        out.writeLong(s.each());
        out.writeLong(s.texels());
        ByteForm.bytes(out, ByteForm.write(code -> {
            for (int w : s.module().words()) code.writeInt(w);
        }));
    }

    static VulkanPlan load(Image image) {
        return PlanForm.load(image, FORM, (plan, in) -> {
            List<Shader> shaders = new ArrayList<>();
            for (int n = ByteForm.count(in); n > 0; n--) shaders.add(shader(in));
            return new VulkanPlan(plan, shaders);
        });
    }

    private static Shader shader(ByteBuffer in) {
        String kernel = ByteForm.text(in);
        Set<Capability> needs = EnumSet.noneOf(Capability.class);
        for (String s : ByteForm.texts(in)) needs.add(Capability.valueOf(s));
        long rounds = in.getLong();
        long each = Math.max(1, in.getLong());
        long texels = in.getLong();
        ByteBuffer code = ByteBuffer.wrap(ByteForm.bytes(in));
        int[] words = new int[code.remaining() / Integer.BYTES];
        code.asIntBuffer().get(words);
        return new Shader(kernel, new SpirvModule(words, needs, rounds), each, texels);
    }
}
