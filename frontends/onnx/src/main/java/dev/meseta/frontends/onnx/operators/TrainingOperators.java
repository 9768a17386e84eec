package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * Gradient, and one step of an optimiser: Adagrad, Adam, Momentum. Operands of the latter: rate, number of updates, then all tensors, all
 * gradients, and the states.
 */
final class TrainingOperators {
    private TrainingOperators() {}

    /** One tensor's update, of its value, gradient and states. */
    private interface Update {
        /** The new value, then the new states. */
        List<Value> of(Step s, List<Value> in);
    }

    /** What is the same for all tensors. */
    private record Step(GraphBuilder b, Attributes a, Value rate, Value updates) {
        Value number(Value like, double v) {
            return b.scalar(like.dtype(), v);
        }

        Value regularised(Value x, Value gradient, float norm) {
            return b.plus(b.times(number(x, norm), x), gradient);
        }

        /** Whether this is not the first update. */
        Value later() {
            return b.map(MapFunction.GT, updates, number(updates, 0));
        }
    }

    static void register(Registry r) {
        r.add(Registry.TRAINING, "Gradient", 1, TrainingOperators::gradient);
        r.add(Registry.TRAINING, "Adagrad", 1, node -> optimiser(node, 3, TrainingOperators::adagrad));
        r.add(Registry.TRAINING, "Adam", 1, node -> optimiser(node, 4, TrainingOperators::adam));
        r.add(Registry.TRAINING, "Momentum", 1, node -> {
            String mode = node.attributes().string("mode");
            if (!mode.equals("standard") && !mode.equals("nesterov")) throw node.error("unknown mode '" + mode + "'");
            return optimiser(node, 3, TrainingOperators::momentum);
        });
    }

    /** The gradient of an empty body from the names in xs and zs to y, to which the reader adds the calls of the graph in between. */
    private static Lowering gradient(OperatorNode node) {
        List<String> xs = node.attributes().strings("xs");
        List<String> names = new ArrayList<>(xs);
        names.addAll(node.attributes().strings("zs", List.of()));
        String y = node.attributes().string("y");
        if (xs.isEmpty() || y.isEmpty()) throw node.error("names no xs or no y");
        if (names.contains("") || new HashSet<>(names).size() < names.size())
            throw node.error("names a tensor twice, or none, in xs and zs: " + names);
        if (node.inputs().size() != names.size() || node.inputs().contains(""))
            throw node.error("takes a value for each of " + names + ", has inputs " + node.inputs());
        if (node.outputs().size() > xs.size())
            throw node.error("has " + node.outputs().size() + " outputs for " + xs.size() + " tensors in xs");
        List<Port> inputs = names.stream().map(Port::any).toList();
        Program body = new Program(node.where(), inputs, List.of(Port.any(y)), Map.of(), List.of());
        return new Lowering.Differentiate(body, xs.size());
    }

    /**
     * @param kinds operands a tensor has: itself, its gradient, and its states
     */
    private static Lowering optimiser(OperatorNode node, int kinds, Update update) {
        int tensors = (node.inputs().size() - 2) / kinds;
        if (tensors < 1 || node.inputs().size() != 2 + tensors * kinds) {
            throw node.error("takes a rate, a count and " + kinds + " operands for each tensor, has "
                    + node.inputs().size() + " operands");
        }
        return (Lowering.Expand) c -> {
            List<List<Value>> results = new ArrayList<>();
            for (int i = 0; i < tensors; i++) results.add(one(c, node.attributes(), tensors, kinds, i, update));
            List<Value> all = new ArrayList<>();
            for (int kind = 0; kind < kinds - 1; kind++) {
                for (List<Value> r : results) all.add(r.get(kind));
            }
            return all;
        };
    }

    private static List<Value> one(LoweringContext c, Attributes a, int tensors, int kinds, int i, Update update) {
        GraphBuilder b = c.builder();
        List<Value> in = new ArrayList<>();
        for (int kind = 0; kind < kinds; kind++) in.add(c.operand(2 + kind * tensors + i));
        DType t = in.getFirst().dtype();
        Step step = new Step(b, a, b.cast(c.operand(0), t), b.cast(c.operand(1), t));
        return update.of(step, in);
    }

    private static List<Value> adagrad(Step s, List<Value> in) {
        GraphBuilder b = s.b();
        Value x = in.get(0);
        Value decay = b.plus(s.number(x, 1), b.times(s.updates(), s.number(x, s.a().real("decay_factor", 0f))));
        Value rate = b.divide(s.rate(), decay);
        Value g = s.regularised(x, in.get(1), s.a().real("norm_coefficient", 0f));
        Value h = b.plus(in.get(2), b.times(g, g));
        Value adaptive = b.plus(b.map(MapFunction.SQRT, h), s.number(x, s.a().real("epsilon", 1e-6f)));
        return List.of(b.minus(x, b.divide(b.times(rate, g), adaptive)), h);
    }

    private static List<Value> adam(Step s, List<Value> in) {
        GraphBuilder b = s.b();
        Value x = in.get(0);
        float alpha = s.a().real("alpha", 0.9f);
        float beta = s.a().real("beta", 0.999f);
        Value g = s.regularised(x, in.get(1), s.a().real("norm_coefficient", 0f));
        Value v = b.plus(b.times(s.number(x, alpha), in.get(2)), b.times(s.number(x, 1 - (double) alpha), g));
        Value h = b.plus(b.times(s.number(x, beta), in.get(3)), b.times(s.number(x, 1 - (double) beta), b.times(g, g)));
        Value root = b.plus(b.map(MapFunction.SQRT, h), s.number(x, s.a().real("epsilon", 1e-6f)));
        Value one = s.number(x, 1);
        Value up = b.map(MapFunction.SQRT, b.minus(one, b.map(MapFunction.POW, s.number(x, beta), s.updates())));
        Value down = b.minus(one, b.map(MapFunction.POW, s.number(x, alpha), s.updates()));
        Value rate = b.select(s.later(), b.divide(b.times(s.rate(), up), down), s.rate());
        Value moved = b.minus(x, b.divide(b.times(rate, v), root));
        double keep = 1 - (double) s.a().real("norm_coefficient_post", 0f);
        return List.of(b.times(s.number(x, keep), moved), v, h);
    }

    private static List<Value> momentum(Step s, List<Value> in) {
        GraphBuilder b = s.b();
        Value x = in.get(0);
        Value alpha = s.number(x, s.a().real("alpha"));
        Value beta = b.select(s.later(), s.number(x, s.a().real("beta")), s.number(x, 1));
        Value g = s.regularised(x, in.get(1), s.a().real("norm_coefficient"));
        Value v = b.plus(b.times(alpha, in.get(2)), b.times(beta, g));
        Value direction = s.a().string("mode").equals("nesterov") ? b.plus(g, b.times(alpha, v)) : v;
        return List.of(b.minus(x, b.times(s.rate(), direction)), v);
    }
}
