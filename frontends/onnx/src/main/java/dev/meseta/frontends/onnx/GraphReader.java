package dev.meseta.frontends.onnx;

import dev.meseta.frontends.onnx.ModelReader.FunctionId;
import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.AttributeProto.AttributeType;
import dev.meseta.frontends.onnx.format.FunctionProto;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.NodeProto;
import dev.meseta.frontends.onnx.format.SparseTensorProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.frontends.onnx.format.ValueInfoProto;
import dev.meseta.frontends.onnx.operators.Attributes;
import dev.meseta.frontends.onnx.operators.Attributes.Body;
import dev.meseta.frontends.onnx.operators.OperatorNode;
import dev.meseta.frontends.onnx.operators.Registry;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.OperatorDefinition;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes a program of one graph or function. Names that a graph reads and does not define are captured from around it. */
final class GraphReader {
    /** Stands for a lowering of a node that cannot run; the model is refused before anything could call it. */
    private static final Lowering.Host REFUSED = _ -> {
        throw new IllegalStateException("a refused node was run");
    };

    private final ModelReader model;
    private final Scope scope;
    private final boolean fixed;
    private final List<Port> inputs = new ArrayList<>();
    private final Map<String, Data> constants = new HashMap<>();
    /** Every name in the graph with what defines it, for messages. */
    private final Map<String, String> defined = new HashMap<>();

    private final List<Call> calls = new ArrayList<>();
    /** Formal inputs that a function's caller leaves out: reading them is leaving an operand out. */
    private final Set<String> absent = new HashSet<>();

    private long weight;

    /**
     * @param fixed whether initializers that are inputs too are constants, not defaults
     */
    GraphReader(ModelReader model, Scope scope, boolean fixed) {
        this.model = model;
        this.scope = scope;
        this.fixed = fixed;
    }

    /** The model's graph, or a body with the names that it captures. */
    Body read(GraphProto graph, boolean main, String name) {
        model.enter();
        String where = scope.label() + (main ? "the graph" : "the graph of " + name);
        initializers(graph, where);
        for (ValueInfoProto info : graph.getInputList()) {
            boolean initialised = constants.containsKey(info.getName());
            // A body's initializer is never overridden: its caller knows nothing of it.
            if (initialised && (fixed || !main)) continue;
            if (!initialised) define(info.getName(), "an input", where);
            inputs.add(TypeReader.port(info, initialised, where + ", input '" + info.getName() + "'"));
        }
        checkDistinctInputs(where);
        int formal = inputs.size();
        nodes(graph.getNodeList());
        List<Port> outputs = new ArrayList<>();
        for (ValueInfoProto info : graph.getOutputList()) {
            outputs.add(TypeReader.port(info, false, where + ", output '" + info.getName() + "'"));
        }
        if (main && outputs.isEmpty()) throw model.error("has no outputs");
        List<String> captured = captured(outputs);
        if (main && !captured.isEmpty()) throw undefined(captured.getFirst());
        for (String c : captured) inputs.add(Port.any(c));
        Program program = new Program(name, inputs, outputs, constants, sorted(calls, scope.label()));
        model.weigh(program, weight);
        model.leave();
        return new Body(program, formal, captured);
    }

    /**
     * A function's nodes.
     *
     * @param present whether the caller gives each input
     */
    Program function(FunctionProto f, List<Boolean> present, String name) {
        model.enter();
        for (int i = 0; i < f.getInputCount(); i++) {
            String input = f.getInput(i);
            define(input, "an input", "function " + name);
            if (i < present.size() && present.get(i)) inputs.add(Port.any(input));
            else absent.add(input);
        }
        nodes(f.getNodeList());
        List<Port> outputs = f.getOutputList().stream().map(Port::any).toList();
        List<String> captured = captured(outputs);
        if (!captured.isEmpty()) throw undefined(captured.getFirst());
        Program program = new Program(name, inputs, outputs, constants, sorted(calls, scope.label()));
        model.weigh(program, weight);
        model.leave();
        return program;
    }

    private void initializers(GraphProto graph, String where) {
        for (TensorProto t : graph.getInitializerList()) {
            define(t.getName(), "an initializer", where);
            constants.put(t.getName(), model.tensors.read(t, where + ", initializer '" + t.getName() + "'"));
        }
        for (SparseTensorProto t : graph.getSparseInitializerList()) {
            String name = t.getValues().getName();
            define(name, "an initializer", where);
            constants.put(name, model.tensors.dense(t, where + ", sparse initializer '" + name + "'"));
        }
    }

    private void checkDistinctInputs(String where) {
        Set<String> seen = new HashSet<>();
        for (Port p : inputs) {
            if (!seen.add(p.name())) throw twice(p.name(), where);
        }
    }

    private void define(String name, String what, String where) {
        if (name.isEmpty()) throw new InvalidInputException(where + " has " + what + " without a name");
        if (defined.put(name, what) != null) throw twice(name, where);
    }

