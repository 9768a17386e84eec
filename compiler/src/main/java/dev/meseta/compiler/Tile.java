package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** The code of one register tile of a {@link TileKernel}: its sums live in registers from the first product to what is stored. */
final class Tile {
    /** What a dot product of bytes takes of each row. */
    private static final int BYTES = 4;

    /** Steps of the sum that {@link #areRowsVectors} reads at once. */
    private static final int STEPS = 4;

    /** How many steps of the sum are written out at most. More are no faster: the body has products enough, and LLVM takes long. */
    private static final int UNROLLED = 4;

    /** Fewer rows are as well written out. */
    private static final int FEW_ROWS = 2;

    /** So many steps of a sum hide what a loop that finds where rows begin takes longer: with 144, whole models take 2 to 4 % longer. */
    private static final long MANY_STEPS = 256;

    /** So many operations behind a sum are written once, and not for every vector. A bias, a scale and a bound are fewer. */
    private static final int MANY_OPERATIONS = 5;

    /** What a function that processors have no instruction for takes, in operations. */
    private static final int FUNCTION = 16;

    private final Emitter e;
    private final DType type;
    private final TileKernel.Shape s;
    private final @Nullable Panels packed;
    private final @Nullable DotPanels dots;
    private final Expr row;
    private final Expr column;
    private final Expr panel;
    private final @Nullable Expr done;
    private final int vectors;

    /**
     * @param row number of the tile's first row
     * @param column number of its first column
     * @param panel number of its panel
     * @param done rows of the panel that tiles before this one have; null if the panels are not taken one by one
     */
    Tile(
            Emitter e,
            DType type,
            TileKernel.Shape s,
            @Nullable Panels packed,
            @Nullable DotPanels dots,
            Expr row,
            Expr column,
            Expr panel,
            @Nullable Expr done) {
        this.e = e;
        this.type = type;
        this.s = s;
        this.packed = packed;
        this.dots = dots;
        this.row = row;
        this.column = column;
        this.panel = panel;
        this.done = done;
        this.vectors = s.partCount() * (s.width() / s.lanes());
    }

    void emit(List<TileKernel.Stored> stores) {
        if (finishesInLoop(stores)) {
            finishInLoop(startsInLoop() ? sumsOf(keptStarts()) : sums(places()), stores);
            return;
        }
        List<List<Expr>> places = places();
        List<Expr.Var> sums = startsInLoop() ? sumsOf(keptStarts()) : sums(places);
        for (int r = 0; r < s.height(); r++) {
            int first = r * vectors;
            finish(places.get(r), i -> sums.get(first + i), stores);
        }
    }

    /** Stores a row, given its sums by number. */
    private void finish(List<Expr> place, IntFunction<Expr> sums, List<TileKernel.Stored> stores) {
        int each = s.width() / s.lanes();
        for (int v = 0; v < each; v++) {
            List<Expr> parts = new ArrayList<>();
            for (int p = 0; p < s.partCount(); p++) parts.add(sums.apply(p * each + v));
            if (!s.isNarrow()) {
                store(e, s, place, Kernels.add(column, (long) v * s.lanes()), s.lanes(), parts, stores);
                continue;
            }
            for (int i = 0; i < s.n().extent().value(); i++) {
                int lane = i;
                List<Expr> ones = parts.stream()
                        .<Expr>map(x -> new Expr.Shuffle(x, x, List.of(lane)))
                        .toList();
                store(e, s, place, Kernels.add(column, i), 1, ones, stores);
            }
        }
    }

    /** Whether a loop finds where rows begin: it is short, but takes somewhat longer than what is written out. */
    private boolean startsInLoop() {
        if (s.lockstep() || s.m().size() < 2 || s.height() <= FEW_ROWS) return false;
        Size steps = Size.product(s.summed().stream().map(Atom::extent).toList());
        return !steps.isLiteral() || steps.value() >= MANY_STEPS;
    }

    /** Whether a loop over the rows finishes the sums: keeping them in memory between costs less than much code for each. */
    private boolean finishesInLoop(List<TileKernel.Stored> stores) {
        if (s.lockstep() || s.height() <= FEW_ROWS) return false;
        Set<Point> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        int n = 0;
        for (TileKernel.Stored x : stores) n += operations(x.value(), seen);
        return n >= MANY_OPERATIONS;
    }

