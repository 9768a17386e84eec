package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.FlatBufferWriter.Table;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a TFLite model of many operators with random weights, quantised as its converter would do it. Scales are chosen so that values
 * spread over their type, as those of a trained network do, and a mistake anywhere is seen in the result.
 */
public final class QuantizedNetwork {
    /** Of random bytes, uniform in a type of 8 bits. */
    private static final double DEVIATION_OF_WEIGHTS = 127 / Math.sqrt(3);

    /** That every value aims at, in its integers. */
    private static final double DEVIATION = 40;

    private static final byte SAME = 0;
    private static final byte VALID = 1;

    /** A function applied to a result, by TFLite's number. */
    public enum Activation {
        NONE,
        RELU,
        RELU_N1_TO_1,
        RELU6
    }

    /**
     * A value between operators.
     *
     * @param tensor its number
     * @param shape batch first, channels last
     */
    public record Value(int tensor, long[] shape, double scale, int zero) {
        public long channels() {
            return shape[shape.length - 1];
        }
    }

    private final Draws draws;
    private final DType dtype;
    private final boolean perChannel;
    private final List<Table> tensors = new ArrayList<>();
    private final List<Table> buffers = new ArrayList<>(List.of(new Table()));
    private final List<Table> operators = new ArrayList<>();
    private final Map<String, Integer> codes = new LinkedHashMap<>();
    private final List<Integer> inputs = new ArrayList<>();

    /**
     * @param dtype of all values: I8 or U8
     * @param perChannel whether each channel's weights have a scale, as they do with I8
     */
    public QuantizedNetwork(java.util.Random random, DType dtype, boolean perChannel) {
        this.draws = new Draws(random);
        this.dtype = dtype;
        this.perChannel = perChannel;
    }

    /** The least and the greatest value. */
    private int low() {
        return dtype == DType.U8 ? 0 : -128;
    }

    private int high() {
        return low() + 255;
    }

    private int middle() {
        return low() + 128;
    }

    public Value input(long... shape) {
        Value v = value(shape, draws.real(0.01, 0.1), middle() + draws.between(-20, 20));
        inputs.add(v.tensor());
        return v;
    }

    private Value value(long[] shape, double scale, int zero) {
        float rounded = (float) scale;
        tensor(dtype, shape, new float[] {rounded}, zero, 0, 0);
        return new Value(tensors.size() - 1, shape, rounded, zero);
    }

    /** A value of the deviation, where 0 is the least of the type behind a function that gives nothing below 0. */
    private Value result(long[] shape, double deviation, Activation activation) {
        boolean positive = activation == Activation.RELU || activation == Activation.RELU6;
        double scale = activation == Activation.RELU6 ? 6.0 / 255 : deviation / DEVIATION;
        return value(shape, scale, positive ? low() : middle() + draws.between(-10, 10));
    }

    private void tensor(DType t, long[] shape, float[] scales, long zero, int axis, int buffer) {
        int[] extents = new int[shape.length];
        for (int i = 0; i < extents.length; i++) extents[i] = (int) shape[i];
        Table table = new Table()
                .set(0, extents)
                .set(1, OneOperator.number(t))
                .set(2, buffer)
                .set(3, "t" + tensors.size());
        if (scales.length > 0) {
            long[] zeros = new long[scales.length];
            java.util.Arrays.fill(zeros, zero);
            table.set(4, new Table().set(2, scales).set(3, zeros).set(6, axis));
        }
        tensors.add(table);
    }

    private int constant(Tensor t, float[] scales, long zero, int axis) {
        buffers.add(new Table().set(0, t.data().toArray(ValueLayout.JAVA_BYTE)));
        tensor(t.dtype(), t.shape().extents(), scales, zero, axis, buffers.size() - 1);
        return tensors.size() - 1;
    }

    private int integers(int... values) {
        Tensor t = Tensor.allocate(DType.I32, Shape.of(values.length));
        for (int i = 0; i < values.length; i++) t.setLong(i, values[i]);
        return constant(t, new float[0], 0, 0);
    }

