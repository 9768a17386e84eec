package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.OneOperator.Scale;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Random models of one operator each. */
final class OperatorRows {
    /**
     * One kind of model.
     *
     * @param name of the row
     * @param off how much integers may be off: 0, but where the text of the row says why
     * @param draw makes a model
     * @param tolerance of floats, relative to the largest
     */
    record Row(String name, int off, Function<Draws, OneOperator> draw, double tolerance) {
        Row(String name, int off, Function<Draws, OneOperator> draw) {
            this(name, off, draw, 2e-5);
        }
    }

    private static final byte SAME = 0;
    private static final byte VALID = 1;

    /** Operators that take bytes in version 2 alone; the others have one version. */
    private static final List<String> VERSION_2 =
            List.of("TANH", "RELU", "RELU6", "LEAKY_RELU", "ABS", "LOGISTIC", "SOFTMAX", "LOG_SOFTMAX");

    private OperatorRows() {}

    static List<Row> all() {
        List<Row> rows = new ArrayList<>();
        products(rows);
        hybrid(rows);
        pools(rows);
        binary(rows);
        unary(rows);
        CustomRows.add(rows);
        MovementRows.add(rows);
        RecurrentRows.add(rows);
        TypeRows.add(rows);
        return rows;
    }

    private static byte activation(Draws d) {
        return d.one((byte) 0, (byte) 0, (byte) 1, (byte) 2, (byte) 3);
    }

    private static void products(List<Row> rows) {
        rows.add(new Row("CONV_2D int8", 0, d -> convolution(d, DType.I8, DType.I8, DType.I32, true)));
        rows.add(new Row("CONV_2D uint8", 0, d -> convolution(d, DType.U8, DType.U8, DType.I32, false)));
        rows.add(new Row("CONV_2D int16", 0, d -> convolution(d, DType.I16, DType.I8, DType.I64, true)));
        rows.add(new Row("CONV_2D float", 0, d -> convolution(d, DType.F32, DType.F32, DType.F32, false)));
        rows.add(new Row("DEPTHWISE_CONV_2D int8", 0, d -> depthwise(d, DType.I8, DType.I8, DType.I32, true)));
        rows.add(new Row("DEPTHWISE_CONV_2D uint8", 0, d -> depthwise(d, DType.U8, DType.U8, DType.I32, false)));
        rows.add(new Row("DEPTHWISE_CONV_2D int16", 0, d -> depthwise(d, DType.I16, DType.I8, DType.I64, true)));
        rows.add(new Row("DEPTHWISE_CONV_2D float", 0, d -> depthwise(d, DType.F32, DType.F32, DType.F32, false)));
        rows.add(new Row("TRANSPOSE_CONV int8", 0, d -> transposed(d, DType.I8, DType.I8, DType.I32, true)));
        rows.add(new Row("TRANSPOSE_CONV int16", 0, d -> transposed(d, DType.I16, DType.I8, DType.I64, true)));
        rows.add(new Row("TRANSPOSE_CONV float", 0, d -> transposed(d, DType.F32, DType.F32, DType.F32, false)));
        // This build of TFLite rounds these once where its sources, and all of its other kernels, round twice.
        rows.add(new Row("FULLY_CONNECTED int8", 1, d -> connected(d, DType.I8, DType.I8, DType.I32)));
        rows.add(new Row("FULLY_CONNECTED uint8", 1, d -> connected(d, DType.U8, DType.U8, DType.I32)));
        rows.add(new Row("FULLY_CONNECTED int16", 1, d -> connected(d, DType.I16, DType.I8, DType.I64)));
        rows.add(new Row("FULLY_CONNECTED float", 0, d -> connected(d, DType.F32, DType.F32, DType.F32)));
        rows.add(new Row("BATCH_MATMUL int8", 0, d -> matmul(d, DType.I8)));
        rows.add(new Row("BATCH_MATMUL int16", 0, d -> matmul(d, DType.I16)));
        rows.add(new Row("BATCH_MATMUL float", 0, d -> matmul(d, DType.F32)));
    }

