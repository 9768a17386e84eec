package dev.meseta;

import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a run gave, by output name, in the model's order. */
public final class Outputs {
    private final Map<String, Data> values;

    Outputs(Map<String, Data> values) {
        this.values = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /** All outputs in the model's order; optional outputs that the run did not give are missing. */
    public Map<String, Data> all() {
        return values;
    }

    /** The tensor of this name. Throws {@link InvalidInputException} if there is no such output, or it is not a tensor. */
    public Tensor get(String name) {
        Data d = data(name);
        if (d instanceof Tensor t) return t;
        throw new InvalidInputException("output '" + name + "' is " + d.describe() + ", not a tensor");
    }

    /** The output of this name, whatever it is. Throws {@link InvalidInputException} that lists the names there are. */
    public Data data(String name) {
        Data d = values.get(name);
        if (d == null) throw new InvalidInputException("no output '" + name + "'; there are " + values.keySet());
        return d;
    }

    /** The first output, as a tensor. Throws {@link InvalidInputException} if there is none, or it is not a tensor. */
    public Tensor first() {
        if (values.isEmpty()) throw new InvalidInputException("the run gave no outputs");
        return get(values.keySet().iterator().next());
    }
}
