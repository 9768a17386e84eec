package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A node's attributes by name. Values are {@link Long}, {@link Float}, {@link String}, {@code long[]}, {@code float[]},
 * {@code List<String>}, {@link Tensor}, {@link Data.Strings}, {@code List<Data>}, {@link Port} (a type), {@link Body} or {@code List<Body>}. A getter without a
 * default throws {@link InvalidInputException} if the attribute is missing; all do if it is of another type.
 */
public final class Attributes {
    private final String where;
    private final Map<String, Object> values;

    /**
     * A graph-valued attribute.
     *
     * @param program the graph as a program, whose inputs are its formal ones and then the captured ones
     * @param formal number of formal inputs
     * @param captured names in the surrounding scope, one for each captured input, in order
     */
    public record Body(Program program, int formal, List<String> captured) {
        public Body {
            captured = List.copyOf(captured);
        }

        /** The same program with more captured inputs, in the order of {@code names}, which holds every captured name. */
        public Program over(List<String> names) {
            List<Port> inputs = new ArrayList<>(program.inputs().subList(0, formal));
            for (String name : names) {
                int i = captured.indexOf(name);
                inputs.add(i >= 0 ? program.inputs().get(formal + i) : Port.any(unused(name)));
            }
            return new Program(program.name(), inputs, program.outputs(), program.constants(), program.calls());
        }

        /** A name that the body does not define itself, for an input that it does not read. */
        private static String unused(String name) {
            return "captured/" + name + "/unused";
        }
    }

    public Attributes(String where, Map<String, Object> values) {
        this.where = where;
        this.values = Map.copyOf(values);
    }

    public boolean has(String name) {
        return values.containsKey(name);
    }

    public Set<String> names() {
        return values.keySet();
    }

    public long integer(String name) {
        return get(name, Long.class);
    }

    public long integer(String name, long otherwise) {
        return has(name) ? integer(name) : otherwise;
    }

    public boolean flag(String name, boolean otherwise) {
        return has(name) ? integer(name) != 0 : otherwise;
    }

    public float real(String name) {
        return get(name, Float.class);
    }

    public float real(String name, float otherwise) {
        return has(name) ? real(name) : otherwise;
    }

    public String string(String name) {
        return get(name, String.class);
    }

    public String string(String name, String otherwise) {
        return has(name) ? string(name) : otherwise;
    }

    public long[] integers(String name) {
        return get(name, long[].class).clone();
    }

    public long @Nullable [] integersOrNull(String name) {
        return has(name) ? integers(name) : null;
    }

    public long[] integers(String name, long... otherwise) {
        return has(name) ? integers(name) : otherwise;
    }

    public float[] reals(String name) {
        return get(name, float[].class).clone();
    }

    public float[] reals(String name, float... otherwise) {
        return has(name) ? reals(name) : otherwise;
    }

    @SuppressWarnings("unchecked")
    public List<String> strings(String name) {
        return get(name, List.class);
    }

    public List<String> strings(String name, List<String> otherwise) {
        return has(name) ? strings(name) : otherwise;
    }

    public Tensor tensor(String name) {
        return get(name, Tensor.class);
    }

    public @Nullable Tensor tensorOrNull(String name) {
        return has(name) ? tensor(name) : null;
    }

    /** A numeric or string tensor. */
    public Data data(String name) {
        return get(name, Data.class);
    }

    public Body body(String name) {
        return get(name, Body.class);
    }

    /** The graphs among the values, in the order of the attributes' names. */
    public List<Body> bodies() {
        List<Body> bodies = new ArrayList<>();
        for (Object v : new TreeMap<>(values).values()) {
            if (v instanceof Body b) bodies.add(b);
            if (v instanceof List<?> list) {
                for (Object item : list) {
                    if (item instanceof Body b) bodies.add(b);
                }
            }
        }
        return bodies;
    }

    private <T> T get(String name, Class<T> type) {
        Object v = values.get(name);
        if (v == null) throw new InvalidInputException(where + ": attribute '" + name + "' is missing");
        if (!type.isInstance(v)) {
            throw new InvalidInputException(where + ": attribute '" + name + "' is a "
                    + v.getClass().getSimpleName() + ", expected " + type.getSimpleName());
        }
        return type.cast(v);
    }
}
