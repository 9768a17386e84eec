package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Long short-term memory in integers: bytes for what comes in and goes out and for weights, 16 bits for gates (12 fraction bits before their
 * functions, 15 behind; before they are normalised, if they are, any scale) and for the cell, whose scale is a power of two. Operands stand where those of {@link LstmCell} do.
 */
final class IntegerLstm {
    private static final int INPUT = 0;
    private static final int FORGET = 1;
    private static final int CELL = 2;
    private static final int OUTPUT = 3;

    /** Of gates before their functions. */
    private static final double GATE = 1.0 / (1 << 12);

    /** Places of operands: the first of each kind. */
    private static final LstmCell.Places PLACES = LstmCell.Places.UNIDIRECTIONAL;

    /** The functions of gates: the same tables for every layer. */
    private static final Tables LOGISTIC = Tables.of(DType.I16, DType.I16, GemmlowpWords::logistic);

    private static final Tables CANDIDATE = Tables.of(DType.I16, DType.I16, x -> GemmlowpWords.tanh(x, 3));

    private static final Activation.Range WORDS = Activation.all(DType.I16);
    private static final Activation.Range BYTES = Activation.all(DType.I8);

    private final OperatorNode node;
    private final boolean coupled;
    private final boolean projected;
    private final boolean looks;
    private final boolean normalized;

    /** The cell's scale is 2^this. */
    private final int cellExponent;

    private final Quantization hidden;

    /** The cell and what is projected are limited to this in magnitude; 0 for no limit. */
    private final long cellClip;

    private final long projectionClip;

    IntegerLstm(OperatorNode node) {
        this.node = node;
        this.coupled = !node.hasInput(PLACES.weights() + INPUT);
        this.projected = node.hasInput(PLACES.projection());
        this.looks = node.hasInput(PLACES.peepholes() + 2);
        this.normalized = node.hasInput(PLACES.norms() + FORGET);
        for (int g : gates()) {
            require(PLACES.weights() + g, DType.I8);
            require(PLACES.recurrent() + g, DType.I8);
            require(PLACES.biases() + g, DType.I32);
            if (normalized) require(PLACES.norms() + g, DType.I16);
        }
        require(PLACES.state(), DType.I8);
        require(PLACES.state() + 1, DType.I16);
        if (projected) require(PLACES.projection(), DType.I8);
        node.require(
                node.outputType(0) == DType.I8,
                "the result is " + node.outputType(0).text() + ", expected i8");
        double cellScale = node.inputScale(PLACES.state() + 1).scale(0);
        this.cellExponent = Math.getExponent(cellScale);
        node.require(
                cellScale == Math.scalb(1.0, cellExponent) && cellExponent >= -15 && cellExponent <= -9,
                "the cell's scale " + cellScale + " is no power of two from 2^-15 to 2^-9");
        this.hidden = inside(4, "what goes out before it is projected");
        float clip = node.options().real(1);
        this.cellClip = clip > 0 ? (long) Math.min(clip / (float) cellScale, Short.MAX_VALUE) : 0;
        float outClip = node.options().real(2);
        this.projectionClip = outClip > 0
                ? (long) Math.min(outClip / node.inputScale(PLACES.state()).scale(0), Byte.MAX_VALUE)
                : 0;
    }

    private Quantization inside(int i, String what) {
        TensorInfo t = node.intermediates().size() > i ? node.intermediates().get(i) : null;
        if (t == null || !t.quantization().exists())
            throw node.error("has no scale for " + what + " (intermediate " + i + ")");
        return t.quantization();
    }

    /** Of a gate before its function, or before it is normalised. */
    private double scale(int gate) {
        return normalized ? inside(gate, "gate " + gate).scale(0) : GATE;
    }

    private void require(int operand, DType t) {
        if (node.inputType(operand) != t)
            throw node.error(
                    "operand " + operand + " is " + node.inputType(operand).text() + ", expected " + t.text());
    }

    private List<Integer> gates() {
        return coupled ? List.of(FORGET, CELL, OUTPUT) : List.of(INPUT, FORGET, CELL, OUTPUT);
    }

