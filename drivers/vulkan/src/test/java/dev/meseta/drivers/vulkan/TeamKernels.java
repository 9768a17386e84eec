package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import java.util.List;

/** Kernels whose members each read what is theirs, change it in every round of a loop, and store it where it was. */
final class TeamKernels {
    static final int GRID = 3;

    private TeamKernels() {}

    /**
     * A kernel from one buffer to another.
     *
     * @param type of what a member has
     * @param body assigns {@code sum}, which is what it has
     */
    static Kernel of(String name, int team, DType dtype, Type type, int rounds, Stmt body) {
        Expr member = Kernels.add(Kernels.mul(Kernel.GRID_VARIABLE, team), Kernel.MEMBER_VARIABLE);
        Expr at = type.lanes() == 1 ? member : Kernels.mul(member, type.lanes());
        int elements = type.lanes() * team * GRID;
        return new Kernel(
                name,
                List.of(
                        new Kernel.Buffer("from", dtype, Kernel.Access.READ, Kernels.index(elements)),
                        new Kernel.Buffer("to", dtype, Kernel.Access.WRITE, Kernels.index(elements))),
                0,
                Kernels.index(GRID),
                team,
                Kernels.block(
                        new Stmt.Declare("sum", Kernels.load(0, at, type)),
                        Kernels.loop("i", Kernels.index(0), Kernels.index(rounds), 1, body),
                        Kernels.store(1, at, new Expr.Var("sum", type))));
    }
}