    private static InvalidInputException twice(String name, String where) {
        return new InvalidInputException(where + " defines '" + name + "' twice; names must be distinct");
    }

    private void nodes(List<NodeProto> nodes) {
        for (int i = 0; i < nodes.size(); i++) {
            model.countNode();
            node(nodes.get(i), i);
        }
        gradients();
    }

    /** Gives each Gradient the calls that it differentiates, now that all are there. */
    private void gradients() {
        GradientReader reader = new GradientReader(calls, scope.label());
        for (int i = 0; i < calls.size(); i++) {
            if (!(calls.get(i).lowering() instanceof Lowering.Differentiate)) continue;
            try {
                Program body = reader.resolve(i);
                long size = 0;
                for (Call c : body.calls()) size = Math.addExact(size, 1 + weightOf(c.lowering()));
                model.weigh(body, size);
                weight = Math.addExact(weight, size);
            } catch (InvalidInputException e) {
                model.problem(e.getMessage());
            }
        }
    }

    private void node(NodeProto proto, int index) {
        String name = proto.getName().isEmpty() ? "#" + index : proto.getName();
        String domain = Scope.domain(proto.getDomain());
        Integer opset = scope.opsets().get(domain);
        String operator = domain + "." + proto.getOpType() + (opset == null ? "" : "-" + opset);
        String where = scope.label() + "node '" + name + "' (" + operator + ")";
        for (String output : proto.getOutputList()) {
            if (!output.isEmpty()) define(output, "an output", where);
        }
        List<String> operands = new ArrayList<>();
        for (String input : proto.getInputList()) operands.add(absent.contains(input) ? "" : input);
        Lowering lowering = REFUSED;
        List<String> names = operands;
        List<String> captured = List.of();
        try {
            Map<String, AttributeProto> attributes = attributes(proto, where);
            FunctionId function = model.function(proto);
            if (function != null) {
                names = operands.stream().filter(o -> !o.isEmpty()).toList();
                lowering = inline(function, attributes, operands, proto.getOutputCount(), where);
            } else {
                OperatorNode node = new OperatorNode(
                        where,
                        domain,
                        proto.getOpType(),
                        opset == null ? 0 : opset,
                        values(attributes, where),
                        operands,
                        proto.getOutputList());
                captured = node.captured();
                if (isConstant(node)) {
                    constants.put(node.outputs().getFirst(), constant(node));
                    return;
                }
                lowering = lower(node, opset);
            }
        } catch (InvalidInputException e) {
            model.problem(e.getMessage());
        }
        List<String> all = new ArrayList<>(names);
        // What a function's caller left out is left out in a body too, where it cannot be an empty name.
        for (String c : captured) all.add(absent.contains(c) ? "" : c);
        calls.add(new Call(name, operator, all, proto.getOutputList(), lowering));
        weight = Math.addExact(weight, 1 + weightOf(lowering));
    }

    private long weightOf(Lowering lowering) {
        return switch (lowering) {
            case Lowering.Inline l -> model.weight(l.body());
            case Lowering.Branch l -> model.weight(l.then()) + model.weight(l.otherwise());
            case Lowering.Loop l -> model.weight(l.body());
            case Lowering.Differentiate l -> model.weight(l.body());
            default -> 0;
        };
    }

    /** A node's attributes; in a function, with what the function's own attributes stand for. */
    private Map<String, AttributeProto> attributes(NodeProto proto, String where) {
        Map<String, AttributeProto> attributes = new LinkedHashMap<>();
        Map<String, AttributeProto> bindings = scope.bindings();
        for (AttributeProto a : proto.getAttributeList()) {
            AttributeProto value = a;
            if (!a.getRefAttrName().isEmpty()) {
                if (bindings == null) {
                    throw new InvalidInputException(where + ": attribute '" + a.getName()
                            + "' refers to an attribute of a function, but is in none");
                }
                AttributeProto bound = bindings.get(a.getRefAttrName());
                // Neither given nor with a default: the operator's own default holds.
                if (bound == null) continue;
                value = bound.toBuilder().setName(a.getName()).build();
            }
            if (attributes.put(a.getName(), value) != null) {
                throw new InvalidInputException(where + ": has attribute '" + a.getName() + "' twice");
            }
        }
        return attributes;
    }

    private Attributes values(Map<String, AttributeProto> attributes, String where) {
        AttributeReader reader = new AttributeReader(
                model.tensors, (graph, name) -> new GraphReader(model, scope, fixed).read(graph, false, name));
        Map<String, Object> values = new HashMap<>();
        attributes.forEach((name, a) -> values.put(name, reader.value(a, where)));
        return new Attributes(where, values);
    }

