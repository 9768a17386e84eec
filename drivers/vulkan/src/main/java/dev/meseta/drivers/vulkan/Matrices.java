package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The products of small matrices that a device says its subgroups compute (VK_KHR_cooperative_matrix). */
final class Matrices {
    private static final String LISTED_BY = "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR";
    private static final int SUBGROUP = 3;

    /** By VkComponentTypeKHR. */
    private static final Map<Integer, DType> TYPES =
            Map.of(0, DType.F16, 1, DType.F32, 3, DType.I8, 5, DType.I32, 7, DType.U8);

    /** Of a VkCooperativeMatrixPropertiesKHR, and where its first own field is. */
    private static final int BYTES = 56;

    private static final int HEAD = 16;

    private Matrices() {}

    /**
     * Those that schedules can use.
     *
     * @param members of a subgroup
     * @param halves whether there are registers of F16
     */
    static List<Target.Matrix> of(VulkanLibrary vk, long instance, long device, int members, boolean halves) {
        try (Arena arena = Arena.ofConfined()) {
            long address = vk.call("vkGetInstanceProcAddr", instance, arena.allocateFrom(LISTED_BY));
            if (address == 0) return List.of();
            MemorySegment list = MemorySegment.ofAddress(address);
            MemorySegment count = arena.allocate(JAVA_INT);
            VulkanLibrary.check("Vulkan", LISTED_BY, VulkanLibrary.call(list, device, count, 0));
            MemorySegment all = arena.allocate((long) BYTES * Math.max(1, count.get(JAVA_INT, 0)), 8);
            for (long at = 0; at < all.byteSize(); at += BYTES)
                all.set(JAVA_INT, at, Vk.TYPE_COOPERATIVE_MATRIX_PROPERTIES);
            VulkanLibrary.check("Vulkan", LISTED_BY, VulkanLibrary.call(list, device, count, all));
            return usable(all.asSlice(0, (long) BYTES * count.get(JAVA_INT, 0)), members, halves);
        }
    }

    /** @param all VkCooperativeMatrixPropertiesKHR, one behind the other */
    static List<Target.Matrix> usable(MemorySegment all, int members, boolean halves) {
        List<Target.Matrix> usable = new ArrayList<>();
        for (long at = HEAD; at < all.byteSize(); at += BYTES) {
            int[] f = all.asSlice(at, BYTES - HEAD).toArray(JAVA_INT);
            DType left = TYPES.get(f[3]);
            DType right = TYPES.get(f[4]);
            DType sum = TYPES.get(f[5]);
            boolean plain = f[5] == f[6] && f[7] == 0 && f[8] == SUBGROUP;
            if (left == null || right == null || sum == null || !plain) continue;
            boolean real = halves && left == DType.F16 && right == DType.F16 && sum == DType.F32;
            boolean whole = left.bits() == 8 && right.bits() == 8 && sum == DType.I32;
            if (real || whole) usable.add(new Target.Matrix(f[0], f[1], f[2], left, right, sum, members));
        }
        return usable;
    }
}
