package dev.meseta.graph.interpreter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class MapsTest {
    private static final double INF = Double.POSITIVE_INFINITY;
    private static final double NAN = Double.NaN;

    private static Tensor map(MapFunction f, Tensor... operands) {
        return Interpreter.evaluate(new Op.Map(f), List.of(operands)).getFirst();
    }

    private static double f64(MapFunction f, double... operands) {
        return map(
                        f,
                        Arrays.stream(operands)
                                .mapToObj(v -> Tensor.scalar(DType.F64, v))
                                .toArray(Tensor[]::new))
                .getDouble(0);
    }

    private static long integer(DType d, MapFunction f, long... operands) {
        return map(f, Arrays.stream(operands).mapToObj(v -> Tensor.scalar(d, v)).toArray(Tensor[]::new))
                .getLong(0);
    }

    /** Every function runs on every type that it accepts, and gives the type it says. */
    @ParameterizedTest
    @EnumSource
    void everyFunctionRunsOnItsTypes(MapFunction f) {
        for (DType d : DType.values()) {
            if (!f.accepts(d)) continue;
            Tensor[] operands = new Tensor[f.arity()];
            for (int i = 0; i < operands.length; i++) {
                operands[i] = Tensor.allocate(TensorType.of(f == MapFunction.SELECT && i == 0 ? DType.BOOL : d, 2));
                operands[i].setLong(0, 1);
            }
            Tensor y = map(f, operands);
            assertEquals(f.isPredicate() ? DType.BOOL : d, y.dtype());
        }
    }

    @Test
    void erfIsAccurateToTheLastPlaces() {
        for (double x = 0.01; x < 6.2; x += 0.0473) {
            double expected = exactErf(x);
            assertEquals(expected, FloatFunctions.erf(x), 4 * Math.ulp(expected), "erf(" + x + ")");
            assertEquals(-expected, FloatFunctions.erf(-x), 4 * Math.ulp(expected));
        }
        assertEquals(1, FloatFunctions.erf(INF));
        assertEquals(-1, FloatFunctions.erf(-7));
        assertTrue(Double.isNaN(FloatFunctions.erf(NAN)));
        assertEquals(-0.0, FloatFunctions.erf(-0.0));
        assertEquals(1e-300 * 2 / Math.sqrt(Math.PI), FloatFunctions.erf(1e-300), 1e-315);
    }

    /** The alternating series of the definition, sum (-1)^n x^(2n+1) / (n! (2n+1)), with 80 digits. */
    private static double exactErf(double x) {
        MathContext digits = new MathContext(80);
        BigDecimal square = new BigDecimal(x).pow(2, digits);
        BigDecimal power = new BigDecimal(x);
        BigDecimal sum = power;
        for (int n = 1; n < 400; n++) {
            power = power.multiply(square, digits).divide(BigDecimal.valueOf(-n), digits);
            sum = sum.add(power.divide(BigDecimal.valueOf(2L * n + 1), digits), digits);
        }
        BigDecimal pi = new BigDecimal("3.14159265358979323846264338327950288419716939937510582097494459230781640629");
        return sum.multiply(BigDecimal.TWO, digits)
                .divide(pi.sqrt(digits), digits)
                .doubleValue();
    }

    @Test
    void inverseHyperbolicFunctionsUndoTheirs() {
        for (double x : new double[] {1e-12, 0.3, 1, 2.5, 12}) {
            assertEquals(x, f64(MapFunction.ASINH, Math.sinh(x)), 1e-15 * x);
            assertEquals(-x, f64(MapFunction.ASINH, -Math.sinh(x)), 1e-15 * x);
            if (x >= 0.3) assertEquals(x, f64(MapFunction.ACOSH, Math.cosh(x)), 4e-15 * x);
            if (x <= 1) assertEquals(x, f64(MapFunction.ATANH, Math.tanh(x)), 4e-16 * x);
        }
        assertEquals(Math.log(2) + 300 * Math.log(10), f64(MapFunction.ASINH, 1e300), 1e-12);
        assertEquals(INF, f64(MapFunction.ATANH, 1));
        assertTrue(Double.isNaN(f64(MapFunction.ACOSH, 0.5)));
    }

    @Test
    void sigmoidDoesNotOverflow() {
        assertEquals(0, f64(MapFunction.SIGMOID, -1000));
        assertEquals(1, f64(MapFunction.SIGMOID, 1000));
        assertEquals(Math.exp(-50), f64(MapFunction.SIGMOID, -50), 1e-36);
        assertEquals(0.5, f64(MapFunction.SIGMOID, 0));
    }

    @ParameterizedTest
    @CsvSource({
        "REM, -7, 3, -1",
        "MOD, -7, 3, 2",
        "MOD, 7, -3, -2",
        "REM, 7, -3, 1",
        "MOD, 5, -Infinity, -Infinity",
        "MOD, 6, 3, 0.0",
        "MOD, 6, -3, -0.0",
        "POW, 1, NaN, 1",
        "POW, NaN, 0, 1",
        "POW, -8, 2, 64",
        "POW, -1, Infinity, 1",
        "MIN, NaN, 1, NaN",
        "MAX, 1, NaN, NaN",
        "DIV, 1, 0, Infinity",
        "ATAN2, 1, -1, 2.356194490192345",
    })
    void floatsOfTwoOperands(MapFunction f, double x, double y, double expected) {
        assertEquals(expected, f64(f, x, y));
    }

    @ParameterizedTest
    @CsvSource({
        "ROUND, 2.5, 2",
        "ROUND, -3.5, -4",
        "FLOOR, -0.5, -1",
        "CEIL, -0.5, -0.0",
        "TRUNC, -1.7, -1",
        "SIGN, -3, -1",
        "SIGN, NaN, NaN",
        "EXPM1, 1e-20, 1e-20",
        "LOG1P, 1e-20, 1e-20",
        "LOG, 0, -Infinity",
        "SQRT, 2, 1.4142135623730951",
    })
    void floatsOfOneOperand(MapFunction f, double x, double expected) {
        assertEquals(expected, f64(f, x));
    }

    @ParameterizedTest
    @CsvSource({
        "I8,  DIV, -128, -1, -128",
        "I32, DIV, -7, 2, -3",
        "I32, DIV, 7, 0, 0",
        "U64, DIV, -1, 2, 9223372036854775807",
        "U8,  SUB, 1, 2, 255",
        "I8, ADD, 127, 1, -128",
        "I16, MUL, 300, 300, 24464",
        "I64, MOD, -7, 3, 2",
        "I32, REM, -7, 3, -1",
        "I32, MOD, 7, 0, 0",
        "I32, REM, 7, 0, 0",
        "U64, REM, -1, 10, 5",
        "U64, MIN, -1, 1, 1",
        "U64, MAX, -1, 1, -1",
        "I32, POW, 3, 4, 81",
        "I8, POW, 2, 7, -128",
        "I32, POW, 2, -1, 0",
        "I32, POW, -1, -3, -1",
        "I32, POW, 0, -1, 0",
        "I32, POW, 0, 0, 1",
        "U32, SHIFT_LEFT, 1, 31, 2147483648",
        "U32, SHIFT_LEFT, 1, 32, 0",
        "I32, SHIFT_LEFT, 1, -1, 0",
        "I32, SHIFT_RIGHT, -8, 1, -4",
        "I32, SHIFT_RIGHT, -8, 99, -1",
        "U8,  SHIFT_RIGHT, 255, 8, 0",
        "U64, SHIFT_RIGHT, -1, 63, 1",
        "U8, XOR, 5, 3, 6",
        "BOOL, AND, 1, 0, 0",
        "BOOL, XOR, 1, 1, 0",
    })
    void integers(DType d, MapFunction f, long x, long y, long expected) {
        assertEquals(expected, integer(d, f, x, y));
    }

    @Test
    void integersOfOneOperand() {
        assertEquals(-128, integer(DType.I8, MapFunction.ABS, -128));
        assertEquals(255, integer(DType.U8, MapFunction.ABS, 255));
        assertEquals(255, integer(DType.U8, MapFunction.NEG, 1));
        assertEquals(1, integer(DType.U64, MapFunction.SIGN, -5));
        assertEquals(-1, integer(DType.I64, MapFunction.SIGN, -5));
        assertEquals(0, integer(DType.BOOL, MapFunction.NOT, 1));
        assertEquals(1, integer(DType.BOOL, MapFunction.NOT, 0));
        assertEquals(250, integer(DType.U8, MapFunction.NOT, 5));
        assertEquals(1, integer(DType.U64, MapFunction.GT, -1, 1));
        assertEquals(0, integer(DType.I64, MapFunction.GT, -1, 1));
        assertEquals(5, integer(DType.U64, MapFunction.CLAMP, -1, 0, 5));
    }

    @Test
    void clampKeepsNaNAndTheUpperBoundWins() {
        assertEquals(1, f64(MapFunction.CLAMP, 5, 3, 1));
        assertTrue(Double.isNaN(f64(MapFunction.CLAMP, NAN, 0, 1)));
    }

    @Test
    void comparisonsWithNaN() {
        Tensor x = Tensor.of(new double[] {NAN, 1, INF});
        Tensor y = Tensor.of(new double[] {NAN, 1, NAN});
        assertArrayEquals(new long[] {0, 1, 0}, map(MapFunction.EQ, x, y).toLongs());
        assertArrayEquals(new long[] {1, 0, 1}, map(MapFunction.NE, x, y).toLongs());
        assertArrayEquals(new long[] {0, 1, 0}, map(MapFunction.LE, x, y).toLongs());
        assertArrayEquals(new long[] {1, 0, 0}, map(MapFunction.IS_NAN, x).toLongs());
        assertArrayEquals(new long[] {0, 0, 1}, map(MapFunction.IS_INF, x).toLongs());
    }

    @Test
    void selectMovesBits() {
        Tensor c = Tensor.allocate(TensorType.of(DType.BOOL, 2));
        c.setLong(0, 1);
        Tensor x = Tensor.of(new float[] {Float.intBitsToFloat(0x7fc01234), 1});
        Tensor y = Tensor.of(new float[] {2, 3});
        Tensor z = map(MapFunction.SELECT, c, x, y);
        assertEquals(0x7fc01234, z.data().get(java.lang.foreign.ValueLayout.JAVA_INT, 0));
        assertEquals(3, z.getDouble(1));
    }

    @Test
    void singlesAreRoundedFromTheExactResult() {
        float[] v = {0.1f, 1.7f, 1e-30f, 3e38f};
        Tensor x = Tensor.of(v);
        double[] products = map(MapFunction.MUL, x, x).toDoubles();
        for (int i = 0; i < v.length; i++) assertEquals(v[i] * v[i], products[i]);
        double[] e = map(MapFunction.EXP, Tensor.of(new float[] {1, -1})).toDoubles();
        assertArrayEquals(new double[] {(float) Math.E, (float) (1 / Math.E)}, e);
    }
}
