package dev.meseta.graph.quantized;

import dev.meseta.graph.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The attributes of a composite: integers and lists of integers, read and written by name. */
final class Attributes {
    private final String op;
    private final Map<String, Object> values;

    private Attributes(String op, Map<String, Object> values) {
        this.op = op;
        this.values = values;
    }

    static Attributes of(Op.Composite composite) {
        return new Attributes(composite.name(), composite.attributes());
    }

    static Attributes empty() {
        return new Attributes("", new TreeMap<>());
    }

    Map<String, Object> map() {
        return values;
    }

    Attributes with(String name, long value) {
        values.put(name, value);
        return this;
    }

    Attributes with(String name, boolean value) {
        return with(name, value ? 1 : 0);
    }

    Attributes with(String name, List<Long> value) {
        values.put(name, List.copyOf(value));
        return this;
    }

    Attributes with(Scaling s) {
        return with("multipliers", s.multipliers()).with("shifts", s.shifts()).with("wide", s.wide());
    }

    Attributes with(Clamp c) {
        return with("output_zero", c.zero()).with("min", c.min()).with("max", c.max());
    }

    long integer(String name) {
        if (values.get(name) instanceof Long l) return l;
        throw new IllegalArgumentException(op + " has no integer '" + name + "' among its attributes " + values);
    }

    boolean flag(String name) {
        return integer(name) != 0;
    }

    List<Long> longs(String name) {
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
    List<Long> longs(String name, int count) {
        List<Long> l = longs(name);
        if (l.size() != count)
            throw new IllegalArgumentException(op + "'s '" + name + "' has " + l.size() + " entries, not " + count);
        return l;
    }

    Scaling scaling() {
        return new Scaling(longs("multipliers"), longs("shifts"), flag("wide"));
    }

    Clamp clamp() {
        return new Clamp(integer("output_zero"), integer("min"), integer("max"));
    }
}
