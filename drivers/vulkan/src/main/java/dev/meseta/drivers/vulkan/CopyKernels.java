package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.CommandList.Copy;
import dev.meseta.driver.CommandList.Launch;
import dev.meseta.graph.DType;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Copies are launches as all else is: of a kernel that moves an element an iteration, as wide as the places allow. */
final class CopyKernels {
    private static final Map<DType, Kernel> KERNELS = new EnumMap<>(
            Map.of(DType.U8, kernel(DType.U8), DType.U32, kernel(DType.U32), DType.U64, kernel(DType.U64)));

    private CopyKernels() {}

    private static Kernel kernel(DType element) {
        return new Kernel(
                "copy_" + element.text(),
                List.of(
                        new Kernel.Buffer("from", element, Kernel.Access.READ, Kernels.extent(0)),
                        new Kernel.Buffer("to", element, Kernel.Access.WRITE, Kernels.extent(0))),
                1,
                Kernels.extent(0),
                Kernels.store(1, Kernel.GRID_VARIABLE, Kernels.load(0, Kernel.GRID_VARIABLE, Type.of(element))));
    }

    static Launch of(Copy c) {
        long all = c.bytes() | alignment(c.from()) | alignment(c.to());
        DType element = all % 8 == 0 ? DType.U64 : all % 4 == 0 ? DType.U32 : DType.U8;
        Kernel kernel = Objects.requireNonNull(KERNELS.get(element));
        return new Launch(kernel, List.of(c.from(), c.to()), List.of(c.bytes() / element.bytes()), "copy");
    }

    private static long alignment(Binding b) {
        long bits = b.offset();
        for (long s : b.strides()) bits |= s;
        return bits;
    }
}
