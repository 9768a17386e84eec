package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The operators of ai.onnx.ml that prepare features and name results. */
final class FeatureOperators {
    private FeatureOperators() {}

    static void register(Registry r) {
        for (int since : new int[] {1, 2, 4}) r.add(Registry.ML, "LabelEncoder", since, FeatureOperators::labelEncoder);
        r.add(Registry.ML, "CategoryMapper", 1, FeatureOperators::categoryMapper);
        r.add(
                Registry.ML,
                "ArrayFeatureExtractor",
                1,
                StringOperators.onStrings(_ -> (Lowering.Expand) FeatureOperators::extract, true));
        r.add(Registry.ML, "Binarizer", 1, node -> {
            float threshold = node.attributes().real("threshold", 0f);
            return (Lowering.Expand) c -> {
                Value x = c.operand(0);
                GraphBuilder b = c.builder();
                Value above = b.map(MapFunction.GT, x, b.scalar(x.dtype(), (double) threshold));
                return List.of(b.cast(above, x.dtype()));
            };
        });
        r.add(Registry.ML, "Scaler", 1, FeatureOperators::scaler);
        r.add(Registry.ML, "Normalizer", 1, FeatureOperators::normalizer);
        r.add(Registry.ML, "Imputer", 1, FeatureOperators::imputer);
        r.add(Registry.ML, "OneHotEncoder", 1, FeatureOperators::oneHot);
        r.add(Registry.ML, "FeatureVectorizer", 1, FeatureOperators::vectorizer);
        r.add(Registry.ML, "ZipMap", 1, FeatureOperators::zipMap);
        r.add(Registry.ML, "DictVectorizer", 1, FeatureOperators::dictVectorizer);
    }

    /** A list of keys or values of one type, from whichever attribute holds it. */
    private static Data column(OperatorNode node, String prefix) {
        Attributes a = node.attributes();
        if (a.has(prefix + "_tensor")) return a.data(prefix + "_tensor");
        if (a.has(prefix + "_strings")) {
            List<String> s = a.strings(prefix + "_strings");
            return new Data.Strings(Shape.of(s.size()), s);
        }
        if (a.has(prefix + "_int64s")) {
            long[] v = a.integers(prefix + "_int64s");
            return Tensor.of(v, v.length);
        }
        if (a.has(prefix + "_floats")) {
            float[] v = a.reals(prefix + "_floats");
            return Tensor.of(v, v.length);
        }
        throw node.error("has no " + prefix + "_…");
    }

    private static Data fallback(OperatorNode node, Data values) {
        Attributes a = node.attributes();
        if (a.has("default_tensor")) return a.data("default_tensor");
        if (!(values instanceof Tensor t)) {
            return new Data.Strings(Shape.SCALAR, List.of(a.string("default_string", "_Unused")));
        }
        if (t.dtype().isFloat()) return Tensor.scalar(t.dtype(), (double) a.real("default_float", -0f));
        return Tensor.scalar(t.dtype(), a.integer("default_int64", -1));
    }

    /** Element i as a key: equal numbers are equal whatever their type, and so are all NaN. */
    private static Object key(Data data, int i) {
        if (data instanceof Data.Strings s) return s.values().get(i);
        Tensor t = (Tensor) data;
        // Adding zero makes the two zeros one.
        return t.dtype().isFloat() ? (Object) (t.getDouble(i) + 0.0) : (Object) t.getLong(i);
    }

    private static Lowering labelEncoder(OperatorNode node) {
        if (node.opset() < 2) return firstLabelEncoder(node);
        Data keys = column(node, "keys");
        Data values = column(node, "values");
        Data otherwise = fallback(node, values);
        return table(node, keys, values, otherwise);
    }

    private static Lowering.Host table(OperatorNode node, Data keys, Data values, Data otherwise) {
        long n = StringTable.shape(keys).elements();
        if (n != StringTable.shape(values).elements()) {
            throw node.error(
                    "has " + n + " keys and " + StringTable.shape(values).elements() + " values");
        }
        if (values instanceof Data.Strings != otherwise instanceof Data.Strings) {
            throw node.error("has a default of another type than its values");
        }
        Map<Object, Integer> places = new HashMap<>();
        for (int i = 0; i < n; i++) places.put(key(keys, i), i);
        return data -> {
            Operands o = new Operands(node, data);
            Data x = o.get(0);
            if (x instanceof Data.Strings != keys instanceof Data.Strings
                    || x instanceof Tensor t
                            && keys instanceof Tensor k
                            && t.dtype().isFloat() != k.dtype().isFloat()) {
                throw o.error("has keys " + keys.describe() + ", got " + x.describe());
            }
            return List.of(look(x, places, values, otherwise));
        };
    }