    private Lowering inline(
            FunctionId id, Map<String, AttributeProto> attributes, List<String> operands, int outputs, String where) {
        for (AttributeProto a : attributes.values()) {
            if (a.getType() == AttributeType.GRAPH || a.getType() == AttributeType.GRAPHS) {
                throw new InvalidInputException(
                        where + ": passes a graph to function " + id + ", which is not supported");
            }
        }
        List<Boolean> present = operands.stream().map(o -> !o.isEmpty()).toList();
        return new Lowering.Inline(model.inline(id, attributes, present, outputs, where));
    }

    private static boolean isConstant(OperatorNode node) {
        return node.domain().equals(Registry.ONNX)
                && node.operator().equals("Constant")
                && node.outputs().size() == 1
                && node.hasOutput(0)
                && node.inputs().isEmpty();
    }

    private static Data constant(OperatorNode node) {
        Attributes a = node.attributes();
        Set<String> names = a.names();
        if (names.size() != 1) throw node.error("has " + names.size() + " values instead of one");
        return switch (names.iterator().next()) {
            case "value" -> a.data("value");
            case "sparse_value" -> a.data("sparse_value");
            case "value_float" -> Tensor.of(new float[] {a.real("value_float")});
            case "value_floats" -> {
                float[] v = a.reals("value_floats");
                yield Tensor.of(v, v.length);
            }
            case "value_int" -> Tensor.of(new long[] {a.integer("value_int")});
            case "value_ints" -> {
                long[] v = a.integers("value_ints");
                yield Tensor.of(v, v.length);
            }
            case "value_string" -> new Data.Strings(dev.meseta.graph.Shape.SCALAR, List.of(a.string("value_string")));
            case "value_strings" -> {
                List<String> v = a.strings("value_strings");
                yield new Data.Strings(dev.meseta.graph.Shape.of(v.size()), v);
            }
            default -> throw node.error("has no attribute '" + names.iterator().next() + "'");
        };
    }

    private Lowering lower(OperatorNode node, @Nullable Integer opset) {
        Registry registry = model.registry;
        int first = registry.firstVersion(node.domain(), node.operator());
        if (opset == null) {
            throw node.error("the model does not import an opset of domain " + node.domain());
        }
        OperatorDefinition<OperatorNode> definition = registry.find(node.domain(), node.operator(), opset);
        if (definition != null) return definition.define(node);
        if (first > 0) throw node.error("the operator exists from opset " + first + " on, the model imports " + opset);
        if (!registry.knows(node.domain())) throw node.error("unknown domain " + node.domain());
        throw node.error("unknown operator");
    }

    /** Names read but not defined, in the order in which they are met. */
    private List<String> captured(List<Port> outputs) {
        Set<String> names = new LinkedHashSet<>();
        for (Call c : calls) {
            for (String i : c.inputs()) {
                if (!i.isEmpty() && !defined.containsKey(i)) names.add(i);
            }
        }
        for (Port p : outputs) {
            if (!defined.containsKey(p.name())) names.add(p.name());
        }
        return List.copyOf(names);
    }

    private InvalidInputException undefined(String name) {
        for (Call c : calls) {
            if (c.inputs().contains(name)) {
                return new InvalidInputException(
                        scope.label() + c.where() + " reads '" + name + "', which nothing defines");
            }
        }
        return new InvalidInputException(scope.label() + "the output '" + name + "' is defined by nothing");
    }

    /** The calls in an order in which each comes after what it reads: the file's own, as far as that is one. */
    static List<Call> sorted(List<Call> calls, String label) {
        Map<String, Integer> makers = new HashMap<>();
        for (int i = 0; i < calls.size(); i++) {
            for (String o : calls.get(i).outputs()) makers.put(o, i);
        }
        makers.remove("");
        int[] waiting = new int[calls.size()];
        List<List<Integer>> readers = new ArrayList<>();
        for (int i = 0; i < calls.size(); i++) readers.add(new ArrayList<>());
        for (int i = 0; i < calls.size(); i++) {
            for (String name : new HashSet<>(calls.get(i).inputs())) {
                Integer maker = makers.get(name);
                if (maker == null) continue;
                readers.get(maker).add(i);
                waiting[i]++;
            }
        }
        PriorityQueue<Integer> ready = new PriorityQueue<>();
        for (int i = 0; i < waiting.length; i++) {
            if (waiting[i] == 0) ready.add(i);
        }
        List<Call> order = new ArrayList<>();
        while (!ready.isEmpty()) {
            int next = ready.remove();
            order.add(calls.get(next));
            for (int r : readers.get(next)) {
                if (--waiting[r] == 0) ready.add(r);
            }
        }
        if (order.size() < calls.size()) {
            for (int i = 0; i < waiting.length; i++) {
                if (waiting[i] > 0) {
                    throw new InvalidInputException(
                            label + calls.get(i).where() + " depends on its own output: the graph has a cycle");
                }
            }
        }
        return order;
    }
}
