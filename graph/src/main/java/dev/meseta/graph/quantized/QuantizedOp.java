package dev.meseta.graph.quantized;

import dev.meseta.graph.Op;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A quantised operator, as the name and the attributes of a {@link Op.Composite}. Values are integers; pictures lie channels last. Operands
 * are as each record says, a bias is left out where there is none. Lists of two are height and width. Padding is of elements that stand
 * for 0. How numbers are rounded, {@code docs/tflite.md} states; the composite's body is the last word.
 */
public sealed interface QuantizedOp {
    /** The composite's name. */
    String name();

    /** The composite's attributes: integers, lists of integers. */
    Map<String, Object> attributes();

    /**
     * Operands: x [N, H, W, C], weights [O, KH, KW, C / groups], or [1, KH, KW, O] if depthwise, bias [O].
     *
     * @param low padding at the top and the left
     * @param high padding at the bottom and the right
     */
    record Convolution(
            boolean depthwise,
            List<Long> strides,
            List<Long> dilations,
            List<Long> low,
            List<Long> high,
            long inputZero,
            long weightZero,
            Scaling scaling,
            Clamp clamp)
            implements QuantizedOp {
        @Override
        public String name() {
            return depthwise ? "quantized_depthwise_conv2d" : "quantized_conv2d";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("strides", strides)
                    .with("dilations", dilations)
                    .with("low", low)
                    .with("high", high)
                    .with("input_zero", inputZero)
                    .with("weight_zero", weightZero)
                    .with(scaling)
                    .with(clamp)
                    .map();
        }

        private static Convolution of(Attributes a, boolean depthwise) {
            return new Convolution(
                    depthwise,
                    a.longs("strides", 2),
                    a.longs("dilations", 2),
                    a.longs("low", 2),
                    a.longs("high", 2),
                    a.integer("input_zero"),
                    a.integer("weight_zero"),
                    a.scaling(),
                    a.clamp());
        }
    }

    /** Operands: x [M, K], weights [N, K], bias [N]. */
    record FullyConnected(long inputZero, long weightZero, Scaling scaling, Clamp clamp) implements QuantizedOp {
        @Override
        public String name() {
            return "quantized_fully_connected";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("input_zero", inputZero)
                    .with("weight_zero", weightZero)
                    .with(scaling)
                    .with(clamp)
                    .map();
        }

        private static FullyConnected of(Attributes a) {
            return new FullyConnected(a.integer("input_zero"), a.integer("weight_zero"), a.scaling(), a.clamp());
        }
    }

    /**
     * Each element of x times the kernel, laid over the result a stride apart, and summed. Operands: x [N, H, W, C], weights
     * [O, KH, KW, C], bias [O].
     *
     * @param low what is cut from what the first element gives, at the top and the left
     * @param extents of the result
     */
    record TransposedConvolution(
            List<Long> strides,
            List<Long> low,
            List<Long> extents,
            long inputZero,
            long weightZero,
            Scaling scaling,
            Clamp clamp)
            implements QuantizedOp {
        @Override
        public String name() {
            return "quantized_transpose_conv";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("strides", strides)
                    .with("low", low)
                    .with("extents", extents)
                    .with("input_zero", inputZero)
                    .with("weight_zero", weightZero)
                    .with(scaling)
                    .with(clamp)
                    .map();
        }

        private static TransposedConvolution of(Attributes a) {
            return new TransposedConvolution(
                    a.longs("strides", 2),
                    a.longs("low", 2),
                    a.longs("extents", 2),
                    a.integer("input_zero"),
                    a.integer("weight_zero"),
                    a.scaling(),
                    a.clamp());
        }
    }

    /**
     * The average of what a window holds (of integers as they are, ties away from 0), or the greatest. Operand: x [N, H, W, C].
     *
     * @param clamp its zero point is the operand's too, and is not added
     */
    record Pool(boolean largest, List<Long> window, List<Long> strides, List<Long> low, List<Long> high, Clamp clamp)
            implements QuantizedOp {
        @Override
        public String name() {
            return largest ? "quantized_max_pool2d" : "quantized_average_pool2d";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("window", window)
                    .with("strides", strides)
                    .with("low", low)
                    .with("high", high)
                    .with("zero", clamp.zero())
                    .with("min", clamp.min())
                    .with("max", clamp.max())
                    .map();
        }

        private static Pool of(Attributes a, boolean largest) {
            return new Pool(
                    largest,
                    a.longs("window", 2),
                    a.longs("strides", 2),
                    a.longs("low", 2),
                    a.longs("high", 2),
                    new Clamp(a.integer("zero"), a.integer("min"), a.integer("max")));
        }
    }

