package dev.meseta.frontends.tflite;

import dev.meseta.frontends.tflite.format.ModelFile.Operator;
import dev.meseta.frontends.tflite.format.ModelFile.Subgraph;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The operators that call other graphs of a model, or read and write its variables. */
final class ControlFlow {
    static final Set<String> NAMES = Set.of(
            "IF",
            "WHILE",
            "CALL",
            "CALL_ONCE",
            "VAR_HANDLE",
            "READ_VARIABLE",
            "ASSIGN_VARIABLE",
            "STABLEHLO_COMPOSITE",
            "HASHTABLE",
            "HASHTABLE_IMPORT",
            "HASHTABLE_FIND",
            "HASHTABLE_SIZE");

    /** Begins the names that handles of tables have among those of variables. */
    private static final String TABLE = "hash table ";

    private static final int DEEPEST = 50;

    private final ModelReader model;
    private final GraphReader graph;
    private final Operator operator;
    private final String where;

    ControlFlow(ModelReader model, GraphReader graph, Operator operator, String where) {
        this.model = model;
        this.graph = graph;
        this.operator = operator;
        this.where = where;
    }

    void add() {
        switch (operator.name()) {
            case "VAR_HANDLE" -> graph.handle(output(0), sharedName(operator));
            case "READ_VARIABLE" -> graph.alias(output(0), graph.current(graph.variable(input(0), where)));
            case "ASSIGN_VARIABLE" -> graph.assign(graph.variable(input(0), where), graph.value(input(1), where));
            case "CALL_ONCE" -> once();
            case "CALL" -> call(operator.options().integer(0));
            case "STABLEHLO_COMPOSITE" -> call(operator.options().integer(1));
            case "IF" -> branch();
            case "HASHTABLE" ->
                graph.handle(output(0), TABLE + operator.options().integer(0));
            case "HASHTABLE_IMPORT" -> table();
            case "HASHTABLE_FIND" -> {
                Lowering find = model.tables().find(table(), graph.tensor(output(0)), where);
                List<String> operands = List.of(graph.value(input(1), where), graph.value(input(2), where));
                emit(operands, List.of(graph.define(output(0))), find);
            }
            case "HASHTABLE_SIZE" -> {
                Lowering size = model.tables().size(table(), where);
                emit(List.of(), List.of(graph.define(output(0))), size);
            }
            default -> loop();
        }
    }

    /** The number of the table that operand 0 is a handle of. */
    private int table() {
        String name = graph.variable(input(0), where);
        if (!name.startsWith(TABLE)) throw new InvalidInputException(where + ": operand 0 is no table's handle");
        return Integer.parseInt(name.substring(TABLE.length()));
    }

    private int input(int i) {
        if (i >= operator.inputs().length || operator.inputs()[i] < 0) {
            throw new InvalidInputException(where + ": operand " + i + " is missing");
        }
        return operator.inputs()[i];
    }

    private int output(int i) {
        if (i >= operator.outputs().length) throw new InvalidInputException(where + ": result " + i + " is missing");
        return operator.outputs()[i];
    }

    /** What the operator gives to the graphs that it calls: values, and which of the graph's inputs are handles. */
    private record Operands(List<String> values, Map<Integer, String> handles) {}

    private Operands operands(int from) {
        List<String> values = new ArrayList<>();
        Map<Integer, String> handles = new HashMap<>();
        for (int i = from; i < operator.inputs().length; i++) {
            int tensor = input(i);
            String variable = graph.variableOrNull(tensor);
            if (variable != null) handles.put(i - from, variable);
            else values.add(graph.value(tensor, where));
        }
        return new Operands(values, handles);
    }

    private Program body(int number, Operands operands, List<String> shared) {
        Subgraph s = model.subgraph(number, where);
        int given = operands.values().size() + operands.handles().size();
        if (s.inputs().length != given) {
            throw new InvalidInputException(
                    where + ": subgraph " + number + " has " + s.inputs().length + " inputs, given are " + given);
        }
        return new GraphReader(model, number).body(operands.handles(), shared);
    }

    private List<String> shared(Operands operands, int... graphs) {
        Map<String, TensorInfo> used = new LinkedHashMap<>();
        for (int g : graphs) {
            model.subgraph(g, where);
            collectVariables(model, g, operands.handles(), used);
        }
        return List.copyOf(used.keySet());
    }

    private List<String> with(List<String> values, List<String> variables) {
        List<String> all = new ArrayList<>(values);
        for (String v : variables) all.add(graph.current(v));
        return all;
    }

    /** The operator's results and the variables as a call defines them. */
    private List<String> results(List<String> variables) {
        List<String> names = new ArrayList<>();
        for (int t : operator.outputs()) if (!graph.tensor(t).isHandle()) names.add(graph.define(t));
        for (String v : variables) {
            String name = graph.fresh(v);
            graph.assign(v, name);
            names.add(name);
        }
        return names;
    }

