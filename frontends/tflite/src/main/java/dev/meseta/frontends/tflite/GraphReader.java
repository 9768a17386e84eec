package dev.meseta.frontends.tflite;

import dev.meseta.frontends.tflite.format.ModelFile.Operator;
import dev.meseta.frontends.tflite.format.ModelFile.Subgraph;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.frontends.tflite.operators.OperatorNode;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.program.OperatorDefinition;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes a program of one graph. Within it each variable has the name of the value that it holds at that point; a graph that is called from
 * another takes the variables that it uses as inputs, and gives them as outputs.
 */
final class GraphReader {
    /** In bytes: beyond it a result is at most so many times as large as what it is made from. */
    private static final long LARGEST_UNBACKED = 1L << 30;

    private static final long MOST_TIMES = 1024;

    private final ModelReader model;
    private final Subgraph subgraph;
    private final int number;
    /** The name of each tensor's value; null where nothing defined it yet. */
    private final @Nullable String[] values;

    private final String[] names;
    /** The variable that each tensor is a handle of. */
    private final Map<Integer, String> handles = new HashMap<>();
    /** What each variable holds now. */
    private final Map<String, String> variables = new LinkedHashMap<>();

    private final Set<String> assigned = new LinkedHashSet<>();
    private final Map<String, Data> constants = new HashMap<>();
    private final List<Call> calls = new ArrayList<>();
    private final Set<String> taken;

    GraphReader(ModelReader model, int number) {
        this.model = model;
        this.number = number;
        this.subgraph = model.file.subgraphs().get(number);
        this.names = ModelReader.names(subgraph);
        this.taken = new java.util.HashSet<>(List.of(names));
        this.values = new String[names.length];
    }

    /** The program of a model's own graph. */
    Program main() {
        Map<String, TensorInfo> kept = new LinkedHashMap<>();
        ControlFlow.collectVariables(model, number, Map.of(), kept);
        Set<String> initialized = ControlFlow.initializedVariables(model, number);
        List<Port> inputs = inputs(Map.of());
        for (Map.Entry<String, TensorInfo> e : kept.entrySet()) {
            String name = fresh(e.getKey());
            TensorInfo info = e.getValue();
            boolean optional = info.variable() || initialized.contains(e.getKey());
            DType dtype = info.dtype();
            if (dtype == null) throw new InvalidInputException("variable '" + e.getKey() + "' holds no numbers");
            inputs.add(new Port(name, Port.Kind.TENSOR, dtype, info.declared(), optional));
            variables.put(e.getKey(), name);
            if (info.variable()) begin(e.getKey(), zeros(info));
        }
        run();
        List<Port> outputs = outputs();
        for (String v : assigned) {
            TensorInfo info = kept.get(v);
            if (info == null || info.dtype() == null) continue;
            // A program's outputs have names of their own.
            String name = fresh(v);
            call(name, "variable", List.of(current(v)), List.of(name), (Lowering.Expand) c -> List.of(c.operand(0)));
            outputs.add(Port.tensor(name, info.dtype(), info.declared()));
        }
        return new Program(title(), inputs, outputs, constants, calls);
    }

    /**
     * The program of a graph that another one calls.
     *
     * @param known variables of the inputs that are handles, by the input's place
     * @param shared variables that become inputs and outputs behind the graph's own
     */
    Program body(Map<Integer, String> known, List<String> shared) {
        List<Port> inputs = inputs(known);
        for (String v : shared) {
            String name = fresh(v);
            variables.put(v, name);
            inputs.add(Port.any(name));
        }
        run();
        List<Port> outputs = outputs();
        for (String v : shared) outputs.add(Port.any(current(v)));
        return new Program(title(), inputs, outputs, constants, calls);
    }

    private String title() {
        return subgraph.name().isEmpty() ? number == 0 ? "main" : "subgraph " + number : subgraph.name();
    }

    private void run() {
        model.enter(subgraph);
        for (int i = 0; i < subgraph.operators().size(); i++) {
            try {
                add(subgraph.operators().get(i), i);
            } catch (InvalidInputException e) {
                model.problem(String.valueOf(e.getMessage()));
                define(subgraph.operators().get(i));
            }
        }
        model.leave();
    }

    private List<Port> inputs(Map<Integer, String> known) {
        List<Port> ports = new ArrayList<>();
        for (int i = 0; i < subgraph.inputs().length; i++) {
            int tensor = subgraph.inputs()[i];
            TensorInfo info = subgraph.tensors().get(tensor);
            String variable = known.get(i);
            if (variable != null) {
                handles.put(tensor, variable);
                continue;
            }
            if (values[tensor] != null) throw new InvalidInputException(info.where() + " is an input twice");
            values[tensor] = names[tensor];
            ports.add(port(info, names[tensor]));
        }
        return ports;
    }

