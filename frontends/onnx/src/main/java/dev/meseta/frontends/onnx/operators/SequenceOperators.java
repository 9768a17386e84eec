package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.OperatorDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/** Sequences and optionals: what devices know nothing of. */
final class SequenceOperators {
    private SequenceOperators() {}

    static void register(Registry r) {
        r.host("SequenceEmpty", 11, _ -> _ -> List.of(new Data.Sequence(List.of())));
        r.host("SequenceConstruct", 11, one(SequenceOperators::construct));
        r.host(
                "SequenceAt",
                11,
                one(o -> o.sequence(0).get(place(o, 1, o.sequence(0).size() - 1))));
        r.host("SequenceInsert", 11, one(SequenceOperators::insert));
        r.host("SequenceErase", 11, one(SequenceOperators::erase));
        r.host(
                "SequenceLength",
                11,
                one(o -> Tensor.scalar(DType.I64, (long) o.sequence(0).size())));
        r.host("SplitToSequence", 11, one(SequenceOperators::split));
        r.host("ConcatFromSequence", 11, one(SequenceOperators::concat));
        r.host("Optional", 15, one(o -> new Data.Optional(o.has(0) ? o.get(0) : null)));
        r.host("OptionalHasElement", 15, one(o -> Tensor.scalar(DType.BOOL, hasElement(o) ? 1L : 0L)));
        r.host("OptionalGetElement", 15, one(SequenceOperators::getElement));
    }

    /** A definition with one result. */
    static OperatorDefinition.Hosting<OperatorNode> one(Function<Operands, Data> f) {
        return node -> {
            Lowering.Host host = data -> List.of(f.apply(new Operands(node, data)));
            return host;
        };
    }

    private static Data construct(Operands o) {
        return new Data.Sequence(
                o.data().stream().filter(Objects::nonNull).map(d -> (Data) d).toList());
    }

    /** A position in [0, last] from operand i, where negative ones count from the end of the sequence. */
    private static int place(Operands o, int i, int last) {
        int size = o.sequence(0).size();
        long position = o.integer(i);
        long p = position < 0 ? position + size : position;
        if (p < 0 || p > last) throw o.error("position " + position + " is outside a sequence of " + size);
        return (int) p;
    }

    private static Data insert(Operands o) {
        List<Data> items = new ArrayList<>(o.sequence(0));
        items.add(o.has(2) ? place(o, 2, items.size()) : items.size(), o.get(1));
        return new Data.Sequence(items);
    }

    private static Data erase(Operands o) {
        List<Data> items = new ArrayList<>(o.sequence(0));
        if (items.isEmpty()) throw o.error("cannot erase from an empty sequence");
        items.remove(o.has(1) ? place(o, 1, items.size() - 1) : items.size() - 1);
        return new Data.Sequence(items);
    }

    private static Data split(Operands o) {
        Data input = tensor(o, o.get(0));
        Shape shape = StringTable.shape(input);
        int axis = o.axis(o.node().attributes().integer("axis", 0), shape.rank());
        long extent = shape.extent(axis);
        List<Data> parts = new ArrayList<>();
        if (o.has(1) && o.tensor(1).shape().rank() > 0) {
            long start = 0;
            for (long size : o.tensor(1).toLongs()) {
                if (size < 0 || size > extent - start) throw o.error("split sizes do not add up to " + extent);
                parts.add(StringTable.slice(input, axis, start, size));
                start += size;
            }
            if (start != extent) throw o.error("split sizes add up to " + start + " instead of " + extent);
            return new Data.Sequence(parts);
        }
        long size = o.has(1) ? o.integer(1) : 1;
        if (size < 1) throw o.error("cannot split into parts of " + size);
        boolean keep = o.has(1) || o.node().attributes().flag("keepdims", true);
        for (long start = 0; start < extent; start += size) {
            Data part = StringTable.slice(input, axis, start, Math.min(size, extent - start));
            parts.add(keep ? part : StringTable.reshape(part, shape.without(axis)));
        }
        return new Data.Sequence(parts);
    }

    private static Data concat(Operands o) {
        List<Data> items = o.sequence(0);
        if (items.isEmpty()) throw o.error("cannot concatenate an empty sequence");
        boolean stack = o.node().attributes().flag("new_axis", false);
        int rank = StringTable.shape(tensor(o, items.getFirst())).rank();
        int axis = o.axis(o.node().attributes().integer("axis"), stack ? rank + 1 : rank);
        List<Data> parts = new ArrayList<>();
        for (Data item : items) {
            Data part = tensor(o, item);
            Shape shape = StringTable.shape(part);
            if (shape.rank() != rank) throw o.error("the items' ranks differ");
            if (part instanceof Data.Strings != items.getFirst() instanceof Data.Strings) {
                throw o.error("the items' types differ");
            }
            parts.add(stack ? StringTable.reshape(part, shape.insert(axis, Dim.of(1))) : part);
        }
        return StringTable.concat(axis, parts);
    }

    private static Data tensor(Operands o, Data d) {
        if (d instanceof Tensor || d instanceof Data.Strings) return d;
        throw o.error("expected a tensor, got " + d.describe());
    }

    private static boolean hasElement(Operands o) {
        if (!o.has(0)) return false;
        return !(o.get(0) instanceof Data.Optional optional) || optional.value() != null;
    }

    private static Data getElement(Operands o) {
        if (!(o.get(0) instanceof Data.Optional optional)) return o.get(0);
        Data value = optional.value();
        if (value == null) throw o.error("the optional is empty");
        return value;
    }
}
