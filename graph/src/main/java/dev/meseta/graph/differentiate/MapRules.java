package dev.meseta.graph.differentiate;

import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Value;

/** Scalar functions and casts. */
final class MapRules {
    private MapRules() {}

    static void map(Step s, MapFunction f) {
        switch (f.arity()) {
            case 1 -> {
                if (s.wants(0)) one(s, f);
            }
            case 2 -> two(s, f);
            default -> three(s, f);
        }
    }

    private static Value f(Step s, MapFunction function, Value x) {
        return s.b.map(function, x);
    }

    private static Value square(Step s, Value x) {
        return s.b.times(x, x);
    }

    private static void one(Step s, MapFunction function) {
        GraphBuilder b = s.b;
        Value x = s.x(0);
        Value y = s.y();
        Value g = s.g();
        Value one = s.number(1);
        switch (function) {
            case NEG -> s.give(0, b.neg(g));
            case ABS -> s.give(0, b.times(g, f(s, MapFunction.SIGN, x)));
            case SQRT -> s.give(0, b.divide(g, b.plus(y, y)));
            case EXP -> s.give(0, b.times(g, y));
            case LOG -> s.give(0, b.divide(g, x));
            case LOG1P -> s.give(0, b.divide(g, b.plus(x, one)));
            case EXPM1 -> s.give(0, b.times(g, f(s, MapFunction.EXP, x)));
            case SIN -> s.give(0, b.times(g, f(s, MapFunction.COS, x)));
            case COS -> s.give(0, b.neg(b.times(g, f(s, MapFunction.SIN, x))));
            case TAN -> s.give(0, b.times(g, b.plus(one, square(s, y))));
            case ASIN -> s.give(0, b.divide(g, f(s, MapFunction.SQRT, b.minus(one, square(s, x)))));
            case ACOS -> s.give(0, b.neg(b.divide(g, f(s, MapFunction.SQRT, b.minus(one, square(s, x))))));
            case ATAN -> s.give(0, b.divide(g, b.plus(one, square(s, x))));
            case SINH -> s.give(0, b.times(g, f(s, MapFunction.COSH, x)));
            case COSH -> s.give(0, b.times(g, f(s, MapFunction.SINH, x)));
            case TANH -> s.give(0, b.times(g, b.minus(one, square(s, y))));
            case ASINH -> s.give(0, b.divide(g, f(s, MapFunction.SQRT, b.plus(square(s, x), one))));
            case ACOSH -> s.give(0, b.divide(g, f(s, MapFunction.SQRT, b.minus(square(s, x), one))));
            case ATANH -> s.give(0, b.divide(g, b.minus(one, square(s, x))));
            case ERF -> {
                Value bell = f(s, MapFunction.EXP, b.neg(square(s, x)));
                s.give(0, b.times(g, b.times(s.number(2 / Math.sqrt(Math.PI)), bell)));
            }
            case SIGMOID -> s.give(0, b.times(g, b.times(y, b.minus(one, y))));
            case SIGN, FLOOR, CEIL, ROUND, TRUNC -> {
                // Constant piece by piece: nothing to give.
            }
            default -> throw new IllegalStateException(function + " has an adjoint");
        }
    }

    private static void two(Step s, MapFunction function) {
        GraphBuilder b = s.b;
        Value x = s.x(0);
        Value y = s.x(1);
        Value g = s.g();
        switch (function) {
            case ADD -> both(s, g, g);
            case SUB -> both(s, g, b.neg(g));
            case MUL -> both(s, b.times(g, y), b.times(g, x));
            case DIV -> {
                Value share = b.divide(g, y);
                both(s, share, b.neg(b.times(share, s.y())));
            }
            case REM -> both(s, g, b.neg(b.times(g, f(s, MapFunction.TRUNC, b.divide(x, y)))));
            case MOD -> both(s, g, b.neg(b.times(g, f(s, MapFunction.FLOOR, b.divide(x, y)))));
            case POW -> power(s);
            case MAX -> extreme(s, MapFunction.GT);
            case MIN -> extreme(s, MapFunction.LT);
            case ATAN2 -> {
                Value share = b.divide(g, b.plus(square(s, x), square(s, y)));
                both(s, b.times(share, y), b.neg(b.times(share, x)));
            }
            default -> throw new IllegalStateException(function + " has an adjoint");
        }
    }

    private static void both(Step s, Value first, Value second) {
        if (s.wants(0)) s.give(0, first);
        if (s.wants(1)) s.give(1, second);
    }

    private static void power(Step s) {
        GraphBuilder b = s.b;
        Value x = s.x(0);
        Value e = s.x(1);
        Value zero = s.number(0);
        if (s.wants(0)) {
            // x^0 is 1 everywhere: no 0 * infinity at x = 0.
            Value slope = b.times(e, b.map(MapFunction.POW, x, b.minus(e, s.number(1))));
            s.give(0, b.times(s.g(), b.select(b.map(MapFunction.EQ, e, zero), zero, slope)));
        }
        if (s.wants(1)) {
            // 0^e is 0 for every e above 0, and has no slope there though log(0) is infinite.
            Value flat = b.map(MapFunction.AND, b.map(MapFunction.EQ, x, zero), b.map(MapFunction.GE, e, zero));
            Value log = b.map(MapFunction.LOG, b.select(flat, s.number(1), x));
            s.give(1, b.times(s.g(), b.times(s.y(), log)));
        }
    }

    private static void extreme(Step s, MapFunction wins) {
        GraphBuilder b = s.b;
        Value zero = s.number(0);
        Value first = b.select(b.map(wins, s.x(0), s.x(1)), s.g(), zero);
        Value second = b.select(b.map(wins, s.x(1), s.x(0)), s.g(), zero);
        if (s.wants(0) && s.wants(1)) {
            Value half = b.times(s.g(), s.number(0.5));
            Value tie = b.map(MapFunction.EQ, s.x(0), s.x(1));
            both(s, b.select(tie, half, first), b.select(tie, half, second));
        } else {
            both(s, first, second);
        }
    }

    private static void three(Step s, MapFunction function) {
        GraphBuilder b = s.b;
        Value zero = s.number(0);
        if (function == MapFunction.SELECT) {
            if (s.wants(1)) s.give(1, b.select(s.x(0), s.g(), zero));
            if (s.wants(2)) s.give(2, b.select(s.x(0), zero, s.g()));
            return;
        }
        // Clamp: min(max(x, low), high).
        Value below = b.map(MapFunction.LT, s.x(0), s.x(1));
        Value above = b.map(MapFunction.GT, b.max(s.x(0), s.x(1)), s.x(2));
        Value inner = b.select(above, zero, s.g());
        if (s.wants(0)) s.give(0, b.select(below, zero, inner));
        if (s.wants(1)) s.give(1, b.select(below, inner, zero));
        if (s.wants(2)) s.give(2, b.select(above, s.g(), zero));
    }

    static void cast(Step s) {
        Value x = s.x(0);
        if (s.wants(0)) s.give(0, s.b.cast(s.g(), x.dtype()));
        // A predicate is constant piece by piece; an integer or a narrow float stands for a number that was rounded to
        // it.
        else if (x.dtype() != dev.meseta.graph.DType.BOOL) throw s.none("it goes by way of " + x.dtype());
    }
}
