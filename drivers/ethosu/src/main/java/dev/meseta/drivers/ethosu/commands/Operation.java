package dev.meseta.drivers.ethosu.commands;

import dev.meseta.graph.InvalidInputException;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What one command does, with the registers as they are at it. */
public sealed interface Operation {
    /** The region of the memory inside the device. */
    int INSIDE = 8;

    /** Bytes of the memory inside, by {@link #INSIDE}. */
    long INSIDE_BYTES = 48 << 10;

    /** Copies bytes. */
    record Dma(int fromRegion, long from, int toRegion, long to, long length) implements Operation {}

    /** The memory that a register of a copy names; this reads copies of one run of bytes alone. */
    private static int dmaRegion(int register) {
        int mode = register >> 9 & 3;
        if (mode != 0) throw new InvalidInputException("a copy in " + (mode + 1) + " dimensions is not known");
        return (register & 0x100) != 0 ? INSIDE : register & 7;
    }

    /** Bytes of a region. */
    record Range(int region, long begin, long length) {}

    /**
     * How a window walks over the operand, by rows and by columns.
     *
     * @param partFirst whether weights are ordered by the window's elements before channels
     */
    record Kernel(Axis y, Axis x, boolean partFirst) {
        /** Of operations element by element. */
        static final Kernel ONE = new Kernel(new Axis(1, 1, 1, 0, 0), new Axis(1, 1, 1, 0, 0), false);

        /**
         * One axis.
         *
         * @param before padding before the operand's first element
         * @param behind padding behind its last one
         */
        public record Axis(int size, int stride, int dilation, int before, int behind) {
            /** Elements that the window reaches over. */
            public int reach() {
                return (size - 1) * dilation + 1;
            }

            /** Elements of the operand that so many places see. */
            public int operand(int places) {
                return (places - 1) * stride + reach() - before - behind;
            }
        }
    }

    /**
     * An operation on feature maps.
     *
     * @param second the second operand; null if there is none or it is a number
     * @param upscale 0, 1 if each element is repeated, 2 if zeros stand between
     * @param weights one a core
     * @param scales one a core
     * @param registers as they are at the operation: they say the rest, which does not change what it touches
     */
    record Block(
            Kind kind,
            FeatureMap first,
            @Nullable FeatureMap second,
            FeatureMap result,
            Kernel kernel,
            int upscale,
            List<Range> weights,
            List<Range> scales,
            Registers registers)
            implements Operation {}

    /** The operation of a command; null if it computes nothing. Throws {@link InvalidInputException} for registers that make no sense. */
    static @Nullable Operation of(Command c, Registers r) {
        return switch (c.opcode().name()) {
            case "OP_DMA_START" ->
                new Dma(
                        dmaRegion(r.unsigned("DMA0_SRC_REGION")),
                        r.address("DMA0_SRC"),
                        dmaRegion(r.unsigned("DMA0_DST_REGION")),
                        r.address("DMA0_DST"),
                        r.address("DMA0_LEN"));
            case "OP_CONV", "OP_DEPTHWISE", "OP_POOL", "OP_ELEMENTWISE" -> new Reader(Kind.of(c), r).block();
            default -> null;
        };
    }

    /** Reads what registers say of an operation on feature maps. */
    record Reader(Kind kind, Registers r) {
        private static final int SCALAR = 1 << 7;

        private Block block() {
            int height = r.unsigned("OFM_HEIGHT_M1") + 1;
            int width = r.unsigned("OFM_WIDTH_M1") + 1;
            int depth = r.unsigned("OFM_DEPTH_M1") + 1;
            FeatureMap result = map("OFM_", height, width, depth);
            Kernel kernel = kind.isElementwise() ? Kernel.ONE : kernel();
            int upscale = r.unsigned("IFM_UPSCALE") & 3;
            FeatureMap first = first(kernel, upscale, height, width);
            if (kind.isElementwise() && first.depth() != depth) {
                throw new InvalidInputException(
                        "the operand has " + first.depth() + " channels, the result of its elements " + depth);
            }
            int broadcast = kind.isUnary() ? SCALAR : r.unsigned("IFM2_BROADCAST");
            int[] extents = {height, width, depth};
            for (int i = 0; i < 3; i++) if ((broadcast >> i & 1) != 0) extents[i] = 1;
            boolean scalar = (broadcast & SCALAR) != 0;
            FeatureMap second = scalar ? null : map("IFM2_", extents[0], extents[1], extents[2]);
            boolean own = !kind.isElementwise() && kind != Kind.MAX_POOL && (r.unsigned("OFM_PRECISION") & 1 << 8) == 0;
            boolean hasScales = kind.hasWeights() || own && r.address("SCALE_LENGTH") > 0;
            List<Range> scales = hasScales ? ranges("SCALE") : List.of();
            List<Range> weights = kind.hasWeights() ? ranges("WEIGHT") : List.of();
            return new Block(kind, first, second, result, kernel, upscale, weights, scales, r.copy());
        }

        /** One a core. */
        private List<Range> ranges(String name) {
            int in = r.unsigned(name + "_REGION") & 7;
            Range first = new Range(in, r.address(name + "_BASE"), r.address(name + "_LENGTH"));
            if (r.unsigned("PARALLEL_MODE") == 0) return List.of(first);
            return List.of(first, new Range(in, r.address(name + "1_BASE"), r.address(name + "1_LENGTH")));
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
                    IntStream.range(0, 4)
                            .mapToLong(i -> r.address(p + "BASE" + i))
                            .toArray(),
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
}