    /** What computing a point takes, but for points that were seen before. */
    private static int operations(Point p, Set<Point> seen) {
        if (!seen.add(p)) return 0;
        return switch (p.form()) {
            case Point.Apply a -> {
                int n = a.function().domain() == MapFunction.Domain.FLOAT ? FUNCTION : 1;
                for (Point o : a.operands()) n += operations(o, seen);
                yield n;
            }
            case Point.Convert c -> 1 + operations(c.operand(), seen);
            case Point.Bits b -> operations(b.operand(), seen);
            default -> 0;
        };
    }

    /** Stores the sums by way of a local array. */
    private void finishInLoop(List<Expr.Var> sums, List<TileKernel.Stored> stores) {
        Type t = sums.getFirst().type();
        String array = e.fresh("sums");
        e.add(new Stmt.LocalArray(array, Type.of(t.element()), sums.size() * t.lanes()));
        for (int i = 0; i < sums.size(); i++)
            e.add(new Stmt.StoreLocal(array, Kernels.index((long) i * t.lanes()), sums.get(i)));
        rows((r, place) -> {
            Expr first = Kernels.mul(r, (long) vectors * t.lanes());
            List<Expr> row = new ArrayList<>();
            for (int i = 0; i < vectors; i++)
                row.add(e.let("s", new Expr.LoadLocal(array, Kernels.add(first, (long) i * t.lanes()), t)));
            finish(place, row::get, stores);
        });
    }

    /** Where the rows begin, computed by a loop and kept in a local array. */
    private List<Expr> keptStarts() {
        String array = e.fresh("starts");
        e.add(new Stmt.LocalArray(array, Type.INDEX, s.height()));
        Lin start = parts(s.rows().offset(), s.summed())[0];
        rows((r, place) -> {
            e.open();
            bindRow(e, s, place);
            e.add(new Stmt.StoreLocal(array, r, e.index(start)));
            e.closeInline();
        });
        List<Expr> starts = new ArrayList<>();
        for (int r = 0; r < s.height(); r++)
            starts.add(e.let("x", new Expr.LoadLocal(array, Kernels.index(r), Type.INDEX)));
        return starts;
    }

    /** A loop over the rows, with the values of the row loops. */
    private void rows(BiConsumer<Expr, List<Expr>> body) {
        String r = e.fresh("r");
        Expr number = Kernels.variable(r);
        List<Expr.Var> at = new ArrayList<>();
        if (s.m().size() > 1) for (Expr x : firstPlace()) at.add(e.declare("m", x));
        e.open();
        if (at.isEmpty()) {
            body.accept(number, List.of(Kernels.add(row, number)));
        } else {
            body.accept(number, List.copyOf(at));
            List<Expr> next = next(List.copyOf(at));
            for (int i = 0; i < at.size(); i++) e.assign(at.get(i), next.get(i));
        }
        e.add(Kernels.loop(r, Kernels.index(0), Kernels.index(s.height()), 1, e.close()));
    }

    /**
     * Sums the products.
     *
     * @param places from {@link #places}
     * @return the sums, row by row and vector by vector
     */
    List<Expr.Var> sums(List<List<Expr>> places) {
        // What does not change in the sum is computed before it.
        Lin start = parts(s.rows().offset(), s.summed())[0];
        List<Expr> rowStarts = new ArrayList<>();
        for (int r = 0; r < s.height(); r++) {
            e.open();
            bindRow(e, s, places.get(r));
            rowStarts.add(e.let("x", e.index(start)));
            e.closeInline();
        }
        return sumsOf(rowStarts);
    }

    private List<Expr.Var> sumsOf(List<Expr> rowStarts) {
        Lin steps = parts(s.rows().offset(), s.summed())[1];
        return dots != null ? dot(dots, rowStarts, steps) : multiply(rowStarts, steps);
    }

