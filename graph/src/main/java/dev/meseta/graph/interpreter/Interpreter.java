package dev.meseta.graph.interpreter;

import dev.meseta.graph.ConstraintException;
import dev.meseta.graph.Graph;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.TypeInference;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Evaluates graphs and single ops as {@link dev.meseta.graph.OpSpec} defines them. Integers are exact; floats compute in double (with
 * sums accumulated in double) and round once to the result's element type, so that results are at least as accurate as the specification
 * asks for. Operands are never written to; a result may share its memory with an operand where the elements are the same (a reshape).
 * Stateless, safe for use by several threads.
 */
public final class Interpreter {
    private Interpreter() {}

    /**
     * The outputs of a graph. Throws {@link InvalidInputException} if the inputs do not match the graph's, for a position outside a tensor,
     * and for a tensor that does not fit into memory.
     */
    public static List<Tensor> run(Graph graph, List<Tensor> inputs) {
        if (inputs.size() != graph.inputs().size()) {
            throw new InvalidInputException(
                    "graph " + graph.name() + " takes " + graph.inputs().size() + " inputs, got " + inputs.size());
        }
        Map<Value, Tensor> values = new HashMap<>();
        for (int i = 0; i < inputs.size(); i++) {
            Value v = graph.inputs().get(i);
            if (!inputs.get(i).type().equals(v.type())) {
                throw new InvalidInputException("graph " + graph.name() + ": input " + i + " " + v.name() + " is "
                        + v.type() + ", got " + inputs.get(i).type());
            }
            values.put(v, inputs.get(i));
        }
        Map<Value, Integer> lastUse = lastUses(graph);
        for (int n = 0; n < graph.nodes().size(); n++) {
            Node node = graph.nodes().get(n);
            List<Tensor> operands = new ArrayList<>();
            for (Value v : node.operands()) operands.add(get(values, v));
            List<Tensor> results = evaluate(node, operands);
            for (int i = 0; i < results.size(); i++) values.put(node.results().get(i), results.get(i));
            // What nothing reads any more is let go, so that its memory can be used again.
            for (Value v : node.operands()) {
                Integer last = lastUse.get(v);
                if (last != null && last == n) values.remove(v);
            }
        }
        List<Tensor> outputs = new ArrayList<>();
        for (Value v : graph.outputs()) outputs.add(get(values, v));
        return outputs;
    }

    private static List<Tensor> evaluate(Node node, List<Tensor> operands) {
        try {
            return evaluate(
                    node.op(),
                    operands,
                    node.results().stream().map(Value::type).toList());
        } catch (InvalidInputException e) {
            String where = "node '" + node.origin() + "': ";
            // The node of an inner graph may have said it already.
            boolean said =
                    node.origin().isEmpty() || String.valueOf(e.getMessage()).startsWith("node '");
            throw said ? e : new InvalidInputException(where + e.getMessage(), e);
        }
    }

    private static Tensor get(Map<Value, Tensor> values, Value v) {
        @Nullable Tensor t = values.get(v);
        if (t == null) throw new IllegalStateException(v + " is read before it is defined");
        return t;
    }

    /** The last node that reads a value; outputs have none. */
    private static Map<Value, Integer> lastUses(Graph graph) {
        Map<Value, Integer> last = new HashMap<>();
        for (int n = 0; n < graph.nodes().size(); n++) {
            for (Value v : graph.nodes().get(n).operands()) last.put(v, n);
        }
        for (Value v : graph.outputs()) last.remove(v);
        return last;
    }

    /**
     * The results of one op. Throws {@link ConstraintException} if the operands break a constraint, and what {@link #run} throws.
     */
    public static List<Tensor> evaluate(Op op, List<Tensor> operands) {
        return evaluate(
                op,
                operands,
                TypeInference.infer(op, operands.stream().map(Tensor::type).toList()));
    }

    private static List<Tensor> evaluate(Op op, List<Tensor> in, List<TensorType> types) {
        try {
            return switch (op) {
                case Op.Scan o -> Structure.scan(o, in, types);
                case Op.If o -> run(in.getFirst().getLong(0) != 0 ? o.then() : o.otherwise(), in.subList(1, in.size()));
                case Op.While o -> Structure.whileLoop(o, in);
                case Op.Composite o -> run(o.body(), in);
                case Op.TopK o -> Ordering.topK(o, in.getFirst(), types.getFirst());
                default -> List.of(single(op, in, types.getFirst()));
            };
        } catch (OutOfMemoryError e) {
            // Caught where the one big allocation of an op failed; nothing is left half done.
            throw new InvalidInputException(
                    op.mnemonic() + " of " + in.stream().map(Tensor::type).toList() + " to " + types + " needs "
                            + Memory.gibibytes(Memory.estimate(in, types)) + " of memory, the limit is "
                            + Memory.gibibytes(Runtime.getRuntime().maxMemory())
                            + "; use smaller inputs, or give the JVM more with -Xmx",
                    e);
        }
    }

    private static Tensor single(Op op, List<Tensor> in, TensorType type) {
        return switch (op) {
            case Op.Constant o -> o.value();
            case Op.Iota o -> Movement.iota(o, type);
            case Op.RandomBits _ -> Threefry.bits(in.get(0), type);
            case Op.Map o -> Maps.map(o.function(), in, type);
            case Op.Cast o -> Casts.cast(in.get(0), o.rounding(), type);
            case Op.Bitcast _ -> Casts.bitcast(in.get(0), type);
            case Op.Quantize o -> Quantization.quantize(o.axis(), in.get(0), in.get(1), in.get(2), type);
            case Op.Dequantize o -> Quantization.dequantize(o.axis(), in.get(0), in.get(1), in.get(2), type);
            case Op.Reshape _ -> Tensor.wrap(type, in.get(0).data());
            case Op.Transpose o -> Movement.transpose(in.get(0), o.permutation(), type);
            case Op.Broadcast _ -> Movement.broadcast(in.get(0), type);
            case Op.Slice o -> Movement.slice(o, in.get(0), type);
            case Op.Pad o -> Movement.pad(o, in.get(0), in.get(1), type);
            case Op.Concat o -> Movement.concat(o.axis(), in, type);
            case Op.Reduce o -> Reductions.reduce(o, in.get(0), type);
            case Op.ArgReduce o -> Ordering.argReduce(o, in.get(0), type);
            case Op.WindowReduce o -> Reductions.windowReduce(o, in.get(0), type);
            case Op.Cumulative o -> Reductions.cumulative(o, in.get(0), type);
            case Op.Contraction o -> Contractions.contraction(o, in.get(0), in.get(1), type);
            case Op.Convolution o -> Convolutions.convolution(o, in.get(0), in.get(1), type);
            case Op.Gather o -> Indexing.gather(o.axis(), in.get(0), in.get(1), type);
            case Op.GatherElements o -> Indexing.gatherElements(o.axis(), in.get(0), in.get(1), type);
            case Op.GatherNd o -> Indexing.gatherNd(o.batch(), in.get(0), in.get(1), type);
            case Op.ScatterElements o -> Indexing.scatterElements(o, in.get(0), in.get(1), in.get(2));
            case Op.ScatterNd o -> Indexing.scatterNd(o, in.get(0), in.get(1), in.get(2));
            case Op.Scan _, Op.If _, Op.While _, Op.Composite _, Op.TopK _ -> throw new AssertionError(op.mnemonic());
        };
    }
}
