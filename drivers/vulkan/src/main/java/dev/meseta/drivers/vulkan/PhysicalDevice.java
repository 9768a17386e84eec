package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.FloatControls;
import dev.meseta.driver.Target;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/** What a device says of itself. Immutable. */
final class PhysicalDevice {
    private static final String DOT_PRODUCTS = "VK_KHR_shader_integer_dot_product";
    private static final String MATRICES = "VK_KHR_cooperative_matrix";

    /** By fields of {@link #features}, what kernels can do where they are set. */
    private static final Map<String, Capability> FEATURES = Map.ofEntries(
            Map.entry("shaderFloat64", Capability.FLOAT64),
            Map.entry("shaderInt64", Capability.INT64),
            Map.entry("shaderInt16", Capability.INT16),
            Map.entry("storageBuffer16BitAccess", Capability.STORAGE_BUFFER_16_BIT_ACCESS),
            Map.entry("storageBuffer8BitAccess", Capability.STORAGE_BUFFER_8_BIT_ACCESS),
            Map.entry("shaderFloat16", Capability.FLOAT16),
            Map.entry("shaderInt8", Capability.INT8),
            Map.entry("bufferDeviceAddress", Capability.PHYSICAL_STORAGE_BUFFER_ADDRESSES),
            Map.entry("vulkanMemoryModel", Capability.VULKAN_MEMORY_MODEL),
            Map.entry("shaderIntegerDotProduct", Capability.DOT_PRODUCT),
            Map.entry("cooperativeMatrix", Capability.COOPERATIVE_MATRIX));

    final VulkanLibrary vk;

    /** Its VkPhysicalDevice. */
    final long handle;

    /** Its VkPhysicalDeviceProperties2, and what Vulkan 1.1 and 1.2 add to that. */
    final Struct properties;

    final FloatControls floats;
    final Set<Capability> capabilities;
    final List<Target.Matrix> matrices;
    final List<MemoryType> memory;
    /** What is enabled of its extensions. */
    final List<String> extensions = new ArrayList<>();
    /** One that computes; -1 if there is none. */
    final int queueFamily;
    /** Bits of a time stamp of the queue; 0 if it makes none. */
    final int stampBits;
    /** What is missing that every module needs. */
    final String lacking;

    /** @param staging whether its own memory is taken for one that the host cannot reach */
    PhysicalDevice(VulkanLibrary vk, long handle, boolean staging) {
        this.vk = vk;
        this.handle = handle;
        Struct more = Struct.of("VkPhysicalDeviceVulkan12Properties");
        more = Struct.of("VkPhysicalDeviceVulkan11Properties pNext", more);
        this.properties = Struct.of("VkPhysicalDeviceProperties2 pNext", more);
        vk.call("vkGetPhysicalDeviceProperties2", handle, properties);
        List<String> known =
                vk.list("vkEnumerateDeviceExtensionProperties", "VkExtensionProperties", handle, 0).stream()
                        .map(e -> e.getText("extensionName"))
                        .toList();
        Struct features = features(known);
        vk.call("vkGetPhysicalDeviceFeatures2", handle, features);
        this.floats = floats(properties, features.is("shaderFloat16"));
        this.capabilities = capabilities(features);
        List<Struct> listed = has(Capability.COOPERATIVE_MATRIX)
                ? vk.list(
                        "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR", "VkCooperativeMatrixPropertiesKHR", handle)
                : List.of();
        this.matrices = Matrices.usable(listed, subgroup(), floats.halves());
        if (has(Capability.DOT_PRODUCT)) extensions.add(DOT_PRODUCTS);
        if (!matrices.isEmpty()) extensions.add(MATRICES);
        for (String e : List.of(Sharing.EXTENSION, Sharing.DMA_BUF)) if (known.contains(e)) extensions.add(e);
        this.memory = MemoryType.of(vk, handle, staging);
        List<Struct> families = vk.list("vkGetPhysicalDeviceQueueFamilyProperties", "VkQueueFamilyProperties", handle);
        List<Boolean> computing = families.stream()
                .map(f -> f.has("queueFlags", "VK_QUEUE_COMPUTE_BIT"))
                .toList();
        this.queueFamily = computing.indexOf(true);
        this.stampBits = queueFamily < 0 ? 0 : (int) families.get(queueFamily).get("timestampValidBits");
        this.lacking = lacking(features.is("timelineSemaphore"));
    }

    /** What devices with these extensions may have, and have to be asked for when they are opened; none is set. */
    private static Struct features(List<String> extensions) {
        Struct more = Struct.of("VkPhysicalDeviceVulkan12Features");
        if (extensions.contains(DOT_PRODUCTS))
            more = Struct.of("VkPhysicalDeviceShaderIntegerDotProductFeatures pNext", more);
        if (extensions.contains(MATRICES)) more = Struct.of("VkPhysicalDeviceCooperativeMatrixFeaturesKHR pNext", more);
        return Struct.of("VkPhysicalDeviceFeatures2 pNext", Struct.of("VkPhysicalDeviceVulkan11Features pNext", more));
    }

