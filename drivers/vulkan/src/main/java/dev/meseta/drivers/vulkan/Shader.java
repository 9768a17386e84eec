package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.ByteForm;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A kernel as a shader.
 *
 * @param kernel its name
 * @param each iterations that a workgroup runs
 * @param texels {@link Bounds#texels}
 */
record Shader(String kernel, SpirvModule module, long each, long texels) {
    boolean isImage(int buffer) {
        return buffer < Bounds.MOST_TEXELS && (texels >> buffer & 1) != 0;
    }

    void write(DataOutputStream out) throws IOException {
        ByteForm.text(out, kernel);
        ByteForm.texts(
                out, module.needs().stream().map(Capability::name).sorted().toList());
        out.writeLong(module.rounds());
        out.writeLong(each);
        out.writeLong(texels);
        ByteForm.bytes(out, ByteForm.write(code -> {
            for (int w : module.words()) code.writeInt(w);
        }));
    }

    /** Throws as {@link ByteForm}. */
    static Shader read(ByteBuffer in) {
        String kernel = ByteForm.text(in);
        Set<Capability> needs =
                ByteForm.texts(in).stream().map(Capability::valueOf).collect(Collectors.toSet());
        long rounds = in.getLong();
        long each = Math.max(1, in.getLong());
        long texels = in.getLong();
        ByteBuffer code = ByteBuffer.wrap(ByteForm.bytes(in));
        int[] words = new int[code.remaining() / Integer.BYTES];
        code.asIntBuffer().get(words);
        return new Shader(kernel, new SpirvModule(words, needs, rounds), each, texels);
    }
}
