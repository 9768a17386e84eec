package dev.meseta.compiler.kernel;

import dev.meseta.graph.ReduceKind;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement of the kernel language. Names are unique within a kernel. */
public sealed interface Stmt {

    record Block(List<Stmt> statements) implements Stmt {
        public Block {
            statements = List.copyOf(statements);
        }
    }

    /**
     * For variable = begin; variable &lt; end; variable += step. Begin and end are I64 and evaluated once; the step is positive.
     *
     * @param unroll written out by the emitter: begin and end must be literals
     */
    record For(String variable, Expr begin, Expr end, long step, boolean unroll, Stmt body) implements Stmt {}

    record While(Expr condition, Stmt body) implements Stmt {}

    record If(Expr condition, Stmt then, @Nullable Stmt otherwise) implements Stmt {}

    /** Names a value. */
    record Let(String name, Expr value) implements Stmt {}

    /** A variable that {@link Assign} changes; lives in a register. */
    record Declare(String name, Expr initial) implements Stmt {}

    record Assign(String name, Expr value) implements Stmt {}

    /**
     * Writes elements of a buffer; index and mask as in {@link Expr.Load}. A value that the storage type does not have is rounded as by a
     * conversion that wraps: what another rounding is wanted for is converted before. With a vector index the last of equal lanes stays.
     */
    record Store(
            int buffer, Expr index, Expr value, @Nullable Expr mask) implements Stmt {}

    /** Memory that will be read soon, from a scalar index on: a hint that changes nothing. The index may lie outside the buffer. */
    record Prefetch(int buffer, Expr index) implements Stmt {}

    /** An array of {@code size} elements, private to the iteration of the grid; its contents are undefined at first. */
    record LocalArray(String name, Type element, int size) implements Stmt {}

    /** An array that the members of a team share; otherwise as a local array. It stands outside of loops and conditions. */
    record SharedArray(String name, Type element, int size) implements Stmt {}

    /**
     * Waits until every member of the team is here; what one wrote to shared arrays before, the others see behind. All members come to it,
     * equally often.
     */
    record Barrier() implements Stmt {}

    /**
     * Names a value, of which every member of the team has one of its own, and lets the others read it ({@link Expr.OfMember}) until it is
     * shared again: registers of a GPU's subgroup, so that the device has teams of this size that are subgroups. All members come to it,
     * equally often.
     */
    record Share(String name, Expr value) implements Stmt {}

    /**
     * Names the values of all members of the team combined, the same in every member. They are combined in an order of the device's, but the
     * same whenever it runs the kernel. All members, a power of two, come to it, equally often.
     *
     * @param value F32 or I32, a scalar
     */
    record Total(String name, ReduceKind kind, Expr value) implements Stmt {}

    /**
     * What is done with {@link MatrixType matrices}: products of small ones, by instructions of devices that have them. All members of a team
     * come to it, equally often, with the same operands. A matrix lives as long as the innermost loop around its name goes round.
     */
    sealed interface OnMatrices extends Stmt {}

    /**
     * Names a factor that lies in a buffer.
     *
     * @param left whether it is the left one of products
     * @param index of its first element; a multiple of 16 bytes where there is a team
     * @param stride elements from one row to the next, from one column, or from four rows to the next four; a multiple of 16 bytes where there
     *     is a team
     */
    record LoadMatrix(String name, MatrixType type, boolean left, int buffer, Expr index, long stride, Order order)
            implements OnMatrices {
        /** How far behind the first element another one lies. */
        public long at(int row, int column) {
            return switch (order) {
                case ROWS -> row * stride + column;
                case COLUMNS -> column * stride + row;
                case FOURS -> row / 4 * stride + column * 4L + row % 4;
            };
        }

        /** How far behind the first element the last one lies. */
        public long last() {
            return at(type.rows() - 1, type.columns() - 1);
        }
    }

    /** What of a factor lies behind each other. */
    enum Order {
        ROWS,
        COLUMNS,
        /** Four bytes of a column, the same four rows of the next column, and so on. */
        FOURS
    }

    /** A sum, at first of zeros. */
    record ZeroMatrix(String name, MatrixType type) implements OnMatrices {}

    /** Adds the product of two factors to a sum: exact products, added in an order of the device's. */
    record MultiplyMatrices(String sum, String left, String right) implements OnMatrices {}

    /** Writes a sum to an array, which a team shares if there is one, from an index on, rows a stride apart. */
    record StoreMatrix(String sum, String array, Expr index, int stride) implements OnMatrices {}

    /** Writes {@code value.type().lanes()} elements of a local array from a scalar index on. */
    record StoreLocal(String array, Expr index, Expr value) implements Stmt {}

    /**
     * Reports a failure of the job if the condition (a BOOL scalar) does not hold. Execution goes on: what follows must be safe all the same.
     */
    record Check(Expr condition, Failure failure) implements Stmt {}

    /** What a {@link Check} reports. */
    enum Failure {
        /** A position read from data lies outside what it points into. */
        POSITION_OUTSIDE
    }
}
