package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.SpirvModule;

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
}
