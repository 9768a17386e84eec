package dev.meseta.conformance;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether a result is the expected one: kinds, element types and shapes are equal; floats are within the tolerance, where NaN equals NaN and
 * an infinity itself alone; everything else is equal. ONNX's own comparison ({@code assert_similar_outputs} of {@code
 * onnx/backend/test/runner}) allows integers the tolerance of floats; this one does not.
 */
public final class Comparison {
    private Comparison() {}

    /** What is compared of a result. */
    public enum Extent {
        VALUES,
        /** For results that are random: kinds, types and shapes. */
        TYPES
    }

    /**
     * Compares one result.
     *
     * @return what differs, in one line; empty where nothing does
     */
    public static Optional<String> difference(
            Data expected, @Nullable Data actual, Tolerance tolerance, Extent extent) {
        if (actual == null) return Optional.of("expected " + expected.describe() + ", got nothing");
        return switch (expected) {
            case Tensor e when actual instanceof Tensor a -> tensors(e, a, tolerance, extent);
            case Data.Strings e when actual instanceof Data.Strings a -> strings(e, a, extent);
            case Data.Sequence e when actual instanceof Data.Sequence a -> sequences(e, a, tolerance, extent);
            case Data.Optional e when actual instanceof Data.Optional a -> optionals(e, a, tolerance, extent);
            case Data.Mapping e when actual instanceof Data.Mapping a -> maps(e, a, tolerance, extent);
            default -> Optional.of("expected " + expected.describe() + ", got " + actual.describe());
        };
    }

    private static Optional<String> tensors(Tensor e, Tensor a, Tolerance tolerance, Extent extent) {
        if (!e.type().equals(a.type())) return Optional.of("expected " + e.describe() + ", got " + a.describe());
        if (extent == Extent.TYPES) return Optional.empty();
        long wrong = 0;
        long first = -1;
        for (long i = 0; i < e.elements(); i++) {
            if (!same(e, a, i, tolerance)) {
                if (first < 0) first = i;
                wrong++;
            }
        }
        if (wrong == 0) return Optional.empty();
        String where = e.shape().rank() == 0 ? "" : " at " + Arrays.toString(position(first, e.shape()));
        return Optional.of("expected " + text(e, first) + where + ", got " + text(a, first) + " (" + wrong + " of "
                + e.elements() + " elements of " + e.describe() + " differ)");
    }

    private static boolean same(Tensor e, Tensor a, long i, Tolerance tolerance) {
        return switch (e.dtype().kind()) {
            case FLOAT -> close(e.getDouble(i), a.getDouble(i), tolerance);
            case SIGNED, UNSIGNED, BOOL -> e.getLong(i) == a.getLong(i);
            case COMPLEX -> {
                double er = part(e, 2 * i);
                double ei = part(e, 2 * i + 1);
                double dr = part(a, 2 * i) - er;
                double di = part(a, 2 * i + 1) - ei;
                yield (close(er, part(a, 2 * i), tolerance) && close(ei, part(a, 2 * i + 1), tolerance))
                        || Math.hypot(dr, di) <= tolerance.absolute() + tolerance.relative() * Math.hypot(er, ei);
            }
        };
    }

    static boolean close(double expected, double actual, Tolerance tolerance) {
        if (Double.isNaN(expected) || Double.isNaN(actual)) return Double.isNaN(expected) && Double.isNaN(actual);
        if (Double.isInfinite(expected) || Double.isInfinite(actual)) return expected == actual;
        return Math.abs(actual - expected) <= tolerance.absolute() + tolerance.relative() * Math.abs(expected);
    }

    private static double part(Tensor t, long i) {
        return t.dtype() == DType.C64
                ? t.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * i)
                : t.data().get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * i);
    }

    private static String text(Tensor t, long i) {
        return switch (t.dtype().kind()) {
            case FLOAT ->
                t.dtype() == DType.F64 ? Double.toString(t.getDouble(i)) : Float.toString((float) t.getDouble(i));
            case BOOL -> Boolean.toString(t.getLong(i) != 0);
            case UNSIGNED -> Long.toUnsignedString(t.getLong(i));
            case SIGNED -> Long.toString(t.getLong(i));
            case COMPLEX -> part(t, 2 * i) + "+" + part(t, 2 * i + 1) + "i";
        };
    }

    private static long[] position(long index, Shape shape) {
        long[] at = new long[shape.rank()];
        long rest = index;
        for (int i = at.length - 1; i >= 0; i--) {
            at[i] = rest % shape.extent(i);
            rest /= shape.extent(i);
        }
        return at;
    }

    private static Optional<String> strings(Data.Strings e, Data.Strings a, Extent extent) {
        if (!e.shape().equals(a.shape())) return Optional.of("expected " + e.describe() + ", got " + a.describe());
        if (extent == Extent.TYPES) return Optional.empty();
        List<Integer> wrong = new ArrayList<>();
        for (int i = 0; i < e.values().size(); i++) {
            if (!e.values().get(i).equals(a.values().get(i))) wrong.add(i);
        }
        if (wrong.isEmpty()) return Optional.empty();
        int first = wrong.getFirst();
        return Optional.of("expected '" + e.values().get(first) + "' at " + Arrays.toString(position(first, e.shape()))
                + ", got '" + a.values().get(first) + "' (" + wrong.size() + " of "
                + e.values().size() + " strings differ)");
    }

    private static Optional<String> sequences(Data.Sequence e, Data.Sequence a, Tolerance tolerance, Extent extent) {
        if (e.items().size() != a.items().size()) {
            return Optional.of("expected " + e.describe() + ", got " + a.describe());
        }
        for (int i = 0; i < e.items().size(); i++) {
            Optional<String> d = difference(e.items().get(i), a.items().get(i), tolerance, extent);
            if (d.isPresent()) return Optional.of("item " + i + ": " + d.get());
        }
        return Optional.empty();
    }

    private static Optional<String> optionals(Data.Optional e, Data.Optional a, Tolerance tolerance, Extent extent) {
        if (e.value() == null || a.value() == null) {
            return e.value() == a.value()
                    ? Optional.empty()
                    : Optional.of("expected " + e.describe() + ", got " + a.describe());
        }
        return difference(e.value(), a.value(), tolerance, extent);
    }

    private static Optional<String> maps(Data.Mapping e, Data.Mapping a, Tolerance tolerance, Extent extent) {
        if (!e.entries().keySet().equals(a.entries().keySet())) {
            return Optional.of("expected the keys " + e.entries().keySet() + ", got "
                    + a.entries().keySet());
        }
        for (Map.Entry<Object, Data> entry : e.entries().entrySet()) {
            Optional<String> d = difference(
                    entry.getValue(), Objects.requireNonNull(a.entries().get(entry.getKey())), tolerance, extent);
            if (d.isPresent()) return Optional.of("key " + entry.getKey() + ": " + d.get());
        }
        return Optional.empty();
    }
}
