package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Recurrent networks in floats, where weights may be bytes, which stand for floats, and long short-term memory in integers ({@link IntegerLstm}). Their states are variables: what a run leaves is what the
 * next one begins with.
 */
final class RecurrentOperators {
    /** Of long short-term memory in both directions: what comes in beside the input. */
    private static final int AUXILIARY = 39;

    private RecurrentOperators() {}

    static void register(Registry r) {
        r.expandStateful("UNIDIRECTIONAL_SEQUENCE_LSTM", node -> {
            LstmCell.Options o = LstmCell.Options.of(node);
            boolean timeMajor = node.options().flag(3);
            if (node.inputType(0) == DType.I8) {
                IntegerLstm integers = new IntegerLstm(node);
                return c -> sequence(c, 0, timeMajor, x -> integers.run(c, x));
            }
            requireFloats(node, 0, 18, 19);
            return c -> sequence(c, node, LstmCell.Places.UNIDIRECTIONAL, o, timeMajor, false);
        });
        r.expandStateful("LSTM", node -> {
            node.require(
                    node.options().choice(3) == 0 && node.inputs().size() >= 20, "the basic kernel is not supported");
            if (node.inputType(0) == DType.I8) {
                IntegerLstm integers = new IntegerLstm(node);
                return c -> {
                    LstmCell.Result y = integers.run(c, Shapes.unsqueeze(c.builder(), c.operand(0), 0));
                    return List.of(c.builder().select(y.outputs(), 0, 0), y.output(), y.cell());
                };
            }
            LstmCell.Options o = LstmCell.Options.of(node);
            requireFloats(node, 0, 18, 19);
            return c -> {
                Value x = Shapes.unsqueeze(c.builder(), c.operand(0), 0);
                LstmCell.Result y = new LstmCell(c, node, LstmCell.Places.UNIDIRECTIONAL, o).run(x, null, false);
                return List.of(c.builder().select(y.outputs(), 0, 0), y.output(), y.cell());
            };
        });
        r.expandStateful("BIDIRECTIONAL_SEQUENCE_LSTM", RecurrentOperators::bidirectional);
        r.expandStateful("UNIDIRECTIONAL_SEQUENCE_RNN", node -> {
            boolean timeMajor = node.options().flag(0);
            Activation activation = Activation.of(node, 1);
            requireFloats(node, 0, 4);
            return c -> simple(c, node, RnnPlaces.UNIDIRECTIONAL, activation, timeMajor);
        });
        r.expandStateful("BIDIRECTIONAL_SEQUENCE_RNN", RecurrentOperators::bidirectionalSimple);
        r.expandStateful("RNN", node -> {
            Activation activation = Activation.of(node, 0);
            requireFloats(node, 0, 4);
            return c -> {
                Value h = simpleStep(c, node, activation, c.operand(0), c.operand(4));
                return List.of(h, h);
            };
        });
    }

    private static void requireFloats(OperatorNode node, int... operands) {
        for (int i : operands) if (node.inputType(i) != DType.F32) throw node.unsupportedTypes();
    }

    private static List<Value> sequence(
            LoweringContext c,
            OperatorNode node,
            LstmCell.Places places,
            LstmCell.Options options,
            boolean timeMajor,
            boolean reverse) {
        LstmCell cell = new LstmCell(c, node, places, options);
        Function<Value, LstmCell.Result> run = x -> {
            Value more = places.hasMore(node) ? timeFirst(c, AUXILIARY, timeMajor) : null;
            return cell.run(x, more, reverse);
        };
        return sequence(c, places.input(node), timeMajor, run);
    }

    private static List<Value> sequence(
            LoweringContext c, int input, boolean timeMajor, Function<Value, LstmCell.Result> run) {
        GraphBuilder b = c.builder();
        LstmCell.Result y = run.apply(timeFirst(c, input, timeMajor));
        Value all = timeMajor ? y.outputs() : b.transpose(y.outputs(), 1, 0, 2);
        return List.of(all, y.output(), y.cell());
    }

    /** A sequence that is an operand. */
    private static Value timeFirst(LoweringContext c, int operand, boolean timeMajor) {
        c.require(c.type(operand).rank() == 3, "operand " + operand + " is " + c.type(operand) + ", expected rank 3");
        return timeMajor ? c.operand(operand) : c.builder().transpose(c.operand(operand), 1, 0, 2);
    }

    /** Options: as for one direction, whether results are joined, and whether time is the first axis. */
    private static Lowering.Expand bidirectional(OperatorNode node) {
        LstmCell.Options o = LstmCell.Options.of(node);
        boolean merged = node.options().flag(3);
        boolean timeMajor = node.options().flag(4, true);
        requireFloats(node, 0, 35, 36, 37, 38);
        if (node.hasInput(AUXILIARY)) requireFloats(node, AUXILIARY);
        return c -> {
            List<Value> forward = sequence(c, node, LstmCell.Places.FORWARD, o, timeMajor, false);
            List<Value> backward = sequence(c, node, LstmCell.Places.BACKWARD, o, timeMajor, true);
            List<Value> results = new ArrayList<>();
            if (merged) results.add(c.builder().concat(2, forward.get(0), backward.get(0)));
            else results.addAll(List.of(forward.get(0), backward.get(0)));
            results.addAll(forward.subList(1, 3));
            results.addAll(backward.subList(1, 3));
            return results;
        };
    }