    private List<Expr.Var> multiply(List<Expr> rowStarts, Lin rowSteps) {
        Lin[] columnParts = parts(packed != null ? packed.offset() : s.columns().offset(), s.summed());
        e.open();
        e.bind(packed != null ? packed.panel() : s.n(), packed != null ? panel : column);
        Expr columnStart = e.let("x", e.index(columnParts[0]));
        e.closeInline();
        Expr zero = Kernels.splat(ReduceKernel.identity(ReduceKind.SUM, type), s.lanes());
        List<Expr.Var> sums = new ArrayList<>();
        for (int i = 0; i < s.height() * vectors; i++) sums.add(e.declare("a", zero));
        int rows = e.buffer(s.rows().place(), s.rows().storage(), Kernel.Access.READ);
        Place columnPlace = packed != null ? packed.place() : s.columns().place();
        int columns = e.buffer(columnPlace, s.columns().storage(), Kernel.Access.READ);
        Prefetching ahead = packed == null
                ? null
                : ahead(columns, s.columns().storage(), packed.panel(), columnParts, (long) vectors * s.lanes());
        if (areRowsVectors()) {
            multiplyFourSteps(rowStarts, rowSteps, columnStart, columnParts[1], sums, rows, columns);
            return sums;
        }
        e.loops(s.summed(), UNROLLED, () -> {
            Expr k = Kernels.add(columnStart, e.index(columnParts[1]));
            List<Expr> b = new ArrayList<>();
            for (int v = 0; v < vectors; v++) {
                Expr index = Kernels.add(k, (long) v * s.lanes());
                b.add(e.let("b", load(columns, s.columns().storage(), index, s.lanes())));
            }
            if (ahead != null) ahead.step(k);
            Expr j = e.index(rowSteps);
            for (int r = 0; r < s.height(); r++) {
                Expr x = load(rows, s.rows().storage(), Kernels.add(rowStarts.get(r), j), 1);
                Expr a = e.let("a", Kernels.splat(x, s.lanes()));
                for (int v = 0; v < vectors; v++) {
                    Expr.Var sum = sums.get(r * vectors + v);
                    e.assign(sum, Kernels.multiplyAdd(a, b.get(v), sum));
                }
            }
        });
        return sums;
    }

    private @Nullable Prefetching ahead(int buffer, DType storage, Atom number, Lin[] parts, long elements) {
        if (s.columns().place().constant() == null || done == null || s.lockstep()) return null;
        return Prefetching.of(
                e, s, new Prefetching.Columns(buffer, storage, panel, number, parts[0], parts[1], elements), done);
    }

    /** Whether four steps of the sum are read from a row at once: where reading costs most, and they lie behind each other. */
    private boolean areRowsVectors() {
        Atom inner = s.summed().getLast();
        Size step = s.rows().offset().coefficient(inner);
        return s.lockstep()
                && step != null
                && step.is(1)
                && inner.extent().isLiteral()
                && inner.extent().value() % STEPS == 0;
    }

    private void multiplyFourSteps(
            List<Expr> rowStarts,
            Lin rowSteps,
            Expr columnStart,
            Lin columnSteps,
            List<Expr.Var> sums,
            int rows,
            int columns) {
        Atom inner = s.summed().getLast();
        e.loops(s.summed().subList(0, s.summed().size() - 1), 0, () -> {
            String k = e.fresh("k");
            e.open();
            e.bind(inner, Kernels.variable(k));
            Expr j = e.index(rowSteps);
            List<Expr> x = new ArrayList<>();
            for (Expr start : rowStarts)
                x.add(e.let("x", load(rows, s.rows().storage(), Kernels.add(start, j), STEPS)));
            for (int step = 0; step < STEPS; step++) {
                e.open();
                e.bind(inner, Kernels.add(Kernels.variable(k), step));
                Expr at = Kernels.add(columnStart, e.index(columnSteps));
                for (int v = 0; v < vectors; v++) {
                    Expr index = Kernels.add(at, (long) v * s.lanes());
                    Expr b = e.let("b", load(columns, s.columns().storage(), index, s.lanes()));
                    for (int r = 0; r < s.height(); r++) {
                        Expr one = new Expr.Shuffle(x.get(r), x.get(r), List.of(step));
                        Expr a = Kernels.splat(one, s.lanes());
                        Expr.Var sum = sums.get(r * vectors + v);
                        e.assign(sum, Kernels.multiplyAdd(a, b, sum));
                    }
                }
                e.add(e.close());
            }
            e.add(Kernels.loop(k, Kernels.index(0), e.size(inner.extent()), STEPS, e.close()));
        });
    }

