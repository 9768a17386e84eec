package dev.meseta.frontends.tflite;

import dev.meseta.frontends.tflite.format.ModelFile;
import dev.meseta.frontends.tflite.format.ModelFile.Operator;
import dev.meseta.frontends.tflite.format.ModelFile.Subgraph;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.frontends.tflite.operators.Registry;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads one model: its graphs by {@link GraphReader}, and its constants. Gathers what cannot run, so that one message tells all of it, and
 * bounds what graphs that call each other may grow to.
 */
final class ModelReader {
    /** Deepest nesting of graphs that call each other. */
    private static final int DEEPEST = 50;

    /** Most operators that a model may have when every call of a graph is replaced by its operators. */
    private static final long MOST_OPERATORS = 1_000_000;

    /** Problems that one message lists. */
    private static final int LISTED = 40;

    final ModelFile file;
    final Registry registry;
    private final String where;
    private final TensorReader tensors = new TensorReader();
    private final Map<TensorInfo, Data> constants = new java.util.IdentityHashMap<>();
    private final Map<String, Integer> unsupported = new LinkedHashMap<>();
    private final Set<String> problems = new LinkedHashSet<>();

    /** Its own graph, and those that are called from there. */
    private final Set<Integer> reached = new LinkedHashSet<>();

    private HashTables tables = HashTables.NONE;
    private long operators;
    private int depth;

    ModelReader(ModelFile file, String where, Registry registry) {
        this.file = file;
        this.where = where;
        this.registry = registry;
    }

    /** The model as a program. Throws {@link InvalidInputException} with everything that stands in its way. */
    Program read() {
        noteUnknownOperators();
        if (!unsupported.isEmpty()) throw summary();
        tables = HashTables.of(this, reached);
        Program program = new GraphReader(this, 0).main();
        if (!problems.isEmpty()) throw summary();
        return program;
    }

    /** Those of the model's own graph, and of graphs that are called from there: the others are of no concern. */
    private void noteUnknownOperators() {
        reached.add(0);
        List<Integer> left = new ArrayList<>(reached);
        while (!left.isEmpty()) {
            int graph = left.removeFirst();
            for (Operator o : subgraph(graph, where).operators()) {
                for (int called : ControlFlow.called(o)) if (reached.add(called)) left.add(called);
                if (!isKnown(graph, o)) unsupported.merge(name(o), 1, Integer::sum);
            }
        }
    }

    private static String name(Operator o) {
        if (!o.custom()) return o.name() + "-" + o.version();
        String flex = "Flex";
        return o.name().startsWith(flex)
                ? "TensorFlow's own operator '" + o.name().substring(flex.length())
                        + "', which a converter leaves with SELECT_TF_OPS,"
                : "custom operator '" + o.name() + "'";
    }

    private boolean isKnown(int graph, Operator o) {
        if (registry.find(o.name(), o.custom()) != null) return true;
        if (!o.custom()) return ControlFlow.NAMES.contains(o.name());
        return CustomOperators.lowering(CustomOperators.of(file, graph, o, o.name()), List.of())
                .isPresent();
    }

    Subgraph subgraph(int index, String caller) {
        if (index < 0 || index >= file.subgraphs().size()) {
            throw new InvalidInputException(caller + ": there is no subgraph " + index + ", of "
                    + file.subgraphs().size());
        }
        return file.subgraphs().get(index);
    }

    /** Called before a graph is read, with {@link #leave} after. */
    void enter(Subgraph subgraph) {
        if (++depth > DEEPEST) throw error("has graphs that call each other more than " + DEEPEST + " deep");
        operators += subgraph.operators().size() + 1;
        if (operators > MOST_OPERATORS) throw error("has more than " + MOST_OPERATORS + " operators");
    }

    void leave() {
        depth--;
    }

    /** Notes something that keeps the model from running. */
    void problem(String text) {
        problems.add(text);
    }

    Data constant(TensorInfo info) {
        return constants.computeIfAbsent(
                info, i -> tensors.read(i, file.buffers().get(i.buffer())));
    }

    /** The tables that the model fills. */
    HashTables tables() {
        return tables;
    }

    boolean isConstant(TensorInfo info) {
        if (info.buffer() == 0) return false;
        if (file.buffers().get(info.buffer()).byteSize() > 0) return true;
        for (int extent : info.shape()) if (extent == 0) return true;
        return false;
    }

    private InvalidInputException summary() {
        List<String> lines = new ArrayList<>();
        unsupported.forEach(
                (name, count) -> lines.add(name + " is not supported" + (count == 1 ? "" : " (" + count + " times)")));
        lines.addAll(problems);
        if (lines.size() == 1) return error("cannot run: " + lines.getFirst());
        String rest = lines.size() > LISTED ? "\n  and " + (lines.size() - LISTED) + " more" : "";
        return error("cannot run, for " + lines.size() + " reasons:\n  "
                + String.join("\n  ", lines.subList(0, Math.min(LISTED, lines.size()))) + rest);
    }

    InvalidInputException error(String text) {
        return new InvalidInputException(where + " " + text);
    }

    /** Names of a graph's values: the tensors' own where they have one that nobody else has. */
    static String[] names(Subgraph subgraph) {
        String[] names = new String[subgraph.tensors().size()];
        Set<String> taken = new java.util.HashSet<>();
        for (int i = 0; i < names.length; i++) {
            String own = subgraph.tensors().get(i).name();
            String name = own.isEmpty() ? "tensor" + i : own;
            if (!taken.add(name)) {
                name = name + "#" + i;
                while (!taken.add(name)) name += "'";
            }
            names[i] = name;
        }
        return names;
    }
}
