package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * RNN, GRU and LSTM: a scan over the sequence for each direction. What depends on the inputs alone is one product for all steps before
 * the scan; a step adds what depends on the state.
 */
final class RecurrentOperators {
    private RecurrentOperators() {}

    static void register(Registry r) {
        r.expand("RNN", 1, node -> new Cell(node, Kind.RNN));
        r.expand("GRU", 1, node -> new Cell(node, Kind.GRU));
        r.expand("LSTM", 1, node -> new Cell(node, Kind.LSTM));
    }

    /** The kinds of cell. */
    enum Kind {
        RNN(1, List.of("Tanh")),
        /** Gates z, r, h. */
        GRU(3, List.of("Sigmoid", "Tanh")),
        /** Gates i, o, f, c. */
        LSTM(4, List.of("Sigmoid", "Tanh", "Tanh"));

        final int gates;
        final List<String> activations;

        Kind(int gates, List<String> activations) {
            this.gates = gates;
            this.activations = activations;
        }
    }

    /** A scalar function of a cell. */
    private interface Activation extends BiFunction<GraphBuilder, Value, Value> {}

    /** A node's attributes, and the expansion. */
    private static final class Cell implements Lowering.Expand {
        private final Kind kind;
        private final boolean[] reversed;
        private final List<List<Activation>> activations = new ArrayList<>();
        private final float clip;
        private final long hidden;
        private final boolean batchFirst;
        private final boolean linearBeforeReset;
        private final boolean coupled;

        Cell(OperatorNode node, Kind kind) {
            this.kind = kind;
            Attributes a = node.attributes();
            String direction = a.string("direction", "forward").toLowerCase(Locale.ROOT);
            this.reversed = switch (direction) {
                case "forward" -> new boolean[] {false};
                case "reverse" -> new boolean[] {true};
                case "bidirectional" -> new boolean[] {false, true};
                default -> throw node.error("direction '" + direction + "' is not forward, reverse or bidirectional");
            };
            this.clip = a.real("clip", 0);
            this.hidden = a.integer("hidden_size", 0);
            long layout = a.integer("layout", 0);
            if (layout != 0 && layout != 1) throw node.error("layout " + layout + " is not 0 or 1");
            this.batchFirst = layout == 1;
            this.linearBeforeReset = a.flag("linear_before_reset", false);
            this.coupled = a.flag("input_forget", false);
            readActivations(node);
        }

        private void readActivations(OperatorNode node) {
            int each = kind.activations.size();
            List<String> defaults = new ArrayList<>();
            for (boolean _ : reversed) defaults.addAll(kind.activations);
            List<String> names = node.attributes().strings("activations", defaults);
            if (names.size() != defaults.size())
                throw node.error("activations has " + names.size() + " entries, expected " + defaults.size());
            Parameters alpha = new Parameters(node.attributes().reals("activation_alpha", new float[0]));
            Parameters beta = new Parameters(node.attributes().reals("activation_beta", new float[0]));
            for (int d = 0; d < reversed.length; d++) {
                List<Activation> list = new ArrayList<>();
                for (String name : names.subList(d * each, (d + 1) * each))
                    list.add(activation(node, name.toLowerCase(Locale.ROOT), alpha, beta));
                activations.add(list);
            }
        }

        @Override
        public List<Value> expand(LoweringContext c) {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(x.rank() == 3, "the input must have rank 3, found " + x.type());
            if (batchFirst) x = b.transpose(x, 1, 0, 2);
            Sizes sizes = sizes(c, x);
            List<Value> y = new ArrayList<>();
            List<Value> last = new ArrayList<>();
            List<Value> cells = new ArrayList<>();
            for (int d = 0; d < reversed.length; d++) {
                List<Value> r = direction(c, x, d, sizes);
                y.add(Shorthand.unsqueeze(b, r.getLast(), 1));
                last.add(Shorthand.unsqueeze(b, r.getFirst(), 0));
                if (kind == Kind.LSTM) cells.add(Shorthand.unsqueeze(b, r.get(1), 0));
            }
            DType type = c.operand(0).dtype();
            List<Value> results = new ArrayList<>();
            results.add(laidOut(b, b.concat(1, y), type, 2, 0, 1, 3));
            results.add(laidOut(b, b.concat(0, last), type, 1, 0, 2));
            if (kind == Kind.LSTM) results.add(laidOut(b, b.concat(0, cells), type, 1, 0, 2));
            return results;
        }