    private void operator(String name, Table options, List<Integer> operands, Value... results) {
        int code = codes.computeIfAbsent(name, _ -> codes.size());
        int[] out = new int[results.length];
        for (int i = 0; i < out.length; i++) out[i] = results[i].tensor();
        Table op = new Table()
                .set(0, code)
                .set(1, operands.stream().mapToInt(Integer::intValue).toArray())
                .set(2, out);
        int kind = OneOperator.options(name);
        if (kind > 0) op.set(3, (byte) kind).set(4, options);
        operators.add(op);
    }

    private static byte number(Activation a) {
        return (byte) a.ordinal();
    }

    /** Operands of a product: x, weights with some scale a channel along an axis, a bias; and the deviation of the sums. */
    private record Weighted(List<Integer> operands, double deviation) {}

    private Weighted weighted(Value x, int axis, long terms, long... shape) {
        int channels = (int) shape[axis];
        Tensor w = Tensor.allocate(dtype, Shape.of(shape));
        int weightZero = dtype == DType.U8 ? 128 + draws.between(-10, 10) : 0;
        for (long i = 0; i < w.elements(); i++) w.setLong(i, draws.between(dtype == DType.U8 ? 0 : -127, high()));
        float[] scales = new float[perChannel ? channels : 1];
        // What they stand for has a deviation of some units, which suits functions such as RELU6 and SOFTMAX.
        double sums = Math.sqrt(terms) * DEVIATION_OF_WEIGHTS * DEVIATION;
        double deviation = draws.real(1, 3);
        double typical = deviation / (sums * x.scale());
        for (int i = 0; i < scales.length; i++) scales[i] = (float) (typical * (perChannel ? draws.real(0.5, 2) : 1));
        Tensor bias = Tensor.allocate(DType.I32, Shape.of(channels));
        for (int i = 0; i < channels; i++)
            bias.setLong(i, (long) (draws.random().nextGaussian() * sums / 2));
        // The axis of the weights, as older converters have it, which says nothing about a vector.
        float[] biasScales = new float[scales.length];
        for (int i = 0; i < scales.length; i++) biasScales[i] = (float) x.scale() * scales[i];
        List<Integer> operands =
                List.of(x.tensor(), constant(w, scales, weightZero, axis), constant(bias, biasScales, 0, axis));
        return new Weighted(operands, deviation);
    }

    private static long places(long extent, long window, int stride, boolean same) {
        return same ? (extent + stride - 1) / stride : (extent - window) / stride + 1;
    }

    public Value convolution(Value x, int channels, int window, int stride, boolean same, Activation a) {
        Weighted w = weighted(x, 0, (long) window * window * x.channels(), channels, window, window, x.channels());
        long[] shape = {
            1, places(x.shape()[1], window, stride, same), places(x.shape()[2], window, stride, same), channels
        };
        Value y = result(shape, w.deviation(), a);
        Table options = new Table()
                .set(0, same ? SAME : VALID)
                .set(1, stride)
                .set(2, stride)
                .set(3, number(a))
                .set(4, 1)
                .set(5, 1);
        operator("CONV_2D", options, w.operands(), y);
        return y;
    }

    public Value depthwise(Value x, int window, int stride, int dilation, Activation a) {
        Weighted w = weighted(x, 3, (long) window * window, 1, window, window, x.channels());
        long[] shape = {1, places(x.shape()[1], 0, stride, true), places(x.shape()[2], 0, stride, true), x.channels()};
        Value y = result(shape, w.deviation(), a);
        Table options = new Table()
                .set(0, SAME)
                .set(1, stride)
                .set(2, stride)
                .set(3, 1)
                .set(4, number(a))
                .set(5, dilation)
                .set(6, dilation);
        operator("DEPTHWISE_CONV_2D", options, w.operands(), y);
        return y;
    }

