package dev.meseta.compiler;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A linear expression of index atoms (loop variables and what is not linear in them) with sizes as coefficients. Immutable, normalised. */
final class Lin {
    static final Lin ZERO = new Lin(List.of());

    private static final Comparator<Term> ORDER = Comparator.<Term>comparingInt(t -> t.atom == null ? -1 : t.atom.id())
            .thenComparing(Lin::compareSymbols);

    /**
     * One summand.
     *
     * @param coefficient what the atom is multiplied by, not 0
     * @param atom null for a constant
     */
    record Term(Size coefficient, @Nullable Atom atom) {
        boolean like(Term o) {
            return atom == o.atom && coefficient.symbols().equals(o.coefficient.symbols());
        }
    }

    private final List<Term> terms;
    private final long vars;

    private Lin(List<Term> terms) {
        this.terms = terms;
        long v = 0;
        for (Term t : terms) if (t.atom != null) v |= t.atom.vars();
        this.vars = v;
    }

    private static int compareSymbols(Term a, Term b) {
        List<Size.Symbol> x = a.coefficient.symbols();
        List<Size.Symbol> y = b.coefficient.symbols();
        if (x.size() != y.size()) return Integer.compare(x.size(), y.size());
        for (int i = 0; i < x.size(); i++) {
            int c = x.get(i).compareTo(y.get(i));
            if (c != 0) return c;
        }
        return 0;
    }

    static Lin of(long literal) {
        return of(Size.of(literal));
    }

    static Lin of(Size size) {
        return size.factor() == 0 ? ZERO : new Lin(List.of(new Term(size, null)));
    }

    static Lin of(Atom atom) {
        return new Lin(List.of(new Term(Size.ONE, atom)));
    }

    List<Term> terms() {
        return terms;
    }

    /** Bits of the loop variables that it depends on. */
    long vars() {
        return vars;
    }

    Lin plus(Lin o) {
        if (terms.isEmpty()) return o;
        if (o.terms.isEmpty()) return this;
        List<Term> all = new ArrayList<>(terms);
        all.addAll(o.terms);
        return normal(all);
    }

    Lin plus(long literal) {
        return plus(of(literal));
    }

    Lin minus(Lin o) {
        return plus(o.times(Size.of(-1)));
    }

    Lin times(Size s) {
        if (s.is(1)) return this;
        if (s.factor() == 0) return ZERO;
        List<Term> all = new ArrayList<>(terms.size());
        for (Term t : terms) all.add(new Term(t.coefficient.times(s), t.atom));
        return normal(all);
    }

    private static Lin normal(List<Term> all) {
        all.sort(ORDER);
        List<Term> merged = new ArrayList<>(all.size());
        for (Term t : all) {
            if (!merged.isEmpty() && merged.getLast().like(t)) {
                Term last = merged.removeLast();
                long f = last.coefficient.factor() + t.coefficient.factor();
                if (f != 0) merged.add(new Term(new Size(f, t.coefficient.symbols()), t.atom));
            } else {
                merged.add(t);
            }
        }
        return rejoined(merged);
    }

    /** c * d * (x div d) + c * (x mod d) = c * x. */
    private static Lin rejoined(List<Term> merged) {
        for (Term q : merged) {
            if (q.atom == null || !(q.atom.form() instanceof Atom.Quotient quotient)) continue;
            for (Term r : merged) {
                if (r.atom == null || !(r.atom.form() instanceof Atom.Remainder remainder)) continue;
                if (!quotient.of().equals(remainder.of()) || !quotient.by().equals(remainder.by())) continue;
                if (!r.coefficient.times(quotient.by()).equals(q.coefficient)) continue;
                List<Term> rest = new ArrayList<>(merged);
                rest.remove(q);
                rest.remove(r);
                rest.addAll(quotient.of().times(r.coefficient).terms);
                return normal(rest);
            }
        }
        return merged.isEmpty() ? ZERO : new Lin(List.copyOf(merged));
    }

    /** The coefficient of an atom; null if it is not one size (the atom stands in several terms). */
    @Nullable
    Size coefficient(Atom a) {
        Size found = Size.ZERO;
        for (Term t : terms) {
            if (t.atom != a) continue;
            if (found.factor() != 0) return null;
            found = t.coefficient;
        }
        return found;
    }

    /** The sum of the terms with this atom, as coefficients. */
    List<Size> coefficients(Atom a) {
        return terms.stream().filter(t -> t.atom == a).map(Term::coefficient).toList();
    }

    /** The atom this is, if it is nothing else. */
    @Nullable
    Atom atom() {
        return terms.size() == 1 && terms.getFirst().coefficient.is(1) ? terms.getFirst().atom : null;
    }

    /** Whether it is a sum of loop variables and constants. */
    boolean isAffine() {
        for (Term t : terms) if (t.atom != null && !(t.atom.form() instanceof Atom.Loop)) return false;
        return true;
    }

    /** Whether something other than the loop variable itself depends on it. */
    boolean isOpaqueIn(Atom loop) {
        for (Term t : terms) if (t.atom != null && t.atom != loop && (t.atom.vars() & loop.vars()) != 0) return true;
        return false;
    }

    long min() {
        long s = 0;
        for (Term t : terms) {
            long c = t.coefficient.value();
            s += t.atom == null ? c : Math.min(c * t.atom.min(), c * t.atom.max());
        }
        return s;
    }

    long max() {
        long s = 0;
        for (Term t : terms) {
            long c = t.coefficient.value();
            s += t.atom == null ? c : Math.max(c * t.atom.min(), c * t.atom.max());
        }
        return s;
    }

    /** The terms split into those that a divisor divides whatever the extents are, already divided, and the others. */
    Lin[] split(Size divisor) {
        List<Term> multiples = new ArrayList<>();
        List<Term> rest = new ArrayList<>();
        for (Term t : terms) {
            Size q = t.coefficient.over(divisor);
            if (q != null) multiples.add(new Term(q, t.atom));
            else rest.add(t);
        }
        return new Lin[] {normal(multiples), normal(rest)};
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Lin l && l.terms.equals(terms);
    }

    @Override
    public int hashCode() {
        return terms.hashCode();
    }

    @Override
    public String toString() {
        return terms.toString();
    }
}