    /** What it is asked for when it is opened: what is used of what it has. */
    Struct features() {
        Struct asked = features(extensions).set("timelineSemaphore", 1);
        FEATURES.forEach((field, capability) -> {
            if (asked.knows(field) && has(capability)) asked.set(field, 1);
        });
        return asked;
    }

    private static FloatControls floats(Struct p, boolean halves) {
        boolean denormals16 = p.is("shaderDenormPreserveFloat16");
        boolean denormals64 = p.is("shaderDenormPreserveFloat64");
        boolean apart =
                p.get("denormBehaviorIndependence") == Struct.number("VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_ALL");
        return new FloatControls(
                p.is("shaderDenormPreserveFloat32"),
                denormals64,
                p.is("shaderSignedZeroInfNanPreserveFloat32") && p.is("shaderSignedZeroInfNanPreserveFloat64"),
                p.is("shaderRoundingModeRTEFloat32") && p.is("shaderRoundingModeRTEFloat64"),
                halves
                        && p.is("shaderSignedZeroInfNanPreserveFloat16")
                        && p.is("shaderRoundingModeRTEFloat16")
                        && (apart || denormals16 == denormals64),
                denormals16);
    }

    private Set<Capability> capabilities(Struct features) {
        Set<Capability> c = EnumSet.of(Capability.SHADER, Capability.IMAGE_BUFFER);
        FEATURES.forEach((field, capability) -> {
            if (features.knows(field) && features.is(field)) c.add(capability);
        });
        if (!c.contains(Capability.INT8)) c.remove(Capability.DOT_PRODUCT);
        if (c.contains(Capability.DOT_PRODUCT)) c.add(Capability.DOT_PRODUCT_INPUT_4X8_BIT);
        if (!floats.halves()) c.remove(Capability.FLOAT16);
        if (floats.specials()) c.add(Capability.SIGNED_ZERO_INF_NAN_PRESERVE);
        if (floats.nearest()) c.add(Capability.ROUNDING_MODE_RTE);
        if (floats.denormals32() || floats.denormals64()) c.add(Capability.DENORM_PRESERVE);
        if (!properties.has("subgroupSupportedStages", "VK_SHADER_STAGE_COMPUTE_BIT")) return c;
        c.add(Capability.GROUP_NON_UNIFORM);
        String operations = "subgroupSupportedOperations";
        if (properties.has(operations, "VK_SUBGROUP_FEATURE_ARITHMETIC_BIT"))
            c.add(Capability.GROUP_NON_UNIFORM_ARITHMETIC);
        if (properties.has(operations, "VK_SUBGROUP_FEATURE_SHUFFLE_BIT")) c.add(Capability.GROUP_NON_UNIFORM_SHUFFLE);
        return c;
    }

    private String lacking(boolean timelines) {
        StringJoiner missing = new StringJoiner(", ");
        if (properties.get("apiVersion") < Struct.number("VK_API_VERSION_1_2")) missing.add("Vulkan 1.2");
        if (queueFamily < 0) missing.add("a queue that computes");
        if (!has(Capability.INT64)) missing.add("64-bit integers");
        if (!has(Capability.PHYSICAL_STORAGE_BUFFER_ADDRESSES)) missing.add("buffer addresses");
        if (!has(Capability.VULKAN_MEMORY_MODEL)) missing.add("the Vulkan memory model");
        if (!timelines) missing.add("timeline semaphores");
        return missing.toString();
    }

    boolean has(Capability capability) {
        return capabilities.contains(capability);
    }

    String name() {
        return properties.getText("deviceName");
    }

    /** What its pipelines depend on. */
    String identity() {
        StringBuilder out = new StringBuilder(name());
        out.append(' ').append(Long.toHexString(properties.get("driverVersion")));
        for (String id : List.of("driverUUID", "pipelineCacheUUID"))
            for (int i = 0; i < 16; i += 4) out.append(' ').append(Integer.toHexString((int) properties.get(id, i)));
        return out.toString();
    }

    /** Such as 1.2. */
    String api() {
        long version = properties.get("apiVersion");
        return (version >>> 22) + "." + (version >>> 12 & 0x3ff);
    }

    boolean isProcessor() {
        return properties.get("deviceType") == Struct.number("VK_PHYSICAL_DEVICE_TYPE_CPU");
    }

    int subgroup() {
        return (int) Math.max(1, properties.get("subgroupSize"));
    }

    /** From one time stamp to the next. */
    float stampNanoseconds() {
        return Float.intBitsToFloat((int) properties.get("timestampPeriod"));
    }
}
