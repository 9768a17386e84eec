package dev.meseta.compiler.kernel;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A side-effect-free expression of the kernel language. Operands of one expression have equal lanes: {@link Splat} is explicit. */
public sealed interface Expr {
    Type type();

    /** A floating-point literal (F64 or F32). */
    record Real(Type type, double value) implements Expr {}

    /** An integer or BOOL literal; the same in every lane. */
    record Int(Type type, long value) implements Expr {}

    /** A loop variable, a {@link Stmt.Let} or a {@link Stmt.Declare}d variable. */
    record Var(String name, Type type) implements Expr {}

    /** Argument number i of the kernel's extents, an I64 scalar. */
    record Extent(int number) implements Expr {
        @Override
        public Type type() {
            return Type.INDEX;
        }
    }

    /**
     * Elements of a buffer, widened to the expression type. With a scalar index: {@code lanes} elements from it on, one behind the other;
     * with a vector index: one element a lane, anywhere. Lanes whose mask is false are not read and give 0.
     *
     * @param buffer number of the kernel's buffer
     * @param index I64, in elements
     * @param mask BOOL of as many lanes, or null
     */
    record Load(int buffer, Expr index, Type type, @Nullable Expr mask) implements Expr {}

    /** Elements of a local array; scalar index, {@code type.lanes()} elements from it on. */
    record LoadLocal(String array, Expr index, Type type) implements Expr {}

    /**
     * What a member of the team shared ({@link Stmt.Share}) under a name.
     *
     * @param member I64, from 0; each member may ask another one
     */
    record OfMember(String name, Expr member, Type type) implements Expr {}

    /** A scalar function on each lane, with {@link MapFunction}'s semantics. */
    record Apply(MapFunction function, List<Expr> operands) implements Expr {
        public Apply {
            operands = List.copyOf(operands);
        }

        @Override
        public Type type() {
            Type t = operands.getLast().type();
            return function.isPredicate() ? t.with(DType.BOOL) : t;
        }
    }

    /** a * b + c, rounded once; floats. */
    record Fma(Expr a, Expr b, Expr c) implements Expr {
        @Override
        public Type type() {
            return c.type();
        }
    }

    /**
     * sum + the products of four neighbouring bytes each: lane i is sum[i] + left[4 i] right[4 i] + … + left[4 i + 3] right[4 i + 3]; or of
     * two neighbouring numbers of 16 bits. Exact but that I32 wraps, and that of bytes the sum of the first two products, and that of
     * the other two, may be asked to saturate at 16 bits.
     *
     * @param left U8, four times as many lanes as the sum, or I16, twice as many
     * @param right I8 or I16, as many lanes as left
     * @param sum I32
     * @param saturates whether sums of two products of bytes saturate
     */
    record Dot(Expr left, Expr right, Expr sum, boolean saturates) implements Expr {
        @Override
        public Type type() {
            return sum.type();
        }
    }

    /**
     * Conversion to a type that may be a storage type, with the semantics of {@link Op.Cast}; the result is widened again. So a conversion
     * to F16 of an F32 rounds it to a number that F16 has.
     */
    record Convert(DType to, Op.Cast.Rounding rounding, Expr operand) implements Expr {
        @Override
        public Type type() {
            return operand.type().with(Type.widened(to));
        }
    }

    /** The same bits as another element type of the same width. */
    record Bits(DType to, Expr operand) implements Expr {
        @Override
        public Type type() {
            return operand.type().with(to);
        }
    }

    /** A scalar in every lane. */
    record Splat(Expr operand, int lanes) implements Expr {
        @Override
        public Type type() {
            return operand.type().with(lanes);
        }
    }

    /** base, base + step, base + 2 step, …: an integer vector. */
    record Ramp(Expr base, long step, int lanes) implements Expr {
        @Override
        public Type type() {
            return base.type().with(lanes);
        }
    }

    /** The lanes of a vector combined to a scalar, in a fixed order: halves onto each other. */
    record Combine(ReduceKind kind, Expr operand) implements Expr {
        @Override
        public Type type() {
            return operand.type().with(1);
        }
    }

    /** Lane i of the result is lane {@code lanes[i]} of a followed by b. */
    record Shuffle(Expr a, Expr b, List<Integer> lanes) implements Expr {
        public Shuffle {
            lanes = List.copyOf(lanes);
        }

        @Override
        public Type type() {
            return a.type().with(lanes.size());
        }
    }
}
