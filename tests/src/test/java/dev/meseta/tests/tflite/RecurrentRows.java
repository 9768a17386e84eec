package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.OneOperator.Scale;
import dev.meseta.tests.tflite.OperatorRows.Row;
import java.util.List;

/** Random models of operators that keep state. */
final class RecurrentRows {
    /** Where weights are bytes, TFLite makes bytes of the inputs too; we do not. */
    private static final double BYTES = 3e-2;

    private RecurrentRows() {}

    static void add(List<Row> rows) {
        rows.add(new Row("UNIDIRECTIONAL_SEQUENCE_LSTM f32", 0, d -> lstm(d, "UNIDIRECTIONAL_SEQUENCE_LSTM", false)));
        rows.add(new Row(
                "UNIDIRECTIONAL_SEQUENCE_LSTM bytes", 0, d -> lstm(d, "UNIDIRECTIONAL_SEQUENCE_LSTM", true), BYTES));
        rows.add(new Row("UNIDIRECTIONAL_SEQUENCE_LSTM i8", 0, d -> integerLstm(d, true, false)));
        rows.add(new Row("UNIDIRECTIONAL_SEQUENCE_LSTM i8 normalised", 0, d -> integerLstm(d, true, true)));
        rows.add(new Row("LSTM i8", 0, d -> integerLstm(d, false, false)));
        rows.add(new Row("LSTM i8 normalised", 0, d -> integerLstm(d, false, true)));
        rows.add(new Row("LSTM f32", 0, d -> lstm(d, "LSTM", false)));
        rows.add(new Row("BIDIRECTIONAL_SEQUENCE_LSTM f32", 0, d -> bidirectional(d, false, 0)));
        rows.add(new Row("BIDIRECTIONAL_SEQUENCE_LSTM bytes", 0, d -> bidirectional(d, true, 0), BYTES));
        rows.add(new Row("BIDIRECTIONAL_SEQUENCE_LSTM stacked", 0, d -> bidirectional(d, false, 1)));
        rows.add(new Row("BIDIRECTIONAL_SEQUENCE_LSTM crossed", 0, d -> bidirectional(d, false, 2)));
        rows.add(new Row("BIDIRECTIONAL_SEQUENCE_RNN f32", 0, d -> bidirectionalSimple(d, false, d.between(0, 2))));
        rows.add(new Row("BIDIRECTIONAL_SEQUENCE_RNN bytes", 0, d -> bidirectionalSimple(d, true, 0), BYTES));
        rows.add(new Row("UNIDIRECTIONAL_SEQUENCE_RNN f32", 0, d -> {
            boolean timeMajor = d.flag();
            long batch = d.between(1, 3);
            long steps = d.between(1, 5);
            long width = d.between(1, 6);
            long units = d.between(1, 6);
            return new OneOperator("UNIDIRECTIONAL_SEQUENCE_RNN", 1)
                    .with(0, timeMajor)
                    .with(1, (byte) 4)
                    .input(d.tensor(DType.F32, timeMajor ? steps : batch, timeMajor ? batch : steps, width))
                    .constant(d.tensor(DType.F32, units, width))
                    .constant(d.tensor(DType.F32, units, units))
                    .constant(d.tensor(DType.F32, units))
                    .variable(DType.F32, new long[] {batch, units}, null)
                    .output(DType.F32, null, 1, 1, units);
        }));
        rows.add(new Row("RNN f32", 0, d -> {
            long batch = d.between(1, 3);
            long width = d.between(1, 6);
            long units = d.between(1, 6);
            return new OneOperator("RNN", 1)
                    .with(0, (byte) 1)
                    .input(d.tensor(DType.F32, batch, width))
                    .constant(d.tensor(DType.F32, units, width))
                    .constant(d.floats(-0.5, 0.5, units, units))
                    .constant(d.tensor(DType.F32, units))
                    .variable(DType.F32, new long[] {batch, units}, null)
                    .output(DType.F32, null, batch, units);
        }));
        rows.add(new Row("SVDF f32", 0, d -> svdf(d, false)));
        rows.add(new Row("SVDF i8", 0, d -> svdf(d, true)));
    }

    private static OneOperator svdf(Draws d, boolean integers) {
        int rank = d.between(1, 2);
        long units = d.between(1, 6);
        long filters = rank * units;
        long width = d.between(1, 9);
        long memory = d.between(2, 6);
        long batch = d.between(1, 3);
        OneOperator m = new OneOperator("SVDF", 3).with(0, rank).with(1, (byte) (integers ? 1 : 0));
        if (!integers) {
            return m.input(d.tensor(DType.F32, batch, width))
                    .constant(d.tensor(DType.F32, filters, width))
                    .constant(d.tensor(DType.F32, filters, memory))
                    .constant(d.tensor(DType.F32, units))
                    .variable(DType.F32, new long[] {batch, filters * memory}, null)
                    .output(DType.F32, null, batch, units);
        }
        return m.input(d.tensor(DType.I8, batch, width), Scale.of(0.05, d.zero(DType.I8)))
                .constant(d.tensor(DType.I8, filters, width), Scale.of(0.02, 0))
                .constant(d.integers(DType.I16, -2000, 2000, filters, memory), Scale.of(0.0005, 0))
                .constant(d.integers(DType.I32, -5000, 5000, units), Scale.of(0.0005 * 0.002, 0))
                .variable(DType.I16, new long[] {batch, filters * memory}, Scale.of(0.002, 0))
                .output(DType.I8, Scale.of(0.5, d.zero(DType.I8)), batch, units);
    }

