package dev.meseta.compiler;

/** What a {@link Lin} is linear in; made by {@link Points}, which makes equal ones identical. */
final class Atom {
    /** What an atom is. */
    sealed interface Form {}

    /** A loop variable in [0, extent). */
    record Loop(int bit, Size extent) implements Form {}

    /** of div by, for what is not negative. */
    record Quotient(Lin of, Size by) implements Form {}

    /** of mod by, for what is not negative. */
    record Remainder(Lin of, Size by) implements Form {}

    /** The lesser of two. */
    record Least(Lin a, Lin b) implements Form {}

    /** A position read from data, already checked, in [0, extent). */
    record Read(Point point, Size extent) implements Form {}

    private final int id;
    private final Form form;
    private final long vars;
    private final long min;
    private final long max;

    Atom(int id, Form form) {
        this.id = id;
        this.form = form;
        switch (form) {
            case Loop l -> {
                vars = 1L << l.bit();
                min = 0;
                max = Math.max(0, l.extent().value() - 1);
            }
            case Quotient q -> {
                vars = q.of().vars();
                long d = Math.max(1, q.by().value());
                min = q.of().min() / d;
                max = q.of().max() / d;
            }
            case Remainder r -> {
                vars = r.of().vars();
                long d = Math.max(1, r.by().value());
                min = r.of().min() < 0 ? 1 - d : 0;
                max = d - 1;
            }
            case Least l -> {
                vars = l.a().vars() | l.b().vars();
                min = Math.min(l.a().min(), l.b().min());
                max = Math.min(l.a().max(), l.b().max());
            }
            case Read r -> {
                vars = r.point().vars();
                min = 0;
                max = Math.max(0, r.extent().value() - 1);
            }
        }
    }

    int id() {
        return id;
    }

    Form form() {
        return form;
    }

    /** Bits of the loop variables that it depends on. */
    long vars() {
        return vars;
    }

    long min() {
        return min;
    }

    long max() {
        return max;
    }

    Size extent() {
        return ((Loop) form).extent();
    }

    @Override
    public String toString() {
        return "a" + id + (form instanceof Loop ? "" : form.toString());
    }
}
