package dev.meseta.compiler.partition;

import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Value;

/** Multiply-accumulates: how much of a model's work a node is. */
final class Macs {
    private Macs() {}

    static long of(Graph graph) {
        long sum = 0;
        for (Node n : graph.nodes()) sum += of(n);
        return sum;
    }

    /** Those of products, in bodies too; of a loop with an unknown number of steps those of one. */
    static long of(Node n) {
        return switch (n.op()) {
            case Op.Convolution o -> convolution(o, n);
            case Op.Contraction o -> {
                long each = 1;
                for (int axis : o.leftSum()) each *= n.operand(0).extent(axis);
                yield n.result().shape().elements() * each;
            }
            case Op.Composite o -> of(o.body());
            case Op.Scan o -> of(o.body()) * o.steps();
            case Op.While o -> of(o.body());
            case Op.If o -> Math.max(of(o.then()), of(o.otherwise()));
            default -> 0;
        };
    }

    /** A transposed convolution multiplies each element of its input, not the zeros between them. */
    private static long convolution(Op.Convolution o, Node n) {
        Value w = n.operand(1);
        if (w.shape().elements() == 0) return 0;
        boolean spread = o.inputDilation().stream().anyMatch(d -> d > 1);
        if (!spread) return n.result().shape().elements() * (w.shape().elements() / w.extent(0));
        return n.operand(0).shape().elements() * (w.shape().elements() / w.extent(1) / o.groups());
    }
}
