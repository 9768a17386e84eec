package dev.meseta.drivers.cpu;

import static dev.meseta.compiler.kernel.Kernels.extent;
import static dev.meseta.compiler.kernel.Kernels.index;
import static dev.meseta.compiler.kernel.Kernels.load;
import static dev.meseta.compiler.kernel.Kernels.loop;
import static dev.meseta.compiler.kernel.Kernels.rem;
import static dev.meseta.compiler.kernel.Kernels.store;
import static dev.meseta.compiler.kernel.Kernels.sub;
import static dev.meseta.compiler.kernel.Kernels.variable;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import java.util.List;

/** Copies are launches as all else is: of a kernel whose only argument is the number of bytes. */
final class CopyKernel {
    private static final int LANES = 32;

    private static final Kernel KERNEL = kernel();

    private CopyKernel() {}

    private static Kernel kernel() {
        Expr bytes = extent(0);
        Expr whole = sub(bytes, rem(bytes, index(LANES)));
        return new Kernel(
                "copy",
                List.of(
                        new Kernel.Buffer("from", DType.U8, Kernel.Access.READ, bytes),
                        new Kernel.Buffer("to", DType.U8, Kernel.Access.WRITE, bytes)),
                1,
                index(1),
                Kernels.block(
                        loop("i", index(0), whole, LANES, copy("i", LANES)), loop("j", whole, bytes, 1, copy("j", 1))));
    }

    private static Stmt copy(String at, int lanes) {
        return store(1, variable(at), load(0, variable(at), new Type(DType.U8, lanes)));
    }

    static CommandList.Launch of(CommandList.Copy c) {
        return new CommandList.Launch(KERNEL, List.of(c.from(), c.to()), List.of(c.bytes()), "copy");
    }
}