    private void requireResults(Program body, List<String> variables, int number) {
        long wanted = variables.size();
        for (int t : operator.outputs()) wanted += graph.tensor(t).isHandle() ? 0 : 1;
        if (body.outputs().size() != wanted) {
            throw new InvalidInputException(where + ": subgraph " + number + " gives "
                    + (body.outputs().size() - variables.size()) + " results, wanted are "
                    + (wanted - variables.size()));
        }
    }

    private void emit(List<String> inputs, List<String> outputs, Lowering lowering) {
        String name = outputs.isEmpty() ? operator.name() : outputs.getFirst();
        graph.call(name, GraphReader.kind(operator), inputs, outputs, lowering);
    }

    private void call(int number) {
        Operands operands = operands(0);
        List<String> shared = shared(operands, number);
        Program body = body(number, operands, shared);
        requireResults(body, shared, number);
        List<String> inputs = with(operands.values(), shared);
        emit(inputs, results(shared), new Lowering.Inline(body));
    }

    private void branch() {
        Operands operands = operands(1);
        int then = operator.options().integer(0);
        int otherwise = operator.options().integer(1);
        List<String> shared = shared(operands, then, otherwise);
        Program first = body(then, operands, shared);
        Program second = body(otherwise, operands, shared);
        requireResults(first, shared, then);
        requireResults(second, shared, otherwise);
        List<String> inputs = new ArrayList<>(List.of(graph.value(input(0), where)));
        inputs.addAll(with(operands.values(), shared));
        emit(inputs, results(shared), new Lowering.Branch(first, second));
    }

    /** A loop of the op set tests its condition at the end of each step: the condition's graph is called before the loop, and in each step. */
    private void loop() {
        Operands operands = operands(0);
        int conditionGraph = operator.options().integer(0);
        int bodyGraph = operator.options().integer(1);
        List<String> shared = shared(operands, conditionGraph, bodyGraph);
        Program condition = body(conditionGraph, operands, shared);
        Program body = body(bodyGraph, operands, shared);
        requireResults(body, shared, bodyGraph);
        if (condition.outputs().size() != 1 + shared.size()) {
            throw new InvalidInputException(where + ": the condition's graph does not give one result");
        }
        if (operands.values().size() + shared.size() != body.outputs().size()) {
            throw new InvalidInputException(where + ": the body gives other than it takes");
        }
        List<String> carried = with(operands.values(), shared);
        List<String> begin = new ArrayList<>(List.of(graph.fresh(operator.name() + ":condition")));
        List<String> afterTest = new ArrayList<>();
        for (String v : shared) afterTest.add(graph.fresh(v));
        begin.addAll(afterTest);
        emit(carried, begin, new Lowering.Inline(condition));
        List<String> inputs = new ArrayList<>(List.of("", begin.getFirst()));
        inputs.addAll(operands.values());
        inputs.addAll(afterTest);
        emit(inputs, results(shared), new Lowering.Loop(step(condition, body), carried.size()));
    }

    private Program step(Program condition, Program body) {
        List<Port> inputs = new ArrayList<>(List.of(Port.any("iteration"), Port.any("condition")));
        List<String> before = new ArrayList<>();
        List<String> after = new ArrayList<>();
        int count = body.outputs().size();
        int variables = condition.outputs().size() - 1;
        for (int i = 0; i < count; i++) {
            before.add("before " + i);
            after.add("after " + i);
            inputs.add(Port.any("before " + i));
        }
        List<String> tested = new ArrayList<>(List.of("again"));
        List<Port> outputs = new ArrayList<>(List.of(Port.any("again")));
        for (int i = 0; i < count; i++) {
            boolean variable = i >= count - variables;
            if (variable) tested.add("tested " + i);
            outputs.add(Port.any(variable ? "tested " + i : "after " + i));
        }
        String kind = GraphReader.kind(operator);
        List<Call> calls = List.of(
                new Call("body", kind, before, after, new Lowering.Inline(body)),
                new Call("condition", kind, after, tested, new Lowering.Inline(condition)));
        return new Program(body.name(), inputs, outputs, Map.of(), calls);
    }

    /** The variables that the graph assigns begin with what it gives them. */
    private void once() {
        int number = operator.options().integer(0);
        Subgraph s = model.subgraph(number, where);
        Set<String> set = new LinkedHashSet<>();
        initialized(s, set);
        List<String> shared = List.copyOf(set);
        Program body = body(number, new Operands(List.of(), Map.of()), shared);
        if (shared.isEmpty()) return;
        List<String> outputs = new ArrayList<>();
        // The graph's own results are for nobody.
        for (int i = shared.size(); i < body.outputs().size(); i++) outputs.add("");
        List<String> begin = new ArrayList<>();
        for (String v : shared) begin.add(graph.fresh(v + ":begin"));
        outputs.addAll(begin);
        List<String> inputs = new ArrayList<>();
        for (int i = 0; i < shared.size(); i++) inputs.add("");
        emit(inputs, outputs, new Lowering.Inline(body));
        for (int i = 0; i < shared.size(); i++) graph.begin(shared.get(i), begin.get(i));
    }

