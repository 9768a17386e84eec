package dev.meseta.tests;

import dev.meseta.Meseta;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Operators in versions and with attributes that ONNX's own cases leave out, against ONNX Runtime, one node at a time. */
class OnnxOperatorsTest {
    private static final Meseta MESETA = Meseta.open();
    private static final DType F = DType.F32;

    private final Random random = new Random(2);
    private final Map<String, OneNode> cases = new LinkedHashMap<>();

    @TempDir
    Path folder;

    private OneNode node(String operator, int opset, String variant) {
        OneNode n = new OneNode("", operator, opset);
        cases.put(operator + "-" + opset + " " + variant, n);
        return n;
    }

    private Tensor floats(long... extents) {
        Tensor t = Tensor.allocate(F, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }

    private Tensor positive(long... extents) {
        Tensor t = floats(extents);
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, 0.5 + Math.abs(t.getDouble(i)));
        return t;
    }

    private Tensor integers(DType type, int low, int high, long... extents) {
        Tensor t = Tensor.allocate(type, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setLong(i, random.nextInt(low, high));
        return t;
    }

    @TestFactory
    List<DynamicTest> asThePeer() {
        convolutions();
        integerConvolutions();
        pools();
        regions();
        normalizations();
        recurrent();
        resizes();
        grids();
        products();
        List<DynamicTest> tests = new ArrayList<>();
        cases.forEach((name, n) ->
                tests.add(DynamicTest.dynamicTest(name, () -> n.compare(MESETA, folder, OneNode::close))));
        return tests;
    }

    private void convolutions() {
        for (String auto : List.of("SAME_UPPER", "SAME_LOWER", "VALID")) {
            node("Conv", 11, auto)
                    .input(floats(2, 4, 7, 8))
                    .input(floats(6, 2, 3, 2))
                    .input(floats(6))
                    .text("auto_pad", auto)
                    .integers("strides", 2, 3)
                    .integer("group", 2)
                    .output(F);
            node("ConvTranspose", 11, auto)
                    .input(floats(1, 4, 5, 4))
                    .input(floats(4, 3, 3, 2))
                    .text("auto_pad", auto)
                    .integers("strides", 2, 3)
                    .output(F);
        }
        node("Conv", 1, "1-d, dilated")
                .input(floats(1, 3, 12))
                .input(floats(5, 3, 3))
                .integers("dilations", 2)
                .integers("pads", 1, 3)
                .output(F);
        node("Conv", 22, "3-d")
                .input(floats(1, 2, 4, 5, 6))
                .input(floats(3, 2, 2, 3, 2))
                .integers("strides", 1, 2, 1)
                .output(F);
        node("ConvTranspose", 11, "groups, dilations, output_padding")
                .input(floats(2, 4, 5, 4))
                .input(floats(4, 3, 3, 2))
                .input(floats(6))
                .integers("strides", 2, 3)
                .integers("pads", 1, 0, 2, 1)
                .integers("dilations", 2, 1)
                .integers("output_padding", 1, 2)
                .integer("group", 2)
                .output(F);
        for (String auto : List.of("NOTSET", "SAME_UPPER")) {
            node("ConvTranspose", 11, "output_shape " + auto)
                    .input(floats(1, 2, 4, 4))
                    .input(floats(2, 3, 3, 3))
                    .text("auto_pad", auto)
                    .integers("strides", 2, 2)
                    .integers("output_shape", 8, 6)
                    .output(F);
        }
        node("DeformConv", 22, "groups")
                .input(floats(2, 4, 6, 5))
                .input(floats(6, 2, 3, 2))
                .input(floats(2, 24, 4, 4))
                .input(floats(6))
                .input(positive(2, 12, 4, 4))
                .integer("group", 2)
                .integer("offset_group", 2)
                .output(F);
        node("Col2Im", 18, "all")
                .input(floats(2, 12, 12))
                .input(Tensor.of(new long[] {6, 5}, 2))
                .input(Tensor.of(new long[] {3, 2}, 2))
                .integers("pads", 1, 0, 0, 1)
                .integers("strides", 2, 1)
                .integers("dilations", 1, 2)
                .output(F);
    }

    private void integerConvolutions() {
        DType u = DType.U8;
        node("ConvInteger", 10, "zero point")
                .input(integers(u, 0, 256, 1, 2, 5, 5))
                .input(integers(u, 0, 256, 3, 2, 3, 3))
                .input(Tensor.scalar(u, 130L))
                .input(Tensor.scalar(u, 7L))
                .integers("pads", 1, 1, 1, 1)
                .output(DType.I32);
        node("QLinearConv", 10, "by channel")
                .input(integers(u, 0, 256, 1, 4, 6, 6))
                .input(Tensor.scalar(F, 0.02))
                .input(Tensor.scalar(u, 120L))
                .input(integers(DType.I8, -127, 128, 6, 2, 3, 3))
                .input(Tensor.of(new float[] {.01f, .02f, .03f, .015f, .025f, .011f}, 6))
                .input(zeros(6))
                .input(Tensor.scalar(F, 0.05))
                .input(Tensor.scalar(u, 110L))
                .input(integers(DType.I32, -900, 900, 6))
                .integers("pads", 1, 1, 1, 1)
                .integers("strides", 2, 2)
                .integer("group", 2)
                .output(u);
    }

    private static Tensor zeros(long n) {
        return Tensor.allocate(DType.I8, Shape.of(n));
    }

    private void pools() {
        for (int ceil = 0; ceil < 2; ceil++) {
            for (int[] pads : new int[][] {{0, 0, 0, 0}, {1, 0, 1, 1}, {1, 1, 1, 1}}) {
                String variant = "ceil " + ceil + ", pads " + java.util.Arrays.toString(pads);
                long[] p = {pads[0], pads[1], pads[2], pads[3]};
                node("MaxPool", 12, variant)
                        .input(floats(1, 2, 7, 8))
                        .integers("kernel_shape", 3, 2)
                        .integers("strides", 2, 3)
                        .integers("pads", p)
                        .integer("ceil_mode", ceil)
                        .output(F)
                        .output(DType.I64);
                for (int count = 0; count < 2; count++) {
                    node("AveragePool", 19, variant + ", count " + count)
                            .input(floats(1, 2, 7, 8))
                            .integers("kernel_shape", 3, 2)
                            .integers("strides", 2, 3)
                            .integers("pads", p)
                            .integer("ceil_mode", ceil)
                            .integer("count_include_pad", count)
                            .output(F);
                }
            }
        }
        node("MaxPool", 12, "column-major, dilated")
                .input(floats(2, 2, 7, 8))
                .integers("kernel_shape", 3, 2)
                .integers("dilations", 2, 3)
                .integer("storage_order", 1)
                .output(F)
                .output(DType.I64);
        node("MaxPool", 12, "3-d with places")
                .input(floats(1, 2, 4, 5, 6))
                .integers("kernel_shape", 2, 3, 2)
                .integers("pads", 1, 1, 1, 0, 1, 0)
                .output(F)
                .output(DType.I64);
        node("MaxPool", 12, "bytes")
                .input(integers(DType.I8, -128, 128, 1, 2, 5, 5))
                .integers("kernel_shape", 3, 3)
                .integers("pads", 1, 1, 1, 1)
                .output(DType.I8);
        node("AveragePool", 7, "SAME_LOWER")
                .input(floats(1, 2, 7, 8))
                .integers("kernel_shape", 3, 2)
                .integers("strides", 2, 3)
                .text("auto_pad", "SAME_LOWER")
                .output(F);
        for (int p = 1; p < 4; p++) {
            node("LpPool", 18, "p " + p)
                    .input(floats(1, 2, 7, 8))
                    .integers("kernel_shape", 3, 2)
                    .integers("pads", 1, 0, 1, 1)
                    .integer("p", p)
                    .output(F);
            node("GlobalLpPool", 2, "p " + p)
                    .input(floats(1, 2, 7, 8))
                    .integer("p", p)
                    .output(F);
        }
        node("MaxUnpool", 11, "inferred")
                .input(floats(1, 1, 2, 2))
                .input(Tensor.of(new long[] {1, 6, 9, 15}, 1, 1, 2, 2))
                .integers("kernel_shape", 2, 2)
                .integers("strides", 2, 2)
                .output(F);
    }

    private void regions() {
        Tensor rois = Tensor.of(new float[] {0, 0, 5, 6, 1.2f, 2.4f, 7.5f, 3.1f, 4, 4, 4.2f, 4.1f}, 3, 4);
        Tensor images = Tensor.of(new long[] {1, 0, 1}, 3);
        for (String mode : List.of("avg", "max")) {
            for (int ratio : new int[] {0, 2}) {
                node("RoiAlign", 16, mode + ", ratio " + ratio)
                        .input(positive(2, 3, 8, 9))
                        .input(rois)
                        .input(images)
                        .text("mode", mode)
                        .integer("sampling_ratio", ratio)
                        .integer("output_height", 3)
                        .integer("output_width", 2)
                        .real("spatial_scale", 0.9f)
                        .output(F);
            }
        }
        node("RoiAlign", 10, "old coordinates")
                .input(positive(2, 3, 8, 9))
                .input(rois)
                .input(images)
                .integer("output_height", 2)
                .integer("output_width", 2)
                .output(F);
        node("MaxRoiPool", 1, "plain")
                .input(floats(2, 3, 8, 9))
                .input(Tensor.of(new float[] {1, 0, 0, 5, 6, 0, 1.2f, 2.5f, 7.5f, 3.1f}, 2, 5))
                .integers("pooled_shape", 3, 2)
                .real("spatial_scale", 0.9f)
                .output(F);
    }

    private void normalizations() {
        for (int opset : new int[] {7, 9, 15}) {
            node("BatchNormalization", opset, "inference")
                    .input(floats(2, 3, 4, 5))
                    .input(floats(3))
                    .input(floats(3))
                    .input(floats(3))
                    .input(positive(3))
                    .output(F);
        }
        node("BatchNormalization", 15, "training")
                .input(floats(2, 3, 4, 5))
                .input(floats(3))
                .input(floats(3))
                .input(floats(3))
                .input(positive(3))
                .integer("training_mode", 1)
                .real("momentum", 0.8f)
                .output(F)
                .output(F)
                .output(F);
        node("LRN", 13, "odd size")
                .input(floats(2, 7, 3, 3))
                .integer("size", 3)
                .real("alpha", 0.5f)
                .output(F);
        node("LpNormalization", 1, "p 1")
                .input(floats(2, 7, 3))
                .integer("axis", 1)
                .integer("p", 1)
                .output(F);
        node("InstanceNormalization", 6, "1-d")
                .input(floats(2, 3, 7))
                .input(floats(3))
                .input(floats(3))
                .output(F);
        node("LayerNormalization", 17, "three results")
                .input(floats(2, 3, 7))
                .input(floats(3, 7))
                .input(floats(3, 7))
                .integer("axis", 1)
                .output(F)
                .output(F)
                .output(F);
        node("MeanVarianceNormalization", 13, "axes")
                .input(floats(2, 3, 7))
                .integers("axes", 0, 2)
                .output(F);
    }

    private void recurrent() {
        int steps = 5;
        int h = 4;
        for (String direction : List.of("forward", "reverse", "bidirectional")) {
            int d = direction.equals("bidirectional") ? 2 : 1;
            Tensor lengths = Tensor.of(new int[] {5, 2, 3}, 3);
            node("LSTM", 14, direction)
                    .input(floats(steps, 3, 6))
                    .input(floats(d, 4 * h, 6))
                    .input(floats(d, 4 * h, h))
                    .input(floats(d, 8 * h))
                    .input(lengths)
                    .input(floats(d, 3, h))
                    .input(floats(d, 3, h))
                    .input(floats(d, 3 * h))
                    .integer("hidden_size", h)
                    .text("direction", direction)
                    .output(F)
                    .output(F)
                    .output(F);
            for (int linear = 0; linear < 2; linear++) {
                node("GRU", 14, direction + ", linear_before_reset " + linear)
                        .input(floats(steps, 3, 6))
                        .input(floats(d, 3 * h, 6))
                        .input(floats(d, 3 * h, h))
                        .input(floats(d, 6 * h))
                        .input(lengths)
                        .input(floats(d, 3, h))
                        .integer("hidden_size", h)
                        .integer("linear_before_reset", linear)
                        .text("direction", direction)
                        .output(F)
                        .output(F);
            }
            node("RNN", 14, direction)
                    .input(floats(steps, 3, 6))
                    .input(floats(d, h, 6))
                    .input(floats(d, h, h))
                    .input(floats(d, 2 * h))
                    .integer("hidden_size", h)
                    .real("clip", 0.4f)
                    .text("direction", direction)
                    .output(F)
                    .output(F);
        }
        node("LSTM", 7, "coupled, clipped")
                .input(floats(steps, 2, 3))
                .input(floats(1, 4 * h, 3))
                .input(floats(1, 4 * h, h))
                .integer("hidden_size", h)
                .integer("input_forget", 1)
                .real("clip", 0.3f)
                .output(F)
                .output(F)
                .output(F);
        node("RNN", 14, "activation")
                .input(floats(steps, 2, 3))
                .input(floats(1, h, 3))
                .input(floats(1, h, h))
                .integer("hidden_size", h)
                .strings("activations", "LeakyRelu")
                .reals("activation_alpha", 0.2f)
                .output(F)
                .output(F);
    }

    private void resizes() {
        Tensor none = Tensor.of(new float[0], 0);
        Tensor up = Tensor.of(new float[] {1, 1, 1.7f, 2.3f}, 4);
        Tensor down = Tensor.of(new float[] {1, 1, 0.6f, 0.45f}, 4);
        for (String mode : List.of("nearest", "linear")) {
            node("Upsample", 7, mode)
                    .input(floats(1, 2, 4, 5))
                    .text("mode", mode)
                    .reals("scales", 1, 1, 2, 3)
                    .output(F);
            node("Upsample", 9, mode)
                    .input(floats(1, 2, 4, 5))
                    .input(up)
                    .text("mode", mode)
                    .output(F);
            node("Resize", 10, mode + " up")
                    .input(floats(1, 2, 4, 5))
                    .input(up)
                    .text("mode", mode)
                    .output(F);
            node("Resize", 10, mode + " down")
                    .input(floats(1, 2, 6, 7))
                    .input(down)
                    .text("mode", mode)
                    .output(F);
        }
        for (String coordinates : List.of("half_pixel", "asymmetric", "pytorch_half_pixel", "tf_half_pixel_for_nn")) {
            node("Resize", 11, coordinates)
                    .input(floats(1, 2, 6, 7))
                    .input(none)
                    .input(down)
                    .text("coordinate_transformation_mode", coordinates)
                    .text("mode", coordinates.startsWith("tf") ? "nearest" : "linear")
                    .output(F);
        }
        for (String nearest : List.of("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")) {
            node("Resize", 13, nearest)
                    .stated()
                    .input(floats(1, 2, 6, 7))
                    .none()
                    .none()
                    .input(Tensor.of(new long[] {1, 2, 9, 4}, 4))
                    .text("nearest_mode", nearest)
                    .text("coordinate_transformation_mode", "half_pixel")
                    .output(F);
        }
        for (int exclude = 0; exclude < 2; exclude++) {
            node("Resize", 19, "cubic, exclude_outside " + exclude)
                    .input(floats(1, 2, 6, 7))
                    .none()
                    .input(up)
                    .text("mode", "cubic")
                    .real("cubic_coeff_a", -0.5f)
                    .integer("exclude_outside", exclude)
                    .output(F);
        }
        node("Resize", 18, "antialias by sizes")
                .stated()
                .input(floats(1, 2, 9, 8))
                .none()
                .none()
                .input(Tensor.of(new long[] {4, 3}, 2))
                .text("mode", "linear")
                .integer("antialias", 1)
                .integer("exclude_outside", 1)
                .integers("axes", 2, 3)
                .output(F);
        node("Resize", 18, "crop")
                .stated()
                .input(floats(1, 1, 6, 7))
                .input(Tensor.of(new float[] {0, 0, 0.2f, -0.1f, 1, 1, 0.8f, 0.9f}, 8))
                .none()
                .input(Tensor.of(new long[] {1, 1, 4, 5}, 4))
                .text("mode", "linear")
                .text("coordinate_transformation_mode", "tf_crop_and_resize")
                .real("extrapolation_value", 7)
                .output(F);
    }

    private void grids() {
        for (String padding : List.of("zeros", "border", "reflection")) {
            for (int align = 0; align < 2; align++) {
                for (String mode : List.of("bilinear", "nearest", "bicubic")) {
                    Tensor grid = floats(2, 3, 4, 2);
                    for (long i = 0; i < grid.elements(); i++) grid.setDouble(i, 1.8 * grid.getDouble(i));
                    node("GridSample", 16, mode + ", " + padding + ", align " + align)
                            .input(floats(2, 3, 5, 6))
                            .input(grid)
                            .text("mode", mode)
                            .text("padding_mode", padding)
                            .integer("align_corners", align)
                            .output(F);
                }
            }
        }
        for (int align = 0; align < 2; align++) {
            node("AffineGrid", 20, "align " + align)
                    .input(floats(2, 3, 4))
                    .input(Tensor.of(new long[] {2, 1, 3, 4, 5}, 5))
                    .integer("align_corners", align)
                    .output(F);
        }
    }

    private void products() {
        for (String equation :
                List.of("bij,bjk->bik", "ij,jk", "...ij,...jk->...ik", "ii->i", "ii", "ij->", "iij->ji")) {
            OneNode n = node("Einsum", 12, equation).text("equation", equation);
            if (equation.contains(",")) {
                boolean batch = equation.startsWith("b") || equation.startsWith(".");
                n.input(batch ? floats(2, 3, 4) : floats(3, 4)).input(batch ? floats(2, 4, 5) : floats(4, 5));
            } else {
                n.input(equation.startsWith("iij") ? floats(3, 3, 4) : floats(3, 3));
            }
            n.output(F);
        }
        node("Einsum", 12, "three operands")
                .text("equation", "ab,bc,cd->ad")
                .input(floats(2, 3))
                .input(floats(3, 4))
                .input(floats(4, 5))
                .output(F);
        node("Det", 11, "batched").input(floats(2, 3, 5, 5)).output(F);
        for (int onesided = 0; onesided < 2; onesided++) {
            node("DFT", 17, "long, onesided " + onesided)
                    .input(floats(1, 512, 1))
                    .integer("onesided", onesided)
                    .output(F);
        }
        node("DFT", 17, "inverse, long")
                .input(floats(1, 1024, 2))
                .integer("inverse", 1)
                .output(F);
        node("STFT", 17, "window")
                .input(floats(2, 100, 1))
                .input(Tensor.scalar(DType.I64, 8L))
                .input(floats(16))
                .output(F);
    }
}
