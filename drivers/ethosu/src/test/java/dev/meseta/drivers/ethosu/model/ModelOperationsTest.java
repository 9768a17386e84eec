package dev.meseta.drivers.ethosu.model;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.commands.StreamWriter;
import dev.meseta.drivers.ethosu.commands.StreamWriter.Map;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Operations that networks rarely use, by streams written by hand. */
final class ModelOperationsTest {
    private static final int ONE_SCALE = 0x100;
    private static final int GREATEST = 0;
    private static final int SUMS = 1;
    private static final int MUL = 0;
    private static final int LESSER = 3;
    private static final int NUMBER = 1 << 7;

    private static final int NEAREST = 1;
    private static final int ZEROS = 2;

    private static byte[] run(StreamWriter stream, byte[] constants, byte[] maps) {
        DeviceModel.run(stream.stream(), MemorySegment.ofArray(constants), MemorySegment.ofArray(maps));
        return maps;
    }

    /** A pool of one element over an operand of 2×3 that is upscaled to 4×6, with the result behind it. */
    private static byte[] upscaled(int way, int mode, int window, int... padding) {
        byte[] maps = new byte[6 + 24];
        for (int i = 0; i < 6; i++) maps[i] = (byte) (i + 1);
        return run(
                new StreamWriter()
                        .first(new Map(1, 0, 2, 3, 1, -1))
                        .set("IFM_UPSCALE", way)
                        .result(new Map(1, 6, 4, 6, 1, -1), mode == SUMS ? ONE_SCALE : 0)
                        .window(window, window, 1, 1, padding)
                        .set("OFM_SCALE", 1, 0)
                        .set("OP_POOL", mode),
                new byte[0],
                maps);
    }