    /** Floats with weights that are bytes. */
    private static void hybrid(List<Row> rows) {
        rows.add(new Row("FULLY_CONNECTED hybrid", 0, d -> {
            long k = d.between(1, 70);
            long o = d.between(1, 20);
            return new OneOperator("FULLY_CONNECTED", 9)
                    .with(0, activation(d))
                    .with(2, false)
                    .with(3, d.flag())
                    .input(d.tensor(DType.F32, d.between(1, 5), k))
                    .constant(d.integers(DType.I8, -127, 127, o, k), Scale.of(d.real(0.001, 0.02), 0))
                    .constant(d.tensor(DType.F32, o))
                    .output(DType.F32, null, 1, o);
        }));
        for (boolean each : new boolean[] {false, true}) {
            String name = each ? "DEPTHWISE_CONV_2D" : "CONV_2D";
            rows.add(new Row(name + " hybrid", 0, d -> {
                int c = d.between(1, 12);
                int o = each ? c : d.between(1, 12);
                OneOperator m = new OneOperator(name, each ? 6 : 5)
                        .with(0, d.one(SAME, VALID))
                        .with(1, 1)
                        .with(2, 1);
                if (each) m.with(3, 1);
                return m.with(each ? 4 : 3, activation(d))
                        .input(d.tensor(DType.F32, d.between(1, 2), 6, 7, c))
                        .constant(
                                d.integers(DType.I8, -127, 127, each ? 1 : o, 3, 3, c),
                                d.channels(o, each ? 3 : 0, 0.001, 0.02))
                        .constant(d.tensor(DType.F32, o))
                        .output(DType.F32, null, 1, 1, 1, o);
            }));
        }
    }

    private static long places(byte padding, long extent, long window, long stride, long dilation) {
        long reach = (window - 1) * dilation + 1;
        return padding == SAME ? (extent + stride - 1) / stride : (extent - reach) / stride + 1;
    }

    private static Scale scale(Draws d, DType t) {
        return t == DType.F32 ? null : d.scale(t);
    }

    private static Scale biasScale(Scale x, Scale w) {
        return new Scale(new float[] {x.scales()[0] * w.scales()[0]}, new long[1], 0);
    }

    private static Tensor bias(Draws d, DType t, long count) {
        return t == DType.F32 ? d.tensor(t, count) : d.integers(t, -5000, 5000, count);
    }

    private static OneOperator convolution(Draws d, DType x, DType w, DType bias, boolean perChannel) {
        int stride = d.between(1, 3);
        int dilation = stride == 1 ? d.between(1, 2) : 1;
        byte padding = d.one(SAME, VALID);
        long kh = d.between(1, 3);
        long kw = d.between(1, 3);
        long h = d.between(5, 12);
        long wd = d.between(5, 12);
        int c = d.between(1, 20);
        int o = d.between(1, 20);
        Scale xs = scale(d, x);
        Scale ws = w == DType.F32 ? null : perChannel ? d.channels(o, 0, 0.001, 0.02) : d.scale(w);
        return new OneOperator("CONV_2D", 3)
                .with(0, padding)
                .with(1, stride)
                .with(2, stride)
                .with(3, activation(d))
                .with(4, dilation)
                .with(5, dilation)
                .input(d.tensor(x, d.between(1, 2), h, wd, c), xs)
                .constant(d.tensor(w, o, kh, kw, c), ws)
                .constant(bias(d, bias, o), bias == DType.F32 ? null : biasScale(xs, ws))
                .output(
                        x,
                        scale(d, x),
                        1,
                        places(padding, h, kh, stride, dilation),
                        places(padding, wd, kw, stride, dilation),
                        o);
    }

    private static OneOperator depthwise(Draws d, DType x, DType w, DType bias, boolean perChannel) {
        int stride = d.between(1, 2);
        int dilation = stride == 1 ? d.between(1, 2) : 1;
        byte padding = d.one(SAME, VALID);
        long kh = d.between(1, 3);
        long kw = d.between(1, 3);
        long h = d.between(5, 12);
        long wd = d.between(5, 12);
        int c = d.between(1, 20);
        int times = d.one(1, 1, 2, 3);
        int o = c * times;
        Scale xs = scale(d, x);
        Scale ws = w == DType.F32 ? null : perChannel ? d.channels(o, 3, 0.001, 0.02) : d.scale(w);
        return new OneOperator("DEPTHWISE_CONV_2D", 3)
                .with(0, padding)
                .with(1, stride)
                .with(2, stride)
                .with(3, times)
                .with(4, activation(d))
                .with(5, dilation)
                .with(6, dilation)
                .input(d.tensor(x, d.between(1, 2), h, wd, c), xs)
                .constant(d.tensor(w, 1, kh, kw, o), ws)
                .constant(bias(d, bias, o), bias == DType.F32 ? null : biasScale(xs, ws))
                .output(
                        x,
                        scale(d, x),
                        1,
                        places(padding, h, kh, stride, dilation),
                        places(padding, wd, kw, stride, dilation),
                        o);
    }

