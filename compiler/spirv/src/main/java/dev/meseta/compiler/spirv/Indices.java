package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.ScalarFunctions;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import java.util.ArrayList;
import java.util.List;

/**
 * Functions on I64, which indices are: between which numbers a result lies follows from its operands, and what fits 32 bits is computed in
 * 32 bits, because few devices have more.
 */
final class Indices {
    /** All numbers from low to high. */
    private record Range(long low, long high) {
        static final Range ALL = new Range(Long.MIN_VALUE, Long.MAX_VALUE);

        static Range of(Value v) {
            return new Range(v.low(), v.high());
        }

        Range union(Range o) {
            return new Range(Math.min(low, o.low), Math.max(high, o.high));
        }
    }

    private final LaneBuilder b;
    private final Arithmetic arithmetic;

    Indices(LaneBuilder b, Arithmetic arithmetic) {
        this.b = b;
        this.arithmetic = arithmetic;
    }

    Value apply(MapFunction f, List<Value> v) {
        if (v.stream().allMatch(Value::isConstant)) {
            long r = ScalarFunctions.integer(
                    f, DType.I64, v.stream().mapToLong(Value::low).toArray());
            int lanes = v.getFirst().lanes();
            return f.isPredicate() ? b.integer(DType.BOOL, lanes, r) : b.index(r, lanes);
        }
        boolean select = f == MapFunction.SELECT;
        List<Value> numbers = select ? v.subList(1, 3) : v;
        Range range = f.isPredicate() ? new Range(0, 1) : range(f, numbers);
        boolean inside = numbers.stream().allMatch(Value::fits32) && Value.fits32(range.low, range.high);
        List<Value> operands = new ArrayList<>();
        for (Value o : v) operands.add(o.element() == DType.BOOL ? o : inside ? b.low(o) : b.wide(o));
        Value r = inside && isPositive(f, numbers)
                ? ofPositive(f, operands)
                : arithmetic.integer(f, operands, guard(f, numbers));
        if (f.isPredicate()) return r;
        Value known = inside ? b.narrow(r, range.low, range.high) : b.ranged(r, range.low, range.high);
        return known.withZeros(zeros(f, numbers));
    }

    private static int zeros(MapFunction f, List<Value> v) {
        int least = v.stream().mapToInt(Value::zeros).min().orElse(0);
        return switch (f) {
            case ADD, SUB, NEG, ABS, MIN, MAX, CLAMP, SELECT, REM, MOD, OR, XOR -> least;
            case MUL -> Math.min(Value.MOST_ZEROS, v.get(0).zeros() + v.get(1).zeros());
            default -> 0;
        };
    }

    /** Whether it is a division of numbers that are not negative by positive ones, which costs less without signs. */
    private static boolean isPositive(MapFunction f, List<Value> v) {
        return (f == MapFunction.DIV || f == MapFunction.REM || f == MapFunction.MOD)
                && v.get(0).low() >= 0
                && v.get(1).low() > 0;
    }

    private Value ofPositive(MapFunction f, List<Value> v) {
        Opcode opcode = f == MapFunction.DIV ? Opcode.U_DIV : Opcode.U_MOD;
        return b.op(opcode, v.get(0), v.get(1));
    }

    private static Arithmetic.Guard guard(MapFunction f, List<Value> v) {
        if (f != MapFunction.DIV && f != MapFunction.REM && f != MapFunction.MOD) return Arithmetic.Guard.NONE;
        Value c = v.get(1);
        if (c.low() > 0) return Arithmetic.Guard.NONE;
        return c.low() >= 0 ? Arithmetic.Guard.ZERO : Arithmetic.Guard.BOTH;
    }

    private static Range range(MapFunction f, List<Value> v) {
        Range a = Range.of(v.getFirst());
        Range c = Range.of(v.getLast());
        return switch (f) {
            case ADD -> sum(a.low, c.low, a.high, c.high);
            case SUB -> difference(a, c);
            case NEG -> difference(new Range(0, 0), a);
            case MUL -> product(a, c);
            case MIN -> new Range(Math.min(a.low, c.low), Math.min(a.high, c.high));
            case MAX -> new Range(Math.max(a.low, c.low), Math.max(a.high, c.high));
            case CLAMP -> {
                Range low = Range.of(v.get(1));
                Range raised = new Range(Math.max(a.low, low.low), Math.max(a.high, low.high));
                yield new Range(Math.min(raised.low, c.low), Math.min(raised.high, c.high));
            }
            case SELECT -> a.union(c);
            case SIGN -> new Range(-1, 1);
            case ABS ->
                a.low == Long.MIN_VALUE ? Range.ALL : new Range(a.low > 0 ? a.low : 0, Math.max(-a.low, a.high));
            case DIV -> c.low > 0 ? new Range(quotient(a.low, c), largestQuotient(a.high, c)) : Range.ALL;
            case REM, MOD -> remainder(f, a, c);
            case AND -> a.low >= 0 && c.low >= 0 ? new Range(0, Math.min(a.high, c.high)) : Range.ALL;
            case SHIFT_RIGHT -> a.low >= 0 ? new Range(0, a.high) : Range.ALL;
            default -> Range.ALL;
        };
    }

    private static long quotient(long low, Range c) {
        return low >= 0 ? low / c.high : low / c.low;
    }

    private static long largestQuotient(long high, Range c) {
        return high >= 0 ? high / c.low : high / c.high;
    }

    private static Range remainder(MapFunction f, Range a, Range c) {
        if (c.low <= 0) return Range.ALL;
        if (a.low >= 0) return new Range(0, Math.min(a.high, c.high - 1));
        return new Range(f == MapFunction.MOD ? 0 : 1 - c.high, c.high - 1);
    }

    private static Range sum(long lowA, long lowC, long highA, long highC) {
        long low = lowA + lowC;
        long high = highA + highC;
        boolean over = ((lowA ^ low) & (lowC ^ low)) < 0 || ((highA ^ high) & (highC ^ high)) < 0;
        return over ? Range.ALL : new Range(low, high);
    }

    private static Range difference(Range a, Range c) {
        if (c.low == Long.MIN_VALUE) return Range.ALL;
        return sum(a.low, -c.high, a.high, -c.low);
    }

    private static Range product(Range a, Range c) {
        long low = Long.MAX_VALUE;
        long high = Long.MIN_VALUE;
        for (long x : new long[] {a.low, a.high}) {
            for (long y : new long[] {c.low, c.high}) {
                long p = x * y;
                if (Math.multiplyHigh(x, y) != p >> 63) return Range.ALL;
                low = Math.min(low, p);
                high = Math.max(high, p);
            }
        }
        return new Range(low, high);
    }
}