    @Test
    void elementsAreRepeated() {
        byte[] maps = upscaled(NEAREST, GREATEST, 1, 0, 0, 0, 0);
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 6; x++) assertEquals(1 + y / 2 * 3 + x / 2, maps[6 + 6 * y + x]);
    }

    @Test
    void zerosStandBetween() {
        byte[] maps = upscaled(ZEROS, SUMS, 1, 0, 0, 0, 0);
        for (int y = 0; y < 4; y++) {
            for (int x = 0; x < 6; x++) {
                int expected = y % 2 == 0 && x % 2 == 0 ? 1 + y / 2 * 3 + x / 2 : 0;
                assertEquals(expected, maps[6 + 6 * y + x], y + ", " + x);
            }
        }
    }

    /** Sums of 3×3 over zeros between: a transposed convolution with weights of 1, whose odd places see two or four elements. */
    @Test
    void windowsReachOverWhatStandsBetween() {
        byte[] maps = upscaled(ZEROS, SUMS, 3, 1, 1, 1, 1);
        for (int y = 0; y < 4; y++) {
            for (int x = 0; x < 6; x++) {
                int sum = 0;
                for (int a = y - 1; a <= y + 1; a++) {
                    for (int b = x - 1; b <= x + 1; b++) {
                        if (a >= 0 && a < 4 && b >= 0 && b < 6 && a % 2 == 0 && b % 2 == 0)
                            sum += 1 + a / 2 * 3 + b / 2;
                    }
                }
                assertEquals(sum, maps[6 + 6 * y + x], y + ", " + x);
            }
        }
    }

    /** Averages over 2×2 of an operand that is repeated, at the edges over what is there: a bilinear resize. */
    @Test
    void averagesDivideByWhatIsThere() {
        int[] values = {-7, 4, 2, 5, -1, 8};
        for (int rounding : new int[] {0, 2}) {
            byte[] maps = new byte[6 + 24];
            for (int i = 0; i < 6; i++) maps[i] = (byte) values[i];
            run(
                    new StreamWriter()
                            .first(new Map(1, 0, 2, 3, 1, -1))
                            .set("IFM_UPSCALE", NEAREST)
                            .result(new Map(1, 6, 4, 6, 1, -1), rounding << 14)
                            .window(2, 2, 1, 1, 0, 0, 1, 1)
                            .set("OP_POOL", SUMS),
                    new byte[0],
                    maps);
            for (int y = 0; y < 4; y++) {
                for (int x = 0; x < 6; x++) {
                    double sum = 0;
                    int count = 0;
                    for (int a = y; a < Math.min(4, y + 2); a++) {
                        for (int b = x; b < Math.min(6, x + 2); b++) {
                            sum += values[a / 2 * 3 + b / 2];
                            count++;
                        }
                    }
                    double exact = sum / count;
                    double away = Math.signum(exact) * Math.floor(Math.abs(exact) + 0.5);
                    double expected = rounding == 0 ? away : Math.floor(exact + 0.5);
                    assertEquals((int) expected, maps[6 + 6 * y + x], y + ", " + x + " by " + rounding);
                }
            }
        }
    }

    @Test
    void anUnknownUpscalingIsRefused() {
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> upscaled(3, GREATEST, 1, 0, 0, 0, 0));
        assertTrue(e.getMessage().contains("unknown way 3"), e.getMessage());
    }

    private static StreamWriter throughTable(Map in, Map out, int activation) {
        return new StreamWriter()
                .copy(0, 0, Operation.INSIDE, Operation.INSIDE_BYTES - 2048, 2048)
                .first(in)
                .result(out, ONE_SCALE)
                .set("IFM2_BROADCAST", NUMBER)
                .set("IFM2_SCALAR", 0x7fff)
                .set("IFM2_ZERO_POINT", 0)
                .set("ACTIVATION", activation)
                .set("OFM_SCALE", 1, 0)
                .set("OP_ELEMENTWISE", LESSER);
    }

    /** As TFLite looks up 16 bits: between the entries for value / 128 and the next, rounded. */
    @Test
    void tablesOf16BitsAreLines() {
        Random random = new Random(3);
        short[] points = new short[513];
        for (int i = 0; i < points.length; i++) points[i] = (short) (i * 100 - 25_600 + random.nextInt(200));
        MemorySegment table = MemorySegment.ofArray(new byte[2048]);
        for (int i = 0; i < 512; i++) {
            table.set(JAVA_INT_UNALIGNED, 4L * i, points[i] & 0xffff | points[i + 1] - points[i] << 16);
        }
        int n = 1000;
        byte[] maps = new byte[4 * n];
        MemorySegment memory = MemorySegment.ofArray(maps);
        short[] values = new short[n];
        for (int i = 0; i < n; i++) {
            values[i] = (short) (i < 2 ? -32768 + 65535 * i : random.nextInt());
            memory.set(JAVA_SHORT_UNALIGNED, 2L * i, values[i]);
        }
        run(
                throughTable(new Map(1, 0, 1, 1, n, -2), new Map(1, 2L * n, 1, 1, n, -2), 16),
                table.toArray(ValueLayout.JAVA_BYTE),
                maps);
        for (int i = 0; i < n; i++) {
            int at = values[i] + 32768 >> 7;
            int expected = points[at] + ((points[at + 1] - points[at]) * (values[i] & 127) + 64 >> 7);
            assertEquals(expected, memory.get(JAVA_SHORT_UNALIGNED, 2L * (n + i)), "of " + values[i]);
        }
    }

    /** A table of 32 bits takes four slots: the second one begins at slot 4. */
    @Test
    void tablesAreNamedByTheirFirstSlot() {
        byte[] tables = new byte[2048];
        MemorySegment t = MemorySegment.ofArray(tables);
        for (int i = 0; i < 512; i++) t.set(JAVA_INT_UNALIGNED, 4L * i, 1_000_000 * (i / 256) + i % 256);
        byte[] maps = new byte[1 + 4];
        maps[0] = 5;
        int forcedToBytes = 3 << 12;
        StreamWriter s = throughTable(new Map(1, 0, 1, 1, 1, -1), new Map(1, 1, 1, 1, 1, -4), forcedToBytes | 16 + 4);
        s = s.set("ACTIVATION_MIN", -128 & 0xffff).set("ACTIVATION_MAX", 127).set("OP_ELEMENTWISE", LESSER);
        run(s, tables, maps);
        assertEquals(1_000_000 + 133, MemorySegment.ofArray(maps).get(JAVA_INT_UNALIGNED, 1));
        assertThrows(
                InvalidInputException.class,
                () -> run(
                        throughTable(new Map(1, 0, 1, 1, 1, -1), new Map(1, 1, 1, 1, 1, -4), forcedToBytes | 16 + 5),
                        tables,
                        new byte[] {100, 0, 0, 0, 0}));
    }

    @Test
    void functionsOfTheDeviceAreRefusedByName() {
        InvalidInputException e = assertThrows(
                InvalidInputException.class,
                () -> run(
                        throughTable(new Map(1, 0, 1, 1, 1, -2), new Map(1, 2, 1, 1, 1, -2), 3),
                        new byte[2048],
                        new byte[4]));
        assertTrue(e.getMessage().contains("function 3"), e.getMessage());
    }

    /** A product of 32 bits is shifted as a whole; the factor of its scale counts for nothing. */
    @Test
    void productsOf32BitsAreShifted() {
        Random random = new Random(9);
        for (int i = 0; i < 2000; i++) {
            int shift = random.nextInt(63);
            int rounding = random.nextInt(3);
            int x = random.nextInt() >> random.nextInt(32);
            int y = random.nextInt() >> random.nextInt(32);
            MemorySegment maps = MemorySegment.ofArray(new byte[12]);
            maps.set(JAVA_INT_UNALIGNED, 0, x);
            maps.set(JAVA_INT_UNALIGNED, 4, y);
            StreamWriter s = new StreamWriter()
                    .first(new Map(1, 0, 1, 1, 1, -4))
                    .second(new Map(1, 4, 1, 1, 1, -4), 0)
                    .result(new Map(1, 8, 1, 1, 1, -4), ONE_SCALE | rounding << 14)
                    .set("OFM_SCALE", random.nextInt() & 0xffff_ffffL, shift)
                    .set("OP_ELEMENTWISE", MUL);
            DeviceModel.run(s.stream(), MemorySegment.NULL, maps);
            int expected = shifted(BigInteger.valueOf(x).multiply(BigInteger.valueOf(y)), shift, rounding);
            assertEquals(expected, maps.get(JAVA_INT_UNALIGNED, 8), x + " · " + y + " >> " + shift + " by " + rounding);
        }
    }

    /** Rounded at one place, with ties upwards, or not at all; or first at 31, and then ties away from 0. */
    private static int shifted(BigInteger product, int shift, int rounding) {
        if (shift == 0) return product.intValue();
        if (rounding == 1) return product.shiftRight(shift).intValue();
        if (rounding == 2 || shift <= 31) {
            return product.add(BigInteger.ONE.shiftLeft(shift - 1))
                    .shiftRight(shift)
                    .intValue();
        }
        BigInteger high = product.add(BigInteger.ONE.shiftLeft(30)).shiftRight(31);
        BigInteger half = BigInteger.ONE.shiftLeft(shift - 32);
        BigInteger magnitude = high.abs().add(half).shiftRight(shift - 31);
        return (high.signum() < 0 ? magnitude.negate() : magnitude).intValue();
    }

    @Test
    void copiesInSeveralDimensionsAreRefused() {
        StreamWriter s = new StreamWriter()
                .set("DMA0_SRC_REGION", 1 | 1 << 9)
                .set("DMA0_SRC", 0)
                .set("DMA0_DST_REGION", 1)
                .set("DMA0_DST", 0)
                .set("DMA0_LEN", 1)
                .set("OP_DMA_START", 0);
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> run(s, new byte[1], new byte[1]));
        assertTrue(e.getMessage().contains("2 dimensions"), e.getMessage());
    }

    /** What registers claim is refused before it is allocated: an operand of 2³² elements that all lie in one byte. */
    @Test
    void hugeOperandsAreRefused() {
        Map one = new Map(1, 0, 1, 1, 1, -1);
        StreamWriter s = new StreamWriter().first(one).result(one, ONE_SCALE).window(1, 1, 1, 1, 0, 0, 0, 0);
        s = s.set("OFM_HEIGHT_M1", 65535)
                .set("OFM_WIDTH_M1", 65535)
                .set("IFM_STRIDE_X", 0)
                .set("IFM_STRIDE_Y", 0);
        s = s.set("OFM_STRIDE_X", 0)
                .set("OFM_STRIDE_Y", 0)
                .set("OFM_SCALE", 1, 0)
                .set("OFM_HEIGHT0_M1", 65535);
        StreamWriter huge = s.set("OFM_WIDTH0_M1", 65535)
                .set("IFM_HEIGHT0_M1", 65535)
                .set("IFM_WIDTH0_M1", 65535)
                .set("OP_POOL", SUMS);
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> run(huge, new byte[0], new byte[1]));
        assertTrue(e.getMessage().contains("does not"), e.getMessage());
        assertArrayEquals(new byte[] {9}, run(new StreamWriter().copy(1, 0, 1, 0, 1), new byte[0], new byte[] {9}));
    }
}
