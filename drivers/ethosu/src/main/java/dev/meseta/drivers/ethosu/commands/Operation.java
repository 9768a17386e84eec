package dev.meseta.drivers.ethosu.commands;

import dev.meseta.graph.InvalidInputException;
import java.util.List;
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
            case "OP_CONV", "OP_DEPTHWISE", "OP_POOL", "OP_ELEMENTWISE" -> new Blocks(Kind.of(c), r).block();
            default -> null;
        };
    }
}
