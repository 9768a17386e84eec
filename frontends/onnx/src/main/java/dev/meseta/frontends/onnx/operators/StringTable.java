package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Numbers for strings: equal strings have equal numbers, and the empty string has 0. What moves or compares elements does the same to the
 * numbers, so that strings need no definitions of their own.
 */
final class StringTable {
    private final Map<String, Integer> numbers = new HashMap<>();
    private final List<String> texts = new ArrayList<>();

    StringTable() {
        number("");
    }

    private int number(String text) {
        Integer known = numbers.get(text);
        if (known != null) return known;
        numbers.put(text, texts.size());
        texts.add(text);
        return texts.size() - 1;
    }

    /** The numbers of strings as I64; tensors stay as they are. Throws {@link IllegalArgumentException} for other kinds. */
    Tensor encode(Data data) {
        if (data instanceof Tensor t) return t;
        if (!(data instanceof Data.Strings s)) throw new IllegalArgumentException(data.describe());
        Tensor t = Tensor.allocate(DType.I64, s.shape().fixed());
        for (int i = 0; i < s.values().size(); i++)
            t.setLong(i, number(s.values().get(i)));
        return t;
    }

    /** The strings behind numbers. */
    Data.Strings decode(Tensor t) {
        List<String> values = new ArrayList<>();
        for (long i = 0; i < t.elements(); i++) values.add(texts.get(Math.toIntExact(t.getLong(i))));
        return new Data.Strings(t.shape(), values);
    }

    /** One op of the op set that moves elements, on tensors or on strings. */
    static Data move(Op op, Data operand, Tensor... others) {
        StringTable table = new StringTable();
        List<Tensor> operands = new ArrayList<>();
        operands.add(table.encode(operand));
        operands.addAll(List.of(others));
        return table.restore(Interpreter.evaluate(op, operands).getFirst(), operand);
    }

    /** A concatenation. All parts are of one kind. */
    static Data concat(int axis, List<Data> parts) {
        if (parts.size() == 1) return parts.getFirst();
        StringTable table = new StringTable();
        Tensor t = Interpreter.evaluate(
                        new Op.Concat(axis), parts.stream().map(table::encode).toList())
                .getFirst();
        return table.restore(t, parts.getFirst());
    }

    private Data restore(Tensor t, Data like) {
        return like instanceof Data.Strings ? decode(t) : t;
    }

    static Shape shape(Data data) {
        return switch (data) {
            case Tensor t -> t.shape();
            case Data.Strings s -> s.shape();
            default -> throw new IllegalArgumentException(data.describe());
        };
    }

    static Data reshape(Data data, Shape shape) {
        return switch (data) {
            case Tensor t -> t.reshape(shape);
            case Data.Strings s -> new Data.Strings(shape, s.values());
            default -> throw new IllegalArgumentException(data.describe());
        };
    }

    /** Elements [start, start + size) of an axis. */
    static Data slice(Data data, int axis, long start, long size) {
        Shape shape = shape(data);
        List<Long> starts = new ArrayList<>(java.util.Collections.nCopies(shape.rank(), 0L));
        starts.set(axis, start);
        Shape sizes = shape.fixed().with(axis, dev.meseta.graph.Dim.of(size));
        return move(new Op.Slice(starts, sizes.dims(), java.util.Collections.nCopies(shape.rank(), 1L)), data);
    }

    /** An empty tensor for places where an operator must give something of a type. */
    static Tensor empty(DType dtype, long... extents) {
        return Tensor.allocate(TensorType.of(dtype, extents));
    }
}
