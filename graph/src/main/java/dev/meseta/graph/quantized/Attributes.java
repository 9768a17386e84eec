package dev.meseta.graph.quantized;

import dev.meseta.graph.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The attributes of a composite, integers and lists of integers, on their way to an operator's record or from it. Each is asked for once, by its name
 * and by what gives it: from a record, it is written, and else it is read.
 *
 * @param <T> the record
 */
final class Attributes<T> {
    private final String op;
    private final Map<String, Object> values;
    private final @Nullable T from;

    private Attributes(String op, Map<String, Object> values, @Nullable T from) {
        this.op = op;
        this.values = values;
        this.from = from;
    }

    /** Those that are there, to be read. */
    static <T> Attributes<T> of(Op.Composite composite) {
        return new Attributes<>(composite.name(), composite.attributes(), null);
    }

    /** Those of a record: all that its form asks for. */
    static <T extends QuantizedOp> Map<String, Object> of(T from, Consumer<Attributes<T>> form) {
        Attributes<T> a = new Attributes<>(from.name(), new TreeMap<>(), from);
        form.accept(a);
        return a.values;
    }

    long integer(String name, ToLongFunction<T> get) {
        if (from != null) values.put(name, get.applyAsLong(from));
        if (values.get(name) instanceof Long l) return l;
        throw new IllegalArgumentException(op + " has no integer '" + name + "' among its attributes " + values);
    }

    boolean flag(String name, Predicate<T> get) {
        return integer(name, t -> get.test(t) ? 1 : 0) != 0;
    }

    List<Long> longs(String name, Function<T, List<Long>> get) {
        if (from != null) values.put(name, List.copyOf(get.apply(from)));
        if (!(values.get(name) instanceof List<?> list))
            throw new IllegalArgumentException(op + " has no list '" + name + "' among its attributes " + values);
        List<Long> result = new ArrayList<>();
        for (Object o : list) {
            if (!(o instanceof Long l)) throw new IllegalArgumentException(op + "'s '" + name + "' holds " + o);
            result.add(l);
        }
        return List.copyOf(result);
    }

    /** A list of a known length. */
    List<Long> longs(String name, int count, Function<T, List<Long>> get) {
        List<Long> l = longs(name, get);
        if (l.size() != count)
            throw new IllegalArgumentException(op + "'s '" + name + "' has " + l.size() + " entries, not " + count);
        return l;
    }

    Scaling scaling(Function<T, Scaling> get) {
        return new Scaling(
                longs("multipliers", t -> get.apply(t).multipliers()),
                longs("shifts", t -> get.apply(t).shifts()),
                flag("wide", t -> get.apply(t).wide()));
    }

    /** One of one number, rounded twice. */
    Scaling oneScaling(Function<T, Scaling> get) {
        return one(
                integer("multiplier", t -> get.apply(t).multiplier(0)),
                integer("shift", t -> get.apply(t).shift(0)));
    }

    /** Several of these. */
    List<Scaling> scalings(int count, Function<T, List<Scaling>> get) {
        List<Long> multipliers = longs(
                "multipliers",
                count,
                t -> get.apply(t).stream().map(s -> s.multiplier(0)).toList());
        List<Long> shifts = longs(
                "shifts", count, t -> get.apply(t).stream().map(s -> s.shift(0)).toList());
        List<Scaling> all = new ArrayList<>();
        for (int i = 0; i < count; i++) all.add(one(multipliers.get(i), shifts.get(i)));
        return all;
    }

    private static Scaling one(long multiplier, long shift) {
        return new Scaling(List.of(multiplier), List.of(shift), false);
    }

    Clamp clamp(Function<T, Clamp> get) {
        return clamp("output_zero", get);
    }

    /** @param zero what the zero point is called */
    Clamp clamp(String zero, Function<T, Clamp> get) {
        return clamp(integer(zero, t -> get.apply(t).zero()), get);
    }

    /** @param zero the zero point, which is known already */
    Clamp clamp(long zero, Function<T, Clamp> get) {
        return new Clamp(
                zero,
                integer("min", t -> get.apply(t).min()),
                integer("max", t -> get.apply(t).max()));
    }
}
