package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.FloatControls;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.plan.Requirements;
import dev.meseta.driver.plan.TargetDevice;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** GPUs that need not be here, with the least that a version of Vulkan promises. */
final class VulkanTarget {
    private static final int TEAM = 128;
    private static final int SHARED_BYTES = 16384;
    private static final Set<Capability> DOTS =
            Set.of(Capability.INT8, Capability.DOT_PRODUCT, Capability.DOT_PRODUCT_INPUT_4X8_BIT);

    /** By version, what it stands for. */
    static final Map<String, String> NAMES = new TreeMap<>(Map.of(
            "1.2", "any GPU with Vulkan 1.2",
            "1.3", "any GPU with Vulkan 1.3, and its sums of products of bytes"));

    private VulkanTarget() {}

    /** A device that compiles for one of {@link #NAMES}. */
    static KernelDevice device(String version) {
        boolean dots = !version.equals("1.2");
        // Loops that a processor would end are written so that it does not.
        Shaders shaders = new Shaders(new ShaderOptions(
                VulkanDevice.LOCAL_SIZE, false, FloatControls.NONE, dots, false, 0, VulkanDevice.PROCESSOR_ROUNDS));
        return new TargetDevice(
                "vulkan:" + version,
                NAMES.getOrDefault(version, version),
                Map.of("Vulkan", version),
                VulkanDevice.gpu(dots, TEAM, SHARED_BYTES, 0, List.of()),
                requirements(version, dots ? DOTS : Set.of()).text(),
                () -> commands -> shaders.plan(commands).executable(() -> {
                    throw new IllegalStateException("a target runs nothing");
                }));
    }

    /** Those of images for a version and more, or what a device with these has for images. */
    static Requirements requirements(String version, Set<Capability> capabilities) {
        Set<String> features = new HashSet<>();
        for (String v : NAMES.keySet()) if (v.compareTo(version) <= 0) features.add("Vulkan" + v);
        for (Capability c : capabilities) features.add(c.name());
        return new Requirements(VulkanPlan.FORM, "vulkan", features);
    }
}
