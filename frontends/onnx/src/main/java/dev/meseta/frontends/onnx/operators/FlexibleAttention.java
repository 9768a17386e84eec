package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Attention whose scores and probabilities go through the model's own graphs: a program of up to five calls. */
final class FlexibleAttention {
    private FlexibleAttention() {}

    static Lowering define(OperatorNode node) {
        Attributes a = node.attributes();
        if (node.inputs().size() != 3)
            throw node.error("takes Q, K and V, has " + node.inputs().size() + " inputs");
        float scale = a.real("scale", Float.NaN);
        DType softmax =
                a.has("softmax_precision") ? ElementTypes.attribute(node, "softmax_precision", DType.F32) : null;
        if (softmax != null && !(softmax.isFloat() && softmax.isArithmetic()))
            throw node.error("softmax_precision " + softmax + " is not a float type of 16 bits or more");
        List<String> captured = node.captured();
        List<Port> inputs = new ArrayList<>(List.of(Port.any("q"), Port.any("k"), Port.any("v")));
        for (int i = 0; i < captured.size(); i++) inputs.add(Port.any(outer(i)));
        List<Call> calls = new ArrayList<>();
        calls.add(call(node, "scores", List.of("q", "k"), scores(scale, softmax)));
        String scored = modified(node, "score_mod", "scores", captured, calls);
        calls.add(expansion(
                node, "probabilities", List.of(scored), c -> List.of(Shorthand.softmax(c.builder(), c.operand(0)))));
        String weights = modified(node, "prob_mod", "probabilities", captured, calls);
        calls.add(expansion(node, "y", List.of(weights, "v"), c -> {
            GraphBuilder b = c.builder();
            Value p = c.operand(0);
            Value v = c.operand(1);
            c.require(
                    p.rank() == 4
                            && v.rank() == 4
                            && p.extent(0) == v.extent(0)
                            && p.extent(3) == v.extent(2)
                            && v.extent(1) > 0
                            && p.extent(1) % v.extent(1) == 0,
                    "probabilities " + p.type() + " and values " + v.type()
                            + " do not fit: expected [B, Hq, L, S] and [B, Hk, S, Ev] with Hq a multiple of Hk");
            return List.of(b.cast(AttentionOperators.weighted(b, p, b.cast(v, p.dtype())), v.dtype()));
        }));
        return new Lowering.Inline(new Program("FlexAttention", inputs, List.of(Port.any("y")), Map.of(), calls));
    }

    private static String outer(int i) {
        return "captured:" + i;
    }

    private static Call call(OperatorNode node, String output, List<String> inputs, Lowering lowering) {
        return new Call(node.where() + ": " + output, node.operator(), inputs, List.of(output), lowering);
    }

    private static Call expansion(OperatorNode node, String output, List<String> inputs, Lowering.Expand expansion) {
        return call(node, output, inputs, expansion);
    }

    /** Adds a call of the model's graph on a value, if there is one; the name of what it gives. */
    private static String modified(
            OperatorNode node, String attribute, String value, List<String> captured, List<Call> calls) {
        if (!node.attributes().has(attribute)) return value;
        Attributes.Body body = node.attributes().body(attribute);
        if (body.formal() != 1 || body.program().outputs().size() != 1)
            throw node.error(attribute + " must take one input and give one output");
        List<String> inputs = new ArrayList<>(List.of(value));
        for (int i = 0; i < captured.size(); i++) inputs.add(outer(i));
        calls.add(call(node, attribute, inputs, new Lowering.Inline(body.over(captured))));
        return attribute;
    }

    private static Lowering.Expand scores(float scale, @Nullable DType softmax) {
        return c -> {
            GraphBuilder b = c.builder();
            Value q = c.operand(0);
            Value k = c.operand(1);
            c.require(
                    q.rank() == 4
                            && k.rank() == 4
                            && q.extent(0) == k.extent(0)
                            && q.extent(3) == k.extent(3)
                            && k.extent(1) > 0
                            && q.extent(1) % k.extent(1) == 0,
                    "queries " + q.type() + " and keys " + k.type()
                            + " do not fit: expected [B, Hq, L, E] and [B, Hk, S, E] with Hq a multiple of Hk");
            double factor = Math.sqrt(Float.isNaN(scale) ? 1 / Math.sqrt(q.extent(3)) : scale);
            Value root = Shorthand.like(b, q, factor);
            Value s = AttentionOperators.scores(b, b.times(q, root), b.times(k, root));
            return List.of(b.cast(s, softmax != null ? softmax : q.dtype().computeType()));
        };
    }
}
