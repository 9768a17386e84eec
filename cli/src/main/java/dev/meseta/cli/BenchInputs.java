package dev.meseta.cli;

import dev.meseta.Model;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Port;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Inputs to measure with, from a seed: what a program would give, as far as names, types and the model tell. Floats are those of
 * {@link RandomInputs}. Integers that index a table of the model lie within it; masks are ones; positions count up; a rate of samples is
 * 16000 a second; other integers are those of {@link RandomInputs}.
 */
final class BenchInputs {
    /** Open extents by what an axis seems to be. */
    private static final long TOKENS = 128;

    private static final long PIXELS = 224;
    private static final long SAMPLES = 512;
    private static final long SAMPLE_RATE = 16_000;

    /** Calls through which an index goes unchanged on its way to a table. */
    private static final Set<String> UNCHANGED =
            Set.of("Cast", "Identity", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Expand", "Slice", "Transpose");

    private BenchInputs() {}

    /** What an open extent is taken as: a batch of 1, 128 tokens, pictures of 224 by 224. */
    static long extent(Port port, int axis) {
        Shape shape = port.shape();
        if (shape == null) return 1;
        String name = name(port);
        String stated = shape.dim(axis).symbol();
        String symbol = stated == null ? "" : stated.toLowerCase(Locale.ROOT);
        if (symbol.contains("batch") || axis == 0) return shape.rank() == 1 && isInteger(port) ? TOKENS : 1;
        if (symbol.contains("seq") || symbol.contains("token")) return TOKENS;
        if (has(name, "state", "hidden", "cell", "cache", "past")) return 1;
        if (shape.rank() >= 4) return PIXELS;
        return shape.rank() == 2 && !isInteger(port) ? SAMPLES : TOKENS;
    }

    static Data fill(Model model, Port port, TensorType type, long seed) {
        if (type.dtype().isFloat() || type.dtype().kind() == DType.Kind.COMPLEX) {
            return RandomInputs.fill(seed, port.name(), type);
        }
        String name = name(port);
        if (has(name, "mask") || type.dtype() == DType.BOOL) return all(type, 1);
        if (name.equals("sr") || has(name, "sample_rate", "sampling_rate", "samplerate")) return all(type, SAMPLE_RATE);
        OptionalLong table = table(model, port.name());
        if (has(name, "position")) return positions(type, table.orElse(Long.MAX_VALUE));
        if (has(name, "token_type", "segment")) return all(type, 0);
        return table.isPresent()
                ? below(table.getAsLong(), RandomInputs.fill(seed, port.name(), type.with(DType.F64)), type)
                : RandomInputs.fill(seed, port.name(), type);
    }

    private static String name(Port port) {
        return port.name().toLowerCase(Locale.ROOT);
    }

    private static boolean has(String name, String... parts) {
        for (String p : parts) {
            if (name.contains(p)) return true;
        }
        return false;
    }

    private static boolean isInteger(Port port) {
        return port.dtype() != null && !port.dtype().isFloat();
    }

    private static Tensor all(TensorType type, long value) {
        Tensor t = Tensor.allocate(type);
        for (long i = 0; i < t.elements(); i++) t.setLong(i, value);
        return t;
    }

    private static Tensor positions(TensorType type, long bound) {
        Tensor t = Tensor.allocate(type);
        int rank = type.shape().rank();
        long row = rank == 0 ? 1 : Math.max(1, type.shape().extent(rank - 1));
        for (long i = 0; i < t.elements(); i++) t.setLong(i, i % row % bound);
        return t;
    }

    /** Whole numbers in [0, bound) from numbers in [0, 1). */
    private static Tensor below(long bound, Tensor unit, TensorType type) {
        Tensor t = Tensor.allocate(type);
        for (long i = 0; i < t.elements(); i++) t.setLong(i, (long) (unit.getDouble(i) * bound));
        return t;
    }

    /** The number of rows of the smallest constant table that an input indexes; empty if it indexes none. */
    private static OptionalLong table(Model model, String input) {
        Map<String, Data> constants = model.program().constants();
        Set<String> same = new HashSet<>(List.of(input));
        long rows = Long.MAX_VALUE;
        // Calls stand in an order in which they can run, so one walk sees every name after its source.
        for (Call c : model.program().calls()) {
            List<String> in = c.inputs();
            String operator = c.operator().replaceAll("^.*\\.|-\\d+$", "");
            if (UNCHANGED.contains(operator) && !in.isEmpty() && same.contains(in.getFirst())) {
                same.addAll(c.outputs());
            } else if (operator.equals("Gather") && in.size() == 2 && same.contains(in.get(1))) {
                Data data = constants.get(source(model, in.getFirst()));
                if (data instanceof Tensor t && t.shape().rank() > 1) {
                    rows = Math.min(rows, t.shape().extent(0));
                }
            }
        }
        return rows == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(rows);
    }

    /** The constant behind a table that is stored in narrow numbers. */
    private static String source(Model model, String table) {
        for (Call c : model.program().calls()) {
            if (c.outputs().contains(table) && c.operator().contains("DequantizeLinear"))
                return c.inputs().getFirst();
        }
        return table;
    }
}