    private static OneOperator transposed(Draws d, DType x, DType w, DType bias, boolean perChannel) {
        int stride = d.between(1, 3);
        byte padding = d.one(SAME, VALID);
        int kh = d.between(1, 4);
        int kw = d.between(1, 4);
        int h = d.between(1, 6);
        int wd = d.between(1, 6);
        int c = d.between(1, 9);
        int o = d.between(1, 9);
        int oh = padding == SAME ? h * stride : (h - 1) * stride + kh;
        int ow = padding == SAME ? wd * stride : (wd - 1) * stride + kw;
        Scale ws = w == DType.F32 ? null : perChannel ? d.channels(o, 0, 0.001, 0.02) : d.scale(w);
        Tensor shape = Tensor.of(new int[] {1, oh, ow, o}, 4);
        return new OneOperator("TRANSPOSE_CONV", 3)
                .with(0, padding)
                .with(1, stride)
                .with(2, stride)
                .constant(shape)
                .constant(d.tensor(w, o, kh, kw, c), ws)
                .input(d.tensor(x, 1, h, wd, c), scale(d, x))
                .constant(bias(d, bias, o), bias == DType.F32 ? null : Scale.of(0.001, 0))
                .output(x, scale(d, x), 1, oh, ow, o);
    }

    private static OneOperator connected(Draws d, DType x, DType w, DType bias) {
        long k = d.between(1, 70);
        long o = d.between(1, 20);
        long rows = d.between(1, 5);
        Scale xs = scale(d, x);
        Scale ws = w == DType.F32 ? null : w == DType.U8 ? d.scale(w) : Scale.of(d.real(0.001, 0.02), 0);
        OneOperator m = new OneOperator("FULLY_CONNECTED", 4)
                .with(0, activation(d))
                .with(2, false)
                .input(d.tensor(x, rows, k), xs)
                .constant(d.tensor(w, o, k), ws);
        if (d.flag()) m.constant(bias(d, bias, o), bias == DType.F32 ? null : biasScale(xs, ws));
        else m.missing();
        return m.output(x, scale(d, x), rows, o);
    }

    private static OneOperator matmul(Draws d, DType t) {
        long n = d.between(1, 9);
        long k = d.between(1, 20);
        long m = d.between(1, 9);
        boolean left = d.flag();
        boolean right = d.flag();
        long batch = d.between(1, 3);
        return new OneOperator("BATCH_MATMUL", 3)
                .with(0, left)
                .with(1, right)
                .input(left ? d.tensor(t, batch, k, n) : d.tensor(t, batch, n, k), scale(d, t))
                .input(right ? d.tensor(t, batch, m, k) : d.tensor(t, batch, k, m), scale(d, t))
                .output(t, scale(d, t), batch, n, m);
    }

    private static void pools(List<Row> rows) {
        for (String name : List.of("AVERAGE_POOL_2D", "MAX_POOL_2D")) {
            for (DType t : List.of(DType.I8, DType.U8, DType.I16, DType.F32)) {
                rows.add(new Row(name + " " + t.text(), 0, d -> pool(d, name, t)));
            }
        }
        rows.add(new Row("L2_POOL_2D f32", 0, d -> pool(d, "L2_POOL_2D", DType.F32)));
    }

    private static OneOperator pool(Draws d, String name, DType t) {
        byte padding = d.one(SAME, VALID);
        int stride = d.between(1, 3);
        int kh = d.between(1, 4);
        int kw = d.between(1, 4);
        long h = d.between(4, 9);
        long w = d.between(4, 9);
        long c = d.between(1, 20);
        Scale s = scale(d, t);
        return new OneOperator(name, name.startsWith("L2") ? 1 : 3)
                .with(0, padding)
                .with(1, stride)
                .with(2, stride)
                .with(3, kw)
                .with(4, kh)
                .with(5, activation(d))
                .input(d.tensor(t, d.between(1, 2), h, w, c), s)
                .output(t, s, 1, places(padding, h, kh, stride, 1), places(padding, w, kw, stride, 1), c);
    }

