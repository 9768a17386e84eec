package dev.meseta.graph.interpreter;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.graph.DType;
import dev.meseta.graph.Op;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.Tensor;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Casts against the numbers that ONNX's backend tests expect, and the ends of the integer types. */
class CastsTest {
    private static final double INF = Double.POSITIVE_INFINITY;

    private static Tensor cast(Tensor x, DType to, Rounding rounding) {
        return Interpreter.evaluate(new Op.Cast(to, rounding), List.of(x)).getFirst();
    }

    private static String bytes(Tensor t) {
        return HexFormat.of().formatHex(t.data().toArray(JAVA_BYTE));
    }

    @ParameterizedTest
    @CsvSource({
        "F8E4M3FN,   SATURATE, 2f2f30352f347e007f7e7efe8000fe",
        "F8E4M3FNUZ, SATURATE, 3737383d373c7f00807f7fff0000ff",
        "F8E5M2,     SATURATE, 3838383b383a7b007e7b7bfb8000fb",
        "F8E5M2FNUZ, SATURATE, 3c3c3c3f3c3e7f00807f7fff0000ff",
        "F8E4M3FN,   WRAP,     2f2f30352f347f007f7f7fff8000ff",
        "F8E4M3FNUZ, WRAP,     3737383d373c800080808080000080",
        "F8E5M2,     WRAP,     3838383b383a7c007e7c7cfc8000fc",
        "F8E5M2FNUZ, WRAP,     3c3c3c3f3c3e800080808080000080",
    })
    void toEightBitsAsOnnxSays(DType to, Rounding rounding, String expected) {
        Tensor x = Tensor.of(new float[] {
            0.47892547f,
            0.48033667f,
            0.49968487f,
            0.81910545f,
            0.47031248f,
            0.7229038f,
            1000000f,
            1e-7f,
            Float.NaN,
            Float.POSITIVE_INFINITY,
            Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY,
            -1e-7f,
            1e-7f,
            -1000000f
        });
        // A NaN has more than one code in e5m2; the first is as good as the second.
        String found = bytes(cast(x, to, rounding));
        if (to == DType.F8E5M2)
            found = found.substring(0, 16) + found.substring(16).replaceFirst("7[df]", "7e");
        assertEquals(expected, found);
    }

    @Test
    void toFourBitsAsOnnxSays() {
        Tensor x = Tensor.of(
                new double[] {0.48, 0.25, 1.05, -3.5, -8, 9, 1000000, 1e-7, Double.NaN, INF, INF, -INF, -4, 0.01, -0.0
                });
        assertEquals("0100020e0f070700080707" + "0f0e0008", bytes(cast(x, DType.F4E2M1, Rounding.SATURATE)));
    }

    @Test
    void toScalesByDirection() {
        Tensor x = Tensor.of(new double[] {0, 0.124, 0.25, 0.5, 1.1, 2, 4, 8});
        assertEquals("007c7d7e80808182", bytes(cast(x, DType.F8E8M0, Rounding.UP)));
        assertEquals("007b7d7e7f808182", bytes(cast(x, DType.F8E8M0, Rounding.DOWN)));
        assertEquals("007c7d7e7f808182", bytes(cast(x, DType.F8E8M0, Rounding.NEAREST)));
        assertEquals("ff7c7d7e7f808182", bytes(cast(x, DType.F8E8M0, Rounding.WRAP)));
    }

    @Test
    void toFourBitIntegersWraps() {
        float[] v = new float[25];
        for (int i = 0; i < v.length; i++) v[i] = i - 9;
        Tensor y = cast(Tensor.of(v), DType.I4, Rounding.WRAP);
        for (int i = 0; i < v.length; i++) assertEquals(((i - 9) << 28) >> 28, y.getLong(i));
    }