    private static Data look(Data x, Map<Object, Integer> places, Data values, Data otherwise) {
        Shape shape = StringTable.shape(x);
        int n = Math.toIntExact(shape.elements());
        if (values instanceof Data.Strings texts && otherwise instanceof Data.Strings other) {
            List<String> result = new ArrayList<>();
            for (int i = 0; i < n; i++) {
                Integer at = places.get(key(x, i));
                result.add(
                        at == null ? other.values().getFirst() : texts.values().get(at));
            }
            return new Data.Strings(shape, result);
        }
        Tensor from = (Tensor) values;
        Tensor other = (Tensor) otherwise;
        Tensor result = Tensor.allocate(from.dtype(), shape.fixed());
        for (int i = 0; i < n; i++) {
            Integer at = places.get(key(x, i));
            Tensor source = at == null ? other : from;
            long place = at == null ? 0 : at;
            if (from.dtype().isFloat()) result.setDouble(i, source.getDouble(place));
            else result.setLong(i, source.getLong(place));
        }
        return result;
    }

    /** Strings to their positions in a list, or positions to strings. */
    private static Lowering firstLabelEncoder(OperatorNode node) {
        List<String> classes = node.attributes().strings("classes_strings", List.of());
        long[] positions = new long[classes.size()];
        for (int i = 0; i < positions.length; i++) positions[i] = i;
        return bothWays(node, classes, positions);
    }

    private static Lowering categoryMapper(OperatorNode node) {
        return bothWays(
                node,
                node.attributes().strings("cats_strings", List.of()),
                node.attributes().integers("cats_int64s", new long[0]));
    }

    private static Lowering bothWays(OperatorNode node, List<String> texts, long[] numbers) {
        Data strings = new Data.Strings(Shape.of(texts.size()), texts);
        Tensor integers = Tensor.of(numbers, numbers.length);
        Lowering.Host toNumbers = table(node, strings, integers, fallback(node, integers));
        Lowering.Host toTexts = table(node, integers, strings, fallback(node, strings));
        return (Lowering.Host) data -> {
            boolean given = new Operands(node, data).get(0) instanceof Data.Strings;
            return given ? toNumbers.run(data) : toTexts.run(data);
        };
    }

