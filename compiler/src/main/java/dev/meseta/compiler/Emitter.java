package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes one kernel: turns points into expressions, each computed once and as far out in the loops as what it depends on allows. At most
 * one loop variable at a time stands for a vector of consecutive values. Names depend on the order of emission alone, so that equal work
 * gives equal text.
 */
final class Emitter {
    /** A region of statements in which loop variables have values. */
    private static final class Scope {
        final @Nullable Scope parent;
        final int depth;
        long vars;
        final List<Stmt> body = new ArrayList<>();
        final Map<Object, Expr> known = new HashMap<>();

        Scope(@Nullable Scope parent) {
            this.parent = parent;
            this.depth = parent == null ? 0 : parent.depth + 1;
        }
    }

    private record BufferKey(Place place, DType dtype) {}

    private final String name;
    private final List<Kernel.Buffer> buffers = new ArrayList<>();
    private final List<Binding> bindings = new ArrayList<>();
    private final Map<BufferKey, Integer> bufferNumbers = new HashMap<>();
    private final List<Size.Symbol> extents = new ArrayList<>();
    private final Map<Integer, Expr> values = new HashMap<>();
    private final Map<Integer, Expr> given = new HashMap<>();
    private Scope scope = new Scope(null);
    private int names;

    /** The bit of the loop variable that is a vector, and its lanes. */
    private long vector;

    private int lanes = 1;

    private int team = 1;

    Emitter(String name) {
        this.name = name;
    }

    String fresh(String prefix) {
        return prefix + names++;
    }

    // The kernel's arguments

    int buffer(Place place, DType dtype, Kernel.Access access) {
        BufferKey key = new BufferKey(place, dtype);
        Integer number = bufferNumbers.get(key);
        if (number == null) {
            number = buffers.size();
            bufferNumbers.put(key, number);
            buffers.add(new Kernel.Buffer("b" + number, dtype, access, size(place.elements())));
            bindings.add(place.binding());
        } else if (buffers.get(number).access() != access) {
            Kernel.Buffer b = buffers.get(number);
            buffers.set(number, new Kernel.Buffer(b.name(), b.dtype(), Kernel.Access.READ_WRITE, b.elements()));
        }
        return number;
    }

    Expr size(Size s) {
        Expr e = Kernels.index(s.factor());
        for (Size.Symbol symbol : s.symbols()) {
            int i = extents.indexOf(symbol);
            if (i < 0) {
                i = extents.size();
                extents.add(symbol);
            }
            e = Kernels.mul(Kernels.extent(i), e);
        }
        return e;
    }

    /** The launch of the finished kernel. */
    CommandList.Launch launch(Expr grid, String origin) {
        if (scope.parent != null) throw new IllegalStateException("open scope in kernel " + name);
        Kernel kernel = new Kernel(name, buffers, extents.size(), grid, team, Kernels.block(scope.body));
        return new CommandList.Launch(
                kernel, bindings, extents.stream().map(Size.Symbol::extent).toList(), origin);
    }

    /** Has each iteration run by a team. */
    void team(int members) {
        team = members;
    }

    // Statements and scopes

    void add(Stmt s) {
        scope.body.add(s);
    }

    Expr let(String prefix, Expr value) {
        return let(scope, prefix, value);
    }

    private Expr let(Scope where, String prefix, Expr value) {
        if (isSimple(value)) return value;
        String n = fresh(prefix);
        where.body.add(new Stmt.Let(n, value));
        return new Expr.Var(n, value.type());
    }

    private static boolean isSimple(Expr e) {
        return switch (e) {
            case Expr.Int _, Expr.Real _, Expr.Var _, Expr.Extent _ -> true;
            case Expr.Splat s -> isSimple(s.operand());
            default -> false;
        };
    }

    Expr.Var declare(String prefix, Expr initial) {
        String n = fresh(prefix);
        add(new Stmt.Declare(n, initial));
        return new Expr.Var(n, initial.type());
    }

    void assign(Expr.Var variable, Expr value) {
        add(new Stmt.Assign(variable.name(), value));
    }

    /** The values of all members of the team combined. */
    Expr total(ReduceKind kind, Expr own) {
        String n = fresh("s");
        add(new Stmt.Total(n, kind, own));
        return new Expr.Var(n, own.type());
    }

    void open() {
        scope = new Scope(scope);
    }

    /** Ends the scope and gives its statements. */
    Stmt close() {
        Scope s = scope;
        if (s.parent == null) throw new IllegalStateException("no scope to close");
        for (Integer bit : List.copyOf(values.keySet())) if ((s.vars & 1L << bit) != 0) values.remove(bit);
        scope = s.parent;
        return Kernels.block(s.body);
    }

