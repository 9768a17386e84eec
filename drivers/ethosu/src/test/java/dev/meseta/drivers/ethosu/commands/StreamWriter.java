package dev.meseta.drivers.ethosu.commands;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Writes command streams by hand, for tests. */
public final class StreamWriter {
    private final List<Integer> words = new ArrayList<>();

    /** A command with its parameter, or with a payload whose upper bits are the parameter's. */
    public StreamWriter set(String name, long value) {
        return set(name, value, (int) (value >> 32 & 0xff));
    }

    /** A command with a payload and a parameter of its own. */
    public StreamWriter set(String name, long payload, int parameter) {
        Opcode o = Opcode.of(name);
        if (!o.hasPayload()) {
            words.add(o.number() | (int) payload << 16);
        } else {
            words.add(o.number() | parameter << 16);
            words.add((int) payload);
        }
        return this;
    }

    /**
     * A feature map, dense.
     *
     * @param type bytes of an element, negative with a sign
     * @param bricks whether 16 channels lie together
     */
    public record Map(
            int region, long base, int height, int width, int depth, int type, boolean bricks, int zeroPoint) {
        public Map(int region, long base, int height, int width, int depth, int type) {
            this(region, base, height, width, depth, type, false, 0);
        }

        int bytes() {
            return Math.abs(type);
        }

        private int log() {
            return Integer.numberOfTrailingZeros(bytes());
        }

        private long strideX() {
            return bricks ? 16L * bytes() : (long) depth * bytes();
        }

        private long strideC() {
            return 16L * bytes() * width;
        }

        private long strideY() {
            return bricks ? strideC() * ((depth + 15) / 16) : strideX() * width;
        }

        int precision(int shift) {
            return (type < 0 ? 1 : 0) | log() << shift | (bricks ? 1 << 6 : 0);
        }
    }

    /** What is the same of both operands and the result: where a map lies, in one tile, and its zero point. */
    private StreamWriter map(String port, Map m) {
        set(port + "REGION", m.region).set(port + "BASE0", m.base);
        for (int tile = 1; tile < 4; tile++) set(port + "BASE" + tile, 0);
        set(port + "HEIGHT0_M1", m.height - 1).set(port + "HEIGHT1_M1", m.height - 1);
        set(port + "WIDTH0_M1", m.width - 1).set(port + "STRIDE_X", m.strideX());
        set(port + "STRIDE_Y", m.strideY()).set(port + "STRIDE_C", m.strideC());
        return set(port + "ZERO_POINT", m.zeroPoint & 0xffff);
    }

    /** The first operand. Its height and width follow from the result's and the window. */
    public StreamWriter first(Map m) {
        map("IFM_", m).set("IFM_DEPTH_M1", m.depth - 1);
        return set("IFM_PRECISION", m.precision(2)).set("IFM_UPSCALE", 0);
    }

    /** The second operand, which is repeated along the axes in which it has one element. */
    public StreamWriter second(Map m, int broadcast) {
        return map("IFM2_", m).set("IFM2_PRECISION", m.precision(2)).set("IFM2_BROADCAST", broadcast);
    }

    /**
     * The result, in one block, without bounds that its type does not have.
     *
     * @param flags 0x100 for one scale for all channels; the rounding at bit 14
     */
    public StreamWriter result(Map m, int flags) {
        map("OFM_", m);
        set("OFM_HEIGHT_M1", m.height - 1).set("OFM_WIDTH_M1", m.width - 1).set("OFM_DEPTH_M1", m.depth - 1);
        set("OFM_PRECISION", m.precision(1) | flags);
        set("OFM_BLK_HEIGHT_M1", 7).set("OFM_BLK_WIDTH_M1", 7).set("OFM_BLK_DEPTH_M1", 15);
        int bits = Math.min(16, 8 * m.bytes());
        int least = m.type < 0 ? -(1 << bits - 1) : 0;
        set("ACTIVATION", 0).set("ACTIVATION_MIN", least & 0xffff);
        return set("ACTIVATION_MAX", least + (1 << bits) - 1 & 0xffff);
    }

    /** A window without dilation; padding at the top, left, bottom, right. */
    public StreamWriter window(int height, int width, int strideY, int strideX, int... padding) {
        set("KERNEL_HEIGHT_M1", height - 1).set("KERNEL_WIDTH_M1", width - 1);
        set(
                "KERNEL_STRIDE",
                strideX - 1 & 1 | (strideY - 1 & 1) << 1 | (strideX - 1 >> 1) << 6 | (strideY - 1 >> 1) << 9);
        set("IFM_PAD_TOP", padding[0]).set("IFM_PAD_LEFT", padding[1]);
        return set("IFM_PAD_BOTTOM", padding[2]).set("IFM_PAD_RIGHT", padding[3]);
    }

    /** Copies bytes; a region of {@link Operation#INSIDE} is the device's own memory. */
    public StreamWriter copy(int fromRegion, long from, int toRegion, long to, long bytes) {
        set("DMA0_SRC_REGION", fromRegion == Operation.INSIDE ? 0x100 : fromRegion)
                .set("DMA0_SRC", from);
        set("DMA0_DST_REGION", toRegion == Operation.INSIDE ? 0x100 : toRegion).set("DMA0_DST", to);
        return set("DMA0_LEN", bytes).set("OP_DMA_START", 0).set("OP_DMA_WAIT", 0);
    }

    /** The words, with the end. */
    public MemorySegment words() {
        int[] all = new int[words.size() + 1];
        for (int i = 0; i < words.size(); i++) all[i] = words.get(i);
        all[words.size()] = 0xffff0000;
        return MemorySegment.ofArray(all);
    }

    /** The stream. */
    public CommandStream stream() {
        return CommandStream.ofWords(words());
    }
}
