package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList.Copy;
import dev.meseta.driver.CommandList.Launch;
import dev.meseta.graph.DType;
import java.util.List;

/** Copies are launches as all else is: of a kernel that moves an element an iteration, as wide as the places allow. */
final class CopyKernels {
    private CopyKernels() {}

    static Launch of(Copy c) {
        long all = c.bytes() | Shaders.bits(c.from()) | Shaders.bits(c.to());
        DType element = all % 8 == 0 ? DType.U64 : all % 4 == 0 ? DType.U32 : DType.U8;
        Kernel kernel = new Kernel(
                "copy_" + element.text(),
                List.of(
                        new Kernel.Buffer("from", element, Kernel.Access.READ, Kernels.extent(0)),
                        new Kernel.Buffer("to", element, Kernel.Access.WRITE, Kernels.extent(0))),
                1,
                Kernels.extent(0),
                Kernels.store(1, Kernel.GRID_VARIABLE, Kernels.load(0, Kernel.GRID_VARIABLE, Type.of(element))));
        return new Launch(kernel, List.of(c.from(), c.to()), List.of(c.bytes() / element.bytes()), "copy");
    }
}
