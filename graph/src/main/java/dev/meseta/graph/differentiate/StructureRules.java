package dev.meseta.graph.differentiate;

import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Loops with a known number of steps, and choices. */
final class StructureRules {
    private StructureRules() {}

    /** The same scan, which also stacks what each step was carried. */
    static Op.Scan withStates(Op.Scan o) {
        List<Value> outputs = new ArrayList<>(o.body().outputs());
        outputs.addAll(o.body().inputs().subList(0, o.carried()));
        Graph body = new Graph(o.body().name(), o.body().inputs(), o.body().nodes(), outputs);
        return new Op.Scan(body, o.carried(), o.scanned(), o.steps(), o.reverse());
    }

    /**
     * The scan backwards. It carries the adjoints of what the scan carries and of what it captures, the latter summed over the steps; it reads
     * what each step was carried, its slices and the adjoints of the stacked results, and stacks the adjoints of the slices.
     */
    static void scan(Step s, Op.Scan o, List<Value> states) {
        GraphBuilder b = s.b;
        Graph body = o.body();
        int carried = o.carried();
        int given = carried + o.scanned();
        boolean[] wanted = wanted(s, o);
        List<Integer> through = indices(body, wanted, 0, carried);
        List<Integer> sliced = indices(body, wanted, carried, given);
        List<Integer> captured = indices(body, wanted, given, body.inputs().size());
        List<Integer> stacked = new ArrayList<>();
        for (int i = carried; i < body.outputs().size(); i++) if (s.adjoints().get(i) != null) stacked.add(i);
        List<Value> operands = new ArrayList<>();
        for (int i : through) operands.add(adjoint(s, i));
        for (int i : captured) operands.add(s.zeros(s.x(i)));
        operands.addAll(states);
        for (int i = carried; i < given; i++) operands.add(s.x(i));
        for (int i : stacked) operands.add(adjoint(s, i));
        int loops = through.size() + captured.size();
        int read = operands.size() - loops;
        for (int i = given; i < s.operandCount(); i++) operands.add(s.x(i));
        List<TensorType> types = new ArrayList<>();
        for (int i = 0; i < operands.size(); i++) {
            TensorType t = operands.get(i).type();
            types.add(i >= loops && i < loops + read ? t.with(t.shape().without(0)) : t);
        }
        Graph back = b.body(body.name() + "/gradient", types, (inner, in) -> {
            List<Value> inputs = new ArrayList<>(in.subList(loops, loops + given));
            inputs.addAll(in.subList(loops + read, in.size()));
            Pass pass = new Pass(inner, body, inputs, wanted);
            List<@Nullable Value> seeds = new ArrayList<>();
            for (int i = 0; i < body.outputs().size(); i++) {
                int at = i < carried ? through.indexOf(i) : stacked.indexOf(i);
                seeds.add(at < 0 ? null : in.get(i < carried ? at : loops + given + at));
            }
            List<@Nullable Value> adjoints = pass.backward(seeds);
            List<Value> results = new ArrayList<>();
            for (int i : through) results.add(orZeros(inner, adjoints.get(i), inputs.get(i)));
            for (int k = 0; k < captured.size(); k++) {
                Value more = adjoints.get(captured.get(k));
                Value sum = in.get(through.size() + k);
                results.add(more == null ? sum : inner.plus(sum, more));
            }
            for (int i : sliced) results.add(orZeros(inner, adjoints.get(i), inputs.get(i)));
            return results;
        });
        List<Value> results = b.addAll(new Op.Scan(back, loops, read, o.steps(), !o.reverse()), operands);
        int next = 0;
        for (List<Integer> kind : List.of(through, captured, sliced)) {
            for (int i : kind) s.give(i, results.get(next++));
        }
    }

    /** The body's inputs that depend on what is differentiated for, in any step. */
    private static boolean[] wanted(Step s, Op.Scan o) {
        boolean[] wanted = new boolean[s.operandCount()];
        for (int i = 0; i < wanted.length; i++) wanted[i] = s.depends(i);
        boolean more = true;
        while (more) {
            more = false;
            Set<Value> dependent = Pass.dependent(o.body(), wanted);
            for (int i = 0; i < o.carried(); i++) {
                if (wanted[i] || !dependent.contains(o.body().outputs().get(i))) continue;
                wanted[i] = true;
                more = true;
            }
        }
        return wanted;
    }

    private static List<Integer> indices(Graph body, boolean[] wanted, int from, int to) {
        List<Integer> found = new ArrayList<>();
        for (int i = from; i < to; i++)
            if (wanted[i] && Pass.isDifferentiable(body.inputs().get(i))) found.add(i);
        return found;
    }

    private static Value adjoint(Step s, int result) {
        return orZeros(s.b, s.adjoints().get(result), s.y(result));
    }

    private static Value orZeros(GraphBuilder b, @Nullable Value adjoint, Value like) {
        return adjoint != null ? adjoint : Step.zeros(b, like.type());
    }

    /** The same choice between the bodies backwards. */
    static void choice(Step s, Op.If o) {
        GraphBuilder b = s.b;
        int captured = s.operandCount() - 1;
        boolean[] wanted = new boolean[captured];
        List<Integer> takers = new ArrayList<>();
        for (int i = 0; i < captured; i++) {
            wanted[i] = s.depends(i + 1);
            if (s.wants(i + 1)) takers.add(i);
        }
        if (takers.isEmpty()) return;
        List<Value> operands = new ArrayList<>();
        for (int i = 1; i <= captured; i++) operands.add(s.x(i));
        List<Integer> seeded = new ArrayList<>();
        for (int i = 0; i < s.adjoints().size(); i++) {
            if (s.adjoints().get(i) == null) continue;
            seeded.add(i);
            operands.add(adjoint(s, i));
        }
        List<TensorType> types = operands.stream().map(Value::type).toList();
        List<Graph> back = new ArrayList<>();
        for (Graph body : List.of(o.then(), o.otherwise())) {
            back.add(b.body(body.name() + "/gradient", types, (inner, in) -> {
                List<Value> inputs = in.subList(0, captured);
                Pass pass = new Pass(inner, body, inputs, wanted);
                List<@Nullable Value> seeds = new ArrayList<>();
                for (int i = 0; i < body.outputs().size(); i++) {
                    int at = seeded.indexOf(i);
                    seeds.add(at < 0 ? null : in.get(captured + at));
                }
                List<@Nullable Value> adjoints = pass.backward(seeds);
                return takers.stream()
                        .map(i -> orZeros(inner, adjoints.get(i), inputs.get(i)))
                        .toList();
            }));
        }
        operands.addFirst(s.x(0));
        List<Value> results = b.addAll(new Op.If(back.get(0), back.get(1)), operands);
        for (int k = 0; k < takers.size(); k++) s.give(takers.get(k) + 1, results.get(k));
    }
}
