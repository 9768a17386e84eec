package dev.meseta.frontends.onnx.operators;

import dev.meseta.frontends.onnx.operators.Attributes.Body;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Scan and SequenceMap: loops over the slices of tensors, or over the items of sequences. */
final class ScanOperators {
    /** A constant of every body here: the condition under which its loop goes on. */
    private static final String GO = "go";

    private static final String STEP = "step";

    private ScanOperators() {}

    static void register(Registry r) {
        r.add(Registry.ONNX, "Scan", 8, ScanOperators::scanBatches);
        r.add(Registry.ONNX, "Scan", 9, ScanOperators::scan);
        r.add(Registry.ONNX, "SequenceMap", 17, ScanOperators::map);
    }

    /** A program under construction, whose names are its own. */
    private static final class Draft {
        private final String where;
        private final List<Port> inputs = new ArrayList<>();
        private final List<Port> outputs = new ArrayList<>();
        private final Map<String, Data> constants = new HashMap<>();
        private final List<Call> calls = new ArrayList<>();

        Draft(String where) {
            this.where = where;
        }

        /** One input a name. */
        void inputs(List<String> names) {
            names.forEach(n -> inputs.add(Port.any(n)));
        }

        void outputs(List<String> names) {
            names.forEach(n -> outputs.add(Port.any(n)));
        }

        void constant(String name, Data value) {
            constants.put(name, value);
        }

        void call(String name, List<String> reads, List<String> makes, Lowering lowering) {
            calls.add(new Call(where, name, reads, makes, lowering));
        }

        Program program(String name) {
            return new Program(name, inputs, outputs, constants, calls);
        }

        /** The inputs of a loop's body: step, condition, and these. */
        void loopInputs(List<List<String>> names) {
            inputs(List.of(STEP, "condition"));
            names.forEach(this::inputs);
            constant(GO, Tensor.scalar(DType.BOOL, 1L));
        }
    }