    private static void binary(List<Row> rows) {
        for (String name : List.of("ADD", "SUB", "MUL")) {
            for (DType t : List.of(DType.I8, DType.U8, DType.I16, DType.F32, DType.I32)) {
                rows.add(new Row(name + " " + t.text(), 0, d -> pair(d, name, t, t, activation(d))));
            }
        }
        rows.add(new Row("ADD i16 powers of two", 0, OperatorRows::powers));
        rows.add(new Row("DIV u8", 1, OperatorRows::quotient));
        rows.add(new Row("DIV f32", 0, d -> pair(d, "DIV", DType.F32, DType.F32, activation(d))));
        rows.add(new Row("SQUARED_DIFFERENCE i8", 0, d -> pair(d, "SQUARED_DIFFERENCE", DType.I8, DType.I8, null)));
        rows.add(new Row("SQUARED_DIFFERENCE f32", 0, d -> pair(d, "SQUARED_DIFFERENCE", DType.F32, DType.F32, null)));
        for (String name : List.of("MAXIMUM", "MINIMUM")) {
            for (DType t : List.of(DType.I8, DType.U8, DType.I16, DType.F32, DType.I32)) {
                rows.add(new Row(name + " " + t.text(), 0, d -> sameScale(d, name, t)));
            }
        }
        for (String name : List.of("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")) {
            for (DType t : List.of(DType.I8, DType.U8, DType.F32, DType.I32)) {
                rows.add(new Row(name + " " + t.text(), 0, d -> pair(d, name, t, DType.BOOL, null)));
            }
        }
        for (String name : List.of("FLOOR_DIV", "FLOOR_MOD", "POW")) {
            rows.add(new Row(name + " f32", 0, d -> {
                long[] shape = d.shape(3, 5);
                return new OneOperator(name, 1)
                        .input(d.floats(0.1, 5, shape))
                        .input(d.floats(0.5, 3, shape))
                        .output(DType.F32, null, shape);
            }));
            rows.add(new Row(name + " i32", 0, d -> {
                long[] shape = d.shape(3, 5);
                int low = name.equals("POW") ? 0 : -9;
                Tensor divisor = d.integers(DType.I32, low, 5, shape);
                for (long i = 0; i < divisor.elements(); i++) if (divisor.getLong(i) == 0) divisor.setLong(i, 1);
                return new OneOperator(name, 1)
                        .input(d.integers(DType.I32, -20, 20, shape))
                        .input(divisor)
                        .output(DType.I32, null, shape);
            }));
        }
    }

    private static OneOperator pair(Draws d, String name, DType t, DType result, Byte activation) {
        long[] left = d.shape(4, 5);
        long[] right = left.clone();
        if (d.flag()) right[d.between(0, 3)] = 1;
        Scale s = result == DType.BOOL || result == DType.F32 || result == DType.I32 ? null : d.scale(t);
        boolean quantized = t != DType.F32 && t != DType.I32;
        return new OneOperator(name, 2)
                .with(0, activation)
                .with(1, name.equals("MUL") || name.equals("DIV") || activation == null ? null : Boolean.FALSE)
                .input(d.tensor(t, left), quantized ? d.scale(t) : null)
                .input(d.tensor(t, right), quantized ? d.scale(t) : null)
                .output(result, s, left);
    }

    /** TFLite's quotients below 1 saturate, which is a defect of it, and those by 0 are not defined: the divisor is the smaller one here. */
    private static OneOperator quotient(Draws d) {
        long[] shape = d.shape(4, 5);
        Tensor x = d.tensor(DType.U8, shape);
        Tensor divisor = d.tensor(DType.U8, shape);
        for (long i = 0; i < divisor.elements(); i++) {
            x.setLong(i, 128 + (d.flag() ? 1 : -1) * d.between(30, 100));
            divisor.setLong(i, 128 + (d.flag() ? 1 : -1) * d.between(1, 29));
        }
        double scale = d.real(0.004, 0.2);
        return new OneOperator("DIV", 2)
                .with(0, activation(d))
                .input(x, Scale.of(scale, 128))
                .input(divisor, Scale.of(scale, 128))
                .output(DType.U8, Scale.of(1, d.zero(DType.U8)), shape);
    }

    private static OneOperator powers(Draws d) {
        long[] shape = d.shape(4, 5);
        double result = Math.pow(2, -d.between(5, 9));
        Scale other = Scale.of(result / (1 << d.between(0, 3)), 0);
        boolean first = d.flag();
        return new OneOperator("ADD", 2)
                .with(0, activation(d))
                .input(d.tensor(DType.I16, shape), first ? other : Scale.of(result, 0))
                .input(d.tensor(DType.I16, shape), first ? Scale.of(result, 0) : other)
                .output(DType.I16, Scale.of(result, 0), shape);
    }

    private static OneOperator sameScale(Draws d, String name, DType t) {
        long[] left = d.shape(4, 5);
        long[] right = left.clone();
        if (d.flag()) right[d.between(0, 3)] = 1;
        Scale s = t == DType.F32 || t == DType.I32 ? null : d.scale(t);
        return new OneOperator(name, 2)
                .input(d.tensor(t, left), s)
                .input(d.tensor(t, right), s)
                .output(t, s, left);
    }

