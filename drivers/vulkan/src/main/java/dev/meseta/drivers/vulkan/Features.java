package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What devices may have, and have to be asked for when they are opened: fields of structures, each of which extends the one before. */
final class Features {
    static final String DOT_PRODUCTS = "VK_KHR_shader_integer_dot_product";

    static final String MATRICES = "VK_KHR_cooperative_matrix";

    private static final String CORE = "VkPhysicalDeviceFeatures2";
    private static final String V11 = "VkPhysicalDeviceVulkan11Features";
    private static final String V12 = "VkPhysicalDeviceVulkan12Features";
    private static final String DOTS = "VkPhysicalDeviceShaderIntegerDotProductFeatures";

    private static final String PRODUCTS = "VkPhysicalDeviceCooperativeMatrixFeaturesKHR";

    /** A field, and what kernels can do where it is set; null for what the host does. */
    private record Feature(
            String struct, String field, @Nullable Capability capability) {}

    private static final List<Feature> ALL = List.of(
            new Feature(CORE, "shaderFloat64", Capability.FLOAT64),
            new Feature(CORE, "shaderInt64", Capability.INT64),
            new Feature(CORE, "shaderInt16", Capability.INT16),
            new Feature(V11, "storageBuffer16BitAccess", Capability.STORAGE_BUFFER_16_BIT_ACCESS),
            new Feature(V12, "storageBuffer8BitAccess", Capability.STORAGE_BUFFER_8_BIT_ACCESS),
            new Feature(V12, "shaderFloat16", Capability.FLOAT16),
            new Feature(V12, "shaderInt8", Capability.INT8),
            new Feature(V12, "bufferDeviceAddress", Capability.PHYSICAL_STORAGE_BUFFER_ADDRESSES),
            new Feature(V12, "vulkanMemoryModel", Capability.VULKAN_MEMORY_MODEL),
            new Feature(V12, "timelineSemaphore", null),
            new Feature(DOTS, "shaderIntegerDotProduct", Capability.DOT_PRODUCT),
            new Feature(PRODUCTS, "cooperativeMatrix", Capability.COOPERATIVE_MATRIX));

    private final Map<String, Struct> structs = new HashMap<>();

    /**
     * None is set.
     *
     * @param extensions that the device has or is opened with
     */
    Features(Arena arena, Collection<String> extensions) {
        List<String> names = new ArrayList<>(List.of(CORE, V11, V12));
        if (extensions.contains(DOT_PRODUCTS)) names.add(DOTS);
        if (extensions.contains(MATRICES)) names.add(PRODUCTS);
        Struct last = null;
        for (String name : names) {
            Struct s = Struct.of(arena, name);
            if (last != null) last.set("pNext", Struct.number(s));
            structs.put(name, s);
            last = s;
        }
    }

    /** The first structure. */
    Struct chain() {
        return Objects.requireNonNull(structs.get(CORE));
    }

    /** Sets what a device with these capabilities is asked for. */
    Features set(Set<Capability> capabilities) {
        for (Feature f : ALL) {
            Struct s = structs.get(f.struct);
            if (s != null && (f.capability == null || capabilities.contains(f.capability))) s.set(f.field, 1);
        }
        return this;
    }

    /** The capabilities of the fields that are set. */
    Set<Capability> capabilities() {
        Set<Capability> all = EnumSet.noneOf(Capability.class);
        for (Feature f : ALL) {
            Struct s = structs.get(f.struct);
            if (s != null && f.capability != null && s.is(f.field)) all.add(f.capability);
        }
        return all;
    }

    boolean hasTimelines() {
        return Objects.requireNonNull(structs.get(V12)).is("timelineSemaphore");
    }
}