    /** Ends the scope; its statements go on in the one around, where their names stay visible. */
    void closeInline() {
        Scope s = scope;
        close();
        scope.body.addAll(s.body);
    }

    /** Gives a loop variable its value in this scope. */
    void bind(Atom loop, Expr value) {
        int bit = ((Atom.Loop) loop.form()).bit();
        scope.vars |= loop.vars();
        values.put(bit, value);
    }

    /** As {@link #bind}, for the values value, value + 1, … in as many lanes. */
    void bindVector(Atom loop, Expr value, int newLanes) {
        bind(loop, value);
        vector = newLanes == 1 ? 0 : loop.vars();
        lanes = newLanes;
    }

    /** Gives what {@link Point.Given} stands for its value in this scope. */
    void give(int number, Expr value) {
        scope.vars |= Points.GIVEN;
        given.put(number, value);
    }

    void scalar() {
        vector = 0;
        lanes = 1;
    }

    int lanes() {
        return lanes;
    }

    /** A loop over a variable from 0 to its extent. */
    void loop(Atom atom, boolean unroll, Runnable body) {
        String v = fresh("i");
        open();
        bind(atom, Kernels.variable(v));
        body.run();
        Stmt b = close();
        add(new Stmt.For(
                v,
                Kernels.index(0),
                size(atom.extent()),
                1,
                unroll && atom.extent().isLiteral(),
                b));
    }

    /**
     * Loops over several variables, outermost first.
     *
     * @param unrolled the innermost of them are written out while that makes no more copies of the body than this
     */
    void loops(List<Atom> atoms, long unrolled, Runnable body) {
        int rolled = atoms.size();
        for (long copies = 1; rolled > 0; rolled--) {
            Size n = atoms.get(rolled - 1).extent();
            if (!n.isLiteral()) break;
            copies *= n.value();
            if (copies > unrolled) break;
        }
        loops(atoms, 0, rolled, body);
    }

    private void loops(List<Atom> atoms, int at, int rolled, Runnable body) {
        if (at == atoms.size()) body.run();
        else loop(atoms.get(at), at >= rolled, () -> loops(atoms, at + 1, rolled, body));
    }

    private Scope home(long vars) {
        Scope s = scope;
        while (s.parent != null && (s.vars & vars) == 0) s = s.parent;
        return s;
    }

    // Points

    /** The value in the lanes there are, or as a scalar where it is the same in all. */
    Expr value(Point p) {
        if (p.form() instanceof Point.Given g) {
            Expr e = given.get(g.number());
            if (e == null) throw new IllegalStateException("nothing given for " + g.number());
            return e;
        }
        if (p.form() instanceof Point.Real r) return new Expr.Real(Type.of(r.type()), r.value());
        if (p.form() instanceof Point.Int i) return new Expr.Int(Type.of(i.type()), i.value());
        Scope home = home(p.vars());
        Expr e = home.known.get(p);
        if (e == null) {
            e = let(home, "t", compute(p, home));
            home.known.put(p, e);
        }
        return e;
    }

    /** The value in all lanes. */
    Expr wide(Point p) {
        return splat(value(p));
    }

    private Expr splat(Expr e) {
        return e.type().lanes() == lanes ? e : Kernels.splat(e, lanes);
    }

    private boolean isVector(long vars) {
        return (vars & vector) != 0;
    }

    private Expr compute(Point p, Scope home) {
        return switch (p.form()) {
            case Point.Load l -> load(l, home);
            case Point.Number n -> isVector(n.index().vars()) ? vectorIndex(n.index()) : index(n.index());
            case Point.Apply a -> {
                List<Expr> in = new ArrayList<>();
                boolean wide = false;
                for (Point o : a.operands()) {
                    Expr e = value(o);
                    wide |= e.type().isVector();
                    in.add(e);
                }
                if (wide) in.replaceAll(this::splat);
                yield new Expr.Apply(a.function(), in);
            }
            case Point.Convert c -> new Expr.Convert(c.to(), c.rounding(), value(c.operand()));
            case Point.Bits b -> new Expr.Bits(b.to(), value(b.operand()));
            case Point.Checked c -> checked(c, home);
            case Point.Real _, Point.Int _, Point.Given _ -> throw new IllegalStateException();
        };
    }

