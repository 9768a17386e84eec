package dev.meseta.drivers.ethosu.model;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.meseta.drivers.ethosu.commands.Opcode;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.linux.EthosuRequests;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What the kernel makes of a command stream when it is handed one: how far each region is used, by a calculation of its own. It is coarser than
 * {@link dev.meseta.drivers.ethosu.commands.Checker}, and not always above it: elements of several bytes, upscaling, and numbers as operands
 * count in other ways there. A job must satisfy both. What the kernel does not know it passes over.
 *
 * @param bytes that each region must have; 0 for one that is not used, for which a job must not name memory
 * @param written whether the region is written
 */
public record StreamUse(long[] bytes, boolean[] written) {
    private static final int WITH_PAYLOAD = 0x4000;
    private static final int NUMBERS = 0x400;
    private static final int UNSET = -1;

    /** Reads a stream. Throws {@link InvalidInputException} where the kernel answers that an argument is invalid. */
    public static StreamUse of(MemorySegment words) {
        Reader r = new Reader();
        long count = words.byteSize() / 4;
        for (long i = 0; i < count; i++) {
            int word = words.get(JAVA_INT_UNALIGNED, 4 * i);
            int command = word & 0xffff;
            int parameter = word >>> 16;
            if ((command & WITH_PAYLOAD) != 0) {
                if (++i == count) throw new InvalidInputException("the last command is cut off");
                long payload = words.get(JAVA_INT_UNALIGNED, 4 * i) & 0xffff_ffffL;
                if (command - WITH_PAYLOAD < NUMBERS) {
                    r.large[command - WITH_PAYLOAD] = payload | (long) (parameter & 0xff) << 32;
                }
            } else if (command < NUMBERS) {
                r.small[command] = parameter;
                r.operation(command, parameter);
            }
        }
        return r.use;
    }

    /** Registers as they are; -1 where they were never set. */
    private static final class Reader {
        private final int[] small = new int[NUMBERS];
        private final long[] large = new long[NUMBERS];
        private final StreamUse use =
                new StreamUse(new long[EthosuRequests.REGIONS], new boolean[EthosuRequests.REGIONS]);

        Reader() {
            Arrays.fill(small, UNSET);
            Arrays.fill(large, UNSET);
        }

        private static int number(String register) {
            return Opcode.of(register).number() & NUMBERS - 1;
        }

        private int get(String register) {
            return small[Opcode.of(register).number()];
        }

        private int set(String register) {
            int v = get(register);
            if (v == UNSET) throw new InvalidInputException(register + " is not set");
            return v;
        }

        private long address(String register) {
            long v = large[number(register)];
            if (v == UNSET) throw new InvalidInputException(register + " is not set");
            return v;
        }

        void operation(int command, int parameter) {
            if (command == Opcode.of("OP_DMA_START").number()) {
                copy("DMA0_SRC_REGION", "DMA0_SRC", false);
                copy("DMA0_DST_REGION", "DMA0_DST", true);
            } else if (command == Opcode.of("OP_CONV").number()
                    || command == Opcode.of("OP_DEPTHWISE").number()) {
                window();
                range("WEIGHT_REGION", "WEIGHT_BASE", "WEIGHT_LENGTH");
                result();
            } else if (command == Opcode.of("OP_POOL").number()) {
                window();
                result();
            } else if (command == Opcode.of("OP_ELEMENTWISE").number()) {
                reach("IFM_", set("OFM_WIDTH_M1"), set("OFM_HEIGHT_M1"), set("OFM_DEPTH_M1"));
                boolean unary = parameter >= 5 && parameter <= 7;
                if (!unary) {
                    int broadcast = get("IFM2_BROADCAST");
                    reach(
                            "IFM2_",
                            (broadcast & 2) != 0 ? 0 : set("OFM_WIDTH_M1"),
                            (broadcast & 1) != 0 ? 0 : set("OFM_HEIGHT_M1"),
                            (broadcast & 4) != 0 ? 0 : set("OFM_DEPTH_M1"));
                }
                result();
            }
        }

        private void copy(String region, String from, boolean writes) {
            int register = set(region);
            if ((register & 0x100) != 0) return;
            use(register & 7, address(from) + address("DMA0_LEN"));
            if (writes) use.written[register & 7] = true;
        }

        private void window() {
            int stride = set("KERNEL_STRIDE");
            int strideY = (stride >> 8 & 2) + (stride >> 1 & 1) + 1;
            int strideX = (stride >> 5 & 2) + (stride & 1) + 1;
            int height = set("OFM_HEIGHT_M1") * strideY
                    + set("KERNEL_HEIGHT_M1")
                    - (set("IFM_PAD_TOP") & 0x7f)
                    - (set("IFM_PAD_BOTTOM") & 0xff);
            int width = set("OFM_WIDTH_M1") * strideX
                    + set("KERNEL_WIDTH_M1")
                    - (set("IFM_PAD_LEFT") & 0x7f)
                    - (set("IFM_PAD_RIGHT") & 0xff);
            reach("IFM_", width, height, set("IFM_DEPTH_M1"));
            boolean scales = (set("OFM_PRECISION") & 0x100) == 0;
            if (scales) range("SCALE_REGION", "SCALE_BASE", "SCALE_LENGTH");
        }

        private void range(String region, String base, String length) {
            use(set(region) & 7, address(base) + (address(length) & 0xffff_ffffL));
        }

        private void result() {
            reach("OFM_", set("OFM_WIDTH_M1"), set("OFM_HEIGHT_M1"), set("OFM_DEPTH_M1"));
            use.written[set("OFM_REGION") & 7] = true;
        }

        /** Counts up to the byte in which an element begins: the last one of a feature map. */
        private void reach(String map, int lastX, int lastY, int lastC) {
            int precision = set(map + "PRECISION");
            int tile = 0;
            long x = lastX;
            long y = lastY;
            int[] heights = {get(map + "HEIGHT0_M1") & 0xffff, get(map + "HEIGHT1_M1") & 0xffff};
            // Of a result, these bits say how it is rounded; the kernel takes them for an arrangement of tiles all the
            // same.
            switch (precision >> 14) {
                case 0 -> {
                    int width0 = (get(map + "WIDTH0_M1") & 0xffff) + 1;
                    if (x >= width0) {
                        x -= width0;
                        tile = 1;
                    }
                    if (y >= heights[tile] + 1) {
                        y -= heights[tile] + 1;
                        tile += 2;
                    }
                }
                case 1 -> {
                    if (y >= heights[1] + 1) {
                        y -= heights[1] + 1;
                        tile = 2;
                    } else if (y >= heights[0] + 1) {
                        y -= heights[0] + 1;
                        tile = 1;
                    }
                }
                default -> {}
            }
            long base = large[number(map + "BASE0") + tile];
            if (base == UNSET) throw new InvalidInputException("tile " + tile + " of an operand has no base");
            int first = number(map + "STRIDE_X");
            long at = base + y * stride(first + 1);
            if ((precision >> 6 & 3) == 0) {
                at += x * stride(first) + lastC;
            } else {
                at += lastC / 16 * stride(first + 2) + (16 * x + (lastC & 15)) * (1L << (precision >> 1 & 3));
            }
            use(set(map + "REGION") & 7, at + 1);
        }

        private long stride(int register) {
            return large[register] << 24 >> 24;
        }

        private void use(int region, long bytes) {
            use.bytes[region] = Math.max(use.bytes[region], bytes);
        }
    }
}
