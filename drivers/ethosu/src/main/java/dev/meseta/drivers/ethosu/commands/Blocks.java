package dev.meseta.drivers.ethosu.commands;

import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Kernel;
import dev.meseta.drivers.ethosu.commands.Operation.Range;
import dev.meseta.graph.InvalidInputException;
import java.util.List;
import java.util.stream.IntStream;

/** Reads what registers say of an operation on feature maps. */
record Blocks(Kind kind, Registers r) {
    private static final int SCALAR = 1 << 7;

    Block block() {
        int height = r.unsigned("OFM_HEIGHT_M1") + 1;
        int width = r.unsigned("OFM_WIDTH_M1") + 1;
        int depth = r.unsigned("OFM_DEPTH_M1") + 1;
        FeatureMap result = map("OFM_", height, width, depth);
        Kernel kernel = kind.isElementwise() ? Kernel.ONE : kernel();
        int upscale = r.unsignedOrZero("IFM_UPSCALE") & 3;
        FeatureMap first = first(kernel, upscale, height, width);
        if (kind.isElementwise() && first.depth() != depth) {
            throw new InvalidInputException(
                    "the operand has " + first.depth() + " channels, the result of its elements " + depth);
        }
        int broadcast = kind.isUnary() ? SCALAR : r.unsigned("IFM2_BROADCAST");
        FeatureMap second = (broadcast & SCALAR) != 0
                ? null
                : map(
                        "IFM2_",
                        (broadcast & 1) != 0 ? 1 : height,
                        (broadcast & 2) != 0 ? 1 : width,
                        (broadcast & 4) != 0 ? 1 : depth);
        boolean own = !kind.isElementwise() && kind != Kind.MAX_POOL && (r.unsigned("OFM_PRECISION") & 1 << 8) == 0;
        boolean hasScales = kind.hasWeights() || own && r.addressOrZero("SCALE_LENGTH") > 0;
        return new Block(
                kind,
                first,
                second,
                result,
                kernel,
                upscale,
                kind.hasWeights() ? ranges("WEIGHT") : List.of(),
                hasScales ? ranges("SCALE") : List.of(),
                r.copy());
    }

    /** One a core. */
    private List<Range> ranges(String name) {
        int in = r.unsigned(name + "_REGION") & 7;
        Range first = new Range(in, r.address(name + "_BASE"), r.address(name + "_LENGTH"));
        if (r.unsignedOrZero("PARALLEL_MODE") == 0) return List.of(first);
        return List.of(first, new Range(in, r.addressOrZero(name + "1_BASE"), r.addressOrZero(name + "1_LENGTH")));
    }

    private Kernel kernel() {
        int bits = r.unsigned("KERNEL_STRIDE");
        Kernel.Axis y = axis("HEIGHT", bits >> 1 & 1 | bits >> 8 & 0xe, bits >> 4 & 1, "TOP", "BOTTOM");
        Kernel.Axis x = axis("WIDTH", bits & 1 | bits >> 5 & 0xe, bits >> 3 & 1, "LEFT", "RIGHT");
        return new Kernel(y, x, (bits & 4) != 0);
    }

    private Kernel.Axis axis(String size, int stride, int dilation, String before, String behind) {
        int reach = r.unsigned("KERNEL_" + size + "_M1");
        if (reach % (dilation + 1) != 0) {
            throw new InvalidInputException(
                    "the kernel reaches over " + (reach + 1) + " elements with dilation " + (dilation + 1));
        }
        int taps = reach / (dilation + 1) + 1;
        int pad = r.unsigned("IFM_PAD_" + before);
        return new Kernel.Axis(taps, stride + 1, dilation + 1, pad, r.unsigned("IFM_PAD_" + behind));
    }

    /** Its height and width follow from the result's and the window. */
    private FeatureMap first(Kernel k, int upscale, int height, int width) {
        int h = k.y().operand(height);
        int w = k.x().operand(width);
        if (upscale == 3) throw new InvalidInputException("an operand is upscaled in the unknown way 3");
        if (upscale != 0) {
            h = (h + 1) / 2;
            w = (w + 1) / 2;
        }
        if (h < 1 || w < 1) throw new InvalidInputException("the operand has " + h + "×" + w + " elements");
        return map("IFM_", h, w, r.unsigned("IFM_DEPTH_M1") + 1);
    }

    private FeatureMap map(String p, int height, int width, int depth) {
        int precision = r.unsigned(p + "PRECISION");
        int elementBytes = precision >> (p.equals("OFM_") ? 1 : 2) & 3;
        if (elementBytes == 3) throw new InvalidInputException("an element has the unknown width 3");
        return new FeatureMap(
                r.unsigned(p + "REGION") & 7,
                IntStream.range(0, 4).mapToLong(i -> r.address(p + "BASE" + i)).toArray(),
                r.unsigned(p + "HEIGHT0_M1") + 1,
                r.unsigned(p + "HEIGHT1_M1") + 1,
                r.unsigned(p + "WIDTH0_M1") + 1,
                r.stride(p + "STRIDE_Y"),
                r.stride(p + "STRIDE_X"),
                r.stride(p + "STRIDE_C"),
                (precision & 1 << 6) != 0,
                height,
                width,
                depth,
                1 << elementBytes,
                (precision & 1) != 0,
                r.signed(p + "ZERO_POINT"));
    }
}
