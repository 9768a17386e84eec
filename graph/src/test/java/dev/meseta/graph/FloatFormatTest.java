package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The narrow formats: every code, every boundary between codes, and the ends. */
class FloatFormatTest {
    @ParameterizedTest
    @EnumSource(names = {"F8E4M3FN", "F8E4M3FNUZ", "F8E5M2", "F8E5M2FNUZ", "F8E8M0", "F4E2M1"})
    void everyCodeComesBack(DType dtype) {
        FloatFormat f = FloatFormat.of(dtype);
        for (int code = 0; code < 1 << dtype.bits(); code++) {
            double v = f.decode(code);
            if (Double.isNaN(v)) {
                assertTrue(Double.isNaN(f.decode(f.encode(v, true))));
                assertTrue(Double.isNaN(f.decode(f.encode(v, false))));
            } else {
                assertEquals(code, f.encode(v, false), dtype + " " + v);
                if (Double.isFinite(v)) assertEquals(code, f.encode(v, true), dtype + " " + v);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F8E4M3FN", "F8E4M3FNUZ", "F8E5M2", "F8E5M2FNUZ", "F4E2M1"})
    void betweenTwoCodesTheNearerWinsAndTiesGoToEven(DType dtype) {
        FloatFormat f = FloatFormat.of(dtype);
        for (int code = 0; f.decode(code) < f.largest(); code++) {
            double low = f.decode(code);
            double middle = (low + f.decode(code + 1)) / 2;
            for (int sign : new int[] {1, -1}) {
                assertEquals(sign * f.decode(code) + 0.0, f.decode(f.encode(sign * Math.nextDown(middle), true)) + 0.0);
                assertEquals(sign * f.decode(code + 1), f.decode(f.encode(sign * Math.nextUp(middle), true)));
                int even = (code & 1) == 0 ? code : code + 1;
                assertEquals(sign * f.decode(even) + 0.0, f.decode(f.encode(sign * middle, true)) + 0.0);
            }
        }
    }

    @Test
    void scalesRoundUpOnTiesAndByDirection() {
        FloatFormat f = FloatFormat.of(DType.F8E8M0);
        for (int code = 0; code < 254; code++) {
            double low = Math.scalb(1.0, code - 127);
            assertEquals(low, f.decode(code));
            assertEquals(code, f.encode(Math.nextDown(1.5 * low), true));
            assertEquals(code + 1, f.encode(1.5 * low, true));
            assertEquals(code, f.encodeUp(low));
            assertEquals(code + 1, f.encodeUp(Math.nextUp(low)));
            assertEquals(code, f.encodeDown(Math.nextDown(2 * low)));
            assertEquals(code + 1, f.encodeDown(2 * low));
        }
        assertEquals(254, f.encode(Double.POSITIVE_INFINITY, true));
        assertEquals(255, f.encode(Double.POSITIVE_INFINITY, false));
        assertEquals(254, f.encodeUp(1e300));
        assertEquals(0, f.encodeDown(0));
        assertEquals(0, f.encode(0, true));
        assertEquals(255, f.encode(0, false));
        assertEquals(255, f.encode(-1, true));
        assertEquals(255, f.encodeUp(-1));
        assertThrows(
                IllegalStateException.class, () -> FloatFormat.of(DType.F8E5M2).encodeUp(1));
    }

    @ParameterizedTest
    @CsvSource({
        "F8E4M3FN, 448, 0x7e, 0x7f",
        "F8E4M3FNUZ, 240, 0x7f, 0x80",
        "F8E5M2, 57344, 0x7b, 0x7c",
        "F8E5M2FNUZ, 57344, 0x7f, 0x80",
        "F4E2M1, 6, 0x7, 0x7",
    })
    void beyondTheLargest(DType dtype, double largest, String saturated, String overflowed) {
        FloatFormat f = FloatFormat.of(dtype);
        assertEquals(largest, f.largest());
        int sign = 1 << (dtype.bits() - 1);
        for (double v : new double[] {largest * 1.5, 1e30, Double.POSITIVE_INFINITY}) {
            assertEquals(Integer.decode(saturated), f.encode(v, true));
            assertEquals(Integer.decode(saturated) | sign, f.encode(-v, true));
            assertEquals(Integer.decode(overflowed), f.encode(v, false));
            assertEquals(Integer.decode(overflowed) | sign, f.encode(-v, false));
        }
    }

    @Test
    void aTieAtTheTopGoesToTheEvenCode() {
        // 448 has the even code 0x7e; 57344's 0x7b is odd, the infinity behind it is even.
        assertEquals(0x7e, FloatFormat.of(DType.F8E4M3FN).encode(464, false));
        assertEquals(0x7f, FloatFormat.of(DType.F8E4M3FN).encode(Math.nextUp(464.0), false));
        assertEquals(0x7b, FloatFormat.of(DType.F8E5M2).encode(Math.nextDown(61440.0), false));
        assertEquals(0x7c, FloatFormat.of(DType.F8E5M2).encode(61440, false));
    }

    @Test
    void zerosAndNaNs() {
        assertEquals(0x80, FloatFormat.of(DType.F8E4M3FN).encode(-0.0, true));
        assertEquals(0x80, FloatFormat.of(DType.F8E5M2).encode(-0.0, true));
        assertEquals(0, FloatFormat.of(DType.F8E4M3FNUZ).encode(-0.0, true));
        assertEquals(0, FloatFormat.of(DType.F8E5M2FNUZ).encode(-1e-30, true));
        assertEquals(0x80, FloatFormat.of(DType.F8E5M2FNUZ).encode(Double.NaN, true));
        assertEquals(0x8, FloatFormat.of(DType.F4E2M1).encode(Double.NaN, true));
        assertEquals(0x8, FloatFormat.of(DType.F4E2M1).encode(-0.0, true));
        assertThrows(IllegalArgumentException.class, () -> FloatFormat.of(DType.F16));
    }

    @Test
    void sixteenBitsComeBackFromEveryCode() {
        for (int code = 0; code < 1 << 16; code++) {
            float half = Float.float16ToFloat((short) code);
            if (!Float.isNaN(half)) assertEquals((short) code, FloatFormat.doubleToF16(half));
            float brain = FloatFormat.bf16ToFloat((short) code);
            if (!Float.isNaN(brain)) assertEquals((short) code, FloatFormat.doubleToBf16(brain));
        }
        assertTrue(Float.isNaN(FloatFormat.bf16ToFloat(FloatFormat.doubleToBf16(Double.NaN))));
        // A NaN whose payload lies in the low half alone stays a NaN.
        assertTrue(Float.isNaN(FloatFormat.bf16ToFloat(FloatFormat.floatToBf16(Float.intBitsToFloat(0x7f800001)))));
    }

    @Test
    void doublesRoundOnce() {
        // The middle between two codes and a little: as a float first, the little would be lost and the tie would go
        // down.
        for (int code = 1; code < 0x7bff; code += 2) {
            double low = Float.float16ToFloat((short) (code - 1));
            double middle = (low + Float.float16ToFloat((short) code)) / 2;
            assertEquals(code, FloatFormat.doubleToF16(Math.nextUp(middle)));
            assertEquals((short) (code | 0x8000), FloatFormat.doubleToF16(-Math.nextUp(middle)));
            assertEquals(code - 1, FloatFormat.doubleToF16(middle));
        }
        for (int code = 1; code < 0x7f80; code += 2) {
            double low = FloatFormat.bf16ToFloat((short) (code - 1));
            double middle = (low + FloatFormat.bf16ToFloat((short) code)) / 2;
            assertEquals(code, FloatFormat.doubleToBf16(Math.nextUp(middle)));
            assertEquals(code - 1, FloatFormat.doubleToBf16(middle));
        }
        assertEquals(0, FloatFormat.doubleToF16(0x1p-25));
        assertEquals(1, FloatFormat.doubleToF16(Math.nextUp(0x1p-25)));
        assertEquals(0x7bff, FloatFormat.doubleToF16(Math.nextDown(65520.0)));
        assertEquals(0x7c00, FloatFormat.doubleToF16(65520));
    }

    @Test
    void integersReachNarrowFloatsWithOneRounding() {
        Random random = new Random(3);
        Tensor f = Tensor.allocate(TensorType.of(DType.F32));
        Tensor b = Tensor.allocate(TensorType.of(DType.BF16));
        for (int i = 0; i < 20_000; i++) {
            long v = random.nextLong() >> random.nextInt(64);
            // Ties of the float, and their neighbours.
            if (i % 2 == 0) v = (v & ~0xff_ffff_ffffL) + 0x80_0000_0000L + random.nextInt(-1, 2);
            f.setLong(0, v);
            assertEquals((float) v, f.getDouble(0));
            b.setLong(0, v);
            assertEquals(roundedToEight(v), b.getDouble(0), Long.toString(v));
            BigInteger unsigned = new BigInteger(Long.toUnsignedString(v));
            assertEquals(unsigned.floatValue(), (float) FloatFormat.toOddDouble(v, true));
        }
    }

    /** To 8 significant bits by exact arithmetic. */
    private static double roundedToEight(long v) {
        BigInteger a = BigInteger.valueOf(v).abs();
        int cut = Math.max(0, a.bitLength() - 8);
        BigInteger unit = BigInteger.ONE.shiftLeft(cut);
        BigInteger[] parts = a.divideAndRemainder(unit);
        int half = parts[1].shiftLeft(1).compareTo(unit);
        if (half > 0 || half == 0 && parts[0].testBit(0)) parts[0] = parts[0].add(BigInteger.ONE);
        double r = new BigDecimal(parts[0].multiply(unit)).doubleValue();
        return v < 0 ? -r : r;
    }
}
