package dev.meseta.frontends.onnx.operators;

import dev.meseta.frontends.onnx.operators.Attributes.Body;
import dev.meseta.graph.program.Lowering;
import java.util.List;

/** If, Loop, Scan, SequenceMap and Identity. */
final class ControlOperators {
    private ControlOperators() {}

    static void register(Registry r) {
        for (int since : new int[] {1, 13, 14, 16}) {
            r.add(
                    Registry.ONNX,
                    "Identity",
                    since,
                    _ -> new Lowering.ByKind(c -> List.of(c.operand(0)), operands -> operands.subList(0, 1)));
        }
        r.add(Registry.ONNX, "If", 1, ControlOperators::choose);
        r.add(Registry.ONNX, "Loop", 1, ControlOperators::loop);
    }

    private static Lowering choose(OperatorNode node) {
        Body then = node.attributes().body("then_branch");
        Body otherwise = node.attributes().body("else_branch");
        if (then.formal() != 0 || otherwise.formal() != 0) throw node.error("a branch has inputs of its own");
        if (node.inputs().size() != 1)
            throw node.error("takes one input, has " + node.inputs().size());
        int results = node.outputs().size();
        if (then.program().outputs().size() != results
                || otherwise.program().outputs().size() != results) {
            throw node.error("has " + results + " outputs, its branches have "
                    + then.program().outputs().size() + " and "
                    + otherwise.program().outputs().size());
        }
        List<String> captured = node.captured();
        return new Lowering.Branch(then.over(captured), otherwise.over(captured));
    }

    private static Lowering loop(OperatorNode node) {
        Body body = node.attributes().body("body");
        int carried = node.inputs().size() - 2;
        if (carried < 0)
            throw node.error("takes a trip count, a condition and the carried values, has "
                    + node.inputs().size() + " inputs");
        if (body.formal() != carried + 2) {
            throw node.error("has " + carried + " carried values, its body takes " + body.formal()
                    + " inputs instead of " + (carried + 2));
        }
        int results = body.program().outputs().size() - 1;
        if (results < carried || results < node.outputs().size()) {
            throw node.error("has " + carried + " carried values and "
                    + node.outputs().size() + " outputs, its body gives " + results + " beside the condition");
        }
        return new Lowering.Loop(body.over(node.captured()), carried);
    }
}
