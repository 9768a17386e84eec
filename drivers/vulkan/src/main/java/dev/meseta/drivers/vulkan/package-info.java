/**
 * Any GPU with Vulkan 1.2, and Mesa's software device where there is none. {@link dev.meseta.drivers.vulkan.VulkanDevice} is where to begin:
 * it turns a command list into a {@link dev.meseta.drivers.vulkan.VulkanPlan}, whose {@link dev.meseta.drivers.vulkan.RunState}s hold
 * command buffers that are recorded once.
 */
@NullMarked
package dev.meseta.drivers.vulkan;

import org.jspecify.annotations.NullMarked;
