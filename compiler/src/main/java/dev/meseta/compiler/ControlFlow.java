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

    private static void step(Assembly a, Graph body, List<Place> inputs, List<Place> current, List<Place> stacked) {
        List<Place> targets = new ArrayList<>();
        for (int i = 0; i < current.size(); i++)
            targets.add(a.temporary(body.outputTypes().get(i)));
        List<Place> next = List.copyOf(targets);
        targets.addAll(stacked);
        Lowering.body(a, body, inputs, targets);
        for (int i = 0; i < current.size(); i++)
            a.copy(next.get(i), current.get(i), body.outputTypes().get(i).bytes());
    }

    private static void scan(Assembly a, N n, Op.Scan o) {
        List<Place> current = begin(a, n, o.carried());
        List<Place> operands = places(a, n.in);
        List<Place> results = places(a, n.out);
        if (o.steps() == 0) return;
        List<Command> body = a.collect(true, () -> {
            List<Place> inputs = new ArrayList<>(current);
            for (int i = o.carried(); i < n.in.size(); i++) {
                Place p = operands.get(i);
                boolean scanned = i < o.carried() + o.scanned();
                inputs.add(scanned ? a.slice(p, o.body().inputTypes().get(i)) : p);
            }
            List<Place> stacked = new ArrayList<>();
            for (int i = o.carried(); i < n.out.size(); i++)
                stacked.add(a.slice(results.get(i), o.body().outputTypes().get(i)));
            step(a, o.body(), inputs, current, stacked);
        });
        a.add(new CommandList.Repeat(o.steps(), o.reverse(), body));
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
