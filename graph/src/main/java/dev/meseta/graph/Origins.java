package dev.meseta.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which elements of small constants follow from the extents of inputs, and by which formula: what lets a shape that a model computes
 * keep the symbols of the dims that it was computed from. Only a note beside the constants' values, which alone decide what is right.
 */
final class Origins {
    /** Constants with more elements than this are not followed: they are no shapes. */
    private static final long MOST_ELEMENTS = 64;

    /** Per constant one formula an element, null where the element does not depend on an input's shape. */
    private final Map<Value, @Nullable String[]> formulas = new IdentityHashMap<>();

    void note(Value v, List<Dim> dims) {
        @Nullable String[] symbols = new String[dims.size()];
        boolean dynamic = false;
        for (int i = 0; i < symbols.length; i++) {
            symbols[i] = dims.get(i).symbol();
            dynamic |= symbols[i] != null;
        }
        if (dynamic) formulas.put(v, symbols);
    }

    void forget(Value v) {
        formulas.remove(v);
    }

    /** The elements of an integer constant as dims; one below -1 is not a dim. */
    List<Dim> dims(Value v, Tensor value) {
        @Nullable String @Nullable [] f = formulas.get(v);
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < value.elements(); i++) dims.add(new Dim(value.getLong(i), f == null ? null : f[i]));
        return dims;
    }

    /** Notes the formulas of a folded node's result. */
    void follow(Op op, List<Value> operands, List<Tensor> values, Value result, Tensor value, Folder folder) {
        boolean follows = false;
        for (Value v : operands) follows |= formulas.containsKey(v);
        if (!follows) return;
        if (value.elements() > MOST_ELEMENTS) return;
        for (Tensor t : values) if (t.elements() > MOST_ELEMENTS) return;
        @Nullable
        String[] f = switch (op) {
            case Op.Cast _ -> formulas.get(operands.getFirst());
            case Op.Map m -> map(m.function(), operands, values);
            case Op.Reduce r when value.elements() == 1 -> reduce(r, operands.getFirst(), values.getFirst());
            case Op.Reshape _, Op.Transpose _, Op.Broadcast _, Op.Slice _, Op.Concat _, Op.Pad _ ->
                moved(
                        op,
                        operands,
                        values,
                        folder,
                        IntStream.range(0, operands.size()).toArray());
            case Op.Gather _, Op.GatherElements _, Op.GatherNd _ -> moved(op, operands, values, folder, 0);
            case Op.ScatterElements s when s.combine() == Op.Combine.SET -> moved(op, operands, values, folder, 0, 2);
            case Op.ScatterNd s when s.combine() == Op.Combine.SET -> moved(op, operands, values, folder, 0, 2);
            default -> null;
        };
        if (f != null && Arrays.stream(f).anyMatch(x -> x != null)) formulas.put(result, f);
    }

    /** An op that only moves the elements of some operands is applied to their numbers, which say what went where. */
    private @Nullable String @Nullable [] moved(
            Op op, List<Value> operands, List<Tensor> values, Folder folder, int... data) {
        List<Tensor> in = new ArrayList<>(values);
        List<@Nullable String> all = new ArrayList<>();
        for (int o : data) {
            Tensor numbers = Tensor.allocate(DType.I64, values.get(o).shape());
            @Nullable String @Nullable [] f = formulas.get(operands.get(o));
            for (int i = 0; i < numbers.elements(); i++) {
                numbers.setLong(i, all.size());
                all.add(f == null ? null : f[i]);
            }
            in.set(o, numbers);
        }
        Tensor out = folder.evaluate(op, in).getFirst();
        @Nullable String[] f = new String[(int) out.elements()];
        for (int i = 0; i < f.length; i++) f[i] = all.get((int) out.getLong(i));
        return f;
    }

    private @Nullable String @Nullable [] map(MapFunction function, List<Value> operands, List<Tensor> values) {
        @Nullable String[] f = new String[(int) values.getFirst().elements()];
        // A decision is taken as given: another decision is another graph.
        if (function.isPredicate()) return f;
        for (int i = 0; i < f.length; i++) {
            if (function == MapFunction.SELECT) {
                f[i] = symbol(operands, values.getFirst().getLong(i) != 0 ? 1 : 2, i);
                continue;
            }
            List<String> terms = new ArrayList<>();
            boolean dynamic = false;
            for (int o = 0; o < operands.size(); o++) {
                String s = symbol(operands, o, i);
                dynamic |= s != null;
                terms.add(s != null ? s : constant(values.get(o), i));
            }
            if (dynamic) f[i] = formula(function, terms);
        }
        return f;
    }

    private @Nullable String symbol(List<Value> operands, int operand, int element) {
        @Nullable String @Nullable [] f = formulas.get(operands.get(operand));
        return f == null ? null : f[element];
    }

    private static String constant(Tensor t, int i) {
        return t.dtype().isFloat() ? Double.toString(t.getDouble(i)) : Long.toString(t.getLong(i));
    }

    private static String formula(MapFunction function, List<String> terms) {
        if (terms.size() != 2) return shortened(function.text() + "(" + String.join(",", terms) + ")");
        String a = terms.get(0);
        String b = terms.get(1);
        return switch (function) {
            case ADD -> a.equals("0") ? b : b.equals("0") ? a : shortened("(" + a + "+" + b + ")");
            case SUB -> b.equals("0") ? a : shortened("(" + a + "-" + b + ")");
            case MUL -> a.equals("1") ? b : b.equals("1") ? a : shortened("(" + a + "*" + b + ")");
            case DIV -> b.equals("1") ? a : shortened("(" + a + "/" + b + ")");
            default -> shortened(function.text() + "(" + a + "," + b + ")");
        };
    }

    private @Nullable String @Nullable [] reduce(Op.Reduce op, Value operand, Tensor value) {
        @Nullable String @Nullable [] f = formulas.get(operand);
        if (f == null) return null;
        MapFunction step = switch (op.kind()) {
            case SUM -> MapFunction.ADD;
            case PROD -> MapFunction.MUL;
            case MIN -> MapFunction.MIN;
            case MAX -> MapFunction.MAX;
            case AND, OR -> MapFunction.AND;
        };
        String all = f[0] != null ? f[0] : constant(value, 0);
        for (int i = 1; i < f.length; i++) all = formula(step, List.of(all, f[i] != null ? f[i] : constant(value, i)));
        return new String[] {all};
    }

    private static String shortened(String formula) {
        String s = Dim.symbolic("", 0).derive(0, formula).symbol();
        return s == null ? formula : s;
    }
}