    private Value joined(LoweringContext c, int first) {
        List<Value> parts = new ArrayList<>();
        for (int g : gates()) parts.add(c.operand(first + g));
        return c.builder().concat(0, parts);
    }

    /** For each place of the joined gates, the factor from sums to gates. */
    private Multiplier[] factors(int weights, double scale, int width) {
        List<Multiplier> all = new ArrayList<>();
        for (int g : gates()) {
            Multiplier m = Multiplier.of((double) node.inputScale(weights + g).scale(0) * scale / scale(g));
            for (int i = 0; i < width; i++) all.add(m);
        }
        return all.toArray(Multiplier[]::new);
    }

    /** Rows of bytes times rows of weights, less what the bytes' zero point adds, in 32 bits. */
    private static Value products(GraphBuilder b, Value x, Value w, Value offset) {
        return b.plus(
                b.add(new Op.Contraction(List.of(), List.of(), List.of(x.rank() - 1), List.of(1), DType.I32), x, w),
                offset);
    }

    /** For each row of weights, its sum times a number, and a bias. */
    private static Value offsets(GraphBuilder b, Value w, long times, @Nullable Value bias) {
        Value sums = b.reduce(ReduceKind.SUM, b.cast(w, DType.I32), List.of(1), false);
        Value y = b.times(sums, b.scalar(DType.I32, times));
        return bias == null ? y : b.plus(y, bias);
    }

    /** What a step reads beside its states and its input, by place among the values behind them. */
    private record Captured(
            int recurrent, int offsets, int[] peepholes, int[] norms, int projection, int projectionOffsets) {}

    /** Runs over a sequence of bytes, time first. */
    LstmCell.Result run(LoweringContext c, Value x) {
        GraphBuilder b = c.builder();
        Value output = c.operand(PLACES.state());
        Value cell = c.operand(PLACES.state() + 1);
        c.require(output.rank() == 2 && cell.rank() == 2, "the states are " + output.type() + " and " + cell.type());
        int width = Math.toIntExact(cell.extent(1));
        Quantization in = node.inputScale(0);
        Quantization state = node.inputScale(PLACES.state());
        Value weights = joined(c, PLACES.weights());
        Value recurrent = joined(c, PLACES.recurrent());
        // Normalised gates have their bias behind that.
        Value offset = offsets(b, weights, -in.zeroPoint(0), normalized ? null : joined(c, PLACES.biases()));
        Value input = words(
                b, FixedPoint.times(b, products(b, x, weights, offset), factors(PLACES.weights(), in.scale(0), width)));
        List<Value> values = new ArrayList<>(List.of(recurrent, offsets(b, recurrent, -state.zeroPoint(0), null)));
        int[] peepholes = new int[4];
        Arrays.fill(peepholes, -1);
        for (int g : gates()) {
            // There is no look at the cell from the cell.
            if (!looks || g == CELL) continue;
            peepholes[g] = values.size();
            values.add(c.operand(PLACES.peepholes() + (g == OUTPUT ? 2 : g)));
        }
        int[] norms = new int[4];
        for (int g : gates()) {
            if (!normalized) break;
            norms[g] = values.size();
            values.add(c.operand(PLACES.norms() + g));
            values.add(c.operand(PLACES.biases() + g));
        }
        int projection = -1;
        if (projected) {
            projection = values.size();
            Value w = c.operand(PLACES.projection());
            values.add(w);
            values.add(offsets(b, w, -hidden.zeroPoint(0), c.operandOrNull(PLACES.projection() + 1)));
        }
        Captured captured = new Captured(0, 1, peepholes, norms, projection, projection + 1);
        Multiplier[] factors = factors(PLACES.recurrent(), state.scale(0), width);
        List<TensorType> types = new ArrayList<>(List.of(output.type(), cell.type(), RecurrentOperators.step(input)));
        for (Value v : values) types.add(v.type());
        Graph body = b.body("lstm", types, (g, v) -> {
            List<Value> next = step(g, captured, factors, v.get(0), v.get(1), v.get(2), v.subList(3, v.size()));
            return List.of(next.get(0), next.get(1), next.get(0));
        });
        List<Value> operands = new ArrayList<>(List.of(output, cell, input));
        operands.addAll(values);
        List<Value> y = b.addAll(new Op.Scan(body, 2, 1, x.extent(0), false), operands);
        return new LstmCell.Result(y.get(2), y.get(0), y.get(1));
    }

