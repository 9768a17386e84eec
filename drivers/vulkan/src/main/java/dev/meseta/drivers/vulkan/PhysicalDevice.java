package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.FloatControls;
import dev.meseta.driver.DeviceException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a device says of itself.
 *
 * @param handle its VkPhysicalDevice
 * @param type as VkPhysicalDeviceType counts
 * @param identity what its pipelines depend on
 * @param queueFamily one that computes; -1 if there is none
 * @param stampBits that a time stamp of the queue has; 0 if it makes none
 * @param stampNanoseconds from one time stamp to the next
 * @param invocations the most of a workgroup
 * @param sharedBytes the most memory of a workgroup
 */
record PhysicalDevice(
        long handle,
        String name,
        String driver,
        String identity,
        int version,
        int type,
        int subgroup,
        int queueFamily,
        int stampBits,
        float stampNanoseconds,
        int invocations,
        long sharedBytes,
        Set<Capability> capabilities,
        FloatControls floats,
        List<MemoryType> memory,
        Set<String> extensions,
        String lacking) {

    /** A kind of memory. */
    record MemoryType(int number, int flags, long heapBytes) {
        boolean has(int wanted) {
            return (flags & wanted) == wanted;
        }

        /** Whether the host reads and writes it, and need not say when. */
        boolean isMapped() {
            return has(Vk.MEMORY_HOST_VISIBLE | Vk.MEMORY_HOST_COHERENT);
        }

        /**
         * The kind of memory to use. What kernels work on lies in the largest memory of the device, within the host's reach if that is; what the
         * host works on in memory that it caches.
         *
         * @param reported what there is
         * @param allowed a bit for each number that will do
         * @param forKernels whether kernels are to work on it, or the host
         * @throws DeviceException where there is none
         */
        static MemoryType choose(List<MemoryType> reported, int allowed, boolean forKernels) {
            Comparator<MemoryType> better = forKernels
                    ? Comparator.comparing((MemoryType t) -> t.has(Vk.MEMORY_DEVICE_LOCAL))
                            .thenComparing(MemoryType::heapBytes)
                            .thenComparing(MemoryType::isMapped)
                    : Comparator.comparing(t -> t.has(Vk.MEMORY_HOST_CACHED));
            // Kinds with other flags are for protected contents, or must be asked for.
            return reported.stream()
                    .filter(t -> (allowed >> t.number() & 1) != 0 && (t.flags() & ~Vk.MEMORY_USUAL) == 0)
                    .filter(t -> forKernels || t.isMapped())
                    .max(better)
                    .orElseThrow(() -> DeviceException.unsupported("no kind of memory will do among " + reported));
        }
    }

    static final String DOT_PRODUCTS = "VK_KHR_shader_integer_dot_product";

    boolean hasDots() {
        return capabilities.contains(Capability.DOT_PRODUCT);
    }

    /** Such as 1.2. */
    String api() {
        return (version >>> 22) + "." + (version >>> 12 & 0x3ff);
    }

    boolean isProcessor() {
        return type == Vk.DEVICE_TYPE_CPU;
    }

    /** @param staging whether its own memory is taken for one that the host cannot reach */
    static PhysicalDevice of(VulkanLibrary vk, long handle, boolean staging) {
        try (Arena arena = Arena.ofConfined()) {
            Struct p12 = Struct.of(arena, Vk.TYPE_VULKAN_1_2_PROPERTIES, 736);
            Struct p11 = Struct.of(arena, Vk.TYPE_VULKAN_1_1_PROPERTIES, 112).next(p12);
            Struct properties = Struct.of(arena, Vk.TYPE_PROPERTIES_2, 840);
            vk.call(Function.vkGetPhysicalDeviceProperties2, handle, properties.address());
            int version = properties.getInt(16);
            if (Integer.compareUnsigned(version, Vk.API_1_2) >= 0)
                vk.call(
                        Function.vkGetPhysicalDeviceProperties2,
                        handle,
                        properties.next(p11).address());
            Struct f12 = Struct.of(arena, Vk.TYPE_VULKAN_1_2_FEATURES, 208);
            Struct f11 = Struct.of(arena, Vk.TYPE_VULKAN_1_1_FEATURES, 64).next(f12);
            Struct features = Struct.of(arena, Vk.TYPE_FEATURES_2, 240);
            Set<String> extensions = extensions(vk, arena, handle);
            Struct dots = Struct.of(arena, Vk.TYPE_INTEGER_DOT_PRODUCT_FEATURES, 24);
            if (extensions.contains(DOT_PRODUCTS)) f12.next(dots);
            if (Integer.compareUnsigned(version, Vk.API_1_2) >= 0) features.next(f11);
            vk.call(Function.vkGetPhysicalDeviceFeatures2, handle, features.address());
            FloatControls floats = floats(p12, f12.getBoolean(44));
            Set<Capability> capabilities = capabilities(features, f11, f12, floats);
            if ((p11.getInt(68) & Vk.STAGE_COMPUTE) != 0) {
                capabilities.add(Capability.GROUP_NON_UNIFORM);
                if ((p11.getInt(72) & Vk.SUBGROUP_ARITHMETIC) != 0)
                    capabilities.add(Capability.GROUP_NON_UNIFORM_ARITHMETIC);
                if ((p11.getInt(72) & Vk.SUBGROUP_SHUFFLE) != 0) capabilities.add(Capability.GROUP_NON_UNIFORM_SHUFFLE);
            }
            if (dots.getBoolean(16) && capabilities.contains(Capability.INT8))
                capabilities.addAll(Set.of(Capability.DOT_PRODUCT, Capability.DOT_PRODUCT_INPUT_4X8_BIT));
            long base = 16 + 296;
            Struct families = queueFamilies(vk, arena, handle);
            int queue = computing(families);
            return new PhysicalDevice(
                    handle,
                    properties.getString(16 + 20),
                    p12.getString(20) + " " + p12.getString(276),
                    identity(properties, p11),
                    version,
                    properties.getInt(16 + 16),
                    Math.max(1, p11.getInt(64)),
                    queue,
                    queue < 0 ? 0 : families.getInt(24L * queue + 8),
                    Float.intBitsToFloat(properties.getInt(base + 424)),
                    Math.min(properties.getInt(base + 232), properties.getInt(base + 236)),
                    properties.getInt(base + 216),
                    capabilities,
                    floats,
                    memoryTypes(vk, arena, handle, staging),
                    extensions,
                    lacking(version, queue, capabilities, f12));
        }
    }

    private static String identity(Struct properties, Struct p11) {
        StringBuilder out = new StringBuilder(properties.getString(16 + 20));
        out.append(' ').append(Integer.toHexString(properties.getInt(16 + 4)));
        for (int i = 0; i < 16; i += 4) out.append(' ').append(Integer.toHexString(p11.getInt(32 + i)));
        for (int i = 0; i < 16; i += 4) out.append(' ').append(Integer.toHexString(properties.getInt(16 + 276 + i)));
        return out.toString();
    }

    /** What every module needs, and what is missing for it. */
    private static String lacking(int version, int queue, Set<Capability> capabilities, Struct f12) {
        List<String> missing = new ArrayList<>();
        if (Integer.compareUnsigned(version, Vk.API_1_2) < 0) missing.add("Vulkan 1.2");
        if (queue < 0) missing.add("a queue that computes");
        if (!capabilities.contains(Capability.INT64)) missing.add("64-bit integers");
        if (!capabilities.contains(Capability.PHYSICAL_STORAGE_BUFFER_ADDRESSES)) missing.add("buffer addresses");
        if (!capabilities.contains(Capability.VULKAN_MEMORY_MODEL)) missing.add("the Vulkan memory model");
        if (!f12.getBoolean(164)) missing.add("timeline semaphores");
        return String.join(", ", missing);
    }

    private static FloatControls floats(Struct p12, boolean halves) {
        boolean denormals16 = p12.getBoolean(556);
        boolean denormals64 = p12.getBoolean(564);
        boolean apart = p12.getInt(536) == Vk.FLOAT_CONTROLS_INDEPENDENT;
        return new FloatControls(
                p12.getBoolean(560),
                denormals64,
                p12.getBoolean(548) && p12.getBoolean(552),
                p12.getBoolean(584) && p12.getBoolean(588),
                halves && p12.getBoolean(544) && p12.getBoolean(580) && (apart || denormals16 == denormals64),
                denormals16);
    }

    private static Set<Capability> capabilities(Struct features, Struct f11, Struct f12, FloatControls floats) {
        Set<Capability> c = EnumSet.of(Capability.SHADER, Capability.IMAGE_BUFFER);
        if (features.getBoolean(16 + 156)) c.add(Capability.FLOAT64);
        if (features.getBoolean(16 + 160)) c.add(Capability.INT64);
        if (features.getBoolean(16 + 164)) c.add(Capability.INT16);
        if (f12.getBoolean(48)) c.add(Capability.INT8);
        if (f11.getBoolean(16)) c.add(Capability.STORAGE_BUFFER_16_BIT_ACCESS);
        if (f12.getBoolean(24)) c.add(Capability.STORAGE_BUFFER_8_BIT_ACCESS);
        if (f12.getBoolean(168)) c.add(Capability.PHYSICAL_STORAGE_BUFFER_ADDRESSES);
        if (f12.getBoolean(180)) c.add(Capability.VULKAN_MEMORY_MODEL);
        if (floats.halves()) c.add(Capability.FLOAT16);
        if (floats.specials()) c.add(Capability.SIGNED_ZERO_INF_NAN_PRESERVE);
        if (floats.nearest()) c.add(Capability.ROUNDING_MODE_RTE);
        if (floats.denormals32() || floats.denormals64()) c.add(Capability.DENORM_PRESERVE);
        return c;
    }

    private static Struct queueFamilies(VulkanLibrary vk, Arena arena, long handle) {
        Struct count = Struct.plain(arena, 8);
        vk.call(Function.vkGetPhysicalDeviceQueueFamilyProperties, handle, count.address(), 0);
        Struct families = Struct.plain(arena, 24L * Math.max(1, count.getInt(0)));
        vk.call(Function.vkGetPhysicalDeviceQueueFamilyProperties, handle, count.address(), families.address());
        return families;
    }

    private static int computing(Struct families) {
        for (int i = 0; 24L * i < families.memory().byteSize(); i++)
            if ((families.getInt(24L * i) & Vk.QUEUE_COMPUTE) != 0) return i;
        return -1;
    }

    private static List<MemoryType> memoryTypes(VulkanLibrary vk, Arena arena, long handle, boolean staging) {
        Struct m = Struct.plain(arena, 520);
        vk.call(Function.vkGetPhysicalDeviceMemoryProperties, handle, m.address());
        List<MemoryType> types = new ArrayList<>();
        for (int i = 0; i < m.getInt(0); i++) {
            int heap = m.getInt(4 + 8L * i + 4);
            MemoryType t = new MemoryType(i, m.getInt(4 + 8L * i), m.getLong(264 + 16L * heap));
            if (staging && t.has(Vk.MEMORY_DEVICE_LOCAL) && t.isMapped()) {
                types.add(new MemoryType(i, Vk.MEMORY_DEVICE_LOCAL, t.heapBytes()));
                t = new MemoryType(i, t.flags() & ~Vk.MEMORY_DEVICE_LOCAL, t.heapBytes());
            }
            types.add(t);
        }
        return List.copyOf(types);
    }

    private static Set<String> extensions(VulkanLibrary vk, Arena arena, long handle) {
        Struct count = Struct.plain(arena, 8);
        vk.call(Function.vkEnumerateDeviceExtensionProperties, handle, 0, count.address(), 0);
        int n = count.getInt(0);
        Struct all = Struct.plain(arena, 260L * Math.max(1, n));
        vk.call(Function.vkEnumerateDeviceExtensionProperties, handle, 0, count.address(), all.address());
        Set<String> names = new TreeSet<>();
        for (int i = 0; i < Math.min(n, count.getInt(0)); i++)
            names.add(all.memory().getString(260L * i, StandardCharsets.UTF_8));
        return names;
    }
}
