package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Long short-term memory: gates for what comes in, what is forgotten and what goes out; perhaps without the first (then what is not forgotten
 * comes in), with looks at the cell (peepholes), with normalised gates, and with a projection of what goes out.
 */
final class LstmCell {
    private static final double NORMALIZATION = 1e-8;

    /** Gates in the order of operands. */
    private static final int INPUT = 0;

    private static final int FORGET = 1;
    private static final int CELL = 2;
    private static final int OUTPUT = 3;

    /**
     * Where operands stand: the first of each kind; -1 for what an operator does not have. What comes in beside the input is operand {@code
     * more}, its weights begin at {@code moreWeights}; without them it is the input of the backward direction.
     */
    record Places(
            int weights,
            int recurrent,
            int peepholes,
            int biases,
            int projection,
            int state,
            int norms,
            int more,
            int moreWeights) {
        static final Places UNIDIRECTIONAL = new Places(1, 5, 9, 12, 16, 18, 20, -1, -1);
        static final Places FORWARD = new Places(1, 5, 9, 12, 16, 35, -1, 39, 40);
        static final Places BACKWARD = new Places(18, 22, 26, 29, 33, 37, -1, 39, 44);

        /** Whether what comes in beside the input is multiplied and added. */
        boolean hasMore(OperatorNode node) {
            return more >= 0 && node.hasInput(more) && node.hasInput(moreWeights + FORGET);
        }

        /** The operand that is the input. */
        int input(OperatorNode node) {
            return this == BACKWARD && node.hasInput(more) && !hasMore(node) ? more : 0;
        }
    }

    /** The function of the cell, and what cell and projection are limited to, if above 0. */
    record Options(Activation activation, float cellClip, float projectionClip) {
        static Options of(OperatorNode node) {
            return new Options(
                    Activation.of(node, 0),
                    node.options().real(1),
                    node.options().real(2));
        }
    }

    /** All outputs, time first, and the states at the end. */
    record Result(Value outputs, Value output, Value cell) {}

    private final LoweringContext c;
    private final OperatorNode node;
    private final Places places;
    private final Options options;
    private final boolean coupled;
    private final boolean normalized;

    LstmCell(LoweringContext c, OperatorNode node, Places places, Options options) {
        this.c = c;
        this.node = node;
        this.places = places;
        this.options = options;
        this.coupled = !c.has(places.weights() + INPUT);
        this.normalized = places.norms() >= 0 && c.has(places.norms() + FORGET);
    }

    /** The gates that there are. */
    private List<Integer> gates() {
        return coupled ? List.of(FORGET, CELL, OUTPUT) : List.of(INPUT, FORGET, CELL, OUTPUT);
    }

    private Value joined(int first) {
        List<Value> parts = new ArrayList<>();
        for (int g : gates()) parts.add(RecurrentOperators.weights(c, node, first + g));
        return c.builder().concat(0, parts);
    }

    /** Everything that a step reads beside its states and its input, by what it is; the place of each among the captured values. */
    private final class Captured {
        final List<Value> values = new ArrayList<>();

        int add(@Nullable Value v) {
            if (v == null) return -1;
            values.add(v);
            return values.size() - 1;
        }
    }

    /** Where a step finds what it captured. */
    private record Step(int recurrent, int biases, int[] peepholes, int[] norms, int projection, int projectionBias) {}

