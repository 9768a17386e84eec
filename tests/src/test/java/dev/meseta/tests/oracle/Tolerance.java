package dev.meseta.tests.oracle;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Tensor;
import java.util.List;

/**
 * How far an answer may be from the oracle's.
 *
 * @param scale factor on what is usual for a floating-point type
 * @param steps how far integers may be apart: 0 but where rounding of a real number decides
 */
record Tolerance(double scale, long steps) {
    static final Tolerance USUAL = new Tolerance(1, 0);
    /** For quantised results, whose last step hangs on the last bit of a real number. */
    static final Tolerance ONE_STEP = new Tolerance(1, 1);

    private record Bound(double relative, double absolute) {}

    private static Bound bound(DType t) {
        return switch (t) {
            case F64 -> new Bound(1e-6, 1e-7);
            case F32 -> new Bound(1e-3, 1e-5);
            case F16 -> new Bound(4e-3, 2e-3);
            case BF16 -> new Bound(2e-2, 1.6e-2);
            default -> new Bound(0, 0);
        };
    }

    /** What differs, or an empty text. */
    String difference(Data expected, Data found) {
        return switch (expected) {
            case Tensor e when found instanceof Tensor f -> difference(e, f);
            case Data.Strings e
            when found instanceof Data.Strings f ->
                e.equals(f) ? "" : "expected " + NodeCase.text(e) + ", found " + NodeCase.text(f);
            case Data.Sequence(List<Data> e)
            when found instanceof Data.Sequence(List<Data> f) -> {
                if (e.size() != f.size()) yield "expected " + e.size() + " items, found " + f.size();
                for (int i = 0; i < e.size(); i++) {
                    String d = difference(e.get(i), f.get(i));
                    if (!d.isEmpty()) yield "item " + i + ": " + d;
                }
                yield "";
            }
            default -> "expected " + expected.describe() + ", found " + found.describe();
        };
    }

    private String difference(Tensor e, Tensor f) {
        if (e.dtype() == DType.F32 && f.dtype().bits() < 8 && f.dtype() != DType.BOOL) {
            // The oracle's interface has no name for the narrow types, so their values were asked for as F32.
            Tensor values = Tensor.allocate(DType.F32, f.shape());
            for (long i = 0; i < f.elements(); i++) values.setDouble(i, f.getDouble(i));
            return difference(e, values);
        }
        if (!e.type().equals(f.type())) return "expected " + e.describe() + ", found " + f.describe();
        if (!e.dtype().isFloat()) {
            for (long i = 0; i < e.elements(); i++) {
                if (Math.abs(e.getLong(i) - f.getLong(i)) > steps) return at(i, e, f);
            }
            return "";
        }
        Bound b = bound(e.dtype());
        double largest = 1;
        for (long i = 0; i < e.elements(); i++) {
            double v = Math.abs(e.getDouble(i));
            if (Double.isFinite(v) && v < 1e30) largest = Math.max(largest, v);
        }
        for (long i = 0; i < e.elements(); i++) {
            double x = e.getDouble(i);
            double y = f.getDouble(i);
            if (x == y || Double.isNaN(x) && Double.isNaN(y)) continue;
            // Not written the other way round: a NaN must fail.
            if (!(Math.abs(x - y) <= scale * (b.absolute() * largest + b.relative() * Math.abs(x)))
                    || Double.isInfinite(x)) return at(i, e, f);
        }
        return "";
    }

    private static String at(long i, Tensor e, Tensor f) {
        String position = "at " + i + " of " + e.type() + ": ";
        String all = e.elements() <= 24 ? "; expected " + NodeCase.text(e) + ", found " + NodeCase.text(f) : "";
        return e.dtype().isFloat()
                ? position + "expected " + e.getDouble(i) + ", found " + f.getDouble(i) + all
                : position + "expected " + e.getLong(i) + ", found " + f.getLong(i) + all;
    }
}
