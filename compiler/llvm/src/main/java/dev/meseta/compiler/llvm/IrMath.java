package dev.meseta.compiler.llvm;

import dev.meseta.compiler.llvm.IrBuilder.Value;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import java.util.List;
import java.util.Locale;

/** The scalar functions on every lane, in IR. Every operand gives a defined result and none traps. */
final class IrMath {
    private final IrBuilder b;
    private final IrElementary elementary;

    IrMath(IrBuilder builder) {
        this.b = builder;
        this.elementary = new IrElementary(builder);
    }

    Value apply(MapFunction f, List<Value> v) {
        Value a = v.getFirst();
        Value last = v.getLast();
        if (f == MapFunction.SELECT) return b.select(a, v.get(1), last);
        return a.element().isFloat() ? floating(f, a, last, v) : integer(f, a, last, v);
    }

    private Value floating(MapFunction f, Value a, Value c, List<Value> v) {
        return switch (f) {
            case NEG -> b.value(a.type(), "fneg " + a.typed());
            case ABS -> b.intrinsic("fabs", a);
            case SIGN -> {
                Value up = b.select(b.compare("fcmp ogt", a, real(a, 0)), real(a, 1), a);
                yield b.select(b.compare("fcmp olt", a, real(a, 0)), real(a, -1), up);
            }
            case FLOOR, CEIL, TRUNC, SQRT -> b.intrinsic(f.name().toLowerCase(Locale.ROOT), a);
            case ROUND -> b.intrinsic("roundeven", a);
            case EXP, LOG, LOG1P, EXPM1, SIN, COS, TAN, TANH, ERF, SIGMOID ->
                a.element() == DType.F32
                        ? elementary(f, a)
                        : f == MapFunction.SIGMOID ? sigmoid(a) : b.library(f.text(), a);
            case ASIN, ACOS, ATAN, SINH, COSH, ASINH, ACOSH, ATANH -> b.library(f.text(), a);
            case IS_NAN -> b.compare("fcmp uno", a, a);
            case IS_INF -> b.compare("fcmp oeq", b.intrinsic("fabs", a), real(a, Double.POSITIVE_INFINITY));
            case ADD -> b.op("fadd", a, c);
            case SUB -> b.op("fsub", a, c);
            case MUL -> b.op("fmul", a, c);
            case DIV -> b.op("fdiv", a, c);
            case REM -> b.library("fmod", a, c);
            case MOD -> floorMod(a, c);
            case POW -> a.element() == DType.F32 ? elementary.pow(a, c) : b.library("pow", a, c);
            case ATAN2 -> b.library("atan2", a, c);
            case MIN -> least("olt", a, c);
            case MAX -> least("ogt", a, c);
            case CLAMP -> least("olt", least("ogt", a, v.get(1)), c);
            case EQ -> b.compare("fcmp oeq", a, c);
            case NE -> b.compare("fcmp une", a, c);
            case LT -> b.compare("fcmp olt", a, c);
            case LE -> b.compare("fcmp ole", a, c);
            case GT -> b.compare("fcmp ogt", a, c);
            case GE -> b.compare("fcmp oge", a, c);
            default -> throw new IllegalArgumentException(f.text() + " is not defined on " + a.type());
        };
    }

    private Value elementary(MapFunction f, Value a) {
        return switch (f) {
            case EXP -> elementary.exp(a);
            case LOG -> elementary.log(a);
            case LOG1P -> elementary.log1p(a);
            case EXPM1 -> elementary.expm1(a);
            case SIN -> elementary.sin(a);
            case COS -> elementary.cos(a);
            case TAN -> elementary.tan(a);
            case TANH -> elementary.tanh(a);
            case ERF -> elementary.erf(a);
            case SIGMOID -> elementary.sigmoid(a);
            default -> throw new IllegalArgumentException(f.text());
        };
    }

    static Value real(Value like, double v) {
        return IrBuilder.real(like.type(), v);
    }

    /** The lesser or greater; NaN if either is. One instruction where c is a literal: it returns a where the comparison is not true. */
    private Value least(String order, Value a, Value c) {
        if (isLiteral(a) && !isLiteral(c)) return least(order, c, a);
        Value r = b.select(b.compare("fcmp " + order, c, a), c, a);
        return isLiteral(c) ? r : b.select(b.compare("fcmp uno", c, c), c, r);
    }

    private static boolean isLiteral(Value v) {
        return v.text().startsWith("0x") && !v.text().startsWith("0x7FF8")
                || v.text().startsWith("splat (") && !v.text().contains("0x7FF8");
    }

    private Value sigmoid(Value a) {
        Value e = apply(
                MapFunction.EXP,
                List.of(b.value(a.type(), "fneg " + b.intrinsic("fabs", a).typed())));
        Value below = b.compare("fcmp olt", a, real(a, 0));
        return b.op("fdiv", b.select(below, e, real(a, 1)), b.op("fadd", real(a, 1), e));
    }

    private Value floorMod(Value a, Value c) {
        Value r = b.library("fmod", a, c);
        Value zero = b.compare("fcmp oeq", r, real(a, 0));
        Value differ = b.op("xor", b.compare("fcmp olt", r, real(a, 0)), b.compare("fcmp olt", c, real(a, 0)));
        Value some = b.select(differ, b.op("fadd", r, c), r);
        return b.select(zero, b.intrinsic("copysign", real(a, 0), c), some);
    }

    // Integers

    private static Value number(Value like, long v) {
        return IrBuilder.integer(like.type(), v);
    }

