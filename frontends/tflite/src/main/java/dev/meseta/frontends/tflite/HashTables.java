package dev.meseta.frontends.tflite;

import dev.meseta.frontends.tflite.format.ModelFile.Operator;
import dev.meseta.frontends.tflite.format.ModelFile.Subgraph;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Lowering;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tables from strings to integers of 64 bits or the other way round, which a model fills with constants when it begins. Immutable: a table is filled
 * once, whoever fills it first, and what is looked up in it is looked up in Java.
 */
final class HashTables {
    static final HashTables NONE = new HashTables(Map.of());

    private final Map<Integer, Map<Object, Object>> tables;

    private HashTables(Map<Integer, Map<Object, Object>> tables) {
        this.tables = tables;
    }

    /** The tables that these graphs of a model fill. */
    static HashTables of(ModelReader model, Iterable<Integer> graphs) {
        Map<Integer, Map<Object, Object>> tables = new HashMap<>();
        for (int g : graphs) {
            Subgraph s = model.subgraph(g, "a call");
            Map<Integer, Integer> handles = new HashMap<>();
            for (Operator o : s.operators()) {
                if (o.custom()) continue;
                if (o.name().equals("HASHTABLE") && o.outputs().length > 0)
                    handles.put(o.outputs()[0], o.options().integer(0));
                if (!o.name().equals("HASHTABLE_IMPORT") || o.inputs().length < 3) continue;
                Integer table = handles.get(o.inputs()[0]);
                if (table != null && !tables.containsKey(table))
                    tables.put(table, filled(constant(model, s, o.inputs()[1]), constant(model, s, o.inputs()[2])));
            }
        }
        return new HashTables(tables);
    }

    private static List<Object> constant(ModelReader model, Subgraph s, int tensor) {
        TensorInfo info = tensor < 0 ? null : s.tensors().get(tensor);
        if (info == null || !model.isConstant(info))
            throw new InvalidInputException("HASHTABLE_IMPORT: keys and values must be constant");
        return items(model.constant(info), "HASHTABLE_IMPORT");
    }

    private static Map<Object, Object> filled(List<Object> keys, List<Object> values) {
        if (keys.size() != values.size())
            throw new InvalidInputException(
                    "HASHTABLE_IMPORT: there are " + keys.size() + " keys and " + values.size() + " values");
        Map<Object, Object> table = new HashMap<>();
        for (int i = 0; i < keys.size(); i++) table.putIfAbsent(keys.get(i), values.get(i));
        return table;
    }

    /** Strings, or integers of 64 bits. */
    private static List<Object> items(@Nullable Data data, String where) {
        if (data instanceof Data.Strings s) return List.copyOf(s.values());
        if (!(data instanceof Tensor t) || t.dtype() != DType.I64)
            throw new InvalidInputException(where + ": keys and values are strings or integers of 64 bits, found "
                    + (data == null ? "nothing" : data.describe()));
        List<Object> items = new ArrayList<>();
        for (long v : t.toLongs()) items.add(v);
        return items;
    }

    private Map<Object, Object> table(int number, String where) {
        Map<Object, Object> table = tables.get(number);
        if (table == null) throw new InvalidInputException(where + ": nothing fills the table " + number);
        return table;
    }

    /** Operands: keys, and what stands for keys that are not there. */
    Lowering.Host find(int number, TensorInfo result, String where) {
        Map<Object, Object> table = table(number, where);
        return data -> {
            Data keys = data.getFirst();
            List<Object> absent = items(data.get(1), where);
            if (absent.size() != 1)
                throw new InvalidInputException(where + ": there are " + absent.size() + " defaults, expected one");
            List<Object> found = items(keys, where).stream()
                    .map(k -> table.getOrDefault(k, absent.getFirst()))
                    .toList();
            Shape shape = keys instanceof Data.Strings s ? s.shape() : ((Tensor) keys).shape();
            return List.of(data(result, shape, found, where));
        };
    }

    private static Data data(TensorInfo result, Shape shape, List<Object> items, String where) {
        if (result.element() == TensorInfo.STRING && items.stream().allMatch(String.class::isInstance))
            return new Data.Strings(shape, items.stream().map(String::valueOf).toList());
        if (result.dtype() != DType.I64 || !items.stream().allMatch(Long.class::isInstance))
            throw new InvalidInputException(where + ": what is found is not what the result is to be");
        Tensor t = Tensor.allocate(new TensorType(DType.I64, shape));
        for (int i = 0; i < items.size(); i++) t.setLong(i, (Long) items.get(i));
        return t;
    }

    /** How many entries a table has. */
    Lowering.Expand size(int number, String where) {
        long size = table(number, where).size();
        return c -> List.of(c.builder().constant(Tensor.of(new long[] {size}, 1)));
    }
}