    private static void unary(List<Row> rows) {
        for (String name : List.of("RELU", "RELU6", "RELU_N1_TO_1", "TANH", "HARD_SWISH", "LEAKY_RELU", "ABS", "NEG")) {
            for (DType t : List.of(DType.I8, DType.U8, DType.F32)) {
                boolean signed = name.equals("ABS") || name.equals("NEG");
                boolean takes = !signed || t == DType.F32 || t == DType.I8 && name.equals("ABS");
                if (takes) rows.add(new Row(name + " " + t.text(), 0, d -> single(d, name, t)));
            }
        }
        for (DType t : List.of(DType.I8, DType.U8)) {
            rows.add(new Row(
                    "LOGISTIC " + t.text(),
                    0,
                    d -> one(d, "LOGISTIC", t, d.scale(t), Scale.of(1.0 / 256, t == DType.I8 ? -128 : 0))));
            // TFLite's softmax of bytes is in floats.
            rows.add(new Row(
                    "SOFTMAX " + t.text(),
                    1,
                    d -> one(d, "SOFTMAX", t, d.scale(t), Scale.of(1.0 / 256, t == DType.I8 ? -128 : 0))
                            .with(0, 1.0f)));
        }
        rows.add(new Row(
                "SOFTMAX i16",
                0,
                d -> one(d, "SOFTMAX", DType.I16, Scale.of(d.real(0.0001, 0.01), 0), Scale.of(1.0 / 32768, 0))
                        .with(0, 1.0f)));
        rows.add(new Row(
                "LOGISTIC i16",
                0,
                d -> one(d, "LOGISTIC", DType.I16, Scale.of(1.0 / 4096, 0), Scale.of(1.0 / 32768, 0))));
        rows.add(new Row(
                "TANH i16",
                0,
                d -> one(
                        d,
                        "TANH",
                        DType.I16,
                        Scale.of(d.flag() ? 1.0 / 4096 : 1.0 / 2048, 0),
                        Scale.of(1.0 / 32768, 0))));
        rows.add(new Row("LOGISTIC f32", 0, d -> single(d, "LOGISTIC", DType.F32)));
        rows.add(new Row("SOFTMAX f32", 0, d -> single(d, "SOFTMAX", DType.F32).with(0, 1.5f)));
        rows.add(new Row("LOG_SOFTMAX f32", 0, d -> single(d, "LOG_SOFTMAX", DType.F32)));
        for (String name : List.of("EXP", "SIN", "COS", "FLOOR", "CEIL", "ROUND", "SQUARE", "ELU", "GELU", "SIGN")) {
            rows.add(new Row(name + " f32", 0, d -> single(d, name, DType.F32)));
        }
        for (String name : List.of("SQRT", "RSQRT", "LOG")) {
            rows.add(new Row(name + " f32", 0, d -> {
                long[] shape = d.shape(3, 6);
                return new OneOperator(name, 1).input(d.floats(0.01, 9, shape)).output(DType.F32, null, shape);
            }));
        }
        rows.add(new Row("QUANTIZE f32", 0, d -> {
            DType t = d.one(DType.I8, DType.U8, DType.I16);
            long[] shape = d.shape(3, 9);
            return new OneOperator("QUANTIZE", 1)
                    .input(d.tensor(DType.F32, shape))
                    .output(t, d.scale(t), shape);
        }));
        rows.add(new Row("QUANTIZE integers", 0, d -> {
            DType from = d.one(DType.I8, DType.U8, DType.I16);
            DType to = from == DType.I16 ? d.one(DType.I8, DType.I16) : d.one(DType.I8, DType.U8);
            long[] shape = d.shape(3, 9);
            return new OneOperator("QUANTIZE", 2)
                    .input(d.tensor(from, shape), d.scale(from))
                    .output(to, d.scale(to), shape);
        }));
        rows.add(new Row("DEQUANTIZE", 0, d -> {
            DType t = d.one(DType.I8, DType.U8, DType.I16);
            long[] shape = d.shape(3, 9);
            return new OneOperator("DEQUANTIZE", 2)
                    .input(d.tensor(t, shape), d.scale(t))
                    .output(DType.F32, null, shape);
        }));
    }

    private static OneOperator single(Draws d, String name, DType t) {
        OneOperator m = one(d, name, t, scale(d, t), scale(d, t));
        return name.equals("LEAKY_RELU") ? m.with(0, (float) d.real(0.01, 0.9)) : m;
    }

    private static OneOperator one(Draws d, String name, DType t, Scale from, Scale to) {
        long[] shape = d.shape(d.between(1, 4), 9);
        return new OneOperator(name, VERSION_2.contains(name) ? 2 : 1)
                .input(d.tensor(t, shape), from)
                .output(t, to, shape);
    }
}