    /** Sums of products of bytes, four a step, or two of 16 bits. */
    private List<Expr.Var> dot(DotPanels d, List<Expr> rowStarts, Lin rowSteps) {
        Lin[] columnParts = parts(d.offset(), s.summed(), d.steps());
        e.open();
        e.bind(d.panel(), panel);
        Expr columnStart = e.let("x", e.index(columnParts[0]));
        List<Expr> begin = new ArrayList<>();
        for (int v = 0; v < vectors; v++) begin.add(correction(d, v));
        e.closeInline();
        int columns = e.buffer(d.place(), d.storage(), Kernel.Access.READ);
        long elements = (long) vectors * s.lanes() * d.step();
        Prefetching ahead = ahead(columns, d.storage(), d.panel(), columnParts, elements);
        WideRows wide = d.pairs() ? WideRows.make(e, s, rowStarts, rowSteps) : null;
        List<Expr.Var> sums = new ArrayList<>();
        for (int r = 0; r < s.height(); r++) for (int v = 0; v < vectors; v++) sums.add(e.declare("a", begin.get(v)));
        Atom inner = s.summed().getLast();
        long length = inner.extent().value();
        // Rows of 16 bits end with zeros.
        long whole = wide != null ? Math.ceilDiv(length, d.step()) : length / d.step();
        e.loops(s.summed().subList(0, s.summed().size() - 1), 0, () -> {
            String k = e.fresh("k");
            e.open();
            step(d, wide, Kernels.variable(k), d.step(), rowStarts, rowSteps, columnStart, columnParts[1], sums, ahead);
            Stmt body = e.close();
            if (whole > 0) e.add(Kernels.loop(k, Kernels.index(0), Kernels.index(whole), 1, body));
            int rest = wide != null ? 0 : (int) (length % d.step());
            if (rest == 0) return;
            e.open();
            step(d, null, Kernels.index(whole), rest, rowStarts, rowSteps, columnStart, columnParts[1], sums, null);
            e.add(e.close());
        });
        return sums;
    }

    private Expr correction(DotPanels d, int vector) {
        Type sum = new Type(DType.I32, s.lanes());
        if (d.corrections() == null) return new Expr.Int(sum, 0);
        int b = e.buffer(d.corrections(), DType.I32, Kernel.Access.READ);
        Expr index = Kernels.add(e.index(d.correctionOffset()), (long) vector * s.lanes());
        return e.let("c", Kernels.load(b, index, sum));
    }

    /** One step of a sum of bytes: up to four of each row and column. */
    private void step(
            DotPanels d,
            @Nullable WideRows wide,
            Expr number,
            int bytes,
            List<Expr> rowStarts,
            Lin rowSteps,
            Expr columnStart,
            Lin columnSteps,
            List<Expr.Var> sums,
            @Nullable Prefetching ahead) {
        e.bind(s.summed().getLast(), Kernels.mul(number, d.step()));
        e.bind(d.steps(), number);
        int lanes = s.lanes() * d.step();
        int columns = e.buffer(d.place(), d.storage(), Kernel.Access.READ);
        int rows = wide != null ? 0 : e.buffer(s.rows().place(), s.rows().storage(), Kernel.Access.READ);
        Expr k = Kernels.add(columnStart, e.index(columnSteps));
        List<Expr> b = new ArrayList<>();
        for (int v = 0; v < vectors; v++) {
            Expr index = Kernels.add(k, (long) v * lanes);
            b.add(e.let("b", Kernels.load(columns, index, new Type(d.storage(), lanes))));
        }
        if (ahead != null) ahead.step(k);
        Expr j = wide != null ? wide.at(number) : e.index(rowSteps);
        for (int r = 0; r < s.height(); r++) {
            Expr x = repeated(
                    wide != null ? wide.pair(r, j) : bytes(rows, Kernels.add(rowStarts.get(r), j), bytes), lanes);
            if (d.turned()) {
                long sign = s.rows().storage() == DType.U8 ? 128 : -128;
                x = Kernels.apply(MapFunction.XOR, x, new Expr.Int(x.type(), sign));
                x = new Expr.Bits(d.unsigned() ? DType.I8 : DType.U8, x);
            }
            Expr a = e.let("a", x);
            for (int v = 0; v < vectors; v++) {
                Expr.Var sum = sums.get(r * vectors + v);
                Expr left = d.unsigned() ? b.get(v) : a;
                Expr right = d.unsigned() ? a : b.get(v);
                e.assign(sum, new Expr.Dot(left, right, sum, d.saturates()));
            }
        }
    }