    /** The numbers of the graphs that an operator calls. */
    static List<Integer> called(Operator o) {
        if (o.custom()) return List.of();
        return switch (o.name()) {
            case "IF", "WHILE" -> List.of(o.options().integer(0), o.options().integer(1));
            case "CALL", "CALL_ONCE" -> List.of(o.options().integer(0));
            case "STABLEHLO_COMPOSITE" -> List.of(o.options().integer(1));
            default -> List.of();
        };
    }

    /** The name of the variable that a VAR_HANDLE refers to. */
    private static String sharedName(Operator o) {
        String container = o.options().text(0);
        String name = o.options().text(1);
        return container.isEmpty() ? name : container + "/" + name;
    }

    /** The variable that an operator's operand is, which keeps its contents from one run to the next. */
    static String variableOf(TensorInfo info) {
        return info.name().isEmpty() ? "state " + info.index() : info.name();
    }

    /** The variables that a CALL_ONCE of the graph assigns. */
    static Set<String> initializedVariables(ModelReader model, int number) {
        Set<String> set = new LinkedHashSet<>();
        for (Operator o : model.file.subgraphs().get(number).operators()) {
            if (!o.custom() && o.name().equals("CALL_ONCE")) {
                initialized(model.subgraph(o.options().integer(0), "CALL_ONCE"), set);
            }
        }
        return set;
    }

    private static void initialized(Subgraph s, Set<String> set) {
        Map<Integer, String> handles = new HashMap<>();
        for (Operator o : s.operators()) {
            if (o.name().equals("VAR_HANDLE") && o.outputs().length > 0) handles.put(o.outputs()[0], sharedName(o));
            if (o.name().equals("ASSIGN_VARIABLE") && o.inputs().length > 0) {
                String v = handles.get(o.inputs()[0]);
                if (v != null) set.add(v);
            }
        }
    }

    /**
     * The variables that a graph and those that it calls use, each with a tensor that holds it.
     *
     * @param known variables of the inputs that are handles, by the input's place
     */
    static void collectVariables(
            ModelReader model, int number, Map<Integer, String> known, Map<String, TensorInfo> used) {
        new Collector(model, used, new java.util.HashSet<>()).collect(number, known, 0);
    }

    private record Visit(int graph, Map<Integer, String> known) {}

    private record Collector(ModelReader model, Map<String, TensorInfo> used, Set<Visit> visited) {
        void collect(int number, Map<Integer, String> known, int depth) {
            if (!visited.add(new Visit(number, known))) return;
            Subgraph s = model.subgraph(number, "a call");
            if (depth > DEEPEST) throw model.error("has graphs that call each other more than " + DEEPEST + " deep");
            Map<Integer, String> handles = new HashMap<>();
            known.forEach((input, variable) -> {
                if (input < s.inputs().length) handles.put(s.inputs()[input], variable);
            });
            for (Operator o : s.operators()) {
                if (o.custom()) continue;
                int[] in = o.inputs();
                switch (o.name()) {
                    case "VAR_HANDLE" -> {
                        if (o.outputs().length > 0) handles.put(o.outputs()[0], sharedName(o));
                    }
                    case "READ_VARIABLE" -> {
                        if (in.length > 0 && o.outputs().length > 0) note(s, handles.get(in[0]), o.outputs()[0]);
                    }
                    case "ASSIGN_VARIABLE" -> {
                        if (in.length > 1 && in[1] >= 0) note(s, handles.get(in[0]), in[1]);
                    }
                    case "IF" -> {
                        collect(o.options().integer(0), moved(handles, in, 1), depth + 1);
                        collect(o.options().integer(1), moved(handles, in, 1), depth + 1);
                    }
                    case "WHILE" -> {
                        collect(o.options().integer(0), moved(handles, in, 0), depth + 1);
                        collect(o.options().integer(1), moved(handles, in, 0), depth + 1);
                    }
                    case "CALL" -> collect(o.options().integer(0), moved(handles, in, 0), depth + 1);
                    case "STABLEHLO_COMPOSITE" -> collect(o.options().integer(1), moved(handles, in, 0), depth + 1);
                    default -> {
                        if (model.registry.isStateful(o.name())) states(s, in);
                    }
                }
            }
        }

        private void states(Subgraph s, int[] inputs) {
            for (int t : inputs) {
                if (t < 0 || !s.tensors().get(t).variable()) continue;
                used.putIfAbsent(variableOf(s.tensors().get(t)), s.tensors().get(t));
            }
        }

        private void note(Subgraph s, @org.jspecify.annotations.Nullable String variable, int tensor) {
            if (variable != null) used.putIfAbsent(variable, s.tensors().get(tensor));
        }

        private static Map<Integer, String> moved(Map<Integer, String> handles, int[] inputs, int from) {
            Map<Integer, String> moved = new HashMap<>();
            for (int i = from; i < inputs.length; i++) {
                String v = handles.get(inputs[i]);
                if (v != null) moved.put(i - from, v);
            }
            return moved;
        }
    }
}