        private Value laidOut(GraphBuilder b, Value v, DType type, int... batchFirstOrder) {
            Value r = b.cast(v, type);
            return batchFirst ? b.transpose(r, batchFirstOrder) : r;
        }

        /** Extents: S steps, B sequences, H hidden units. */
        private record Sizes(Dim steps, Dim batch, Dim hidden) {}

        private Sizes sizes(LoweringContext c, Value x) {
            Value w = c.operand(1);
            Value r = c.operand(2);
            c.require(
                    w.rank() == 3 && r.rank() == 3 && w.extent(0) == reversed.length && r.extent(0) == reversed.length,
                    "W and R must have rank 3 and " + reversed.length + " direction(s), found " + w.type() + " and "
                            + r.type());
            long h = r.extent(2);
            c.require(
                    w.extent(1) == kind.gates * h
                            && r.extent(1) == kind.gates * h
                            && w.extent(2) == x.extent(2)
                            && (hidden == 0 || hidden == h),
                    "W " + w.type() + " and R " + r.type() + " do not fit the input " + x.type() + " and hidden_size "
                            + hidden);
            return new Sizes(x.shape().dim(0), x.shape().dim(1), r.shape().dim(2));
        }

        /** The final states, then the stacked results [S, B, H], of one direction. */
        private List<Value> direction(LoweringContext c, Value x, int d, Sizes s) {
            GraphBuilder b = c.builder();
            Value projected = Shorthand.wide(b, b.matmul(x, turned(b, c.operand(1), d), x.dtype()));
            DType type = projected.dtype();
            Value bias = part(c, 3, d, 2 * kind.gates * s.hidden.extent(), "B", type);
            long width = kind.gates * s.hidden.extent();
            if (bias != null) projected = b.plus(projected, inputBias(b, bias, width, s.hidden.extent()));
            List<Value> carried = new ArrayList<>();
            carried.add(initial(c, 5, d, s, type));
            if (kind == Kind.LSTM) carried.add(initial(c, 6, d, s, type));
            List<Value> scanned = new ArrayList<>(List.of(projected));
            List<Value> captured = new ArrayList<>();
            captured.add(b.cast(turned(b, c.operand(2), d), type));
            if (needsHiddenBias() && bias != null) {
                long h = s.hidden.extent();
                captured.add(b.slice(bias, 0, 2 * width - h, h));
            }
            Value peepholes = kind == Kind.LSTM ? part(c, 7, d, 3 * s.hidden.extent(), "P", type) : null;
            if (peepholes != null) captured.add(peepholes);
            boolean ragged = c.has(4);
            if (ragged) {
                Value lengths = c.operand(4);
                c.require(
                        lengths.rank() == 1 && lengths.extent(0) == s.batch.extent(),
                        "sequence_lens must have " + s.batch.extent() + " elements, found " + lengths.type());
                scanned.add(b.iota(DType.I64, Shorthand.shape(s.steps), 0));
                captured.add(b.cast(lengths, DType.I64));
            }
            List<Value> operands = new ArrayList<>(carried);
            operands.addAll(scanned);
            operands.addAll(captured);
            List<TensorType> types = new ArrayList<>();
            for (Value v : operands) types.add(v.type());
            for (int i = carried.size(); i < carried.size() + scanned.size(); i++) {
                TensorType t = types.get(i);
                types.set(i, t.with(t.shape().without(0)));
            }
            boolean hiddenBias = needsHiddenBias() && bias != null;
            Graph body = b.body(
                    kind.name().toLowerCase(Locale.ROOT),
                    types,
                    (g, in) -> step(g, in, activations.get(d), hiddenBias, peepholes != null, ragged));
            return b.addAll(new Op.Scan(body, carried.size(), scanned.size(), s.steps.extent(), reversed[d]), operands);
        }

        /** Whether the recurrent bias of the last gate stays inside a step, because something multiplies it. */
        private boolean needsHiddenBias() {
            return kind == Kind.GRU && linearBeforeReset;
        }