    /** Four bytes from an index on, of which the last may be zeros instead. */
    private Expr bytes(int buffer, Expr index, int count) {
        DType t = s.rows().storage();
        if (count == BYTES) return e.let("y", Kernels.load(buffer, index, new Type(t, count)));
        Expr zero = new Expr.Int(Type.of(t), 0);
        List<Expr> x = new ArrayList<>();
        for (int i = 0; i < BYTES; i++)
            x.add(i < count ? e.let("y", Kernels.load(buffer, Kernels.add(index, i), Type.of(t))) : zero);
        Expr low = e.let("y", new Expr.Shuffle(x.get(0), x.get(1), List.of(0, 1)));
        Expr high = e.let("y", new Expr.Shuffle(x.get(2), x.get(3), List.of(0, 1)));
        return e.let("y", new Expr.Shuffle(low, high, List.of(0, 1, 2, 3)));
    }

    private static Expr repeated(Expr few, int lanes) {
        List<Integer> from = new ArrayList<>();
        for (int i = 0; i < lanes; i++) from.add(i % few.type().lanes());
        return new Expr.Shuffle(few, few, from);
    }

    /**
     * Stores some columns of a row.
     *
     * @param place the values of the row loops
     * @param column the first of them
     * @param sums one for each part
     */
    static void store(
            Emitter e,
            TileKernel.Shape s,
            List<Expr> place,
            Expr column,
            int lanes,
            List<Expr> sums,
            List<TileKernel.Stored> stores) {
        e.open();
        bindRow(e, s, place);
        e.bindVector(s.n(), column, lanes);
        for (int i = 0; i < sums.size(); i++) e.give(i, e.let("s", sums.get(i)));
        for (TileKernel.Stored x : stores) e.store(x.place(), x.storage(), x.to(), e.value(x.value()));
        e.scalar();
        e.add(e.close());
    }

    /** The values of the row loops for each row. */
    List<List<Expr>> places() {
        List<List<Expr>> places = new ArrayList<>();
        if (s.m().size() == 1) {
            for (int r = 0; r < s.height(); r++) places.add(List.of(Kernels.add(row, r)));
            return places;
        }
        places.add(firstPlace());
        while (places.size() < s.height()) places.add(next(places.getLast()));
        return places;
    }

    private List<Expr> firstPlace() {
        List<Expr> at = new ArrayList<>();
        Expr rest = row;
        for (int i = s.m().size() - 1; i > 0; i--) {
            Expr n = e.size(s.m().get(i).extent());
            at.addFirst(e.let("m", Kernels.rem(rest, n)));
            rest = e.let("m", Kernels.div(rest, n));
        }
        at.addFirst(rest);
        return at;
    }

    /** The values for the row behind another: one more in the last loop, carried into those around it. */
    private List<Expr> next(List<Expr> place) {
        List<Expr> next = new ArrayList<>(place);
        Expr carry = Kernels.index(1);
        for (int i = s.m().size() - 1; i >= 0; i--) {
            Expr more = e.let("m", Kernels.add(next.get(i), carry));
            if (i == 0) {
                next.set(i, more);
                break;
            }
            Expr over = TileKernel.equal(more, e.size(s.m().get(i).extent()));
            next.set(i, e.let("m", Kernels.select(over, Kernels.index(0), more)));
            carry = Kernels.select(over, Kernels.index(1), Kernels.index(0));
        }
        return next;
    }

    private static void bindRow(Emitter e, TileKernel.Shape s, List<Expr> place) {
        for (int i = 0; i < s.m().size(); i++) e.bind(s.m().get(i), place.get(i));
    }

    private Expr load(int buffer, DType storage, Expr index, int lanes) {
        return Kernels.loadAs(type, buffer, storage, index, lanes);
    }

    /** The part that depends on none of the loops, and the one that does. */
    static Lin[] parts(Lin l, List<Atom> summed, Atom... more) {
        long loops = 0;
        for (Atom k : summed) loops |= k.vars();
        for (Atom k : more) loops |= k.vars();
        Lin fixed = Lin.ZERO;
        Lin moving = Lin.ZERO;
        for (Lin.Term t : l.terms()) {
            Lin one = t.atom() == null
                    ? Lin.of(t.coefficient())
                    : Lin.of(t.atom()).times(t.coefficient());
            if (t.atom() != null && (t.atom().vars() & loops) != 0) moving = moving.plus(one);
            else fixed = fixed.plus(one);
        }
        return new Lin[] {fixed, moving};
    }
}