    /**
     * Where operands of a layer without gates stand.
     *
     * @param weights behind which are recurrent weights, a bias, and the state
     * @param more what comes in beside the input, or -1
     * @param moreWeights what that is multiplied with, or -1
     */
    private record RnnPlaces(int weights, int more, int moreWeights) {
        static final RnnPlaces UNIDIRECTIONAL = new RnnPlaces(1, -1, -1);
        static final RnnPlaces FORWARD = new RnnPlaces(1, 9, 10);
        static final RnnPlaces BACKWARD = new RnnPlaces(5, 9, 11);

        int state() {
            return weights + 3;
        }

        boolean hasMore(OperatorNode node) {
            return more >= 0 && node.hasInput(more) && node.hasInput(moreWeights);
        }
    }

    /** Options: whether time is the first axis, an activation function, whether results are joined. */
    private static Lowering.Expand bidirectionalSimple(OperatorNode node) {
        boolean timeMajor = node.options().flag(0);
        Activation activation = Activation.of(node, 1);
        boolean merged = node.options().flag(2);
        requireFloats(node, 0, RnnPlaces.FORWARD.state(), RnnPlaces.BACKWARD.state());
        if (node.hasInput(RnnPlaces.FORWARD.more())) requireFloats(node, RnnPlaces.FORWARD.more());
        return c -> {
            List<Value> forward = simple(c, node, RnnPlaces.FORWARD, activation, timeMajor);
            List<Value> backward = simple(c, node, RnnPlaces.BACKWARD, activation, timeMajor);
            List<Value> results = new ArrayList<>();
            if (merged) results.add(c.builder().concat(2, forward.get(0), backward.get(0)));
            else results.addAll(List.of(forward.get(0), backward.get(0)));
            results.addAll(List.of(forward.get(1), backward.get(1)));
            return results;
        };
    }

    /** All outputs and the state behind the last one. Without weights of its own, what comes in beside the input is the backward input. */
    private static List<Value> simple(
            LoweringContext c, OperatorNode node, RnnPlaces places, Activation activation, boolean timeMajor) {
        GraphBuilder b = c.builder();
        boolean reverse = places == RnnPlaces.BACKWARD;
        boolean instead = reverse && node.hasInput(places.more()) && !places.hasMore(node);
        Value x = timeFirst(c, instead ? places.more() : 0, timeMajor);
        Value projected = b.plus(times(b, x, weights(c, node, places.weights())), c.operand(places.weights() + 2));
        if (places.hasMore(node)) {
            Value more = timeFirst(c, places.more(), timeMajor);
            projected = b.plus(projected, times(b, more, weights(c, node, places.moreWeights())));
        }
        Value recurrent = weights(c, node, places.weights() + 1);
        Value state = c.operand(places.state());
        var body = b.body("rnn", List.of(state.type(), step(projected), recurrent.type()), (g, in) -> {
            Value h = activation.apply(g, g.plus(in.get(1), times(g, in.get(0), in.get(2))));
            return List.of(h, h);
        });
        List<Value> y = b.addAll(new Op.Scan(body, 1, 1, x.extent(0), reverse), List.of(state, projected, recurrent));
        return List.of(timeMajor ? y.get(1) : b.transpose(y.get(1), 1, 0, 2), y.get(0));
    }

    private static Value simpleStep(LoweringContext c, OperatorNode node, Activation activation, Value x, Value state) {
        GraphBuilder b = c.builder();
        Value sum = b.plus(times(b, x, weights(c, node, 1)), times(b, state, weights(c, node, 2)));
        return activation.apply(b, b.plus(sum, c.operand(3)));
    }

    /** One step of a sequence. */
    static dev.meseta.graph.TensorType step(Value sequence) {
        return sequence.type().with(sequence.shape().without(0));
    }

    /** Weights in floats. */
    static Value weights(LoweringContext c, OperatorNode node, int i) {
        Value w = c.operand(i);
        if (w.dtype() == DType.F32) return w;
        if (w.dtype() == DType.F16) return c.builder().cast(w, DType.F32);
        return QuantizeOperators.dequantize(c.builder(), w, node.inputScale(i), DType.F32);
    }

    static @Nullable Value weightsOrNull(LoweringContext c, OperatorNode node, int i) {
        return i >= 0 && c.has(i) ? weights(c, node, i) : null;
    }

    /** Rows along the last axis of x times rows of w. */
    static Value times(GraphBuilder b, Value x, Value w) {
        return b.add(new Op.Contraction(List.of(), List.of(), List.of(x.rank() - 1), List.of(1), DType.F32), x, w);
    }

    /** The mean along an axis, which stays. */
    static Value mean(GraphBuilder b, Value x, int axis) {
        Value sum = b.reduce(ReduceKind.SUM, x, List.of(axis), true);
        return b.divide(sum, b.scalar(x.dtype(), (double) x.extent(axis)));
    }
}
