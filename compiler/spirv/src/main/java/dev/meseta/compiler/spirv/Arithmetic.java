package dev.meseta.compiler.spirv;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import java.util.List;

/** The scalar functions on every lane. Every operand gives a defined result. */
final class Arithmetic {
    private final LaneBuilder b;
    private final Elementary elementary;
    private final Indices indices;

    Arithmetic(LaneBuilder builder) {
        this.b = builder;
        this.elementary = new Elementary(builder);
        this.indices = new Indices(builder, this);
    }

    Value apply(MapFunction f, List<Value> v) {
        Value a = v.getFirst();
        Value last = v.getLast();
        if (last.element() == DType.I64) return indices.apply(f, v);
        if (f == MapFunction.SELECT) return b.select(a, v.get(1), last);
        if (a.element() == DType.BOOL) return logical(f, a, last);
        return a.element().isFloat() ? floating(f, a, last, v) : integer(f, v, Guard.BOTH);
    }

    private Value logical(MapFunction f, Value a, Value c) {
        return switch (f) {
            case NOT -> b.not(a);
            case AND -> b.and(a, c);
            case OR -> b.or(a, c);
            case XOR, NE -> b.op(Opcode.LOGICAL_NOT_EQUAL, a, c);
            case EQ -> b.op(Opcode.LOGICAL_EQUAL, a, c);
            default -> throw new IllegalArgumentException(f.text() + " is not defined on " + a.type());
        };
    }

    private Value floating(MapFunction f, Value a, Value c, List<Value> v) {
        return switch (f) {
            case NEG -> b.negate(a);
            case ABS -> b.abs(a);
            case SIGN -> {
                Value zero = b.real(a, 0);
                Value up = b.select(b.compare(Opcode.F_ORD_GREATER_THAN, a, zero), b.real(a, 1), a);
                yield b.select(b.compare(Opcode.F_ORD_LESS_THAN, a, zero), b.real(a, -1), up);
            }
            case FLOOR -> b.whole(LaneBuilder.FLOOR, a);
            case CEIL -> b.whole(LaneBuilder.CEIL, a);
            case TRUNC -> b.whole(LaneBuilder.TRUNC, a);
            case ROUND -> b.whole(LaneBuilder.ROUND_EVEN, a);
            case SQRT -> b.extended(LaneBuilder.SQRT, a);
            case IS_NAN -> b.isNan(a);
            case IS_INF -> b.compare(Opcode.F_ORD_EQUAL, b.abs(a), b.real(a, Double.POSITIVE_INFINITY));
            case ADD -> b.op(Opcode.F_ADD, a, c);
            case SUB -> b.op(Opcode.F_SUB, a, c);
            case MUL -> b.op(Opcode.F_MUL, a, c);
            case DIV -> b.op(Opcode.F_DIV, a, c);
            case MIN -> least(Opcode.F_ORD_LESS_THAN, a, c);
            case MAX -> least(Opcode.F_ORD_GREATER_THAN, a, c);
            case CLAMP -> least(Opcode.F_ORD_LESS_THAN, least(Opcode.F_ORD_GREATER_THAN, a, v.get(1)), c);
            case EQ -> b.compare(Opcode.F_ORD_EQUAL, a, c);
            case NE -> b.compare(Opcode.F_UNORD_NOT_EQUAL, a, c);
            case LT -> b.compare(Opcode.F_ORD_LESS_THAN, a, c);
            case LE -> b.compare(Opcode.F_ORD_LESS_THAN_EQUAL, a, c);
            case GT -> b.compare(Opcode.F_ORD_GREATER_THAN, a, c);
            case GE -> b.compare(Opcode.F_ORD_GREATER_THAN_EQUAL, a, c);
            default -> elementary.apply(f, a, c);
        };
    }

    /** The lesser or greater; NaN if either is. */
    private Value least(Opcode order, Value a, Value c) {
        Value r = b.select(b.compare(order, c, a), c, a);
        return b.select(b.isNan(c), c, r);
    }

    // Integers

    /** Which divisors may occur that have no quotient: 0 and, for the smallest number, -1. */
    enum Guard {
        BOTH,
        ZERO,
        NONE
    }

