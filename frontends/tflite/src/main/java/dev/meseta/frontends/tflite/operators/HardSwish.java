package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;

/**
 * x * clamp(x + 3, 0, 6) / 6 of bytes, in 16-bit fixed point.
 *
 * @param output from the operand's scale to the result's
 * @param ramp from the operand's scale to 3 / 2^15
 */
record HardSwish(Quantization x, Quantization y, Multiplier output, Multiplier ramp) {
    private static final int EXTRA_BITS = 7;

    static Tables of(OperatorNode node) {
        Quantization x = node.inputScale(0);
        Quantization y = node.outputScale(0);
        float fine = x.scale(0) * (1.0f / 128.0f);
        HardSwish h = new HardSwish(x, y, Multiplier.of(fine / y.scale(0)), Multiplier.of(fine / (3.0f / 32768.0f)));
        node.require(h.output.shift() <= 0, "the result's scale is too small for the operand's");
        return Tables.of(node.inputType(0), node.outputType(0), h::value);
    }

    private long value(long i) {
        long fine = i - x.zeroPoint(0) << EXTRA_BITS;
        long scaled = roundingProduct(fine, reduced(output));
        int exponent = ramp.shift();
        long r = exponent > 0 ? saturate(fine << exponent - 1) : fine;
        r = roundingProduct(r, reduced(ramp));
        if (exponent > 0) r = saturate(r << 1);
        if (exponent < 0) r = divideByPower(r, -exponent);
        r = r + (1 << 15) >> 1;
        long product = saturate(r * scaled / (1 << 15));
        return divideByPower(product, -output.shift()) + y.zeroPoint(0);
    }

    private static long reduced(Multiplier m) {
        return m.mantissa() >= Integer.MAX_VALUE - (1 << 15) ? Short.MAX_VALUE : m.mantissa() + (1 << 15) >> 16;
    }

    private static long roundingProduct(long a, long b) {
        return saturate(a * b + (1 << 14) >> 15);
    }

    private static long saturate(long v) {
        return Math.clamp(v, Short.MIN_VALUE, Short.MAX_VALUE);
    }

    private static long divideByPower(long v, int exponent) {
        if (exponent == 0) return v;
        if (exponent > 30) return 0;
        return v + (1L << exponent - 1) + (v >> 63) >> exponent;
    }
}
