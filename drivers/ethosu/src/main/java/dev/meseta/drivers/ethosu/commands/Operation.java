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

    /** A factor and a shift to the right. */
    record Scale(long factor, int shift) {
        static final Scale NONE = new Scale(0, 0);
    }

    /** Bytes of a region. */
    record Range(int region, long begin, long length) {}

    /**
     * How a window walks over the operand.
     *
     * @param height of the window
     * @param partFirst whether weights are ordered by the window's elements before channels
     */
    record Kernel(
            int height,
            int width,
            int strideY,
            int strideX,
            int dilationY,
            int dilationX,
            int top,
            int left,
            int bottom,
            int right,
            boolean partFirst) {
        /** Rows that the window reaches over. */
        public int reachY() {
            return (height - 1) * dilationY + 1;
        }

        public int reachX() {
            return (width - 1) * dilationX + 1;
        }
    }

    /**
     * An operation on feature maps.
     *
     * @param second the second operand; null if there is none or it is a number
     * @param scalar the second operand if it is a number
     * @param isScalar whether it is
     * @param reversed whether the operands of a difference or shift are exchanged
     * @param upscale 0, 1 if each element is repeated, 2 if zeros stand between
     * @param globalScale whether the result has one scale
     * @param rounding 0 twice as TFLite, 1 truncates, 2 once
     * @param operandToScale 0 none or both, 1 the first, 2 the second
     * @param activation 0 none, 3 tanh, 4 logistic, 16 and more a table
     * @param blockHeight rows of a block of results, which the device computes at a time
     * @param blockDepth channels of a block of results
     * @param accumulator how wide sums are: 0 32 bits, 1 40 bits, 2 16 bits of a float
     * @param cores that share the channels of the results
     * @param weights one a core
     * @param scales one a core
     */
    record Block(
            Kind kind,
            FeatureMap first,
            @Nullable FeatureMap second,
            int scalar,
            boolean isScalar,
            int secondZeroPoint,
            boolean reversed,
            FeatureMap result,
            Kernel kernel,
            int upscale,
            boolean globalScale,
            int rounding,
            int operandToScale,
            int activation,
            int minimum,
            int maximum,
            int blockHeight,
            int blockWidth,
            int blockDepth,
            int accumulator,
            int cores,
            List<Range> weights,
            List<Range> scales,
            Scale resultScale,
            Scale firstScale,
            Scale secondScale)
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