    private record Sizes(long batch, long steps, long input, long cell, long output) {
        static Sizes of(Draws d, boolean projected) {
            long cell = d.between(1, 6);
            return new Sizes(
                    d.between(1, 3), d.between(1, 5), d.between(1, 6), cell, projected ? d.between(1, 6) : cell);
        }
    }

    private static void weights(Draws d, OneOperator m, boolean bytes, boolean there, long... shape) {
        if (!there) m.missing();
        else if (bytes) m.constant(d.integers(DType.I8, -127, 127, shape), Scale.of(d.real(0.003, 0.01), 0));
        else m.constant(d.tensor(DType.F32, shape));
    }

    /** The operands of one direction in front of the states. */
    private static void direction(
            Draws d,
            OneOperator m,
            Sizes s,
            boolean bytes,
            boolean coupled,
            boolean looks,
            boolean normal,
            boolean projected) {
        for (int g = 0; g < 4; g++) weights(d, m, bytes, g > 0 || !coupled, s.cell(), s.input());
        for (int g = 0; g < 4; g++) weights(d, m, bytes, g > 0 || !coupled, s.cell(), s.output());
        for (int g = 0; g < 3; g++) weights(d, m, bytes, looks && (g > 0 || !coupled), s.cell());
        for (int g = 0; g < 4; g++) weights(d, m, false, g > 0 || !coupled, s.cell());
        weights(d, m, bytes, projected, s.output(), s.cell());
        weights(d, m, false, projected && d.flag(), s.output());
    }

    private static OneOperator lstm(Draws d, String name, boolean bytes) {
        boolean sequence = !name.equals("LSTM");
        boolean coupled = d.flag();
        boolean looks = d.flag();
        boolean normal = !bytes && d.flag();
        boolean projected = d.flag();
        boolean timeMajor = d.flag();
        Sizes s = Sizes.of(d, projected);
        OneOperator m = new OneOperator(name, sequence ? bytes ? 2 : 1 : 1)
                .with(0, (byte) 4)
                .with(1, d.flag() ? 0.8f : 0f)
                .with(2, projected && d.flag() ? 0.9f : 0f);
        if (sequence) m.with(3, timeMajor);
        if (!sequence) m.input(d.tensor(DType.F32, s.batch(), s.input()));
        else if (timeMajor) m.input(d.tensor(DType.F32, s.steps(), s.batch(), s.input()));
        else m.input(d.tensor(DType.F32, s.batch(), s.steps(), s.input()));
        direction(d, m, s, bytes, coupled, looks, normal, projected);
        m.variable(DType.F32, new long[] {s.batch(), s.output()}, null);
        m.variable(DType.F32, new long[] {s.batch(), s.cell()}, null);
        if (normal) for (int g = 0; g < 4; g++) weights(d, m, false, g > 0 || !coupled, s.cell());
        return sequence ? m.output(DType.F32, null, 1, 1, s.output()) : m.output(DType.F32, null, 1, s.output());
    }

    private static void matrix(Draws d, OneOperator m, boolean there, long rows, long columns) {
        if (there) m.constant(d.integers(DType.I8, -127, 127, rows, columns), Scale.of(d.real(0.003, 0.02), 0));
        else m.missing();
    }

    private static void vector(Draws d, OneOperator m, boolean there, DType dtype, int most, long n, double scale) {
        if (there) m.constant(d.integers(dtype, -most, most, n), Scale.of(scale, 0));
        else m.missing();
    }