    private Value integer(MapFunction f, Value a, Value c, List<Value> v) {
        boolean signed = a.element().isSigned();
        int bits = a.element().bits();
        String s = signed ? "s" : "u";
        return switch (f) {
            case NEG -> b.op("sub", number(a, 0), a);
            case ABS -> signed ? b.select(b.compare("icmp slt", a, number(a, 0)), b.op("sub", number(a, 0), a), a) : a;
            case SIGN -> {
                Value positive = b.cast("zext", b.compare("icmp " + s + "gt", a, number(a, 0)), a.element());
                if (!signed) yield positive;
                yield b.select(b.compare("icmp slt", a, number(a, 0)), number(a, -1), positive);
            }
            case NOT -> b.op("xor", a, number(a, a.element() == DType.BOOL ? 1 : -1));
            case ADD -> b.op("add", a, c);
            case SUB -> b.op("sub", a, c);
            case MUL -> b.op("mul", a, c);
            case DIV -> divide(s + "div", a, c);
            case REM -> divide(s + "rem", a, c);
            case MOD -> signed ? floorModInteger(a, c) : divide("urem", a, c);
            case POW -> power(a, c);
            case MIN -> b.intrinsic(s + "min", a, c);
            case MAX -> b.intrinsic(s + "max", a, c);
            case CLAMP -> b.intrinsic(s + "min", b.intrinsic(s + "max", a, v.get(1)), c);
            case AND -> b.op("and", a, c);
            case OR -> b.op("or", a, c);
            case XOR -> b.op("xor", a, c);
            case SHIFT_LEFT -> b.select(b.compare("icmp ult", c, number(a, bits)), b.op("shl", a, c), number(a, 0));
            case SHIFT_RIGHT -> {
                if (signed) yield b.op("ashr", a, b.intrinsic("umin", c, number(a, bits - 1)));
                yield b.select(b.compare("icmp ult", c, number(a, bits)), b.op("lshr", a, c), number(a, 0));
            }
            case EQ -> b.compare("icmp eq", a, c);
            case NE -> b.compare("icmp ne", a, c);
            case LT -> b.compare("icmp " + s + "lt", a, c);
            case LE -> b.compare("icmp " + s + "le", a, c);
            case GT -> b.compare("icmp " + s + "gt", a, c);
            case GE -> b.compare("icmp " + s + "ge", a, c);
            default -> throw new IllegalArgumentException(f.text() + " is not defined on " + a.type());
        };
    }

    /** Division and remainder with the divisors replaced that would trap: 0 and, for the smallest number, -1. */
    private Value divide(String opcode, Value a, Value c) {
        if (c.constant() != null && c.constant() != 0 && c.constant() != -1) return b.op(opcode, a, c);
        Value zero = b.compare("icmp eq", c, number(c, 0));
        Value bad = zero;
        if (a.element().isSigned()) {
            Value smallest = b.compare("icmp eq", a, number(a, a.element().minInteger()));
            bad = b.op("or", zero, b.op("and", smallest, b.compare("icmp eq", c, number(c, -1))));
        }
        // The smallest by 1 is itself, and its remainder 0: what -1 must give.
        Value r = b.op(opcode, a, b.select(bad, number(c, 1), c));
        return b.select(zero, number(a, 0), r);
    }

    private Value floorModInteger(Value a, Value c) {
        Value r = divide("srem", a, c);
        Value differ = b.compare("icmp slt", b.op("xor", r, c), number(a, 0));
        Value some = b.op("and", differ, b.compare("icmp ne", r, number(a, 0)));
        return b.select(some, b.op("add", r, c), r);
    }

    /** By squaring, as many steps as the type has bits at most; lanes that are done multiply by 1. */
    private Value power(Value x, Value y) {
        String type = IrBuilder.ir(x.type());
        String before = b.label();
        String loop = b.label();
        String after = b.label();
        b.jump(before);
        b.block(before);
        b.jump(loop);
        b.block(loop);
        Value n = new Value(b.fresh(), x.type());
        Value base = new Value(b.fresh(), x.type());
        Value result = new Value(b.fresh(), x.type());
        String n2 = b.fresh();
        String base2 = b.fresh();
        String result2 = b.fresh();
        phi(n, type, y.text(), before, n2, loop);
        phi(base, type, x.text(), before, base2, loop);
        phi(result, type, number(x, 1).text(), before, result2, loop);
        Value odd = b.compare("icmp ne", b.op("and", n, number(x, 1)), number(x, 0));
        Value factor = b.select(odd, base, number(x, 1));
        b.run(result2 + " = mul " + result.typed() + ", " + factor.text());
        b.run(base2 + " = mul " + base.typed() + ", " + base.text());
        b.run(n2 + " = lshr " + n.typed() + ", " + number(x, 1).text());
        b.branch(b.any(b.compare("icmp ne", new Value(n2, x.type()), number(x, 0))), loop, after);
        b.block(after);
        Value r = new Value(result2, x.type());
        return x.element().isSigned() ? negativePower(x, y, r) : r;
    }

    private Value negativePower(Value x, Value y, Value r) {
        Value odd = b.compare("icmp ne", b.op("and", y, number(x, 1)), number(x, 0));
        Value minus = b.select(odd, number(x, -1), number(x, 1));
        Value ofMinus = b.select(b.compare("icmp eq", x, number(x, -1)), minus, number(x, 0));
        Value ofOne = b.select(b.compare("icmp eq", x, number(x, 1)), number(x, 1), ofMinus);
        return b.select(b.compare("icmp slt", y, number(x, 0)), ofOne, r);
    }

    private void phi(Value name, String type, String first, String from, String again, String loop) {
        b.run(name.text() + " = phi " + type + " [ " + first + ", %" + from + " ], [ " + again + ", %" + loop + " ]");
    }
}