    private static List<Value> extract(LoweringContext c) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        c.require(x.rank() > 0, "takes an array, got a scalar");
        // A vector is one row.
        if (x.rank() == 1) x = b.reshape(x, x.shape().insert(0, Dim.of(1)));
        Value places = c.operand(1);
        Value flat = b.reshape(
                places, Shape.of(List.of(Expansions.product(places.shape().dims()))));
        return List.of(b.add(new Op.Gather(x.rank() - 1), x, flat));
    }

    private static Value floats(GraphBuilder b, float[] v) {
        return b.constant(v.length == 1 ? Tensor.of(v) : Tensor.of(v, v.length));
    }

    private static Lowering scaler(OperatorNode node) {
        float[] offset = node.attributes().reals("offset", 0f);
        float[] scale = node.attributes().reals("scale", 1f);
        if (offset.length == 0 || scale.length == 0) throw node.error("has no offset or no scale");
        return (Lowering.Expand) c -> {
            GraphBuilder b = c.builder();
            Value x = b.cast(c.operand(0), DType.F32);
            return List.of(b.times(b.minus(x, floats(b, offset)), floats(b, scale)));
        };
    }

    private static Lowering normalizer(OperatorNode node) {
        String norm = node.attributes().string("norm", "MAX");
        if (!List.of("MAX", "L1", "L2").contains(norm)) throw node.error("unknown norm '" + norm + "'");
        return (Lowering.Expand) c -> {
            GraphBuilder b = c.builder();
            Value x = b.cast(c.operand(0), DType.F32);
            c.require(x.rank() == 1 || x.rank() == 2, "takes [n] or [rows,n]");
            List<Integer> axis = List.of(x.rank() - 1);
            Value size = switch (norm) {
                // The largest element as it is, not the largest size: so says the specification.
                case "MAX" -> b.reduce(ReduceKind.MAX, x, axis, true);
                case "L1" -> b.reduce(ReduceKind.SUM, b.map(MapFunction.ABS, x), axis, true);
                default -> b.map(MapFunction.SQRT, b.reduce(ReduceKind.SUM, b.times(x, x), axis, true));
            };
            Value zero = b.map(MapFunction.EQ, size, b.scalar(DType.F32, 0.0));
            return List.of(b.divide(x, b.select(zero, b.scalar(DType.F32, 1.0), size)));
        };
    }

    private static Lowering imputer(OperatorNode node) {
        Attributes a = node.attributes();
        boolean whole = a.has("imputed_value_int64s");
        return (Lowering.Expand) c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            if (whole) {
                long[] values = a.integers("imputed_value_int64s");
                Value missing = b.map(MapFunction.EQ, x, b.scalar(x.dtype(), a.integer("replaced_value_int64", 0)));
                return List.of(b.select(missing, b.cast(b.longs(values), x.dtype()), x));
            }
            float replaced = a.real("replaced_value_float", 0f);
            Value missing = Float.isNaN(replaced)
                    ? b.map(MapFunction.IS_NAN, x)
                    : b.map(MapFunction.EQ, x, b.scalar(x.dtype(), (double) replaced));
            return List.of(b.select(missing, b.cast(floats(b, a.reals("imputed_value_floats")), x.dtype()), x));
        };
    }

    private static Lowering oneHot(OperatorNode node) {
        Attributes a = node.attributes();
        boolean strict = !a.flag("zeros", true);
        boolean texts = a.has("cats_strings");
        List<String> names = a.strings("cats_strings", List.of());
        long[] numbers = a.integers("cats_int64s", new long[0]);
        Map<Object, Integer> places = new HashMap<>();
        for (int i = 0; i < names.size(); i++) places.put(names.get(i), i);
        for (int i = 0; i < numbers.length && !texts; i++) places.put(numbers[i], i);
        int width = texts ? names.size() : numbers.length;
        return (Lowering.Host) data -> {
            Operands o = new Operands(node, data);
            Data x = o.get(0);
            Shape shape = StringTable.shape(x);
            Tensor result = Tensor.allocate(DType.F32, shape.fixed().insert(shape.rank(), Dim.of(width)));
            for (int i = 0; i < shape.elements(); i++) {
                Object key = x instanceof Tensor t ? (Object) t.getLong(i) : key(x, i);
                Integer at = places.get(key);
                if (at != null) result.setDouble((long) i * width + at, 1);
                else if (strict) throw o.error("element " + i + ", '" + key + "', is no category");
            }
            return List.of(result);
        };
    }

    private static Lowering vectorizer(OperatorNode node) {
        long[] sizes = node.attributes().integers("inputdimensions", new long[0]);
        return (Lowering.Expand) c -> {
            GraphBuilder b = c.builder();
            List<Value> parts = new ArrayList<>();
            for (int i = 0; i < c.operandCount(); i++) {
                Value x = b.cast(c.operand(i), DType.F32);
                if (x.rank() == 1) x = b.reshape(x, x.shape().insert(0, Dim.of(1)));
                c.require(x.rank() == 2, "takes [n] or [rows,n], got " + c.type(i));
                if (i < sizes.length && sizes[i] < x.extent(1)) x = b.slice(x, 1, 0, sizes[i]);
                parts.add(x);
            }
            return List.of(b.concat(1, parts));
        };
    }

    private static Lowering zipMap(OperatorNode node) {
        LinearModels.Labels labels = LinearModels.Labels.of(node, "classlabels_int64s", "classlabels_strings");
        return (Lowering.Host) data -> {
            Operands o = new Operands(node, data);
            Tensor x = o.tensor(0);
            int rank = x.shape().rank();
            int n = labels.size();
            if (rank < 1 || rank > 2 || x.shape().extent(rank - 1) != n)
                throw o.error("has " + n + " labels, got " + x.shape());
            List<Data> rows = new ArrayList<>();
            for (int row = 0; row < x.elements() / n; row++) {
                Map<Object, Data> entries = new HashMap<>();
                for (int i = 0; i < n; i++) {
                    Object key = labels.texts().isEmpty()
                            ? (Object) labels.numbers()[i]
                            : labels.texts().get(i);
                    entries.put(key, Tensor.scalar(DType.F32, x.getDouble((long) row * n + i)));
                }
                rows.add(new Data.Mapping(entries));
            }
            return List.of(new Data.Sequence(rows));
        };
    }

    private static Lowering dictVectorizer(OperatorNode node) {
        List<Object> keys = new ArrayList<>(node.attributes().strings("string_vocabulary", List.of()));
        for (long k : node.attributes().integers("int64_vocabulary", new long[0])) keys.add(k);
        return (Lowering.Host) data -> {
            Operands o = new Operands(node, data);
            if (!(o.get(0) instanceof Data.Mapping map))
                throw o.error("takes a map, got " + o.get(0).describe());
            DType dtype = DType.F32;
            for (Data v : map.entries().values()) {
                if (!(v instanceof Tensor t) || t.elements() != 1) throw o.error("takes a map to numbers");
                dtype = t.dtype();
            }
            Tensor result = Tensor.allocate(dtype, Shape.of(1, keys.size()));
            for (int i = 0; i < keys.size(); i++) {
                if (!(map.entries().get(keys.get(i)) instanceof Tensor t)) continue;
                if (dtype.isFloat()) result.setDouble(i, t.getDouble(0));
                else result.setLong(i, t.getLong(0));
            }
            return List.of(result);
        };
    }
}