    /**
     * Runs over a sequence, time first.
     *
     * @param more what comes in beside it, or null
     */
    Result run(Value x, @Nullable Value more, boolean reverse) {
        GraphBuilder b = c.builder();
        Value biases = joined(places.biases());
        Value input = RecurrentOperators.times(b, x, joined(places.weights()));
        if (more != null) input = b.plus(input, RecurrentOperators.times(b, more, joined(places.moreWeights())));
        if (!normalized) input = b.plus(input, biases);
        Captured captured = new Captured();
        int recurrent = captured.add(joined(places.recurrent()));
        int[] peepholes = new int[4];
        int[] norms = new int[4];
        for (int g = 0; g < 4; g++) {
            // There is no look at the cell from the cell.
            int place = places.peepholes() + (g == OUTPUT ? 2 : g);
            peepholes[g] = g == CELL ? -1 : captured.add(RecurrentOperators.weightsOrNull(c, node, place));
            norms[g] = normalized && !(coupled && g == INPUT)
                    ? captured.add(RecurrentOperators.weightsOrNull(c, node, places.norms() + g))
                    : -1;
        }
        Step step = new Step(
                recurrent,
                captured.add(biases),
                peepholes,
                norms,
                captured.add(RecurrentOperators.weightsOrNull(c, node, places.projection())),
                captured.add(RecurrentOperators.weightsOrNull(c, node, places.projection() + 1)));
        Value output = c.operand(places.state());
        Value cell = c.operand(places.state() + 1);
        List<TensorType> types = new ArrayList<>(List.of(output.type(), cell.type(), RecurrentOperators.step(input)));
        for (Value v : captured.values) types.add(v.type());
        Graph body = b.body("lstm", types, (g, in) -> {
            List<Value> next = step(g, step, in.get(0), in.get(1), in.get(2), in.subList(3, in.size()));
            return List.of(next.get(0), next.get(1), next.get(0));
        });
        List<Value> operands = new ArrayList<>(List.of(output, cell, input));
        operands.addAll(captured.values);
        List<Value> y = b.addAll(new Op.Scan(body, 2, 1, x.extent(0), reverse), operands);
        return new Result(y.get(2), y.get(0), y.get(1));
    }

    /** The next output and cell. */
    private List<Value> step(GraphBuilder b, Step s, Value output, Value cell, Value input, List<Value> in) {
        Value sums = b.plus(input, RecurrentOperators.times(b, output, in.get(s.recurrent())));
        Value forget = gate(b, s, FORGET, sums, cell, in);
        Value candidate = options.activation().apply(b, normal(b, s, CELL, part(b, CELL, sums, cell), cell, in));
        Value come = coupled ? b.minus(b.scalar(DType.F32, 1.0), forget) : gate(b, s, INPUT, sums, cell, in);
        Value next = clip(b, b.plus(b.times(forget, cell), b.times(come, candidate)), options.cellClip());
        Value out =
                b.times(gate(b, s, OUTPUT, sums, next, in), options.activation().apply(b, next));
        if (s.projection() >= 0) {
            out = RecurrentOperators.times(b, out, in.get(s.projection()));
            if (s.projectionBias() >= 0) out = b.plus(out, in.get(s.projectionBias()));
            out = clip(b, out, options.projectionClip());
        }
        return List.of(out, next);
    }

    private Value part(GraphBuilder b, int gate, Value sums, Value cell) {
        long width = cell.extent(1);
        return b.slice(
                sums, 1, (coupled ? gate - 1 : gate) * width, cell.shape().dim(1));
    }

    private Value gate(GraphBuilder b, Step s, int gate, Value sums, Value cell, List<Value> in) {
        Value x = part(b, gate, sums, cell);
        if (s.peepholes()[gate] >= 0) x = b.plus(x, b.times(cell, in.get(s.peepholes()[gate])));
        return b.map(MapFunction.SIGMOID, normal(b, s, gate, x, cell, in));
    }

    /** With mean 0 and deviation 1, times coefficients, if gates are normalised; then with the bias that was not added before. */
    private Value normal(GraphBuilder b, Step s, int gate, Value x, Value cell, List<Value> in) {
        if (!normalized) return x;
        Value centered = b.minus(x, RecurrentOperators.mean(b, x, 1));
        Value variance = RecurrentOperators.mean(b, b.times(centered, centered), 1);
        Value deviation = b.map(MapFunction.SQRT, b.plus(variance, b.scalar(DType.F32, NORMALIZATION)));
        Value scaled = b.times(b.divide(centered, deviation), in.get(s.norms()[gate]));
        long width = cell.extent(1);
        Value bias = b.slice(
                in.get(s.biases()),
                0,
                (coupled ? gate - 1 : gate) * width,
                cell.shape().dim(1));
        return b.plus(scaled, bias);
    }

    private static Value clip(GraphBuilder b, Value x, float limit) {
        if (!(limit > 0)) return x;
        return b.map(MapFunction.CLAMP, x, b.scalar(DType.F32, (double) -limit), b.scalar(DType.F32, (double) limit));
    }
}
