package dev.meseta.compiler.kernel;

import dev.meseta.graph.DType;
import java.util.List;

/**
 * One kernel: the body runs once for every value of the variable {@value #GRID} in [0, grid), in any order and in parallel. Iterations
 * write disjoint elements. Two kernels with equal text are the same kernel.
 *
 * @param name for people; letters, digits, underscores
 * @param buffers the buffers that it touches
 * @param extents number of extent arguments
 * @param grid number of iterations, over extents and literals
 * @param team how many members run each iteration together, as a GPU's workgroup: every one runs the body, with its own number in the
 *     variable {@value #MEMBER}, and they share {@link Stmt.SharedArray}s. 1 for kernels without teams, which every device runs
 * @param body what one iteration does
 */
public record Kernel(String name, List<Buffer> buffers, int extents, Expr grid, int team, Stmt body) {
    /** The variable that counts the iterations of the grid; I64. */
    public static final String GRID = "grid";

    public static final Expr.Var GRID_VARIABLE = new Expr.Var(GRID, Type.INDEX);

    /** The variable that counts the members of a team from 0; I64. It is there where there is a team. */
    public static final String MEMBER = "member";

    public static final Expr.Var MEMBER_VARIABLE = new Expr.Var(MEMBER, Type.INDEX);

    /** A kernel without teams. */
    public Kernel(String name, List<Buffer> buffers, int extents, Expr grid, Stmt body) {
        this(name, buffers, extents, grid, 1, body);
    }

    public Kernel {
        buffers = List.copyOf(buffers);
    }

    /**
     * A buffer and the footprint on it.
     *
     * @param name for people
     * @param dtype the storage type of its elements
     * @param access what the kernel does with it
     * @param elements the kernel touches elements [0, elements); over extents and literals
     */
    public record Buffer(String name, DType dtype, Access access, Expr elements) {}

    /** What a kernel does with a buffer. A buffer that is written overlaps no other buffer of the launch. */
    public enum Access {
        READ,
        WRITE,
        READ_WRITE
    }
}
