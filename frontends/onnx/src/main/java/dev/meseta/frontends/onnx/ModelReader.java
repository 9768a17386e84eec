package dev.meseta.frontends.onnx;

import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.FunctionProto;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.ModelProto;
import dev.meseta.frontends.onnx.format.NodeProto;
import dev.meseta.frontends.onnx.operators.Attributes.Body;
import dev.meseta.frontends.onnx.operators.Registry;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads one model: its versions, its functions and, by {@link GraphReader}, its graphs. Gathers what cannot run, so that one message tells
 * all of it, and bounds what nested functions may grow to.
 */
final class ModelReader {
    private static final int NEWEST_IR = 14;

    /** Deepest nesting of bodies and functions in one another. */
    private static final int DEEPEST = 100;

    /** Most nodes that a model may have when every function call is replaced by the function's nodes. */
    private static final long MOST_NODES = 4_000_000;

    /** Problems that one message lists. */
    private static final int LISTED = 20;

    private final ModelProto model;
    private final String where;
    final Registry registry;
    final TensorReader tensors;
    private final Map<FunctionId, FunctionProto> functions = new HashMap<>();
    private final Map<FunctionUse, Program> inlined = new HashMap<>();
    private final Set<FunctionId> active = new LinkedHashSet<>();
    private final IdentityHashMap<Program, Long> weights = new IdentityHashMap<>();
    private final Set<String> problems = new LinkedHashSet<>();
    private long nodesRead;
    private int depth;

    /**
     * Names a function.
     *
     * @param overload empty unless several have one name
     */
    record FunctionId(String domain, String name, String overload) {
        @Override
        public String toString() {
            return domain + "." + name + (overload.isEmpty() ? "" : "(" + overload + ")");
        }
    }

    /** A function with the values of its attributes, called with these of its inputs. */
    private record FunctionUse(FunctionId id, Map<String, AttributeProto> bindings, List<Boolean> inputs) {}

    ModelReader(ModelProto model, String where, Registry registry, TensorReader tensors) {
        this.model = model;
        this.where = where;
        this.registry = registry;
        this.tensors = tensors;
    }

    /** The model as a program. Throws {@link InvalidInputException} with everything that stands in its way. */
    Program read() {
        if (!model.hasGraph()) throw error("is not an ONNX model: it holds no graph");
        if (!model.hasIrVersion()) throw error("is not an ONNX model: it does not say its IR version");
        long ir = model.getIrVersion();
        if (ir < 1 || ir > NEWEST_IR) {
            throw error("has IR version " + ir + "; 1 to " + NEWEST_IR + " are known");
        }
        for (FunctionProto f : model.getFunctionsList()) {
            FunctionId id = new FunctionId(Scope.domain(f.getDomain()), f.getName(), f.getOverload());
            if (functions.put(id, f) != null) throw error("defines function " + id + " twice");
        }
        GraphProto graph = model.getGraph();
        Body body = new GraphReader(this, new Scope("", opsets(ir), null), initializersAreFixed())
                .read(graph, true, graph.getName());
        if (!problems.isEmpty()) throw summary();
        return body.program();
    }

    private Map<String, Integer> opsets(long ir) {
        if (model.getOpsetImportCount() > 0) return Scope.opsets(model.getOpsetImportList(), where);
        // The import came with IR version 3; what was before is version 1.
        if (ir < 3) return Map.of(Registry.ONNX, 1);
        throw error("does not say which opset it uses (opset_import is empty)");
    }

    /** Before IR version 4 every initializer was listed as an input too, which did not mean that a caller would give it. */
    boolean initializersAreFixed() {
        return model.getIrVersion() < 4;
    }

    /** Called before a body or function is read, with {@link #leave} after. */
    void enter() {
        if (++depth > DEEPEST) throw error("nests bodies and functions more than " + DEEPEST + " deep");
    }

    void leave() {
        depth--;
    }

    void countNode() {
        if (++nodesRead > MOST_NODES) throw error("has more than " + MOST_NODES + " nodes");
    }

    /** Notes something that keeps the model from running. */
    void problem(String text) {
        problems.add(text);
    }

    /** Remembers how many calls a program is when all its functions are written out; an error if too many. */
    void weigh(Program program, long calls) {
        if (calls > MOST_NODES) {
            throw error("has more than " + MOST_NODES + " nodes once its functions are written out");
        }
        weights.put(program, calls);
    }

    long weight(Program program) {
        return weights.getOrDefault(program, 0L);
    }

    /** The model's own function that a node calls, or null. */
    @Nullable
    FunctionId function(NodeProto node) {
        FunctionId id = new FunctionId(Scope.domain(node.getDomain()), node.getOpType(), node.getOverload());
        return functions.containsKey(id) ? id : null;
    }

    /**
     * A function as a program, for a call that gives some attributes and inputs.
     *
     * @param given attributes of the call
     * @param inputs whether the call gives each input; a program input remains for each one given
     */
    Program inline(FunctionId id, Map<String, AttributeProto> given, List<Boolean> inputs, int outputs, String caller) {
        FunctionProto f = functions.get(id);
        if (f == null) throw new IllegalStateException("unknown function " + id);
        if (inputs.size() > f.getInputCount() || outputs > f.getOutputCount()) {
            throw new InvalidInputException(caller + ": function " + id + " has " + f.getInputCount() + " inputs and "
                    + f.getOutputCount() + " outputs, the call " + inputs.size() + " and " + outputs);
        }
        FunctionUse use = new FunctionUse(id, bind(f, given, id, caller), inputs);
        Program known = inlined.get(use);
        if (known != null) return known;
        if (!active.add(id)) throw error("has a function that calls itself: " + active + " and " + id + " again");
        try {
            Map<String, Integer> opsets = new HashMap<>(Scope.opsets(model.getOpsetImportList(), where));
            opsets.putAll(Scope.opsets(f.getOpsetImportList(), "function " + id));
            Scope scope = new Scope("function " + id + ", ", opsets, use.bindings());
            Program program = new GraphReader(this, scope, false).function(f, inputs, id.toString());
            inlined.put(use, program);
            return program;
        } finally {
            active.remove(id);
        }
    }

    private static Map<String, AttributeProto> bind(
            FunctionProto f, Map<String, AttributeProto> given, FunctionId id, String caller) {
        Map<String, AttributeProto> bindings = new LinkedHashMap<>();
        for (AttributeProto a : f.getAttributeProtoList()) bindings.put(a.getName(), a);
        Set<String> names = new HashSet<>(bindings.keySet());
        names.addAll(f.getAttributeList());
        for (Map.Entry<String, AttributeProto> e : given.entrySet()) {
            if (!names.contains(e.getKey())) {
                throw new InvalidInputException(caller + ": function " + id + " has no attribute '" + e.getKey() + "'");
            }
            bindings.put(e.getKey(), e.getValue());
        }
        return bindings;
    }

    private InvalidInputException summary() {
        if (problems.size() == 1)
            return error("cannot run: " + problems.iterator().next());
        List<String> lines = new ArrayList<>(problems);
        String rest = lines.size() > LISTED ? "\n  and " + (lines.size() - LISTED) + " more" : "";
        return error("cannot run, for " + lines.size() + " reasons:\n  "
                + String.join("\n  ", lines.subList(0, Math.min(LISTED, lines.size()))) + rest);
    }

    InvalidInputException error(String text) {
        return new InvalidInputException(where + " " + text);
    }
}