    private static OneOperator integerLstm(Draws d, boolean sequence, boolean normal) {
        boolean coupled = d.flag();
        boolean projected = d.flag();
        // With both, TFLite takes as many of a gate's looks as there are projected results.
        boolean looks = !projected && d.flag();
        boolean timeMajor = d.flag();
        Sizes s = Sizes.of(d, projected);
        double cellScale = Math.scalb(1.0, -d.between(10, 13));
        Scale in = Scale.of(d.real(0.005, 0.02), d.zero(DType.I8));
        Scale out = Scale.of(d.real(0.004, 0.01), d.between(-60, 60));
        OneOperator m = new OneOperator(sequence ? "UNIDIRECTIONAL_SEQUENCE_LSTM" : "LSTM", sequence ? 3 : 4)
                .with(0, (byte) 4)
                .with(1, d.flag() ? 0.8f : 0f)
                .with(2, projected && d.flag() ? 0.4f : 0f);
        if (sequence) m.with(3, timeMajor);
        if (!sequence) m.input(d.tensor(DType.I8, s.batch(), s.input()), in);
        else if (timeMajor) m.input(d.tensor(DType.I8, s.steps(), s.batch(), s.input()), in);
        else m.input(d.tensor(DType.I8, s.batch(), s.steps(), s.input()), in);
        for (int g = 0; g < 4; g++) matrix(d, m, g > 0 || !coupled, s.cell(), s.input());
        for (int g = 0; g < 4; g++) matrix(d, m, g > 0 || !coupled, s.cell(), s.output());
        for (int g = 0; g < 3; g++)
            vector(d, m, looks && (g > 0 || !coupled), DType.I16, 32767, s.cell(), d.real(1e-5, 1e-4));
        for (int g = 0; g < 4; g++) vector(d, m, g > 0 || !coupled, DType.I32, 5000, s.cell(), 1e-4);
        matrix(d, m, projected, s.output(), s.cell());
        vector(d, m, projected && d.flag(), DType.I32, 3000, s.output(), 1e-4);
        m.variable(DType.I8, new long[] {s.batch(), s.output()}, out);
        m.variable(DType.I16, new long[] {s.batch(), s.cell()}, Scale.of(cellScale, 0));
        for (int g = 0; g < 4; g++)
            vector(d, m, normal && (g > 0 || !coupled), DType.I16, 32767, s.cell(), 1.0 / 32768);
        for (int g = 0; g < 4; g++)
            m.intermediate(DType.I16, Scale.of(normal ? d.real(0.0005, 0.005) : Math.scalb(1.0, -12), 0));
        m.intermediate(DType.I8, projected ? Scale.of(d.real(0.005, 0.01), d.between(-20, 20)) : out);
        return sequence ? m.output(DType.I8, out, 1, 1, s.output()) : m.output(DType.I8, out, 1, s.output());
    }

    private static Tensor sequence(Draws d, Sizes s, boolean timeMajor, long width) {
        return d.tensor(DType.F32, timeMajor ? s.steps() : s.batch(), timeMajor ? s.batch() : s.steps(), width);
    }

    /** @param more what comes in beside the input: 0 nothing, 1 the backward input, 2 something that both directions add */
    private static OneOperator bidirectional(Draws d, boolean bytes, int more) {
        boolean both = d.flag();
        boolean timeMajor = d.flag();
        // With the batch first and both joined, TFLite gives other results from one run to the next.
        boolean merged = both && timeMajor;
        boolean coupled = d.flag();
        Sizes s = Sizes.of(d, false);
        OneOperator m = new OneOperator("BIDIRECTIONAL_SEQUENCE_LSTM", 2)
                .with(0, (byte) 4)
                .with(1, 0f)
                .with(2, 0f)
                .with(3, merged)
                .with(4, timeMajor)
                .input(sequence(d, s, timeMajor, s.input()));
        for (int k = 0; k < 2; k++) direction(d, m, s, bytes, coupled, false, false, false);
        for (int k = 0; k < 2; k++) {
            m.variable(DType.F32, new long[] {s.batch(), s.output()}, null);
            m.variable(DType.F32, new long[] {s.batch(), s.cell()}, null);
        }
        if (more == 0) m.missing();
        else m.input(sequence(d, s, timeMajor, s.input()));
        for (int k = 0; k < 8; k++) weights(d, m, false, more == 2 && (k % 4 > 0 || !coupled), s.cell(), s.input());
        m.output(DType.F32, null, 1, 1, merged ? 2 * s.output() : s.output());
        return merged ? m : m.output(DType.F32, null, 1, 1, s.output());
    }

    /** @param more as above */
    private static OneOperator bidirectionalSimple(Draws d, boolean bytes, int more) {
        // Time first, TFLite runs those with bytes as often as there are steps, and gives results that are apart the
        // shape of the others. With
        // time second, the backward direction does not read its own input.
        boolean timeMajor = !bytes && (more == 1 || d.flag());
        boolean merged = timeMajor || d.flag();
        Sizes s = Sizes.of(d, false);
        OneOperator m = new OneOperator("BIDIRECTIONAL_SEQUENCE_RNN", bytes ? 2 : 1)
                .with(0, timeMajor)
                .with(1, (byte) 4)
                .with(2, merged)
                .input(sequence(d, s, timeMajor, s.input()));
        for (int k = 0; k < 2; k++) {
            weights(d, m, bytes, true, s.cell(), s.input());
            weights(d, m, bytes, true, s.cell(), s.cell());
            m.constant(d.tensor(DType.F32, s.cell()));
            m.variable(DType.F32, new long[] {s.batch(), s.cell()}, null);
        }
        if (more == 0) m.missing();
        else m.input(sequence(d, s, timeMajor, s.input()));
        for (int k = 0; k < 2; k++) weights(d, m, false, more == 2, s.cell(), s.input());
        m.output(DType.F32, null, 1, 1, merged ? 2 * s.cell() : s.cell());
        return merged ? m : m.output(DType.F32, null, 1, 1, s.cell());
    }
}