    /**
     * a + b, or a - b: both less their zero point, times {@code 2^leftShift}, scaled; the sum is scaled again. Operands: a and b, of shapes
     * that broadcast as numpy's.
     *
     * @param left of a, without zero points of the result
     * @param right of b
     * @param result of the sum
     */
    record Sum(
            boolean subtract,
            long leftShift,
            long leftZero,
            long rightZero,
            Scaling left,
            Scaling right,
            Scaling result,
            Clamp clamp)
            implements QuantizedOp {
        @Override
        public String name() {
            return subtract ? "quantized_sub" : "quantized_add";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("left_shift", leftShift)
                    .with("zeros", List.of(leftZero, rightZero, clamp.zero()))
                    .with("multipliers", List.of(left.multiplier(0), right.multiplier(0), result.multiplier(0)))
                    .with("shifts", List.of(left.shift(0), right.shift(0), result.shift(0)))
                    .with("min", clamp.min())
                    .with("max", clamp.max())
                    .map();
        }

        private static Sum of(Attributes a, boolean subtract) {
            List<Long> zeros = a.longs("zeros", 3);
            List<Long> m = a.longs("multipliers", 3);
            List<Long> s = a.longs("shifts", 3);
            return new Sum(
                    subtract,
                    a.integer("left_shift"),
                    zeros.get(0),
                    zeros.get(1),
                    one(m.get(0), s.get(0)),
                    one(m.get(1), s.get(1)),
                    one(m.get(2), s.get(2)),
                    new Clamp(zeros.get(2), a.integer("min"), a.integer("max")));
        }
    }

    /** The product of both less their zero points, scaled. Operands: a and b, of shapes that broadcast as numpy's. */
    record Product(long leftZero, long rightZero, Scaling scaling, Clamp clamp) implements QuantizedOp {
        @Override
        public String name() {
            return "quantized_mul";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("zeros", List.of(leftZero, rightZero, clamp.zero()))
                    .with("multiplier", scaling.multiplier(0))
                    .with("shift", scaling.shift(0))
                    .with("min", clamp.min())
                    .with("max", clamp.max())
                    .map();
        }

        private static Product of(Attributes a) {
            List<Long> zeros = a.longs("zeros", 3);
            return new Product(
                    zeros.get(0),
                    zeros.get(1),
                    one(a.integer("multiplier"), a.integer("shift")),
                    new Clamp(zeros.get(2), a.integer("min"), a.integer("max")));
        }
    }

    /** The lesser or the greater, of integers as they are. Operands: a and b, of shapes that broadcast as numpy's. */
    record Extreme(boolean largest) implements QuantizedOp {
        @Override
        public String name() {
            return largest ? "quantized_maximum" : "quantized_minimum";
        }

        @Override
        public Map<String, Object> attributes() {
            return Map.of();
        }
    }

    /** To another scale, also with a range (a rectifier). Operand: x; the result may be of another type. */
    record Rescale(long inputZero, Scaling scaling, Clamp clamp) implements QuantizedOp {
        @Override
        public String name() {
            return "quantized_rescale";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("input_zero", inputZero)
                    .with("multiplier", scaling.multiplier(0))
                    .with("shift", scaling.shift(0))
                    .with(clamp)
                    .map();
        }

        private static Rescale of(Attributes a) {
            return new Rescale(a.integer("input_zero"), one(a.integer("multiplier"), a.integer("shift")), a.clamp());
        }
    }

    /**
     * A function of one byte. Operand: x.
     *
     * @param results 256, from that of the least operand up
     */
    record Table(List<Long> results) implements QuantizedOp {
        @Override
        public String name() {
            return "quantized_table";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty().with("table", results).map();
        }

        private static Table of(Attributes a) {
            return new Table(a.longs("table", 256));
        }
    }