    private List<Port> outputs() {
        List<Port> ports = new ArrayList<>();
        Set<String> used = new java.util.HashSet<>();
        for (int tensor : subgraph.outputs()) {
            TensorInfo info = subgraph.tensors().get(tensor);
            if (info.isHandle()) continue;
            String name = value(tensor, "the graph's outputs");
            if (!used.add(name)) {
                String copy = fresh(names[tensor]);
                call(copy, "copy", List.of(name), List.of(copy), (Lowering.Expand) c -> List.of(c.operand(0)));
                name = copy;
            }
            ports.add(port(info, name));
        }
        return ports;
    }

    private static Port port(TensorInfo info, String name) {
        DType dtype = info.dtype();
        if (dtype == null) {
            if (info.isHandle()) throw new InvalidInputException(info.where() + ": a handle cannot be an input");
            return new Port(name, Port.Kind.STRINGS, null, info.declared(), false);
        }
        return Port.tensor(name, dtype, info.declared());
    }

    /** The name of a tensor's value. */
    String value(int tensor, String reader) {
        String name = values[tensor];
        if (name != null) return name;
        TensorInfo info = subgraph.tensors().get(tensor);
        if (!model.isConstant(info)) {
            throw new InvalidInputException(reader + ": reads " + info.where() + ", which nothing defines before");
        }
        constants.put(names[tensor], model.constant(info));
        values[tensor] = names[tensor];
        return names[tensor];
    }

    /** Gives the results of an operator that cannot run their names, so that the operators behind it can be looked at. */
    private void define(Operator operator) {
        for (int t : operator.outputs()) values[t] = names[t];
    }

    private void add(Operator operator, int index) {
        String where = where(operator, index);
        for (int t : operator.outputs()) {
            if (values[t] != null || Arrays.stream(operator.inputs()).anyMatch(i -> i == t)) {
                throw new InvalidInputException(
                        where + ": writes " + subgraph.tensors().get(t).where() + ", which has a value");
            }
        }
        if (!operator.custom() && ControlFlow.NAMES.contains(operator.name())) {
            new ControlFlow(model, this, operator, where).add();
            return;
        }
        OperatorDefinition<OperatorNode> definition = model.registry.find(operator.name(), operator.custom());
        if (definition == null) {
            addCustom(operator, index, where);
            return;
        }
        boolean stateful = model.registry.isStateful(operator.name());
        List<String> inputs = new ArrayList<>();
        List<@Nullable TensorInfo> infos = new ArrayList<>();
        List<String> changed = new ArrayList<>();
        for (int t : operator.inputs()) {
            TensorInfo info = t < 0 ? null : subgraph.tensors().get(t);
            infos.add(info);
            if (info == null) inputs.add("");
            else if (info.variable() && stateful) {
                String variable = ControlFlow.variableOf(info);
                inputs.add(current(variable));
                changed.add(variable);
            } else inputs.add(value(t, where));
        }
        OperatorNode node = node(operator, where, infos);
        Lowering lowering = definition.define(node);
        List<String> outputs = new ArrayList<>();
        for (int t : operator.outputs()) outputs.add(names[t]);
        for (String v : changed) outputs.add(fresh(v));
        int own = operator.outputs().length;
        call(label(operator, index), kind(operator), inputs, outputs, checked(node, lowering));
        for (int i = 0; i < own; i++) values[operator.outputs()[i]] = outputs.get(i);
        for (int i = 0; i < changed.size(); i++) assign(changed.get(i), outputs.get(own + i));
    }

    /** An operator that somebody else knows: its operands are the values that are there. */
    private void addCustom(Operator operator, int index, String where) {
        List<Integer> given = new ArrayList<>();
        List<String> inputs = new ArrayList<>();
        for (int i = 0; i < operator.inputs().length; i++) {
            int t = operator.inputs()[i];
            String value = t < 0 ? null : values[t];
            if (value == null) continue;
            given.add(i);
            inputs.add(value);
        }
        Lowering lowering = CustomOperators.lowering(CustomOperators.of(model.file, number, operator, where), given)
                .orElseThrow(() -> new InvalidInputException(where + ": unknown operator"));
        List<String> outputs = new ArrayList<>();
        for (int t : operator.outputs()) outputs.add(define(t));
        call(label(operator, index), kind(operator), inputs, outputs, lowering);
    }

    private OperatorNode node(Operator o, String where, List<@Nullable TensorInfo> inputs) {
        List<TensorInfo> outputs = new ArrayList<>();
        for (int t : o.outputs()) outputs.add(subgraph.tensors().get(t));
        List<@Nullable TensorInfo> inside = new ArrayList<>();
        for (int t : o.intermediates())
            inside.add(t < 0 ? null : subgraph.tensors().get(t));
        return new OperatorNode(where, o.name(), o.version(), o.options(), o.customOptions(), inputs, outputs, inside);
    }