        /** The biases that can be added before the loop: all but the recurrent one of GRU's last gate, if that is needed apart. */
        private Value inputBias(GraphBuilder b, Value bias, long width, long h) {
            Value input = b.slice(bias, 0, 0, width);
            Value recurrent = b.slice(bias, 0, width, width);
            if (needsHiddenBias()) recurrent = Shorthand.pad(b, b.slice(recurrent, 0, 0, width - h), 0, 0, h, 0);
            return b.plus(input, recurrent);
        }

        /** Direction d of a weight, turned so that it stands right in a product. */
        private static Value turned(GraphBuilder b, Value w, int d) {
            return b.transpose(b.select(w, 0, d), 1, 0);
        }

        /** Direction d of an optional operand [directions, n]. */
        private @Nullable Value part(LoweringContext c, int i, int d, long n, String what, DType type) {
            Value v = c.operandOrNull(i);
            if (v == null) return null;
            c.require(
                    v.rank() == 2 && v.extent(0) == reversed.length && v.extent(1) == n,
                    what + " must be [" + reversed.length + ", " + n + "], found " + v.type());
            return c.builder().cast(c.builder().select(v, 0, d), type);
        }

        private Value initial(LoweringContext c, int i, int d, Sizes s, DType type) {
            GraphBuilder b = c.builder();
            Shape state = Shorthand.shape(s.batch, s.hidden);
            Value v = c.operandOrNull(i);
            if (v == null) return Shorthand.zeros(b, type, state);
            if (batchFirst && v.rank() == 3) v = b.transpose(v, 1, 0, 2);
            c.require(
                    v.rank() == 3
                            && v.extent(0) == reversed.length
                            && v.shape().without(0).equals(state),
                    "the initial state must be " + state + " for each of " + reversed.length + " direction(s), found "
                            + c.type(i));
            return b.cast(b.select(v, 0, d), type);
        }

        /** One step: the next states, and what is stacked. */
        private List<Value> step(
                GraphBuilder b,
                List<Value> in,
                List<Activation> f,
                boolean hiddenBias,
                boolean peepholes,
                boolean ragged) {
            int next = 0;
            Value h = in.get(next++);
            Value cell = kind == Kind.LSTM ? in.get(next++) : null;
            Value x = in.get(next++);
            Value time = ragged ? in.get(next++) : null;
            Value r = in.get(next++);
            Value bias = hiddenBias ? in.get(next++) : null;
            Value p = peepholes ? in.get(next++) : null;
            Value lengths = ragged ? in.get(next) : null;
            List<Value> states = switch (kind) {
                case RNN -> List.of(apply(b, f.get(0), b.plus(x, product(b, h, r))));
                case GRU -> List.of(gru(b, f, x, h, r, bias));
                case LSTM -> lstm(b, f, x, h, java.util.Objects.requireNonNull(cell), r, p);
            };
            List<Value> results = new ArrayList<>();
            if (time == null || lengths == null) {
                results.addAll(states);
                results.add(states.getFirst());
                return results;
            }
            // Beyond a sequence's end the state stays, and the result is 0.
            Value running = Shorthand.unsqueeze(b, b.map(MapFunction.LT, time, lengths), 1);
            results.add(b.select(running, states.get(0), h));
            if (cell != null) results.add(b.select(running, states.get(1), cell));
            results.add(b.select(running, states.getFirst(), Shorthand.like(b, h, 0)));
            return results;
        }

        private static Value product(GraphBuilder b, Value h, Value r) {
            return b.matmul(h, r, h.dtype());
        }

        private Value apply(GraphBuilder b, Activation f, Value x) {
            Value v = x;
            if (clip > 0) v = b.map(MapFunction.CLAMP, v, Shorthand.like(b, v, -clip), Shorthand.like(b, v, clip));
            return f.apply(b, v);
        }

        private static Value gate(GraphBuilder b, Value v, int gate, long h) {
            return b.slice(v, v.rank() - 1, gate * h, h);
        }