    /**
     * A sum over axes of what is less the zero point, scaled. Operand: x.
     *
     * @param mean whether the scale has the count of elements in it; says nothing about the arithmetic
     * @param axes ascending
     * @param keep whether axes stay with extent 1
     */
    record Reduction(boolean mean, List<Long> axes, boolean keep, long inputZero, Scaling scaling, long outputZero)
            implements QuantizedOp {
        @Override
        public String name() {
            return mean ? "quantized_mean" : "quantized_sum";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("axes", axes)
                    .with("keep", keep)
                    .with("zeros", List.of(inputZero, outputZero))
                    .with("multiplier", scaling.multiplier(0))
                    .with("shift", scaling.shift(0))
                    .map();
        }

        private static Reduction of(Attributes a, boolean mean) {
            List<Long> zeros = a.longs("zeros", 2);
            return new Reduction(
                    mean,
                    a.longs("axes"),
                    a.flag("keep"),
                    zeros.get(0),
                    one(a.integer("multiplier"), a.integer("shift")),
                    zeros.get(1));
        }
    }

    /**
     * Softmax of bytes along the last axis, in fixed point. Operand: x.
     *
     * @param exponentials 256, of differences to the greatest of 0 to -255, with 31 fraction bits
     * @param clamp of the result, whose zero point is the least integer
     */
    record Softmax(List<Long> exponentials, Clamp clamp) implements QuantizedOp {
        @Override
        public String name() {
            return "quantized_softmax";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("exponentials", exponentials)
                    .with("zero", clamp.zero())
                    .with("min", clamp.min())
                    .with("max", clamp.max())
                    .map();
        }

        private static Softmax of(Attributes a) {
            return new Softmax(
                    a.longs("exponentials", 256), new Clamp(a.integer("zero"), a.integer("min"), a.integer("max")));
        }
    }

    /** Another height and width. Operand: x [N, H, W, C]. */
    record Resize(boolean bilinear, List<Long> extents, boolean alignCorners, boolean halfPixelCenters)
            implements QuantizedOp {
        @Override
        public String name() {
            return bilinear ? "quantized_resize_bilinear" : "quantized_resize_nearest";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.empty()
                    .with("extents", extents)
                    .with("align_corners", alignCorners)
                    .with("half_pixel_centers", halfPixelCenters)
                    .map();
        }

        private static Resize of(Attributes a, boolean bilinear) {
            return new Resize(bilinear, a.longs("extents", 2), a.flag("align_corners"), a.flag("half_pixel_centers"));
        }
    }

    private static Scaling one(long multiplier, long shift) {
        return new Scaling(List.of(multiplier), List.of(shift), false);
    }

    /**
     * What an op is by its name and attributes; nothing for one that is no quantised operator.
     *
     * @throws IllegalArgumentException for such a name with attributes that are not this operator's
     */
    static Optional<QuantizedOp> of(Op op) {
        if (!(op instanceof Op.Composite c)) return Optional.empty();
        Attributes a = Attributes.of(c);
        return switch (c.name()) {
            case "quantized_conv2d" -> Optional.of(Convolution.of(a, false));
            case "quantized_depthwise_conv2d" -> Optional.of(Convolution.of(a, true));
            case "quantized_fully_connected" -> Optional.of(FullyConnected.of(a));
            case "quantized_transpose_conv" -> Optional.of(TransposedConvolution.of(a));
            case "quantized_average_pool2d" -> Optional.of(Pool.of(a, false));
            case "quantized_max_pool2d" -> Optional.of(Pool.of(a, true));
            case "quantized_add" -> Optional.of(Sum.of(a, false));
            case "quantized_sub" -> Optional.of(Sum.of(a, true));
            case "quantized_mul" -> Optional.of(Product.of(a));
            case "quantized_minimum" -> Optional.of(new Extreme(false));
            case "quantized_maximum" -> Optional.of(new Extreme(true));
            case "quantized_rescale" -> Optional.of(Rescale.of(a));
            case "quantized_table" -> Optional.of(Table.of(a));
            case "quantized_mean" -> Optional.of(Reduction.of(a, true));
            case "quantized_sum" -> Optional.of(Reduction.of(a, false));
            case "quantized_softmax" -> Optional.of(Softmax.of(a));
            case "quantized_resize_nearest" -> Optional.of(Resize.of(a, false));
            case "quantized_resize_bilinear" -> Optional.of(Resize.of(a, true));
            default -> Optional.empty();
        };
    }
}