    /** A function on integers whose lanes have the width of their element type. */
    Value integer(MapFunction f, List<Value> v, Guard guard) {
        Value a = v.getFirst();
        Value c = v.getLast();
        boolean signed = a.element().isSigned();
        int bits = a.element().bits();
        Value zero = b.integer(a, 0);
        return switch (f) {
            case NEG -> b.op(Opcode.S_NEGATE, a);
            case ABS -> signed ? b.select(less(a, zero), b.op(Opcode.S_NEGATE, a), a) : a;
            case SIGN -> {
                Value positive = b.select(less(zero, a), b.integer(a, 1), zero);
                yield signed ? b.select(less(a, zero), b.integer(a, -1), positive) : positive;
            }
            case NOT -> b.not(a);
            case ADD -> b.op(Opcode.I_ADD, a, c);
            case SUB -> b.op(Opcode.I_SUB, a, c);
            case MUL -> b.op(Opcode.I_MUL, a, c);
            case DIV -> divide(signed ? Opcode.S_DIV : Opcode.U_DIV, a, c, guard);
            case REM -> divide(signed ? Opcode.S_REM : Opcode.U_MOD, a, c, guard);
            case MOD -> signed ? floorMod(a, c, guard) : divide(Opcode.U_MOD, a, c, guard);
            case POW -> power(a, c);
            case MIN -> b.select(less(c, a), c, a);
            case MAX -> b.select(less(a, c), c, a);
            case CLAMP -> {
                Value low = b.select(less(a, v.get(1)), v.get(1), a);
                yield b.select(less(c, low), c, low);
            }
            case AND -> b.and(a, c);
            case OR -> b.or(a, c);
            case XOR -> b.op(Opcode.BITWISE_XOR, a, c);
            case SHIFT_LEFT -> b.select(within(c, bits), b.op(Opcode.SHIFT_LEFT_LOGICAL, a, shift(c, bits)), zero);
            case SHIFT_RIGHT -> {
                if (signed) {
                    Value most = b.select(within(c, bits), c, b.integer(c, bits - 1));
                    yield b.op(Opcode.SHIFT_RIGHT_ARITHMETIC, a, most);
                }
                yield b.select(within(c, bits), b.op(Opcode.SHIFT_RIGHT_LOGICAL, a, shift(c, bits)), zero);
            }
            case EQ -> b.compare(Opcode.I_EQUAL, a, c);
            case NE -> b.compare(Opcode.I_NOT_EQUAL, a, c);
            case LT -> less(a, c);
            case GT -> less(c, a);
            case LE -> b.compare(signed ? Opcode.S_LESS_THAN_EQUAL : Opcode.U_LESS_THAN_EQUAL, a, c);
            case GE -> b.compare(signed ? Opcode.S_GREATER_THAN_EQUAL : Opcode.U_GREATER_THAN_EQUAL, a, c);
            case SELECT -> b.select(a, v.get(1), c);
            default -> throw new IllegalArgumentException(f.text() + " is not defined on " + a.type());
        };
    }

    private Value less(Value a, Value c) {
        return b.compare(a.element().isSigned() ? Opcode.S_LESS_THAN : Opcode.U_LESS_THAN, a, c);
    }

    private Value within(Value amount, int bits) {
        return b.compare(Opcode.U_LESS_THAN, amount, b.integer(amount, bits));
    }

    /** An amount that is never beyond the width, for which there would be no result. */
    private Value shift(Value amount, int bits) {
        return b.and(amount, b.integer(amount, bits - 1));
    }

    private Value divide(Opcode opcode, Value a, Value c, Guard guard) {
        if (guard == Guard.NONE) return b.op(opcode, a, c);
        Value zero = b.compare(Opcode.I_EQUAL, c, b.integer(c, 0));
        Value bad = zero;
        if (a.element().isSigned() && guard == Guard.BOTH) {
            Value smallest =
                    b.compare(Opcode.I_EQUAL, a, b.integer(a, a.element().minInteger()));
            bad = b.or(zero, b.and(smallest, b.compare(Opcode.I_EQUAL, c, b.integer(c, -1))));
        }
        // The smallest by 1 is itself, and its remainder 0: what -1 must give.
        Value r = b.op(opcode, a, b.select(bad, b.integer(c, 1), c));
        return b.select(zero, b.integer(a, 0), r);
    }

    private Value floorMod(Value a, Value c, Guard guard) {
        Value r = divide(Opcode.S_REM, a, c, guard);
        Value differ = less(b.op(Opcode.BITWISE_XOR, r, c), b.integer(a, 0));
        Value some = b.and(differ, b.compare(Opcode.I_NOT_EQUAL, r, b.integer(a, 0)));
        return b.select(some, b.op(Opcode.I_ADD, r, c), r);
    }

    /** By squaring, as many steps as the type has bits. */
    private Value power(Value x, Value y) {
        Value one = b.integer(x, 1);
        Value zero = b.integer(x, 0);
        int bits = x.element().bits();
        int type = b.m.type(x.element());
        int[] ids = new int[x.lanes()];
        for (int i = 0; i < ids.length; i++)
            ids[i] = powerOfLane(x.ids()[i], y.ids()[i], one.id(), zero.id(), bits, type);
        Value r = Value.of(x.element(), ids);
        if (!x.element().isSigned()) return r;
        Value odd = b.compare(Opcode.I_NOT_EQUAL, b.and(y, one), zero);
        Value minus = b.select(odd, b.integer(x, -1), one);
        Value ofMinus = b.select(b.compare(Opcode.I_EQUAL, x, b.integer(x, -1)), minus, zero);
        Value ofOne = b.select(b.compare(Opcode.I_EQUAL, x, one), one, ofMinus);
        return b.select(less(y, zero), ofOne, r);
    }

    private int powerOfLane(int x, int y, int one, int zero, int bits, int type) {
        ModuleBuilder m = b.m;
        int result = m.variable(type);
        int base = m.variable(type);
        int rest = m.variable(type);
        m.run(Opcode.STORE, result, one);
        m.run(Opcode.STORE, base, x);
        m.run(Opcode.STORE, rest, y);
        b.loop(bits, () -> {
            int n = m.emit(Opcode.LOAD, type, rest);
            int p = m.emit(Opcode.LOAD, type, base);
            int r = m.emit(Opcode.LOAD, type, result);
            int odd = m.emit(Opcode.I_NOT_EQUAL, m.typeBool(), m.emit(Opcode.BITWISE_AND, type, n, one), zero);
            int factor = m.emit(Opcode.SELECT, type, odd, p, one);
            m.run(Opcode.STORE, result, m.emit(Opcode.I_MUL, type, r, factor));
            m.run(Opcode.STORE, base, m.emit(Opcode.I_MUL, type, p, p));
            m.run(Opcode.STORE, rest, m.emit(Opcode.SHIFT_RIGHT_LOGICAL, type, n, one));
        });
        return m.emit(Opcode.LOAD, type, result);
    }
}
