package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.FloatControls;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Target;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

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
        List<Target.Matrix> matrices,
        Set<String> extensions,
        String lacking) {

    /** Bytes of a VkQueueFamilyProperties, and of a VkExtensionProperties. */
    private static final long FAMILY_BYTES = 24;

    private static final long EXTENSION_BYTES = 260;

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

    /**
     * What a device says.
     *
     * @param instance whose device it is
     * @param staging whether its own memory is taken for one that the host cannot reach
     */
    static PhysicalDevice of(VulkanLibrary vk, long instance, long handle, boolean staging) {
        try (Arena arena = Arena.ofConfined()) {
            Set<String> extensions = extensions(vk, arena, handle);
            Struct p12 = Struct.of(arena, "VkPhysicalDeviceVulkan12Properties");
            Struct p11 = Struct.of(arena, "VkPhysicalDeviceVulkan11Properties pNext", p12);
            Struct p = Struct.of(arena, "VkPhysicalDeviceProperties2");
            vk.call("vkGetPhysicalDeviceProperties2", handle, p);
            int version = (int) p.get("apiVersion");
            Features features = new Features(arena, extensions);
            if (Integer.compareUnsigned(version, Vk.API_1_2) >= 0) {
                vk.call("vkGetPhysicalDeviceProperties2", handle, p.set("pNext", Struct.number(p11)));
                vk.call("vkGetPhysicalDeviceFeatures2", handle, features.chain());
            }
            FloatControls floats = floats(p12, features.capabilities().contains(Capability.FLOAT16));
            Set<Capability> capabilities = capabilities(features, p11, floats);
            List<Target.Matrix> matrices = capabilities.contains(Capability.COOPERATIVE_MATRIX)
                    ? Matrices.of(vk, instance, handle, (int) p11.get("subgroupSize"), floats.halves())
                    : List.of();
            MemorySegment families = vk.list(arena, "vkGetPhysicalDeviceQueueFamilyProperties", FAMILY_BYTES, handle);
            int queue = computing(families);
            return new PhysicalDevice(
                    handle,
                    p.getString("deviceName"),
                    p12.getString("driverName") + " " + p12.getString("driverInfo"),
                    identity(p, p11),
                    version,
                    (int) p.get("deviceType"),
                    (int) Math.max(1, p11.get("subgroupSize")),
                    queue,
                    queue < 0 ? 0 : families.get(JAVA_INT, FAMILY_BYTES * queue + 8),
                    Float.intBitsToFloat((int) p.get("timestampPeriod")),
                    (int) Math.min(p.get("maxComputeWorkGroupInvocations"), p.get("maxComputeWorkGroupSize")),
                    p.get("maxComputeSharedMemorySize"),
                    capabilities,
                    floats,
                    memoryTypes(vk, arena, handle, staging),
                    matrices,
                    extensions,
                    lacking(version, queue, capabilities, features));
        }
    }

    private static String identity(Struct p, Struct p11) {
        StringBuilder out = new StringBuilder(p.getString("deviceName"));
        out.append(' ').append(Long.toHexString(p.get("driverVersion")));
        for (int i = 0; i < 4; i++) out.append(' ').append(Integer.toHexString(p11.getInt("driverUUID", i)));
        for (int i = 0; i < 4; i++) out.append(' ').append(Integer.toHexString(p.getInt("pipelineCacheUUID", i)));
        return out.toString();
    }

    /** What every module needs, and what is missing for it. */
    private static String lacking(int version, int queue, Set<Capability> capabilities, Features features) {
        List<String> missing = new ArrayList<>();
        if (Integer.compareUnsigned(version, Vk.API_1_2) < 0) missing.add("Vulkan 1.2");
        if (queue < 0) missing.add("a queue that computes");
        if (!capabilities.contains(Capability.INT64)) missing.add("64-bit integers");
        if (!capabilities.contains(Capability.PHYSICAL_STORAGE_BUFFER_ADDRESSES)) missing.add("buffer addresses");
        if (!capabilities.contains(Capability.VULKAN_MEMORY_MODEL)) missing.add("the Vulkan memory model");
        if (!features.hasTimelines()) missing.add("timeline semaphores");
        return String.join(", ", missing);
    }

    private static FloatControls floats(Struct p12, boolean halves) {
        boolean denormals16 = p12.is("shaderDenormPreserveFloat16");
        boolean denormals64 = p12.is("shaderDenormPreserveFloat64");
        boolean apart = p12.get("denormBehaviorIndependence") == Vk.FLOAT_CONTROLS_INDEPENDENT;
        return new FloatControls(
                p12.is("shaderDenormPreserveFloat32"),
                denormals64,
                p12.is("shaderSignedZeroInfNanPreserveFloat32") && p12.is("shaderSignedZeroInfNanPreserveFloat64"),
                p12.is("shaderRoundingModeRTEFloat32") && p12.is("shaderRoundingModeRTEFloat64"),
                halves
                        && p12.is("shaderSignedZeroInfNanPreserveFloat16")
                        && p12.is("shaderRoundingModeRTEFloat16")
                        && (apart || denormals16 == denormals64),
                denormals16);
    }

    private static Set<Capability> capabilities(Features features, Struct p11, FloatControls floats) {
        Set<Capability> c = features.capabilities();
        c.addAll(Set.of(Capability.SHADER, Capability.IMAGE_BUFFER));
        if (!c.contains(Capability.INT8)) c.remove(Capability.DOT_PRODUCT);
        if (c.contains(Capability.DOT_PRODUCT)) c.add(Capability.DOT_PRODUCT_INPUT_4X8_BIT);
        if (!floats.halves()) c.remove(Capability.FLOAT16);
        if (floats.specials()) c.add(Capability.SIGNED_ZERO_INF_NAN_PRESERVE);
        if (floats.nearest()) c.add(Capability.ROUNDING_MODE_RTE);
        if (floats.denormals32() || floats.denormals64()) c.add(Capability.DENORM_PRESERVE);
        if ((p11.get("subgroupSupportedStages") & Vk.STAGE_COMPUTE) == 0) return c;
        c.add(Capability.GROUP_NON_UNIFORM);
        long operations = p11.get("subgroupSupportedOperations");
        if ((operations & Vk.SUBGROUP_ARITHMETIC) != 0) c.add(Capability.GROUP_NON_UNIFORM_ARITHMETIC);
        if ((operations & Vk.SUBGROUP_SHUFFLE) != 0) c.add(Capability.GROUP_NON_UNIFORM_SHUFFLE);
        return c;
    }

    private static int computing(MemorySegment families) {
        for (int i = 0; FAMILY_BYTES * i < families.byteSize(); i++)
            if ((families.get(JAVA_INT, FAMILY_BYTES * i) & Vk.QUEUE_COMPUTE) != 0) return i;
        return -1;
    }

    private static List<MemoryType> memoryTypes(VulkanLibrary vk, Arena arena, long handle, boolean staging) {
        MemorySegment m = arena.allocate(520, 8);
        vk.call("vkGetPhysicalDeviceMemoryProperties", handle, m);
        List<MemoryType> types = new ArrayList<>();
        for (int i = 0; i < m.get(JAVA_INT, 0); i++) {
            int heap = m.get(JAVA_INT, 4 + 8L * i + 4);
            MemoryType t = new MemoryType(i, m.get(JAVA_INT, 4 + 8L * i), m.get(JAVA_LONG, 264 + 16L * heap));
            if (staging && t.has(Vk.MEMORY_DEVICE_LOCAL) && t.isMapped()) {
                types.add(new MemoryType(i, Vk.MEMORY_DEVICE_LOCAL, t.heapBytes()));
                t = new MemoryType(i, t.flags() & ~Vk.MEMORY_DEVICE_LOCAL, t.heapBytes());
            }
            types.add(t);
        }
        return List.copyOf(types);
    }

    private static Set<String> extensions(VulkanLibrary vk, Arena arena, long handle) {
        MemorySegment all = vk.list(arena, "vkEnumerateDeviceExtensionProperties", EXTENSION_BYTES, handle, 0);
        return all.elements(MemoryLayout.sequenceLayout(EXTENSION_BYTES, JAVA_BYTE))
                .map(e -> e.getString(0))
                .collect(Collectors.toSet());
    }
}
