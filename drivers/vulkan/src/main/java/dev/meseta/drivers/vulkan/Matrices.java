package dev.meseta.drivers.vulkan;

import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The products of small matrices that a device says its subgroups compute (VK_KHR_cooperative_matrix). */
final class Matrices {
    private static final Map<Long, DType> TYPES = Map.of(
            Struct.number("VK_COMPONENT_TYPE_FLOAT16_KHR"), DType.F16,
            Struct.number("VK_COMPONENT_TYPE_FLOAT32_KHR"), DType.F32,
            Struct.number("VK_COMPONENT_TYPE_SINT8_KHR"), DType.I8,
            Struct.number("VK_COMPONENT_TYPE_SINT32_KHR"), DType.I32,
            Struct.number("VK_COMPONENT_TYPE_UINT8_KHR"), DType.U8);

    private Matrices() {}

    /**
     * Those that schedules can use.
     *
     * @param listed VkCooperativeMatrixPropertiesKHR
     * @param members of a subgroup
     * @param halves whether there are registers of F16
     */
    static List<Target.Matrix> usable(List<Struct> listed, int members, boolean halves) {
        List<Target.Matrix> usable = new ArrayList<>();
        for (Struct m : listed) {
            DType left = TYPES.get(m.get("AType"));
            DType right = TYPES.get(m.get("BType"));
            DType sum = TYPES.get(m.get("CType"));
            if (left == null || right == null || sum == null) continue;
            boolean plain = m.get("ResultType") == m.get("CType")
                    && !m.is("saturatingAccumulation")
                    && m.get("scope") == Struct.number("VK_SCOPE_SUBGROUP_KHR");
            boolean real = halves && left == DType.F16 && right == DType.F16 && sum == DType.F32;
            boolean whole = left.bits() == 8 && right.bits() == 8 && sum == DType.I32;
            if (plain && (real || whole))
                usable.add(new Target.Matrix(
                        (int) m.get("MSize"), (int) m.get("NSize"), (int) m.get("KSize"), left, right, sum, members));
        }
        return usable;
    }
}
