package dev.meseta.cli;

import dev.meseta.Model;
import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Concrete shapes for a model's inputs: stated by the model, by {@code --shape}, by a dim of the same symbol, else by a default. */
final class Shapes {
    private static final long LARGEST_EXTENT = 1L << 40;

    private final Map<String, Shape> byName = new LinkedHashMap<>();
    private final Set<String> assumed = new LinkedHashSet<>();
    private final Defaults defaults;

    /** What an extent is taken as that nothing states. */
    @FunctionalInterface
    interface Defaults {
        long extent(Port port, int axis);
    }

    /** As the other constructor, with 1 for whatever is left open. */
    Shapes(Model model, List<String> given, Map<String, Data> data) {
        this(model, given, data, (_, _) -> 1);
    }

    /**
     * @param given arguments of {@code --shape}: {@code NAME=1,3,224,224}, or without a name for a single input; a name may also be that of
     *     an open extent, {@code batch=8}
     * @param data inputs that are there already; their extents hold for others of the same symbol
     * @throws InvalidInputException if one is not well-formed or does not fit the model
     */
    Shapes(Model model, List<String> given, Map<String, Data> data, Defaults defaults) {
        this.defaults = defaults;
        List<Port> inputs = model.inputs();
        Map<String, Shape> stated = new HashMap<>();
        Map<String, Long> symbols = new HashMap<>();
        for (String g : given) {
            Shape shape = parse(g.substring(g.lastIndexOf('=') + 1), g);
            String symbol = g.substring(0, Math.max(0, g.lastIndexOf('=')));
            if (shape.rank() == 1 && !hasInput(model, symbol) && hasSymbol(model, symbol)) {
                symbols.put(symbol, shape.extent(0));
                continue;
            }
            Port port = port(model, g);
            check(port, shape);
            stated.put(port.name(), shape);
        }
        data.forEach((name, d) -> {
            if (d instanceof Tensor t) stated.put(name, t.shape());
        });
        for (Port p : inputs) {
            Shape s = stated.get(p.name());
            Shape open = p.shape();
            if (s == null || open == null) continue;
            for (int i = 0; i < Math.min(s.rank(), open.rank()); i++) {
                String symbol = open.dim(i).symbol();
                if (symbol != null) symbols.putIfAbsent(symbol, s.extent(i));
            }
        }
        for (Port p : model.required()) {
            Shape shape = stated.containsKey(p.name()) ? stated.get(p.name()) : complete(p, symbols);
            if (shape != null) byName.put(p.name(), shape);
        }
    }

    /** The shape of an input; null where the model does not state even its rank. */
    @Nullable
    Shape of(Port port) {
        return byName.get(port.name());
    }

    /** What was assumed, such as {@code batch=1}; empty if everything was stated. */
    Set<String> assumed() {
        return assumed;
    }

    private @Nullable Shape complete(Port port, Map<String, Long> symbols) {
        if (port.shape() == null) return null;
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < port.shape().rank(); i++) {
            Dim d = port.shape().dim(i);
            Long bySymbol = d.symbol() == null ? null : symbols.get(d.symbol());
            if (!d.isKnown() && bySymbol == null) {
                bySymbol = defaults.extent(port, i);
                assumed.add((d.symbol() != null ? d.symbol() : port.name() + "[" + i + "]") + "=" + bySymbol);
                if (d.symbol() != null) symbols.put(d.symbol(), bySymbol);
            }
            dims.add(Dim.of(d.isKnown() || bySymbol == null ? d.extent() : bySymbol));
        }
        return Shape.of(dims);
    }

    static boolean hasInput(Model model, String name) {
        return model.inputs().stream().anyMatch(p -> p.name().equals(name));
    }

    /** Whether an input has an open extent of this name. */
    static boolean hasSymbol(Model model, String name) {
        for (Port p : model.required()) {
            Shape open = p.shape();
            for (int i = 0; open != null && i < open.rank(); i++) {
                if (!open.dim(i).isKnown() && name.equals(open.dim(i).symbol())) return true;
            }
        }
        return false;
    }

    private static Port port(Model model, String given) {
        List<Port> required = model.required();
        int equals = given.lastIndexOf('=');
        if (equals < 0 && required.size() == 1) return required.getFirst();
        String name = equals < 0 ? "" : given.substring(0, equals);
        for (Port p : model.inputs()) {
            if (p.name().equals(name)) return p;
        }
        throw new InvalidInputException("--shape " + given + ": "
                + (equals < 0 ? "which input? write NAME=" + given : "the model has no input '" + name + "'")
                + "; it takes " + Text.inputs(model));
    }

    private static Shape parse(String text, String given) {
        String list = text.strip();
        if (list.isEmpty() || list.equals("[]")) return Shape.SCALAR;
        if (list.startsWith("[") && list.endsWith("]")) list = list.substring(1, list.length() - 1);
        String[] parts = list.split("[,x]", -1);
        long[] extents = new long[parts.length];
        for (int i = 0; i < parts.length; i++) {
            try {
                extents[i] = Long.parseLong(parts[i].strip());
            } catch (NumberFormatException e) {
                throw new InvalidInputException(
                        "--shape " + given + ": '" + parts[i] + "' is no number; write NAME=1,3,224,224", e);
            }
            if (extents[i] < 0 || extents[i] > LARGEST_EXTENT) {
                throw new InvalidInputException("--shape " + given + ": no tensor has an extent of " + extents[i]);
            }
        }
        return Shape.of(extents);
    }

    private static void check(Port port, Shape shape) {
        Shape open = port.shape();
        boolean fits = open == null || open.rank() == shape.rank();
        for (int i = 0; fits && open != null && i < open.rank(); i++) {
            fits = !open.dim(i).isKnown() || open.extent(i) == shape.extent(i);
        }
        if (!fits) {
            throw new InvalidInputException(
                    "--shape " + shape + " does not fit input '" + port.name() + "', which is " + port.describe());
        }
    }
}
