package dev.meseta.drivers.ethosu.commands;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A command of Ethos-U65. Those whose names begin with {@code OP_} do something with the registers that the others set. A register keeps its
 * value until it is set again.
 *
 * @param number the 16 bits that name it
 */
public record Opcode(String name, int number) {
    /** In each row, names of commands that follow each other from a number on; a dash stands for a number that names none. */
    private static final String TABLE = """
            0000 OP_STOP OP_IRQ OP_CONV OP_DEPTHWISE - OP_POOL OP_ELEMENTWISE
            0010 OP_DMA_START OP_DMA_WAIT OP_KERNEL_WAIT OP_PMU_MASK
            0100 IFM_PAD_TOP IFM_PAD_LEFT IFM_PAD_RIGHT IFM_PAD_BOTTOM IFM_DEPTH_M1 IFM_PRECISION - IFM_UPSCALE
            0109 IFM_ZERO_POINT IFM_WIDTH0_M1 IFM_HEIGHT0_M1 IFM_HEIGHT1_M1 IFM_IB_END - IFM_REGION
            0111 OFM_WIDTH_M1 OFM_HEIGHT_M1 OFM_DEPTH_M1 OFM_PRECISION
            0115 OFM_BLK_WIDTH_M1 OFM_BLK_HEIGHT_M1 OFM_BLK_DEPTH_M1
            0118 OFM_ZERO_POINT - OFM_WIDTH0_M1 OFM_HEIGHT0_M1 OFM_HEIGHT1_M1 - - OFM_REGION
            0120 KERNEL_WIDTH_M1 KERNEL_HEIGHT_M1 KERNEL_STRIDE PARALLEL_MODE
            0124 ACC_FORMAT ACTIVATION ACTIVATION_MIN ACTIVATION_MAX
            0128 WEIGHT_REGION SCALE_REGION - - - AB_START - BLOCKDEP
            0130 DMA0_SRC_REGION DMA0_DST_REGION DMA0_SIZE0 DMA0_SIZE1
            0180 IFM2_BROADCAST IFM2_SCALAR - - - IFM2_PRECISION
            0189 IFM2_ZERO_POINT IFM2_WIDTH0_M1 IFM2_HEIGHT0_M1 IFM2_HEIGHT1_M1 IFM2_IB_START - IFM2_REGION
            4000 IFM_BASE0 IFM_BASE1 IFM_BASE2 IFM_BASE3 IFM_STRIDE_X IFM_STRIDE_Y IFM_STRIDE_C
            4010 OFM_BASE0 OFM_BASE1 OFM_BASE2 OFM_BASE3 OFM_STRIDE_X OFM_STRIDE_Y OFM_STRIDE_C
            4020 WEIGHT_BASE WEIGHT_LENGTH SCALE_BASE SCALE_LENGTH OFM_SCALE OPA_SCALE OPB_SCALE
            4030 DMA0_SRC DMA0_DST DMA0_LEN DMA0_SKIP0 DMA0_SKIP1
            4080 IFM2_BASE0 IFM2_BASE1 IFM2_BASE2 IFM2_BASE3 IFM2_STRIDE_X IFM2_STRIDE_Y IFM2_STRIDE_C
            4090 WEIGHT1_BASE WEIGHT1_LENGTH SCALE1_BASE SCALE1_LENGTH
            """;

    private static final int WITH_PAYLOAD = 0x4000;
    private static final Map<String, Opcode> BY_NAME = new LinkedHashMap<>();
    private static final Map<Integer, Opcode> BY_NUMBER = new HashMap<>();

    static {
        for (String line : TABLE.lines().toList()) {
            String[] row = line.split(" ");
            for (int i = 1; i < row.length; i++) {
                if (row[i].equals("-")) continue;
                Opcode o = new Opcode(row[i], Integer.parseInt(row[0], 16) + i - 1);
                BY_NAME.put(o.name, o);
                BY_NUMBER.put(o.number, o);
            }
        }
    }

    /** The command of a name. Throws {@link IllegalArgumentException} for a name that the table does not have. */
    public static Opcode of(String name) {
        Opcode o = BY_NAME.get(name);
        if (o == null) throw new IllegalArgumentException("there is no command " + name);
        return o;
    }

    /** All commands, by number. */
    public static Collection<Opcode> all() {
        return BY_NAME.values();
    }

    static @Nullable Opcode find(int number) {
        return BY_NUMBER.get(number);
    }

    /** Whether a word of 32 bits follows, whose upper eight bits are in the command's parameter. */
    public boolean hasPayload() {
        return (number & WITH_PAYLOAD) != 0;
    }

    /** Whether it does something; otherwise it sets a register. */
    public boolean isOperation() {
        return name.startsWith("OP_");
    }

    @Override
    public String toString() {
        return name;
    }
}