    private Expr checked(Point.Checked c, Scope home) {
        Expr p = value(c.position());
        int n = p.type().lanes();
        Expr high = Kernels.splat(size(c.extent()), n);
        Expr zero = Kernels.splat(Kernels.index(0), n);
        Expr inside = new Expr.Apply(
                MapFunction.AND,
                List.of(
                        new Expr.Apply(MapFunction.GE, List.of(p, zero)),
                        new Expr.Apply(MapFunction.LT, List.of(p, high))));
        Expr ok = inside;
        if (c.mask() != null) {
            Expr mask = value(c.mask());
            if (mask.type().lanes() > n) ok = Kernels.splat(ok, mask.type().lanes());
            if (mask.type().lanes() < n) mask = Kernels.splat(mask, n);
            ok = new Expr.Apply(MapFunction.OR, List.of(ok, new Expr.Apply(MapFunction.NOT, List.of(mask))));
        }
        if (ok.type().isVector()) ok = new Expr.Combine(ReduceKind.AND, ok);
        Scope at = c.mask() != null ? home(home.vars | c.mask().vars()) : home;
        at.body.add(new Stmt.Check(ok, Stmt.Failure.POSITION_OUTSIDE));
        Expr one = Kernels.splat(Kernels.index(1), n);
        Expr last = n == 1 ? Kernels.sub(high, one) : new Expr.Apply(MapFunction.SUB, List.of(high, one));
        Expr low = new Expr.Apply(MapFunction.MIN, List.of(p, last));
        return new Expr.Apply(MapFunction.MAX, List.of(low, zero));
    }

    private Expr load(Point.Load l, Scope home) {
        int b = buffer(l.place(), l.storage(), Kernel.Access.READ);
        DType t = Type.widened(l.storage());
        boolean wideMask = l.mask() != null && isVector(l.mask().vars());
        if (!isVector(l.offset().vars()) && !wideMask) {
            Expr mask = l.mask() == null ? null : value(l.mask());
            return new Expr.Load(b, index(l.offset()), Type.of(t), mask);
        }
        Expr mask = l.mask() == null ? null : splat(value(l.mask()));
        Type type = new Type(t, lanes);
        Atom v = vectorAtom(l.offset());
        Size step = v == null || l.offset().isOpaqueIn(v) ? null : l.offset().coefficient(v);
        if (step != null && step.is(1)) return new Expr.Load(b, index(l.offset()), type, mask);
        if (step != null && step.is(-1) && mask == null) {
            Expr from = Kernels.add(index(l.offset()), 1 - lanes);
            Expr x = let(home, "t", new Expr.Load(b, from, type, null));
            return new Expr.Shuffle(x, x, lanesFrom(lanes - 1, -1));
        }
        if (step != null && step.is(2) && mask == null && lanes >= 4)
            return everySecond(home, b, index(l.offset()), type);
        return new Expr.Load(b, splat(vectorIndex(l.offset())), type, mask);
    }

    /** Elements 0, 2, 4, … from two loads, of which none reads past the last element that is asked for. */
    private Expr everySecond(Scope home, int buffer, Expr base, Type type) {
        int n = type.lanes();
        Expr low = let(home, "t", new Expr.Load(buffer, base, type, null));
        Expr high = let(home, "t", new Expr.Load(buffer, Kernels.add(base, n - 1), type, null));
        List<Integer> pick = new ArrayList<>();
        for (int i = 0; i < n; i++) pick.add(2 * i < n ? 2 * i : n + 2 * i - (n - 1));
        return new Expr.Shuffle(low, high, pick);
    }

    private List<Integer> lanesFrom(int first, int step) {
        List<Integer> l = new ArrayList<>();
        for (int i = 0; i < lanes; i++) l.add(first + i * step);
        return l;
    }

    private @Nullable Atom vectorAtom(Lin l) {
        for (Lin.Term t : l.terms()) {
            if (t.atom() != null
                    && t.atom().form() instanceof Atom.Loop
                    && isVector(t.atom().vars())) return t.atom();
        }
        return null;
    }

    // Indices

    /** A linear expression as a scalar; for a vector, that of its first lane. */
    Expr index(Lin l) {
        List<Lin.Term> terms = new ArrayList<>(l.terms());
        Map<Lin.Term, Scope> homes = new HashMap<>();
        for (Lin.Term t : terms)
            homes.put(t, home(t.atom() == null ? 0 : t.atom().vars()));
        terms.sort(java.util.Comparator.comparingInt(t -> homes.getOrDefault(t, scope).depth));
        Expr sum = Kernels.index(0);
        Lin partial = Lin.ZERO;
        for (int i = 0; i < terms.size(); i++) {
            Lin.Term t = terms.get(i);
            Scope home = homes.getOrDefault(t, scope);
            partial = partial.plus(
                    t.atom() == null
                            ? Lin.of(t.coefficient())
                            : Lin.of(t.atom()).times(t.coefficient()));
            Expr term = t.atom() == null ? size(t.coefficient()) : Kernels.mul(first(t.atom()), size(t.coefficient()));
            sum = Kernels.add(sum, term);
            boolean last = i + 1 == terms.size() || homes.getOrDefault(terms.get(i + 1), scope) != home;
            if (last) {
                Expr known = home.known.get(partial);
                if (known == null) {
                    known = let(home, "x", sum);
                    home.known.put(partial, known);
                }
                sum = known;
            }
        }
        return sum;
    }

