package dev.meseta.compiler;

import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Command;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Op;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.List;

/**
 * Loops and branches: their bodies become commands of the same list. A carried value has one place that every step reads, and one that it
 * writes, copied when the step is over; a scanned or stacked one is a slice that moves with the step.
 */
final class ControlFlow {
    private ControlFlow() {}

    static void lower(Assembly a, N n) {
        switch (n.op) {
            case Op.Scan o -> scan(a, n, o);
            case Op.If o -> branch(a, n, o);
            case Op.While o -> loop(a, n, o);
            default -> throw new IllegalStateException(n.op.mnemonic());
        }
    }

    private static List<Place> places(Assembly a, List<V> values) {
        List<Place> p = new ArrayList<>();
        for (V v : values) p.add(a.place(v));
        return p;
    }

    /** The places of carried values, holding what they begin with: those of the results. */
    private static List<Place> begin(Assembly a, N n, int carried) {
        List<Place> current = new ArrayList<>();
        for (int i = 0; i < carried; i++) {
            Place p = a.place(n.out.get(i));
            a.copy(a.place(n.in.get(i)), p, n.in.get(i).type.bytes());
            current.add(p);
        }
        return current;
    }

    /** Runs a body whose carried values go to places of their own, and copies them to those that they came from. */
    private static void step(Assembly a, Graph body, List<Place> inputs, List<Place> current, List<Place> stacked) {
        List<Place> next = temporaries(a, body, current.size());
        run(a, body, inputs, next, stacked);
        copy(a, body, next, current);
    }

    private static List<Place> temporaries(Assembly a, Graph body, int carried) {
        List<Place> places = new ArrayList<>();
        for (int i = 0; i < carried; i++)
            places.add(a.temporary(body.outputTypes().get(i)));
        return places;
    }

    private static void run(Assembly a, Graph body, List<Place> inputs, List<Place> next, List<Place> stacked) {
        List<Place> targets = new ArrayList<>(next);
        targets.addAll(stacked);
        Lowering.body(a, body, inputs, targets);
    }

    private static void copy(Assembly a, Graph body, List<Place> from, List<Place> to) {
        for (int i = 0; i < to.size(); i++)
            a.copy(from.get(i), to.get(i), body.outputTypes().get(i).bytes());
    }

    /** A scan that is being lowered: {@code current} is where the carried values are between its steps. */
    private record Scanning(
            Assembly a, N n, Op.Scan o, List<Place> current, List<Place> operands, List<Place> results) {
        /**
         * Adds a step.
         *
         * @param first number of the step that it is first
         * @param every how many steps a repetition of it goes on by; 0 outside of one
         */
        void step(List<Place> from, List<Place> to, long first, long every) {
            List<Place> inputs = new ArrayList<>(from);
            for (int i = o.carried(); i < n.in.size(); i++) {
                boolean scanned = i < o.carried() + o.scanned();
                Place p = operands.get(i);
                inputs.add(scanned ? a.slice(p, o.body().inputTypes().get(i), first, every) : p);
            }
            run(a, o.body(), inputs, to, stacked(first, every));
        }

        List<Place> stacked(long first, long every) {
            List<Place> stacked = new ArrayList<>();
            for (int i = o.carried(); i < n.out.size(); i++)
                stacked.add(a.slice(results.get(i), o.body().outputTypes().get(i), first, every));
            return stacked;
        }

        /** Where the carried values of the first step of two go: those that are stacked need no other place. */
        List<Place> between(long first, long every) {
            List<Place> stacked = stacked(first, every);
            List<Place> places = new ArrayList<>();
            for (int i = 0; i < o.carried(); i++) {
                int same = o.body()
                        .outputs()
                        .subList(o.carried(), n.out.size())
                        .indexOf(o.body().outputs().get(i));
                places.add(
                        same >= 0
                                ? stacked.get(same)
                                : a.temporary(o.body().outputTypes().get(i)));
            }
            return places;
        }
    }

    private static void scan(Assembly a, N n, Op.Scan o) {
        if (o.steps() >= 4 && !isNested(o.body()) && ScanKernel.add(a, n, o)) return;
        Scanning s = new Scanning(a, n, o, begin(a, n, o.carried()), places(a, n.in), places(a, n.out));
        if (o.steps() == 0) return;
        if (o.steps() < 4 || o.carried() == 0 || isNested(o.body())) {
            List<Command> body = a.collect(true, () -> single(s, 0, 1));
            a.add(new CommandList.Repeat(o.steps(), o.reverse(), body));
            return;
        }
        // Two steps at a time: the second leaves the carried values where the first has found them, and nothing is
        // copied.
        long odd = o.steps() % 2;
        if (odd != 0) single(s, o.reverse() ? o.steps() - 1 : 0, 0);
        long first = o.reverse() ? 0 : odd;
        List<Command> body = a.collect(true, () -> {
            long one = o.reverse() ? first + 1 : first;
            long other = o.reverse() ? first : first + 1;
            List<Place> between = s.between(one, 2);
            s.step(s.current, between, one, 2);
            s.step(between, s.current, other, 2);
        });
        a.add(new CommandList.Repeat(o.steps() / 2, o.reverse(), body));
    }

    private static void single(Scanning s, long first, long every) {
        List<Place> next = temporaries(s.a, s.o.body(), s.o.carried());
        s.step(s.current, next, first, every);
        copy(s.a, s.o.body(), next, s.current);
    }

    /** Whether a body has loops or branches, which would be written twice at each depth. */
    private static boolean isNested(Graph body) {
        return body.nodes().stream()
                .anyMatch(x -> x.op() instanceof Op.Scan || x.op() instanceof Op.While || x.op() instanceof Op.If);
    }

    private static void branch(Assembly a, N n, Op.If o) {
        List<Place> operands = places(a, n.in);
        List<Place> results = places(a, n.out);
        List<Place> captured = operands.subList(1, operands.size());
        List<Command> then = a.collect(false, () -> Lowering.body(a, o.then(), captured, results));
        List<Command> otherwise = a.collect(false, () -> Lowering.body(a, o.otherwise(), captured, results));
        a.add(new CommandList.Conditional(operands.getFirst().binding(), then, otherwise));
    }

    private static void loop(Assembly a, N n, Op.While o) {
        List<Place> current = begin(a, n, o.carried());
        List<Place> inputs = new ArrayList<>(current);
        for (int i = o.carried(); i < n.in.size(); i++) inputs.add(a.place(n.in.get(i)));
        Place condition = a.temporary(TensorType.of(DType.BOOL));
        List<Command> test = a.collect(false, () -> Lowering.body(a, o.condition(), inputs, List.of(condition)));
        List<Command> body = a.collect(false, () -> step(a, o.body(), inputs, current, List.of()));
        a.add(new CommandList.RepeatWhile(test, condition.binding(), body));
    }
}
