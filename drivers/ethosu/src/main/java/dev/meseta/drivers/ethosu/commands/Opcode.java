package dev.meseta.drivers.ethosu.commands;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The commands of Ethos-U65. Those that begin with {@code OP_} do something with the registers that the others set. A register keeps its
 * value until it is set again.
 */
public enum Opcode {
    OP_STOP(0x000, false),
    OP_IRQ(0x001, false),
    OP_CONV(0x002, false),
    OP_DEPTHWISE(0x003, false),
    OP_POOL(0x005, false),
    OP_ELEMENTWISE(0x006, false),
    OP_DMA_START(0x010, false),
    OP_DMA_WAIT(0x011, false),
    OP_KERNEL_WAIT(0x012, false),
    OP_PMU_MASK(0x013, false),
    IFM_PAD_TOP(0x100, false),
    IFM_PAD_LEFT(0x101, false),
    IFM_PAD_RIGHT(0x102, false),
    IFM_PAD_BOTTOM(0x103, false),
    IFM_DEPTH_M1(0x104, false),
    IFM_PRECISION(0x105, false),
    IFM_UPSCALE(0x107, false),
    IFM_ZERO_POINT(0x109, false),
    IFM_WIDTH0_M1(0x10a, false),
    IFM_HEIGHT0_M1(0x10b, false),
    IFM_HEIGHT1_M1(0x10c, false),
    IFM_IB_END(0x10d, false),
    IFM_REGION(0x10f, false),
    OFM_WIDTH_M1(0x111, false),
    OFM_HEIGHT_M1(0x112, false),
    OFM_DEPTH_M1(0x113, false),
    OFM_PRECISION(0x114, false),
    OFM_BLK_WIDTH_M1(0x115, false),
    OFM_BLK_HEIGHT_M1(0x116, false),
    OFM_BLK_DEPTH_M1(0x117, false),
    OFM_ZERO_POINT(0x118, false),
    OFM_WIDTH0_M1(0x11a, false),
    OFM_HEIGHT0_M1(0x11b, false),
    OFM_HEIGHT1_M1(0x11c, false),
    OFM_REGION(0x11f, false),
    KERNEL_WIDTH_M1(0x120, false),
    KERNEL_HEIGHT_M1(0x121, false),
    KERNEL_STRIDE(0x122, false),
    PARALLEL_MODE(0x123, false),
    ACC_FORMAT(0x124, false),
    ACTIVATION(0x125, false),
    ACTIVATION_MIN(0x126, false),
    ACTIVATION_MAX(0x127, false),
    WEIGHT_REGION(0x128, false),
    SCALE_REGION(0x129, false),
    AB_START(0x12d, false),
    BLOCKDEP(0x12f, false),
    DMA0_SRC_REGION(0x130, false),
    DMA0_DST_REGION(0x131, false),
    DMA0_SIZE0(0x132, false),
    DMA0_SIZE1(0x133, false),
    IFM2_BROADCAST(0x180, false),
    IFM2_SCALAR(0x181, false),
    IFM2_PRECISION(0x185, false),
    IFM2_ZERO_POINT(0x189, false),
    IFM2_WIDTH0_M1(0x18a, false),
    IFM2_HEIGHT0_M1(0x18b, false),
    IFM2_HEIGHT1_M1(0x18c, false),
    IFM2_IB_START(0x18d, false),
    IFM2_REGION(0x18f, false),
    IFM_BASE0(0x000, true),
    IFM_BASE1(0x001, true),
    IFM_BASE2(0x002, true),
    IFM_BASE3(0x003, true),
    IFM_STRIDE_X(0x004, true),
    IFM_STRIDE_Y(0x005, true),
    IFM_STRIDE_C(0x006, true),
    OFM_BASE0(0x010, true),
    OFM_BASE1(0x011, true),
    OFM_BASE2(0x012, true),
    OFM_BASE3(0x013, true),
    OFM_STRIDE_X(0x014, true),
    OFM_STRIDE_Y(0x015, true),
    OFM_STRIDE_C(0x016, true),
    WEIGHT_BASE(0x020, true),
    WEIGHT_LENGTH(0x021, true),
    SCALE_BASE(0x022, true),
    SCALE_LENGTH(0x023, true),
    OFM_SCALE(0x024, true),
    OPA_SCALE(0x025, true),
    OPB_SCALE(0x026, true),
    DMA0_SRC(0x030, true),
    DMA0_DST(0x031, true),
    DMA0_LEN(0x032, true),
    DMA0_SKIP0(0x033, true),
    DMA0_SKIP1(0x034, true),
    IFM2_BASE0(0x080, true),
    IFM2_BASE1(0x081, true),
    IFM2_BASE2(0x082, true),
    IFM2_BASE3(0x083, true),
    IFM2_STRIDE_X(0x084, true),
    IFM2_STRIDE_Y(0x085, true),
    IFM2_STRIDE_C(0x086, true),
    WEIGHT1_BASE(0x090, true),
    WEIGHT1_LENGTH(0x091, true),
    SCALE1_BASE(0x092, true),
    SCALE1_LENGTH(0x093, true);

    private static final Map<Integer, Opcode> SHORT = new HashMap<>();
    private static final Map<Integer, Opcode> LONG = new HashMap<>();

    static {
        for (Opcode o : values()) (o.payload ? LONG : SHORT).put(o.number, o);
    }

    private final int number;
    private final boolean payload;

    Opcode(int number, boolean payload) {
        this.number = number;
        this.payload = payload;
    }

    /** The ten bits that name it. */
    public int number() {
        return number;
    }

    /** Whether a word of 32 bits follows, whose upper eight bits are in the command's parameter. */
    public boolean hasPayload() {
        return payload;
    }

    /** Whether it does something; otherwise it sets a register. */
    public boolean isOperation() {
        return name().startsWith("OP_");
    }

    static @Nullable Opcode find(int number, boolean payload) {
        return (payload ? LONG : SHORT).get(number);
    }
}
