package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.SpirvModule;

/**
 * A kernel as a shader.
 *
 * @param kernel its name
 * @param each iterations that a workgroup runs
 * @param texels {@link dev.meseta.compiler.spirv.Bounds#texels}
 */
record Shader(String kernel, SpirvModule module, long each, long texels) {}