    private static List<String> names(String prefix, int n) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < n; i++) names.add(prefix + i);
        return names;
    }

    @SafeVarargs
    private static List<String> join(List<String>... parts) {
        List<String> all = new ArrayList<>();
        for (List<String> p : parts) all.addAll(p);
        return all;
    }

    /** The counts of a scan, checked. */
    private record Scanned(Body body, int states, int scans, int stacked, List<String> captured) {
        static Scanned of(OperatorNode node, int operands) {
            Body body = node.attributes().body("body");
            long scans = node.attributes().integer("num_scan_inputs");
            if (scans < 1 || scans > operands) {
                throw node.error("num_scan_inputs is " + scans + ", the node has " + operands + " operands");
            }
            if (body.formal() != operands) {
                throw node.error("has " + operands + " operands, its body takes " + body.formal());
            }
            int states = operands - (int) scans;
            int stacked = body.program().outputs().size() - states;
            if (stacked < 0 || node.outputs().size() > states + stacked) {
                throw node.error(
                        "has " + states + " states and " + node.outputs().size() + " outputs, its body gives "
                                + body.program().outputs().size());
            }
            return new Scanned(body, states, (int) scans, stacked, node.captured());
        }

        List<String> stateNames() {
            return names("state", states);
        }

        List<String> scanNames() {
            return names("scan", scans);
        }

        List<String> capturedNames() {
            return names("captured", captured.size());
        }

        /**
         * The body of the loop over slices. Its inputs: states, scans, then {@code extra} and the captured values.
         *
         * @param slice the lowering that takes scan i, the step and {@code extra} to one slice
         */
        Program step(String where, List<String> extra, List<Lowering> slice) {
            Draft d = new Draft(where);
            d.loopInputs(List.of(stateNames(), scanNames(), extra, capturedNames()));
            for (int i = 0; i < scans; i++) {
                d.call("Scan.slice", join(List.of("scan" + i, STEP), extra), List.of("slice" + i), slice.get(i));
            }
            List<String> results = join(names("next", states), names("stacked", stacked));
            d.call(
                    "Scan.body",
                    join(stateNames(), names("slice", scans), capturedNames()),
                    results,
                    new Lowering.Inline(body.over(captured)));
            d.outputs(join(List.of(GO), results));
            return d.program(where + ", a step");
        }
    }

    private static Lowering scan(OperatorNode node) {
        Scanned s = Scanned.of(node, node.inputs().size());
        long[] directions = each(node, "scan_input_directions", s.scans());
        long[] axes = each(node, "scan_input_axes", s.scans());
        long[] outDirections = each(node, "scan_output_directions", s.stacked());
        long[] outAxes = each(node, "scan_output_axes", s.stacked());
        Draft d = new Draft(node.where());
        d.inputs(join(s.stateNames(), s.scanNames(), s.capturedNames()));
        d.call("Scan.length", s.scanNames(), List.of("length"), (Lowering.Expand) c -> List.of(length(c, axes)));
        List<Lowering> slices = new ArrayList<>();
        for (int i = 0; i < s.scans(); i++) slices.add(slice(axes[i], directions[i] != 0));
        d.call(
                "Scan.loop",
                join(List.of("length", ""), s.stateNames(), s.scanNames(), s.capturedNames()),
                join(names("final", s.states()), names("stack", s.stacked())),
                new Lowering.Loop(s.step(node.where(), List.of(), slices), s.states()));
        for (int k = 0; k < s.stacked(); k++) {
            boolean reverse = outDirections[k] != 0;
            long axis = outAxes[k];
            d.call("Scan.stack", List.of("stack" + k), List.of("result" + k), (Lowering.Expand)
                    c -> List.of(unstack(c, reverse, axis)));
        }
        d.outputs(join(names("final", s.states()), names("result", s.stacked())));
        return new Lowering.Inline(d.program(node.where()));
    }

    /** An attribute with one entry for each of {@code n}; zeros if it is missing. */
    private static long[] each(OperatorNode node, String name, int n) {
        long[] v = node.attributes().integers(name, new long[n]);
        if (v.length != n) throw node.error(name + " has " + v.length + " entries instead of " + n);
        return v;
    }

    private static Value length(LoweringContext c, long[] axes) {
        long extent = -1;
        for (int i = 0; i < axes.length; i++) {
            Value x = c.operand(i);
            long e = x.extent(Expansions.axis(c, axes[i], x.rank()));
            if (extent >= 0 && e != extent) throw c.error("scans " + extent + " and " + e + " slices at the same time");
            extent = e;
        }
        return c.builder().scalar(DType.I64, extent);
    }

    /** Slice number {@code step} of operand 0, counted from the end if reversed. */
    private static Lowering.Expand slice(long axis, boolean reverse) {
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            int at = Expansions.axis(c, axis, x.rank());
            Value step = b.reshape(c.operand(1), Shape.SCALAR);
            Value place = reverse ? b.minus(b.scalar(DType.I64, x.extent(at) - 1), step) : step;
            return List.of(b.add(new Op.Gather(at), x, place));
        };
    }

    /** Brings what a loop stacked on axis 0 into the order and to the axis that were asked for. */
    private static Value unstack(LoweringContext c, boolean reverse, long axis) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        if (reverse) {
            List<Long> starts = new ArrayList<>(Collections.nCopies(x.rank(), 0L));
            List<Long> steps = new ArrayList<>(Collections.nCopies(x.rank(), 1L));
            starts.set(0, Math.max(0, x.extent(0) - 1));
            steps.set(0, -1L);
            x = b.add(new Op.Slice(starts, x.shape().dims(), steps), x);
        }
        int to = Expansions.axis(c, axis, x.rank());
        List<Integer> order = new ArrayList<>();
        for (int i = 1; i < x.rank(); i++) order.add(i);
        order.add(to, 0);
        return b.add(new Op.Transpose(order), x);
    }

    /**
     * Opset 8: all operands have a batch axis in front, each entry of which has a length of its own. A loop over the batch around the loop
     * over the slices; what is stacked is filled with zeros to the full length.
     */
    private static Lowering scanBatches(OperatorNode node) {
        if (node.inputs().isEmpty()) throw node.error("has no inputs");
        Scanned s = Scanned.of(node, node.inputs().size() - 1);
        long[] directions = each(node, "directions", s.scans());
        boolean lengths = node.hasInput(0);
        Draft inner = new Draft(node.where());
        inner.loopInputs(List.of(s.stateNames(), s.scanNames(), List.of("lengths"), s.capturedNames()));
        Lowering pick = slice(0, false);
        for (String n : join(s.stateNames(), s.scanNames())) {
            inner.call("Scan.entry", List.of(n, STEP), List.of("one/" + n), pick);
        }
        inner.call(
                "Scan.length",
                lengths ? List.of("one/scan0", STEP, "lengths") : List.of("one/scan0", STEP),
                List.of("length"),
                (Lowering.Expand) c -> List.of(entryLength(c)));
        List<Lowering> slices = new ArrayList<>();
        for (int i = 0; i < s.scans(); i++) slices.add(sliceOfEntry(directions[i] != 0));
        List<String> entries = join(s.stateNames(), s.scanNames()).stream()
                .map(n -> "one/" + n)
                .toList();
        inner.call(
                "Scan.loop",
                join(List.of("length", ""), entries, List.of("length"), s.capturedNames()),
                join(names("final", s.states()), names("stack", s.stacked())),
                new Lowering.Loop(s.step(node.where(), List.of("valid"), slices), s.states()));
        for (int k = 0; k < s.stacked(); k++) {
            inner.call("Scan.fill", List.of("stack" + k, "one/scan0"), List.of("full" + k), (Lowering.Expand)
                    ScanOperators::fill);
        }
        inner.outputs(join(List.of(GO), names("final", s.states()), names("full", s.stacked())));
        Draft d = new Draft(node.where());
        d.inputs(join(List.of("lengths"), s.stateNames(), s.scanNames(), s.capturedNames()));
        d.call("Scan.batch", List.of("scan0"), List.of("batch"), (Lowering.Expand)
                c -> List.of(c.builder().scalar(DType.I64, c.operand(0).extent(0))));
        List<String> results = join(names("final", s.states()), names("result", s.stacked()));
        d.call(
                "Scan.batches",
                join(
                        List.of("batch", ""),
                        s.stateNames(),
                        s.scanNames(),
                        List.of(lengths ? "lengths" : ""),
                        s.capturedNames()),
                results,
                new Lowering.Loop(inner.program(node.where() + ", an entry"), 0));
        d.outputs(results);
        return new Lowering.Inline(d.program(node.where()));
    }

    private static Value entryLength(LoweringContext c) {
        GraphBuilder b = c.builder();
        if (!c.has(2)) return b.scalar(DType.I64, c.operand(0).extent(0));
        Value step = b.reshape(c.operand(1), Shape.SCALAR);
        return b.cast(b.add(new Op.Gather(0), c.operand(2), step), DType.I64);
    }

    /** As {@link #slice} on axis 0, but reversed within the entry's own length, operand 2. */
    private static Lowering.Expand sliceOfEntry(boolean reverse) {
        return c -> {
            GraphBuilder b = c.builder();
            Value step = b.reshape(c.operand(1), Shape.SCALAR);
            Value last = b.minus(b.reshape(c.operand(2), Shape.SCALAR), b.scalar(DType.I64, 1L));
            return List.of(b.add(new Op.Gather(0), c.operand(0), reverse ? b.minus(last, step) : step));
        };
    }

    /** Zeros behind operand 0, up to the length of operand 1. */
    private static List<Value> fill(LoweringContext c) {
        Value x = c.operand(0);
        List<Long> low = Collections.nCopies(x.rank(), 0L);
        List<Long> high = new ArrayList<>(low);
        high.set(0, c.operand(1).extent(0) - x.extent(0));
        return List.of(c.builder().add(new Op.Pad(low, high), x, c.builder().scalar(x.dtype(), 0L)));
    }

    private static Lowering map(OperatorNode node) {
        Body body = node.attributes().body("body");
        int n = node.inputs().size();
        int results = body.program().outputs().size();
        if (n < 1 || body.formal() != n || node.outputs().size() > results) {
            throw node.error("has " + n + " inputs and " + node.outputs().size() + " outputs, its body " + body.formal()
                    + " and " + results);
        }
        List<String> captured = node.captured();
        List<String> capturedNames = names("captured", captured.size());
        Draft step = new Draft(node.where());
        step.loopInputs(List.of(names("so-far", results), names("in", n), capturedNames));
        for (int i = 0; i < n; i++) {
            step.call("SequenceMap.item", List.of("in" + i, STEP), List.of("item" + i), (Lowering.Host)
                    data -> List.of(item(new Operands(node, data))));
        }
        step.call(
                "SequenceMap.body",
                join(names("item", n), capturedNames),
                names("result", results),
                new Lowering.Inline(body.over(captured)));
        for (int k = 0; k < results; k++) {
            step.call("SequenceMap.append", List.of("so-far" + k, "result" + k), List.of("longer" + k), (Lowering.Host)
                    data -> List.of(append(new Operands(node, data))));
        }
        step.outputs(join(List.of(GO), names("longer", results)));
        Draft d = new Draft(node.where());
        d.inputs(join(names("in", n), capturedNames));
        d.constant("nothing", new Data.Sequence(List.of()));
        d.call("SequenceMap.length", names("in", n), List.of("length"), (Lowering.Host)
                data -> List.of(Tensor.scalar(DType.I64, length(new Operands(node, data)))));
        d.call(
                "SequenceMap.loop",
                join(List.of("length", ""), Collections.nCopies(results, "nothing"), names("in", n), capturedNames),
                names("out", results),
                new Lowering.Loop(step.program(node.where() + ", a step"), results));
        d.outputs(names("out", results));
        return new Lowering.Inline(d.program(node.where()));
    }

    private static long length(Operands o) {
        int length = o.sequence(0).size();
        for (int i = 1; i < o.data().size(); i++) {
            if (o.get(i) instanceof Data.Sequence s && s.items().size() != length) {
                throw o.error(
                        "maps sequences of " + length + " and " + s.items().size() + " items");
            }
        }
        return length;
    }

    /** An item of a sequence; what is no sequence is the same for every step. */
    private static Data item(Operands o) {
        return o.get(0) instanceof Data.Sequence s ? s.items().get((int) o.integer(1)) : o.get(0);
    }

    private static Data append(Operands o) {
        List<Data> items = new ArrayList<>(o.sequence(0));
        items.add(o.get(1));
        return new Data.Sequence(items);
    }
}
