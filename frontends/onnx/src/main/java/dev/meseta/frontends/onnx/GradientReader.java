package dev.meseta.frontends.onnx;

import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Gives the Gradient nodes of a graph what they differentiate. Their definition makes a body that has inputs and an output, and no calls;
 * here it gets the calls of the graph between them. What these read beside the inputs is captured: it becomes an input too.
 */
final class GradientReader {
    /** Deepest nesting of gradients in one another: the order of a derivative. */
    private static final int DEEPEST = 16;

    private final List<Call> calls;
    private final String label;
    private final Map<String, Integer> makers = new HashMap<>();
    private final Map<Integer, Program> resolved = new HashMap<>();
    private final Set<Integer> active = new LinkedHashSet<>();

    /**
     * @param calls all calls of the graph, in any order; those of gradients are replaced
     * @param label what messages call the graph
     */
    GradientReader(List<Call> calls, String label) {
        this.calls = calls;
        this.label = label;
        for (int i = 0; i < calls.size(); i++) {
            for (String o : calls.get(i).outputs()) if (!o.isEmpty()) makers.put(o, i);
        }
    }

    /** Replaces the call of a gradient by one that has its body and its captured inputs; the body. */
    Program resolve(int index) {
        Program known = resolved.get(index);
        if (known != null) return known;
        Call call = calls.get(index);
        if (!(call.lowering() instanceof Lowering.Differentiate d))
            throw new IllegalArgumentException(call.where() + " is no gradient");
        if (!active.add(index)) throw error(call, "depends on its own output");
        if (active.size() > DEEPEST) throw error(call, "is a derivative of an order above " + DEEPEST);
        try {
            Program body = resolve(index, call, d);
            resolved.put(index, body);
            return body;
        } finally {
            active.remove(index);
        }
    }

    private Program resolve(int index, Call call, Lowering.Differentiate d) {
        Set<String> given = new HashSet<>();
        for (Port p : d.body().inputs()) given.add(p.name());
        String y = d.body().outputs().getFirst().name();
        List<Call> between = between(given, y);
        Set<String> read = new LinkedHashSet<>();
        Set<String> made = new HashSet<>();
        for (Call c : between) {
            read.addAll(c.inputs());
            made.addAll(c.outputs());
        }
        read.add(y);
        read.remove("");
        for (int i = 0; i < d.variables(); i++) {
            String x = d.body().inputs().get(i).name();
            if (!read.contains(x)) throw error(call, "'" + y + "' does not depend on '" + x + "'");
        }
        read.removeAll(given);
        read.removeAll(made);
        List<Port> inputs = new ArrayList<>(d.body().inputs());
        for (String name : read) inputs.add(Port.any(name));
        Program body =
                new Program(d.body().name(), inputs, d.body().outputs(), Map.of(), GraphReader.sorted(between, label));
        List<String> operands = new ArrayList<>(call.inputs());
        operands.addAll(read);
        calls.set(
                index,
                new Call(
                        call.name(),
                        call.operator(),
                        operands,
                        call.outputs(),
                        new Lowering.Differentiate(body, d.variables())));
        return body;
    }

    private InvalidInputException error(Call call, String message) {
        return new InvalidInputException(label + call.where() + ": " + message);
    }

    /** The calls that depend on the given names, and on which {@code y} depends. They do not define what is given. */
    private List<Call> between(Set<String> given, String y) {
        Set<Integer> before = new TreeSet<>();
        Map<String, List<Integer>> readers = new HashMap<>();
        Deque<String> names = new ArrayDeque<>(List.of(y));
        while (!names.isEmpty()) {
            String name = names.pop();
            @Nullable Integer maker = given.contains(name) ? null : makers.get(name);
            if (maker == null || !before.add(maker)) continue;
            if (calls.get(maker).lowering() instanceof Lowering.Differentiate) resolve(maker);
            for (String i : calls.get(maker).inputs()) {
                readers.computeIfAbsent(i, _ -> new ArrayList<>()).add(maker);
                names.push(i);
            }
        }
        Set<Integer> after = new TreeSet<>();
        names.addAll(given);
        while (!names.isEmpty()) {
            for (int reader : readers.getOrDefault(names.pop(), List.of())) {
                if (!after.add(reader)) continue;
                for (String o : calls.get(reader).outputs()) if (!given.contains(o)) names.push(o);
            }
        }
        List<Call> result = new ArrayList<>();
        for (int i : after) {
            Call c = calls.get(i);
            List<String> outputs =
                    c.outputs().stream().map(o -> given.contains(o) ? "" : o).toList();
            result.add(new Call(c.name(), c.operator(), c.inputs(), outputs, c.lowering()));
        }
        return result;
    }
}