    /** The lowering, whose results must be as many as the file states, and of the element types. */
    private static Lowering checked(OperatorNode node, Lowering lowering) {
        if (lowering instanceof Lowering.Host host) {
            return (Lowering.Host) data -> {
                List<@Nullable Data> results = host.run(data);
                node.require(
                        results.size() >= node.outputs().size(),
                        "gives " + results.size() + " results, the model has "
                                + node.outputs().size());
                return results;
            };
        }
        if (!(lowering instanceof Lowering.Expand expand)) return lowering;
        return (Lowering.Expand) c -> {
            List<Value> results = expand.expand(c);
            for (int i = 0; i < node.outputs().size(); i++) {
                DType stated = node.outputs().get(i).dtype();
                if (stated != results.get(i).dtype()) {
                    throw c.error("result " + i + " is " + results.get(i).type() + ", the model says "
                            + (stated == null ? "it is of no numbers" : stated.text()));
                }
                requireBacked(c, i, results.get(i).type());
            }
            return results;
        };
    }

    /** A few numbers of a file may ask for any result; a large one must have something that it is made from. */
    private static void requireBacked(LoweringContext c, int result, TensorType type) {
        if (type.bytes() <= LARGEST_UNBACKED) return;
        long read = 0;
        for (int i = 0; i < c.operandCount(); i++)
            if (c.has(i)) read += c.type(i).bytes();
        if (type.bytes() / MOST_TIMES <= read) return;
        throw c.error("result " + result + " is " + type + ", which is more than 1 GiB and more than " + MOST_TIMES
                + " times the operands' " + read + " bytes");
    }

    /** Adds a call whose results' names are defined by the caller. */
    void call(String name, String operator, List<String> inputs, List<String> outputs, Lowering lowering) {
        calls.add(new Call(name, operator, inputs, outputs, lowering));
    }

    String where(Operator operator, int index) {
        return "node '" + label(operator, index) + "' (" + kind(operator) + ")";
    }

    /** Operators have no names: what they give has. */
    String label(Operator operator, int index) {
        return operator.outputs().length > 0 ? names[operator.outputs()[0]] : "operator " + index;
    }

    static String kind(Operator operator) {
        return operator.custom() ? operator.name() : operator.name() + "-" + operator.version();
    }

    TensorInfo tensor(int index) {
        return subgraph.tensors().get(index);
    }

    /** Defines a tensor's value under its own name, which it returns. */
    String define(int tensor) {
        values[tensor] = names[tensor];
        return names[tensor];
    }

    /** Makes a tensor another name of a value. */
    void alias(int tensor, String value) {
        values[tensor] = value;
    }

    void handle(int tensor, String variable) {
        handles.put(tensor, variable);
    }

    /** The variable that a tensor is a handle of. */
    String variable(int tensor, String where) {
        String v = handles.get(tensor);
        if (v == null)
            throw new InvalidInputException(where + ": " + tensor(tensor).where() + " is no variable's handle");
        return v;
    }

    @Nullable
    String variableOrNull(int tensor) {
        return handles.get(tensor);
    }

    /** The name of what a variable holds now. */
    String current(String variable) {
        String v = variables.get(variable);
        if (v == null) throw new InvalidInputException("variable '" + variable + "' holds nothing here");
        return v;
    }

    void assign(String variable, String value) {
        variables.put(variable, value);
        assigned.add(variable);
    }

    /** Lets a variable hold what the caller gave for it, and if nothing was given, the value. */
    void begin(String variable, String value) {
        String name = fresh(variable);
        call(name, "variable", List.of(current(variable), value), List.of(name), (Lowering.Expand)
                GraphReader::givenOrBegin);
        variables.put(variable, name);
    }

    private static List<Value> givenOrBegin(LoweringContext c) {
        return List.of(c.has(0) ? c.operand(0) : c.operand(1));
    }

    private String zeros(TensorInfo info) {
        String name = fresh(info.name() + ":zero");
        DType dtype = info.dtype();
        long[] extents = Arrays.stream(info.shape()).asLongStream().toArray();
        for (long e : extents) if (e < 0) throw new InvalidInputException(info.where() + " has an unknown extent");
        if (dtype == null) throw new InvalidInputException(info.where() + " holds no numbers");
        call(name, "variable", List.of(), List.of(name), (Lowering.Expand) c -> List.of(c.builder()
                .broadcast(c.builder().constant(zero(info, dtype)), new TensorType(dtype, Shape.of(extents)).shape())));
        return name;
    }

    private static Tensor zero(TensorInfo info, DType dtype) {
        return Tensor.scalar(
                dtype, info.quantization().exists() ? (long) info.quantization().zeroPoint(0) : 0L);
    }

    /** A name that nothing has. */
    String fresh(String base) {
        String name = base;
        for (int i = 1; !taken.add(name); i++) name = base + ":" + i;
        return name;
    }
}
