package dev.meseta.drivers.ethosu.commands;

import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Kernel;
import dev.meseta.drivers.ethosu.commands.Operation.Range;
import dev.meseta.drivers.ethosu.commands.Operation.Scale;
import dev.meseta.graph.InvalidInputException;
import java.util.List;
import java.util.stream.IntStream;

/** Reads what registers say of an operation on feature maps. */
record Blocks(Kind kind, Registers r) {
    private static final int SCALAR = 1 << 7;
    private static final int REVERSED = 1 << 6;

    Block block() {
        int precision = r.unsigned("OFM_PRECISION");
        int height = r.unsigned("OFM_HEIGHT_M1") + 1;
        int width = r.unsigned("OFM_WIDTH_M1") + 1;
        int depth = r.unsigned("OFM_DEPTH_M1") + 1;
        FeatureMap result = map("OFM_", height, width, depth);
        Kernel kernel = kind.isElementwise() ? new Kernel(1, 1, 1, 1, 1, 1, 0, 0, 0, 0, false) : kernel();
        int upscale = r.unsignedOrZero("IFM_UPSCALE") & 3;
        FeatureMap first = first(kernel, upscale, height, width);
        if (kind.isElementwise() && first.depth() != depth) {
            throw new InvalidInputException(
                    "the operand has " + first.depth() + " channels, the result of its elements " + depth);
        }
        int broadcast = kind.isUnary() ? 0 : r.unsigned("IFM2_BROADCAST");
        boolean isScalar = (broadcast & SCALAR) != 0;
        FeatureMap second = kind.isUnary() || isScalar ? null : second(broadcast, height, width, depth);
        boolean globalScale = (precision & 1 << 8) != 0;
        boolean scaled = globalScale || kind.isElementwise();
        boolean hasScales =
                kind.hasWeights() || !scaled && kind != Kind.MAX_POOL && r.addressOrZero("SCALE_LENGTH") > 0;
        boolean sums = kind == Kind.ADD || kind == Kind.SUB;
        return new Block(
                kind,
                first,
                second,
                isScalar ? r.signed("IFM2_SCALAR") : 0,
                isScalar,
                kind.isUnary() ? 0 : r.signed("IFM2_ZERO_POINT"),
                (broadcast & REVERSED) != 0,
                result,
                kernel,
                upscale,
                globalScale,
                precision >> 14 & 3,
                r.unsigned("IFM_PRECISION") >> 8 & 3,
                r.unsigned("ACTIVATION"),
                bound("ACTIVATION_MIN", result),
                bound("ACTIVATION_MAX", result),
                r.unsigned("OFM_BLK_HEIGHT_M1") + 1,
                r.unsigned("OFM_BLK_WIDTH_M1") + 1,
                r.unsigned("OFM_BLK_DEPTH_M1") + 1,
                r.unsignedOrZero("ACC_FORMAT") & 3,
                cores(),
                kind.hasWeights() ? ranges("WEIGHT") : List.of(),
                hasScales ? ranges("SCALE") : List.of(),
                scaled ? r.scale("OFM_SCALE") : Scale.NONE,
                sums ? r.scale("OPA_SCALE") : Scale.NONE,
                sums ? r.scale("OPB_SCALE") : Scale.NONE);
    }

    private int bound(String register, FeatureMap result) {
        return result.signed() ? r.signed(register) : r.unsigned(register);
    }

    /** One a core. */
    private List<Range> ranges(String name) {
        int in = r.unsigned(name + "_REGION") & 7;
        Range first = new Range(in, r.address(name + "_BASE"), r.address(name + "_LENGTH"));
        if (cores() == 1) return List.of(first);
        return List.of(first, new Range(in, r.addressOrZero(name + "1_BASE"), r.addressOrZero(name + "1_LENGTH")));
    }

    private int cores() {
        return r.unsignedOrZero("PARALLEL_MODE") == 0 ? 1 : 2;
    }

    private Kernel kernel() {
        int stride = r.unsigned("KERNEL_STRIDE");
        int dilationX = (stride >> 3 & 1) + 1;
        int dilationY = (stride >> 4 & 1) + 1;
        int reachX = r.unsigned("KERNEL_WIDTH_M1");
        int reachY = r.unsigned("KERNEL_HEIGHT_M1");
        if (reachX % dilationX != 0 || reachY % dilationY != 0) {
            throw new InvalidInputException("the kernel reaches over " + (reachY + 1) + "×" + (reachX + 1)
                    + " elements with dilation " + dilationY + "×" + dilationX);
        }
        return new Kernel(
                reachY / dilationY + 1,
                reachX / dilationX + 1,
                (stride >> 1 & 1 | (stride >> 9 & 7) << 1) + 1,
                (stride & 1 | (stride >> 6 & 7) << 1) + 1,
                dilationY,
                dilationX,
                r.unsigned("IFM_PAD_TOP"),
                r.unsigned("IFM_PAD_LEFT"),
                r.unsigned("IFM_PAD_BOTTOM"),
                r.unsigned("IFM_PAD_RIGHT"),
                (stride & 4) != 0);
    }

    /** Its height and width follow from the result's and the window. */
    private FeatureMap first(Kernel k, int upscale, int height, int width) {
        int h = (height - 1) * k.strideY() + k.reachY() - k.top() - k.bottom();
        int w = (width - 1) * k.strideX() + k.reachX() - k.left() - k.right();
        if (upscale == 3) throw new InvalidInputException("an operand is upscaled in the unknown way 3");
        if (upscale != 0) {
            h = (h + 1) / 2;
            w = (w + 1) / 2;
        }
        if (h < 1 || w < 1) throw new InvalidInputException("the operand has " + h + "×" + w + " elements");
        return map("IFM_", h, w, r.unsigned("IFM_DEPTH_M1") + 1);
    }

    private FeatureMap second(int broadcast, int height, int width, int depth) {
        return map(
                "IFM2_",
                (broadcast & 1) != 0 ? 1 : height,
                (broadcast & 2) != 0 ? 1 : width,
                (broadcast & 4) != 0 ? 1 : depth);
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
