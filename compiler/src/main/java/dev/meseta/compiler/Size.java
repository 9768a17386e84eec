package dev.meseta.compiler;

import dev.meseta.graph.Dim;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A whole number that a kernel knows: a literal times extents that are arguments. The numbers behind the symbols are those of the graph
 * at hand; a decision may look at them, since another graph makes its own decisions.
 *
 * @param factor the literal, of any sign
 * @param symbols extents that are arguments, sorted
 */
record Size(long factor, List<Symbol> symbols) {
    static final Size ZERO = new Size(0, List.of());
    static final Size ONE = new Size(1, List.of());

    /**
     * An extent that follows from an input's shape.
     *
     * @param name its formula
     * @param extent its value
     */
    record Symbol(String name, long extent) implements Comparable<Symbol> {
        @Override
        public int compareTo(Symbol o) {
            int c = name.compareTo(o.name);
            return c != 0 ? c : Long.compare(extent, o.extent);
        }
    }

    Size {
        symbols = factor == 0 ? List.of() : List.copyOf(symbols);
    }

    static Size of(long literal) {
        return literal == 1 ? ONE : literal == 0 ? ZERO : new Size(literal, List.of());
    }

    static Size of(Dim d) {
        String symbol = d.symbol();
        return symbol == null ? of(d.extent()) : new Size(1, List.of(new Symbol(symbol, d.extent())));
    }

    static List<Size> of(List<Dim> dims) {
        List<Size> sizes = new ArrayList<>(dims.size());
        for (Dim d : dims) sizes.add(of(d));
        return List.copyOf(sizes);
    }

    static Size product(List<Size> sizes) {
        Size p = ONE;
        for (Size s : sizes) p = p.times(s);
        return p;
    }

    /** Row-major strides of a dense shape. */
    static List<Size> strides(List<Size> shape) {
        Size[] s = new Size[shape.size()];
        Size n = ONE;
        for (int i = s.length - 1; i >= 0; i--) {
            s[i] = n;
            n = n.times(shape.get(i));
        }
        return List.of(s);
    }

    long value() {
        long v = factor;
        for (Symbol s : symbols) v = Math.multiplyExact(v, s.extent());
        return v;
    }

    boolean isLiteral() {
        return symbols.isEmpty();
    }

    boolean is(long literal) {
        return symbols.isEmpty() && factor == literal;
    }

    Size times(Size o) {
        if (o.is(1)) return this;
        if (is(1)) return o;
        if (symbols.isEmpty() && o.symbols.isEmpty()) return of(Math.multiplyExact(factor, o.factor));
        List<Symbol> all = new ArrayList<>(symbols);
        all.addAll(o.symbols);
        all.sort(null);
        return new Size(Math.multiplyExact(factor, o.factor), all);
    }

    Size times(long literal) {
        return times(of(literal));
    }

    /** This divided by another whatever the extents are, or null if that is not known to be exact. */
    @Nullable
    Size over(Size d) {
        if (d.factor == 0 || factor % d.factor != 0) return null;
        List<Symbol> rest = new ArrayList<>(symbols);
        for (Symbol s : d.symbols) {
            if (!rest.remove(s)) return null;
        }
        return new Size(factor / d.factor, rest);
    }
}