        private Value gru(GraphBuilder b, List<Activation> f, Value x, Value h, Value r, @Nullable Value bias) {
            long n = h.extent(1);
            Value gates = product(b, h, linearBeforeReset ? r : b.slice(r, 1, 0, 2 * n));
            Value z = apply(b, f.get(0), b.plus(gate(b, x, 0, n), gate(b, gates, 0, n)));
            Value reset = apply(b, f.get(0), b.plus(gate(b, x, 1, n), gate(b, gates, 1, n)));
            Value recurrent;
            if (linearBeforeReset) {
                Value linear = gate(b, gates, 2, n);
                recurrent = b.times(reset, bias == null ? linear : b.plus(linear, bias));
            } else {
                recurrent = product(b, b.times(reset, h), gate(b, r, 2, n));
            }
            Value candidate = apply(b, f.get(1), b.plus(gate(b, x, 2, n), recurrent));
            Value keep = b.times(z, h);
            return b.plus(b.times(b.minus(Shorthand.like(b, z, 1), z), candidate), keep);
        }

        private List<Value> lstm(
                GraphBuilder b, List<Activation> f, Value x, Value h, Value cell, Value r, @Nullable Value p) {
            long n = h.extent(1);
            Value gates = b.plus(x, product(b, h, r));
            Value i = apply(b, f.get(0), peep(b, gate(b, gates, 0, n), p, 0, cell));
            Value forget = coupled
                    ? b.minus(Shorthand.like(b, i, 1), i)
                    : apply(b, f.get(0), peep(b, gate(b, gates, 2, n), p, 2, cell));
            Value candidate = apply(b, f.get(1), gate(b, gates, 3, n));
            Value next = b.plus(b.times(forget, cell), b.times(i, candidate));
            Value o = apply(b, f.get(0), peep(b, gate(b, gates, 1, n), p, 1, next));
            return List.of(b.times(o, f.get(2).apply(b, next)), next);
        }

        private static Value peep(GraphBuilder b, Value gate, @Nullable Value p, int which, Value cell) {
            if (p == null) return gate;
            return b.plus(gate, b.times(b.slice(p, 0, which * cell.extent(1), cell.extent(1)), cell));
        }
    }

    /** The numbers of {@code activation_alpha} or {@code activation_beta}, consumed by the functions that have such a parameter. */
    private static final class Parameters {
        private final float[] values;
        private int next;

        Parameters(float[] values) {
            this.values = values;
        }

        double next(double otherwise) {
            return next < values.length ? values[next++] : otherwise;
        }
    }

    private static Activation activation(OperatorNode node, String name, Parameters alpha, Parameters beta) {
        return switch (name) {
            case "relu" -> (b, x) -> b.max(x, Shorthand.like(b, x, 0));
            case "tanh" -> (b, x) -> b.map(MapFunction.TANH, x);
            case "sigmoid" -> Shorthand::sigmoid;
            case "softsign" -> (b, x) -> b.divide(x, b.plus(b.map(MapFunction.ABS, x), Shorthand.like(b, x, 1)));
            case "softplus" -> ActivationOperators::softplus;
            case "affine" -> {
                double m = alpha.next(1);
                double n = beta.next(0);
                yield (b, x) -> b.plus(b.times(x, Shorthand.like(b, x, m)), Shorthand.like(b, x, n));
            }
            case "leakyrelu" -> {
                double m = alpha.next(0.01f);
                yield (b, x) -> b.select(
                        b.map(MapFunction.LT, x, Shorthand.like(b, x, 0)), b.times(x, Shorthand.like(b, x, m)), x);
            }
            case "thresholdedrelu" -> {
                double m = alpha.next(1);
                yield (b, x) -> b.select(b.map(MapFunction.GT, x, Shorthand.like(b, x, m)), x, Shorthand.like(b, x, 0));
            }
            case "scaledtanh" -> {
                double m = alpha.next(1);
                double n = beta.next(1);
                yield (b, x) ->
                        b.times(b.map(MapFunction.TANH, b.times(x, Shorthand.like(b, x, n))), Shorthand.like(b, x, m));
            }
            case "hardsigmoid" -> {
                double m = alpha.next(0.2f);
                double n = beta.next(0.5f);
                yield (b, x) -> ActivationOperators.hardSigmoid(b, x, m, n);
            }
            case "elu" -> {
                double m = alpha.next(1);
                yield (b, x) -> b.select(
                        b.map(MapFunction.LT, x, Shorthand.like(b, x, 0)),
                        b.times(b.map(MapFunction.EXPM1, x), Shorthand.like(b, x, m)),
                        x);
            }
            default -> throw node.error("activation '" + name + "' is unknown");
        };
    }
}
