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

    /** Sums of products with weights. Operands: x, weights, and a bias [O] or none. */
    sealed interface Contraction extends QuantizedOp {
        long inputZero();

        long weightZero();

        Scaling scaling();

        Clamp clamp();
    }

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
            implements Contraction {
        @Override
        public String name() {
            return depthwise ? "quantized_depthwise_conv2d" : "quantized_conv2d";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.of(this, a -> form(a, depthwise));
        }

        private static Convolution form(Attributes<Convolution> a, boolean depthwise) {
            return new Convolution(
                    depthwise,
                    a.longs("strides", 2, Convolution::strides),
                    a.longs("dilations", 2, Convolution::dilations),
                    a.longs("low", 2, Convolution::low),
                    a.longs("high", 2, Convolution::high),
                    a.integer("input_zero", Convolution::inputZero),
                    a.integer("weight_zero", Convolution::weightZero),
                    a.scaling(Convolution::scaling),
                    a.clamp(Convolution::clamp));
        }
    }

    /** Operands: x [M, K], weights [N, K], bias [N]. */
    record FullyConnected(long inputZero, long weightZero, Scaling scaling, Clamp clamp) implements Contraction {
        @Override
        public String name() {
            return "quantized_fully_connected";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.of(this, a -> form(a));
        }

        private static FullyConnected form(Attributes<FullyConnected> a) {
            return new FullyConnected(
                    a.integer("input_zero", FullyConnected::inputZero),
                    a.integer("weight_zero", FullyConnected::weightZero),
                    a.scaling(FullyConnected::scaling),
                    a.clamp(FullyConnected::clamp));
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
            implements Contraction {
        @Override
        public String name() {
            return "quantized_transpose_conv";
        }

        @Override
        public Map<String, Object> attributes() {
            return Attributes.of(this, a -> form(a));
        }

        private static TransposedConvolution form(Attributes<TransposedConvolution> a) {
            return new TransposedConvolution(
                    a.longs("strides", 2, TransposedConvolution::strides),
                    a.longs("low", 2, TransposedConvolution::low),
                    a.longs("extents", 2, TransposedConvolution::extents),
                    a.integer("input_zero", TransposedConvolution::inputZero),
                    a.integer("weight_zero", TransposedConvolution::weightZero),
                    a.scaling(TransposedConvolution::scaling),
                    a.clamp(TransposedConvolution::clamp));
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
            return Attributes.of(this, a -> form(a, largest));
        }

        private static Pool form(Attributes<Pool> a, boolean largest) {
            return new Pool(
                    largest,
                    a.longs("window", 2, Pool::window),
                    a.longs("strides", 2, Pool::strides),
                    a.longs("low", 2, Pool::low),
                    a.longs("high", 2, Pool::high),
                    a.clamp("zero", Pool::clamp));
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
            return Attributes.of(this, a -> form(a, subtract));
        }

        private static Sum form(Attributes<Sum> a, boolean subtract) {
            List<Long> zeros = a.longs("zeros", 3, s -> List.of(s.leftZero, s.rightZero, s.clamp.zero()));
            List<Scaling> scalings = a.scalings(3, s -> List.of(s.left, s.right, s.result));
            return new Sum(
                    subtract,
                    a.integer("left_shift", Sum::leftShift),
                    zeros.get(0),
                    zeros.get(1),
                    scalings.get(0),
                    scalings.get(1),
                    scalings.get(2),
                    a.clamp(zeros.get(2), Sum::clamp));
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
            return Attributes.of(this, a -> form(a));
        }

        private static Product form(Attributes<Product> a) {
            List<Long> zeros = a.longs("zeros", 3, p -> List.of(p.leftZero, p.rightZero, p.clamp.zero()));
            return new Product(
                    zeros.get(0), zeros.get(1), a.oneScaling(Product::scaling), a.clamp(zeros.get(2), Product::clamp));
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
            return Attributes.of(this, a -> form(a));
        }

        private static Rescale form(Attributes<Rescale> a) {
            return new Rescale(
                    a.integer("input_zero", Rescale::inputZero),
                    a.oneScaling(Rescale::scaling),
                    a.clamp(Rescale::clamp));
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
            return Attributes.of(this, a -> form(a));
        }

        private static Table form(Attributes<Table> a) {
            return new Table(a.longs("table", 256, Table::results));
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
            return Attributes.of(this, a -> form(a, mean));
        }

        private static Reduction form(Attributes<Reduction> a, boolean mean) {
            List<Long> zeros = a.longs("zeros", 2, r -> List.of(r.inputZero, r.outputZero));
            return new Reduction(
                    mean,
                    a.longs("axes", Reduction::axes),
                    a.flag("keep", Reduction::keep),
                    zeros.get(0),
                    a.oneScaling(Reduction::scaling),
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
            return Attributes.of(this, a -> form(a));
        }

        private static Softmax form(Attributes<Softmax> a) {
            return new Softmax(a.longs("exponentials", 256, Softmax::exponentials), a.clamp("zero", Softmax::clamp));
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
            return Attributes.of(this, a -> form(a, bilinear));
        }

        private static Resize form(Attributes<Resize> a, boolean bilinear) {
            return new Resize(
                    bilinear,
                    a.longs("extents", 2, Resize::extents),
                    a.flag("align_corners", Resize::alignCorners),
                    a.flag("half_pixel_centers", Resize::halfPixelCenters));
        }
    }

    /**
     * What an op is by its name and attributes; nothing for one that is no quantised operator.
     *
     * @throws IllegalArgumentException for such a name with attributes that are not this operator's
     */
    static Optional<QuantizedOp> of(Op op) {
        if (!(op instanceof Op.Composite c)) return Optional.empty();
        return switch (c.name()) {
            case "quantized_conv2d" -> Optional.of(Convolution.form(Attributes.of(c), false));
            case "quantized_depthwise_conv2d" -> Optional.of(Convolution.form(Attributes.of(c), true));
            case "quantized_fully_connected" -> Optional.of(FullyConnected.form(Attributes.of(c)));
            case "quantized_transpose_conv" -> Optional.of(TransposedConvolution.form(Attributes.of(c)));
            case "quantized_average_pool2d" -> Optional.of(Pool.form(Attributes.of(c), false));
            case "quantized_max_pool2d" -> Optional.of(Pool.form(Attributes.of(c), true));
            case "quantized_add" -> Optional.of(Sum.form(Attributes.of(c), false));
            case "quantized_sub" -> Optional.of(Sum.form(Attributes.of(c), true));
            case "quantized_mul" -> Optional.of(Product.form(Attributes.of(c)));
            case "quantized_minimum" -> Optional.of(new Extreme(false));
            case "quantized_maximum" -> Optional.of(new Extreme(true));
            case "quantized_rescale" -> Optional.of(Rescale.form(Attributes.of(c)));
            case "quantized_table" -> Optional.of(Table.form(Attributes.of(c)));
            case "quantized_mean" -> Optional.of(Reduction.form(Attributes.of(c), true));
            case "quantized_sum" -> Optional.of(Reduction.form(Attributes.of(c), false));
            case "quantized_softmax" -> Optional.of(Softmax.form(Attributes.of(c)));
            case "quantized_resize_nearest" -> Optional.of(Resize.form(Attributes.of(c), false));
            case "quantized_resize_bilinear" -> Optional.of(Resize.form(Attributes.of(c), true));
            default -> Optional.empty();
        };
    }
}