    public Value dense(Value x, int channels, Activation a) {
        long inputs = 1;
        for (long e : x.shape()) inputs *= e;
        Weighted w = weighted(x, 0, inputs, channels, inputs);
        Value y = result(new long[] {1, channels}, w.deviation(), a);
        operator("FULLY_CONNECTED", new Table().set(0, number(a)), w.operands(), y);
        return y;
    }

    public Value transposedConvolution(Value x, int channels, int window, int stride) {
        long[] shape = {1, x.shape()[1] * stride, x.shape()[2] * stride, channels};
        Weighted w = weighted(
                x,
                0,
                Math.max(1, (long) window * window * x.channels() / ((long) stride * stride)),
                channels,
                window,
                window,
                x.channels());
        Value y = result(shape, w.deviation(), Activation.NONE);
        Table options = new Table().set(0, SAME).set(1, stride).set(2, stride);
        int extents = integers(1, (int) shape[1], (int) shape[2], channels);
        operator(
                "TRANSPOSE_CONV",
                options,
                List.of(extents, w.operands().get(1), x.tensor(), w.operands().get(2)),
                y);
        return y;
    }

    /** The sum; the second operand may have extents of 1. */
    public Value add(Value a, Value b, Activation f) {
        Value y = result(a.shape(), DEVIATION * Math.hypot(a.scale(), b.scale()), f);
        operator("ADD", new Table().set(0, number(f)), List.of(a.tensor(), b.tensor()), y);
        return y;
    }

    public Value times(Value a, Value b) {
        Value y = result(a.shape(), 60 * 60 * a.scale() * b.scale(), Activation.NONE);
        operator("MUL", new Table().set(0, number(Activation.NONE)), List.of(a.tensor(), b.tensor()), y);
        return y;
    }

    /** Along the channels. With other scales than the result's, as converters leave it for uint8, if {@code rescaled}. */
    public Value concat(List<Value> parts, boolean rescaled) {
        long channels = 0;
        for (Value p : parts) channels += p.channels();
        Value first = parts.getFirst();
        long[] shape = first.shape().clone();
        shape[3] = channels;
        Value y = value(shape, first.scale(), first.zero());
        List<Integer> operands = new ArrayList<>();
        for (Value p : parts) {
            boolean other = p.scale() != y.scale() || p.zero() != y.zero();
            operands.add(other && !rescaled ? requantize(p, y.scale(), y.zero()).tensor() : p.tensor());
        }
        operator("CONCATENATION", new Table().set(0, 3).set(1, number(Activation.NONE)), operands, y);
        return y;
    }

    public Value requantize(Value x, double scale, int zero) {
        Value y = value(x.shape(), scale, zero);
        operator("QUANTIZE", new Table(), List.of(x.tensor()), y);
        return y;
    }

    public Value pool(String name, Value x, int window, int stride, boolean same) {
        long[] shape = {
            1, places(x.shape()[1], window, stride, same), places(x.shape()[2], window, stride, same), x.channels()
        };
        Value y = value(shape, x.scale(), x.zero());
        Table options = new Table()
                .set(0, same ? SAME : VALID)
                .set(1, stride)
                .set(2, stride)
                .set(3, window)
                .set(4, window)
                .set(5, number(Activation.NONE));
        operator(name, options, List.of(x.tensor()), y);
        return y;
    }

    /** The mean over height and width. */
    public Value mean(Value x, boolean keep) {
        long[] shape = keep ? new long[] {1, 1, 1, x.channels()} : new long[] {1, x.channels()};
        Value y = value(shape, x.scale() / 2, x.zero());
        operator("MEAN", new Table().set(0, keep), List.of(x.tensor(), integers(1, 2)), y);
        return y;
    }

    public Value reshape(Value x, int... extents) {
        long[] shape = new long[extents.length];
        for (int i = 0; i < extents.length; i++) shape[i] = extents[i];
        Value y = value(shape, x.scale(), x.zero());
        operator("RESHAPE", new Table().set(0, extents), List.of(x.tensor(), integers(extents)), y);
        return y;
    }