    private static Value words(GraphBuilder b, Value x) {
        return FixedPoint.narrow(b, x, 0, WORDS, DType.I16);
    }

    /** The next output and cell. */
    private List<Value> step(
            GraphBuilder b, Captured s, Multiplier[] factors, Value output, Value cell, Value input, List<Value> in) {
        Value sums = FixedPoint.times(b, products(b, output, in.get(s.recurrent()), in.get(s.offsets())), factors);
        Value gates = words(b, b.plus(sums, b.cast(input, DType.I64)));
        Value forget = LOGISTIC.of(b, gate(b, s, FORGET, gates, cell, in));
        Value candidate = CANDIDATE.of(b, gate(b, s, CELL, gates, cell, in));
        Value come = coupled
                ? b.minus(b.scalar(DType.I16, (long) Short.MAX_VALUE), forget)
                : LOGISTIC.of(b, gate(b, s, INPUT, gates, cell, in));
        Value kept = FixedPoint.divideByPower(b, product(b, forget, cell), 15);
        Value added = FixedPoint.divideByPower(b, product(b, come, candidate), 30 + cellExponent);
        Value next = clip(b, words(b, b.plus(kept, added)), cellClip);
        Value shown = Tables.of(DType.I16, DType.I16, x -> GemmlowpWords.tanh(x, 15 + cellExponent))
                .of(b, next);
        Value out = product(b, LOGISTIC.of(b, gate(b, s, OUTPUT, gates, next, in)), shown);
        Multiplier toHidden = Multiplier.of(Math.scalb(1.0, -15) / hidden.scale(0) * Math.scalb(1.0, -15));
        Value bytes = FixedPoint.narrow(b, FixedPoint.times(b, out, toHidden), hidden.zeroPoint(0), BYTES, DType.I8);
        if (s.projection() >= 0) {
            Quantization state = node.inputScale(PLACES.state());
            double factor = (double) node.inputScale(PLACES.projection()).scale(0) * hidden.scale(0) / state.scale(0);
            Value projections = products(b, bytes, in.get(s.projection()), in.get(s.projectionOffsets()));
            bytes = FixedPoint.narrow(
                    b, FixedPoint.times(b, projections, Multiplier.of(factor)), state.zeroPoint(0), BYTES, DType.I8);
            bytes = clip(b, bytes, projectionClip);
        }
        return List.of(bytes, next);
    }

    private Value part(GraphBuilder b, int gate, Value sums, Value cell) {
        return b.slice(
                sums,
                1,
                (coupled ? gate - 1 : gate) * cell.extent(1),
                cell.shape().dim(1));
    }

    private Value gate(GraphBuilder b, Captured s, int gate, Value gates, Value cell, List<Value> in) {
        Value x = part(b, gate, gates, cell);
        if (s.peepholes()[gate] >= 0) {
            int place = PLACES.peepholes() + (gate == OUTPUT ? 2 : gate);
            double factor = Math.scalb((double) node.inputScale(place).scale(0), cellExponent) / scale(gate);
            Value look = FixedPoint.times(b, product(b, cell, in.get(s.peepholes()[gate])), Multiplier.of(factor));
            x = words(b, b.plus(look, b.cast(x, DType.I64)));
        }
        if (!normalized) return x;
        int norm = s.norms()[gate];
        return WordNormalization.of(node.inputScale(PLACES.norms() + gate).scale(0))
                .apply(b, x, in.get(norm), in.get(norm + 1));
    }

    /** Of words, in 32 bits. */
    private static Value product(GraphBuilder b, Value x, Value y) {
        return b.times(b.cast(x, DType.I32), b.cast(y, DType.I32));
    }

    private static Value clip(GraphBuilder b, Value x, long limit) {
        if (limit <= 0) return x;
        return b.map(MapFunction.CLAMP, x, b.scalar(x.dtype(), -limit), b.scalar(x.dtype(), limit));
    }
}
