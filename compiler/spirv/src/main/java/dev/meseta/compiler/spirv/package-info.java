/**
 * Kernels as SPIR-V modules for Vulkan: {@link dev.meseta.compiler.spirv.KernelEmitter} is where to begin. One iteration of a kernel's grid
 * is one invocation.
 */
@NullMarked
package dev.meseta.compiler.spirv;

import org.jspecify.annotations.NullMarked;