    @Test
    void sixteenBitsOverflowToInfinityUnderEveryRounding() {
        Tensor x = Tensor.of(new double[] {1e6, -1e300, INF, 65519.99, 1e39});
        for (Rounding r : Rounding.values()) {
            assertArrayEquals(
                    new double[] {INF, -INF, INF, 65504, INF},
                    cast(x, DType.F16, r).toDoubles());
            assertEquals(INF, cast(x, DType.F32, r).getDouble(4));
            assertEquals(INF, cast(x, DType.BF16, r).getDouble(4));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "I8,  WRAP, -128.9, -128",
        "I8, WRAP, 130, -126",
        "I8, SATURATE, 130, 127",
        "I8, SATURATE, -1e30, -128",
        "I8,  SATURATE, 2.5, 2",
        "I8, NEAREST, 2.5, 2",
        "I8, NEAREST, 3.5, 4",
        "I8, NEAREST, -2.6, -3",
        "I8,  SATURATE, NaN, 0",
        "I8, WRAP, NaN, 0",
        "U8, SATURATE, -3, 0",
        "U8, WRAP, -3, 253",
        "I64, SATURATE, 1e30, 9223372036854775807",
        "I64, WRAP, -1e30, -9223372036854775808",
        "U64, SATURATE, 9223372036854775808, -9223372036854775808",
        "U64, SATURATE, 1e30, -1",
        "U64, WRAP, -1, -1",
        "U64, NEAREST, -0.4, 0",
        "U2, SATURATE, 9, 3",
        "U2, WRAP, 9, 1",
        "I2, SATURATE, -9, -2",
        "BOOL, WRAP, 0.1, 1",
        "BOOL, WRAP, NaN, 1",
        "BOOL, SATURATE, -0.0, 0",
    })
    void floatsToIntegers(DType to, Rounding rounding, double v, long expected) {
        assertEquals(
                expected, cast(Tensor.of(new double[] {v}, 1), to, rounding).getLong(0));
    }

    @Test
    void integersToIntegers() {
        Tensor big = Tensor.scalar(DType.U64, -1L);
        assertEquals(-1, cast(big, DType.I64, Rounding.WRAP).getLong(0));
        assertEquals(Long.MAX_VALUE, cast(big, DType.I64, Rounding.SATURATE).getLong(0));
        assertEquals(255, cast(big, DType.U8, Rounding.SATURATE).getLong(0));
        Tensor minus = Tensor.scalar(DType.I32, -300L);
        assertEquals(0, cast(minus, DType.U64, Rounding.SATURATE).getLong(0));
        assertEquals(-300, cast(minus, DType.U64, Rounding.WRAP).getLong(0));
        assertEquals(-128, cast(minus, DType.I8, Rounding.SATURATE).getLong(0));
        assertEquals(-44, cast(minus, DType.I8, Rounding.WRAP).getLong(0));
        assertEquals(1, cast(minus, DType.BOOL, Rounding.WRAP).getLong(0));
        assertEquals(
                1,
                cast(Tensor.scalar(DType.BOOL, 1L), DType.I4, Rounding.SATURATE).getLong(0));
    }

    @Test
    void bigIntegersRoundOnceToFloats() {
        // A tie between two floats, and one more: by way of a double the one would be lost.
        Tensor x = Tensor.of(new long[] {(1L << 62) + (1L << 38) + 1}, 1);
        assertEquals(
                (double) (float) x.getLong(0), cast(x, DType.F32, Rounding.WRAP).getDouble(0));
        assertEquals(
                0x1p64,
                cast(Tensor.scalar(DType.U64, -1L), DType.F64, Rounding.WRAP).getDouble(0));
        assertEquals(INF, cast(x, DType.F16, Rounding.SATURATE).getDouble(0));
    }

    @Test
    void bitsStay() {
        Tensor x = Tensor.of(new float[] {1, -0f, Float.NaN});
        Tensor y = Interpreter.evaluate(new Op.Bitcast(DType.I32), List.of(x)).getFirst();
        assertArrayEquals(new long[] {0x3f800000, 0x80000000, 0x7fc00000}, y.toLongs());
        Tensor nibbles = Tensor.allocate(DType.U4, dev.meseta.graph.Shape.of(16));
        for (int i = 0; i < 16; i++) nibbles.setLong(i, i);
        Tensor signed =
                Interpreter.evaluate(new Op.Bitcast(DType.I4), List.of(nibbles)).getFirst();
        assertEquals(-1, signed.getLong(15));
        Tensor back =
                Interpreter.evaluate(new Op.Bitcast(DType.U4), List.of(signed)).getFirst();
        assertArrayEquals(nibbles.toLongs(), back.toLongs());
    }
}