    /** Zeros around height and width. */
    public Value pad(Value x, int low, int high) {
        long[] shape = x.shape().clone();
        for (int i = 1; i < 3; i++) shape[i] += low + high;
        Value y = value(shape, x.scale(), x.zero());
        Tensor widths = Tensor.allocate(DType.I32, Shape.of(4, 2));
        for (int i = 1; i < 3; i++) {
            widths.setLong(2 * i, low);
            widths.setLong(2 * i + 1, high);
        }
        operator("PAD", new Table(), List.of(x.tensor(), constant(widths, new float[0], 0, 0)), y);
        return y;
    }

    /** To twice the height and width. */
    public Value upsample(Value x, boolean bilinear) {
        long[] shape = x.shape().clone();
        for (int i = 1; i < 3; i++) shape[i] *= 2;
        Value y = value(shape, x.scale(), x.zero());
        operator(
                bilinear ? "RESIZE_BILINEAR" : "RESIZE_NEAREST_NEIGHBOR",
                bilinear
                        ? new Table().set(2, false).set(3, true)
                        : new Table().set(0, false).set(1, false),
                List.of(x.tensor(), integers((int) shape[1], (int) shape[2])),
                y);
        return y;
    }

    /** Some channels, from one on. */
    public Value slice(Value x, int begin, int channels) {
        long[] shape = x.shape().clone();
        shape[3] = channels;
        Value y = value(shape, x.scale(), x.zero());
        operator(
                "SLICE", new Table(), List.of(x.tensor(), integers(0, 0, 0, begin), integers(-1, -1, -1, channels)), y);
        return y;
    }

    /** A function of each element that needs no options: HARD_SWISH, or LOGISTIC and TANH, which have scales of their own. */
    public Value function(String name, Value x) {
        Value y = switch (name) {
            case "LOGISTIC" -> value(x.shape(), 1.0 / 256, low());
            case "TANH" -> value(x.shape(), 1.0 / 128, middle());
            default -> value(x.shape(), x.scale(), x.zero());
        };
        operator(name, new Table(), List.of(x.tensor()), y);
        return y;
    }

    public Value leakyRelu(Value x) {
        Value y = value(x.shape(), x.scale(), x.zero());
        operator("LEAKY_RELU", new Table().set(0, 0.1f), List.of(x.tensor()), y);
        return y;
    }

    public Value softmax(Value x) {
        Value y = value(x.shape(), 1.0 / 256, low());
        operator("SOFTMAX", new Table().set(0, 1f), List.of(x.tensor()), y);
        return y;
    }

    /** As 32-bit floats: nothing but an output can be made of it here. */
    public Value dequantize(Value x) {
        tensor(DType.F32, x.shape(), new float[0], 0, 0, 0);
        Value y = new Value(tensors.size() - 1, x.shape(), 1, 0);
        operator("DEQUANTIZE", new Table(), List.of(x.tensor()), y);
        return y;
    }

    /** The model's file. */
    public byte[] bytes(Value... outputs) {
        List<Table> operatorCodes = new ArrayList<>();
        codes.forEach((name, _) -> operatorCodes.add(new Table()
                .set(0, (byte) Math.min(127, OneOperator.number(name)))
                .set(2, 1)
                .set(3, OneOperator.number(name))));
        int[] out = new int[outputs.length];
        for (int i = 0; i < out.length; i++) out[i] = outputs[i].tensor();
        Table graph = new Table()
                .set(0, tensors)
                .set(1, inputs.stream().mapToInt(Integer::intValue).toArray())
                .set(2, out)
                .set(3, operators)
                .set(4, "main");
        Table model = new Table()
                .set(0, 3)
                .set(1, operatorCodes)
                .set(2, List.of(graph))
                .set(3, "a network of random weights")
                .set(4, buffers);
        return FlatBufferWriter.write(model, "TFL3");
    }
}