    private Expr first(Atom a) {
        return switch (a.form()) {
            case Atom.Loop l -> {
                Expr e = values.get(l.bit());
                if (e == null) throw new IllegalStateException("loop variable without a value in kernel " + name);
                yield e;
            }
            case Atom.Quotient q -> {
                Scope home = home(a.vars());
                Expr e = home.known.get(a);
                if (e == null) {
                    e = let(home, "q", Kernels.div(index(q.of()), size(q.by())));
                    home.known.put(a, e);
                }
                yield e;
            }
            case Atom.Remainder r -> {
                Scope home = home(a.vars());
                Expr e = home.known.get(a);
                if (e == null) {
                    e = let(home, "r", Kernels.rem(index(r.of()), size(r.by())));
                    home.known.put(a, e);
                }
                yield e;
            }
            case Atom.Least l -> {
                Scope home = home(a.vars());
                Expr e = home.known.get(a);
                if (e == null) {
                    e = let(home, "q", Kernels.min(index(l.a()), index(l.b())));
                    home.known.put(a, e);
                }
                yield e;
            }
            case Atom.Read r -> value(r.point());
        };
    }

    private Expr vectorIndex(Lin l) {
        Lin uniform = Lin.ZERO;
        List<Lin.Term> varying = new ArrayList<>();
        for (Lin.Term t : l.terms()) {
            if (t.atom() != null && isVector(t.atom().vars())) varying.add(t);
            else
                uniform = uniform.plus(
                        t.atom() == null
                                ? Lin.of(t.coefficient())
                                : Lin.of(t.atom()).times(t.coefficient()));
        }
        Expr base = index(uniform);
        if (varying.size() == 1
                && varying.getFirst().atom() instanceof Atom a
                && a.form() instanceof Atom.Loop
                && varying.getFirst().coefficient().isLiteral()) {
            long step = varying.getFirst().coefficient().factor();
            return new Expr.Ramp(Kernels.add(base, Kernels.mul(first(a), step)), step, lanes);
        }
        Expr sum = splat(base);
        for (Lin.Term t : varying) {
            Atom a = t.atom();
            if (a == null) continue;
            Expr e = lanesOf(a);
            if (!t.coefficient().is(1)) e = new Expr.Apply(MapFunction.MUL, List.of(e, splat(size(t.coefficient()))));
            sum = Kernels.add(sum, e);
        }
        return sum;
    }

    private Expr lanesOf(Atom a) {
        return switch (a.form()) {
            case Atom.Loop _ -> new Expr.Ramp(first(a), 1, lanes);
            case Atom.Quotient q -> divided(a, MapFunction.DIV, q.of(), q.by());
            case Atom.Remainder r -> divided(a, MapFunction.REM, r.of(), r.by());
            case Atom.Least l ->
                new Expr.Apply(MapFunction.MIN, List.of(splat(vectorIndex(l.a())), splat(vectorIndex(l.b()))));
            case Atom.Read r -> splat(value(r.point()));
        };
    }

    private Expr divided(Atom a, MapFunction f, Lin of, Size by) {
        Scope home = home(a.vars());
        Expr e = home.known.get(a);
        if (e == null) {
            e = let(home, "q", new Expr.Apply(f, List.of(splat(vectorIndex(of)), splat(size(by)))));
            home.known.put(a, e);
        }
        return e;
    }

    /** Stores a value at an offset, in the lanes there are. */
    void store(Place place, DType storage, Lin offset, Expr value) {
        int b = buffer(place, storage, Kernel.Access.WRITE);
        if (lanes == 1) {
            add(new Stmt.Store(b, index(offset), value, null));
            return;
        }
        Atom v = vectorAtom(offset);
        Size step = v == null || offset.isOpaqueIn(v) ? null : offset.coefficient(v);
        Expr at = step != null && step.is(1) ? index(offset) : splat(vectorIndex(offset));
        add(new Stmt.Store(b, at, splat(value), null));
    }
}
