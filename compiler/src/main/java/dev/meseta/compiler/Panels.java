package dev.meseta.compiler;

import dev.meseta.compiler.TileKernel.Operand;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.linux.LargeMemory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;

/**
 * The columns of a product in the order in which tiles read them: panels as wide as a tile, in a panel all steps of the sum, for each
 * step the columns behind each other. Where the width does not divide the number of columns, the last panel begins so that it ends with
 * the last column. Constants are packed once, when they are compiled; other operands by a kernel.
 *
 * @param place where they are
 * @param panel the loop variable that stands for the panel's number in the offset
 * @param offset of the panel's first column, by panel, other loops and steps of the sum
 */
record Panels(Place place, Atom panel, Lin offset) {
    /** Constants that were packed, as long as the models that they belong to are in use. */
    private static final Map<Tensor, Map<List<Object>, Tensor>> PACKED = new WeakHashMap<>();

    /** Packs the columns of a product. */
    static Panels of(Assembly a, Points points, TileKernel.Shape s, String origin) {
        Operand c = s.columns();
        List<Atom> loops = new ArrayList<>();
        for (Atom o : s.others()) if ((c.offset().vars() & o.vars()) != 0) loops.add(o);
        for (Atom k : s.summed()) if ((c.offset().vars() & k.vars()) != 0) loops.add(k);
        Size n = s.n().extent();
        long count = (n.value() + s.width() - 1) / s.width();
        Size panels = n.isLiteral()
                ? Size.of(count)
                : new Size(1, List.of(new Size.Symbol("panels " + s.width() + " " + n, count)));
        List<Size> shape = new ArrayList<>();
        shape.add(panels);
        for (Atom l : loops) shape.add(l.extent());
        Atom parts = s.parts();
        if (parts != null) shape.add(parts.extent());
        shape.add(Size.of(s.width()));
        List<Size> strides = Size.strides(shape);
        Atom panel = points.loop(panels);
        Lin offset = Lin.of(panel).times(strides.getFirst());
        for (int i = 0; i < loops.size(); i++)
            offset = offset.plus(Lin.of(loops.get(i)).times(strides.get(i + 1)));
        // The products that a tile computes beside each other lie so in each step of its panel.
        if (parts != null) loops.add(parts);
        Place place = c.place().constant() != null
                ? a.derived(c.place().constant(), from -> constant(s, from, loops, shape))
                : pack(a, s, loops, shape, origin);
        return new Panels(place, panel, offset);
    }

    /** Packs by a kernel, at every run. */
    private static Place pack(Assembly a, TileKernel.Shape s, List<Atom> loops, List<Size> shape, String origin) {
        Operand c = s.columns();
        Place place = a.temporary(c.storage(), shape);
        Size n = s.n().extent();
        CommandList.Launch launch = MapKernel.of(
                a.target,
                "pack",
                shape,
                (p, index) -> {
                    Lin first = p.least(
                            index.getFirst().times(Size.of(s.width())),
                            Lin.of(n).plus(-s.width()),
                            n.isLiteral());
                    Map<Atom, Lin> values = new HashMap<>();
                    values.put(s.n(), first.plus(index.getLast()));
                    for (int i = 0; i < loops.size(); i++) values.put(loops.get(i), index.get(i + 1));
                    return p.load(c.place(), c.storage(), substitute(c.offset(), values), null);
                },
                place,
                c.storage(),
                (_, index) -> Points.flat(shape, index),
                origin);
        a.add(launch);
        return place;
    }

    private static Lin substitute(Lin l, Map<Atom, Lin> values) {
        Lin sum = Lin.ZERO;
        for (Lin.Term t : l.terms()) {
            Lin v = t.atom() == null ? Lin.of(1) : values.getOrDefault(t.atom(), Lin.ZERO);
            sum = sum.plus(v.times(t.coefficient()));
        }
        return sum;
    }

    private static Tensor constant(TileKernel.Shape s, Tensor from, List<Atom> loops, List<Size> shape) {
        List<Object> key = new ArrayList<>();
        key.add(s.columns().storage());
        key.add(s.width());
        key.add(s.n().extent().value());
        key.add(coefficient(s.columns().offset(), s.n()));
        key.add(base(s.columns().offset()));
        for (Atom l : loops) {
            key.add(l.extent().value());
            key.add(coefficient(s.columns().offset(), l));
        }
        synchronized (PACKED) {
            Map<List<Object>, Tensor> known = PACKED.computeIfAbsent(from, _ -> new HashMap<>());
            Tensor t = known.get(key);
            if (t == null) {
                t = packed(s, from, loops, shape);
                known.put(key, t);
            }
            return t;
        }
    }

    /** The literal that an offset moves by with a loop. */
    static long coefficient(Lin l, Atom a) {
        long c = 0;
        for (Size s : l.coefficients(a)) c += s.value();
        return c;
    }

    /** The offset where all loops are 0. */
    static long base(Lin l) {
        long c = 0;
        for (Lin.Term t : l.terms()) if (t.atom() == null) c += t.coefficient().value();
        return c;
    }

    private static Tensor packed(TileKernel.Shape s, Tensor from, List<Atom> loops, List<Size> shape) {
        DType dtype = s.columns().storage();
        TensorType type = TensorType.of(dtype, Size.product(shape).value());
        Tensor to = Tensor.wrap(type, LargeMemory.allocate(type.bytes()));
        Lin offset = s.columns().offset();
        long n = s.n().extent().value();
        long step = coefficient(offset, s.n());
        long base = base(offset);
        PanelCopy copy = new PanelCopy(
                from.data(),
                to.data(),
                dtype.bytes(),
                loops.stream().mapToLong(l -> l.extent().value()).toArray(),
                loops.stream().mapToLong(l -> coefficient(offset, l)).toArray(),
                Math.min(n, s.width()),
                step,
                s.width());
        for (long p = 0; p < shape.getFirst().value(); p++)
            copy.panel(p, base + Math.max(0, Math.min(p * s.width(), n - s.width())) * step);
        return to;
    }
}
