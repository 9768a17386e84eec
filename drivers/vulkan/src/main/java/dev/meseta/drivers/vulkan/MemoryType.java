package dev.meseta.drivers.vulkan;

import dev.meseta.driver.DeviceException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A kind of memory.
 *
 * @param flags as VkMemoryPropertyFlags has them
 */
record MemoryType(int number, int flags, long heapBytes) {
    static final int LOCAL = 1;
    static final int MAPPED = 2 | 4;
    static final int CACHED = 8;

    boolean has(int wanted) {
        return (flags & wanted) == wanted;
    }

    /** Whether the host reads and writes it, and need not say when. */
    boolean isMapped() {
        return has(MAPPED);
    }

    /** Those of a device; with {@code staging}, its own memory is taken for one that the host cannot reach. */
    static List<MemoryType> of(VulkanLibrary vk, long device, boolean staging) {
        Struct m = Struct.of("VkPhysicalDeviceMemoryProperties");
        vk.call("vkGetPhysicalDeviceMemoryProperties", device, m);
        List<MemoryType> types = new ArrayList<>();
        for (int i = 0; i < m.get("memoryTypeCount"); i++) {
            int flags = (int) m.get("memoryTypes", 8L * i);
            long bytes = m.get("memoryHeaps", 16 * m.get("memoryTypes", 8L * i + 4));
            boolean split = staging && (flags & (LOCAL | MAPPED)) == (LOCAL | MAPPED);
            if (split) types.add(new MemoryType(i, LOCAL, bytes));
            types.add(new MemoryType(i, split ? flags & ~LOCAL : flags, bytes));
        }
        return List.copyOf(types);
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
                ? Comparator.comparing((MemoryType t) -> t.has(LOCAL))
                        .thenComparing(MemoryType::heapBytes)
                        .thenComparing(MemoryType::isMapped)
                : Comparator.comparing(t -> t.has(CACHED));
        // Kinds with other flags are for protected contents, or must be asked for.
        return reported.stream()
                .filter(t -> (allowed >> t.number & 1) != 0 && (t.flags & ~(LOCAL | MAPPED | CACHED)) == 0)
                .filter(t -> forKernels || t.isMapped())
                .max(better)
                .orElseThrow(() -> DeviceException.unsupported("no kind of memory will do among " + reported));
    }
}
