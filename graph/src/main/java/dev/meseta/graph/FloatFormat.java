package dev.meseta.graph;

/**
 * The narrow floating-point formats (8 and 4 bits) as tables of their values, and the 16-bit ones by arithmetic. Encoding rounds to
 * nearest, ties to even.
 *
 * <p>Sources: OCP 8-bit Floating Point Specification 1.0 (E4M3, E5M2), OCP Microscaling Formats 1.0 (E8M0, E2M1), and the *FNUZ
 * formats as ONNX defines them (no infinity, no negative zero, the code 0x80 is the one NaN).
 */
public final class FloatFormat {
    /** Significant bits of a double. */
    private static final int DOUBLE_PRECISION = 53;

    private static final FloatFormat E4M3FN = new FloatFormat(4, 3, 7, Special.NAN_AT_END);
    private static final FloatFormat E4M3FNUZ = new FloatFormat(4, 3, 8, Special.NAN_AT_MINUS_ZERO);
    private static final FloatFormat E5M2 = new FloatFormat(5, 2, 15, Special.IEEE);
    private static final FloatFormat E5M2FNUZ = new FloatFormat(5, 2, 16, Special.NAN_AT_MINUS_ZERO);
    private static final FloatFormat E2M1 = new FloatFormat(2, 1, 1, Special.NONE);
    private static final FloatFormat E8M0 = new FloatFormat(8, 0, 127, Special.SCALE);

    private enum Special {
        IEEE,
        NAN_AT_END,
        NAN_AT_MINUS_ZERO,
        NONE,
        SCALE
    }

    private final double[] values;
    private final int positives;
    private final Special special;
    private final int signBit;

    private FloatFormat(int exponentBits, int mantissaBits, int bias, Special special) {
        this.special = special;
        int magnitudeBits = exponentBits + mantissaBits;
        boolean signed = special != Special.SCALE;
        this.signBit = signed ? 1 << magnitudeBits : 0;
        this.values = new double[1 << (magnitudeBits + (signed ? 1 : 0))];
        int finite = 0;
        for (int code = 0; code < 1 << magnitudeBits; code++) {
            int e = code >> mantissaBits;
            int m = code & ((1 << mantissaBits) - 1);
            double v = magnitude(e, m, exponentBits, mantissaBits, bias);
            values[code] = v;
            if (signed) values[code | signBit] = -v;
            if (Double.isFinite(v)) finite = code + 1;
        }
        if (special == Special.NAN_AT_MINUS_ZERO) values[signBit] = Double.NaN;
        this.positives = finite;
    }

    private double magnitude(int e, int m, int exponentBits, int mantissaBits, int bias) {
        int last = (1 << exponentBits) - 1;
        if (special == Special.SCALE) return e == last ? Double.NaN : Math.scalb(1.0, e - bias);
        if (special == Special.IEEE && e == last) return m == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
        if (special == Special.NAN_AT_END && e == last && m == (1 << mantissaBits) - 1) return Double.NaN;
        double scale = Math.scalb(1.0, -mantissaBits);
        return e == 0 ? Math.scalb(m * scale, 1 - bias) : Math.scalb(1 + m * scale, e - bias);
    }

    /** The format of an 8-bit or 4-bit float type; throws {@link IllegalArgumentException} for other types. */
    public static FloatFormat of(DType dtype) {
        return switch (dtype) {
            case F8E4M3FN -> E4M3FN;
            case F8E4M3FNUZ -> E4M3FNUZ;
            case F8E5M2 -> E5M2;
            case F8E5M2FNUZ -> E5M2FNUZ;
            case F4E2M1 -> E2M1;
            case F8E8M0 -> E8M0;
            default -> throw new IllegalArgumentException(dtype + " is not an 8-bit or 4-bit float");
        };
    }

    /** The value of a code; bits above the format's width are ignored. */
    public double decode(int code) {
        return values[code & (values.length - 1)];
    }

    /** The largest finite value. */
    public double largest() {
        return values[positives - 1];
    }

    /**
     * The code of the nearest value, ties to the even code (for {@code F8E8M0}, as ONNX has it, upwards). NaN gives NaN, and -0 for
     * {@code F4E2M1}, which has none. {@code F8E8M0} has no zero and no sign: zero gives its least value where saturating, a negative number
     * gives NaN.
     *
     * @param saturate out of range, infinity included, gives the largest finite value, else infinity or NaN where the format has it
     */
    public int encode(double v, boolean saturate) {
        if (Double.isNaN(v)) return nan();
        boolean negative = Double.doubleToRawLongBits(v) < 0;
        double a = Math.abs(v);
        if (special == Special.SCALE && (negative && a != 0 || !saturate && a < values[0])) return nan();
        int code = nearest(a);
        if (code >= positives) code = saturate ? positives - 1 : overflow();
        if (code == 0 && special == Special.NAN_AT_MINUS_ZERO) return 0;
        if (special == Special.NAN_AT_MINUS_ZERO && code == signBit) return code;
        return negative ? code | signBit : code;
    }

    /** The code of the least value not below the given one; beyond the largest, the largest. For {@code F8E8M0}. */
    public int encodeUp(double v) {
        return directed(v, true);
    }

    /** The code of the greatest value not above the given one; below the least, the least. For {@code F8E8M0}. */
    public int encodeDown(double v) {
        return directed(v, false);
    }

    private int directed(double v, boolean up) {
        if (special != Special.SCALE) throw new IllegalStateException("directed rounding is for powers of two");
        if (Double.isNaN(v) || v < 0) return nan();
        int code = 0;
        while (code < positives - 1 && (up ? values[code] < v : values[code + 1] <= v)) code++;
        return code;
    }

    /** Index of the nearest finite magnitude, or {@code positives} where rounding leaves the range. */
    private int nearest(double a) {
        int lo = 0;
        int hi = positives - 1;
        double top = values[hi];
        if (a > top) {
            // One step beyond the largest: half of it still rounds down, unless the tie goes to an even code.
            double step = hi > 0 ? top - values[hi - 1] : top;
            if (special == Special.SCALE) step = top;
            double limit = top + step / 2;
            return a < limit || (a == limit && (hi & 1) == 0 && special != Special.SCALE) ? hi : positives;
        }
        while (lo < hi) {
            int mid = (lo + hi) >>> 1;
            if (values[mid] < a) lo = mid + 1;
            else hi = mid;
        }
        if (lo == 0 || values[lo] == a) return lo;
        double below = a - values[lo - 1];
        double above = values[lo] - a;
        if (below == above) return special == Special.SCALE || (lo & 1) == 0 ? lo : lo - 1;
        return below < above ? lo - 1 : lo;
    }

    private int nan() {
        return switch (special) {
            case IEEE, NAN_AT_END -> signBit - 1;
            case NAN_AT_MINUS_ZERO, NONE -> signBit;
            case SCALE -> values.length - 1;
        };
    }

    private int overflow() {
        return switch (special) {
            case IEEE -> positives;
            case NAN_AT_END -> signBit - 1;
            case NAN_AT_MINUS_ZERO -> signBit;
            case SCALE -> values.length - 1;
            case NONE -> positives - 1;
        };
    }

    public static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    public static short doubleToBf16(double v) {
        return floatToBf16(roundToOdd(v));
    }

    public static short floatToBf16(float v) {
        int bits = Float.floatToRawIntBits(v);
        if (Float.isNaN(v)) return (short) ((bits >>> 16) | 0x40);
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    public static short doubleToF16(double v) {
        return Float.floatToFloat16(roundToOdd(v));
    }

    /**
     * A 64-bit integer as a double rounded to odd: exact up to 2^53, else with a last bit that says that something was cut off, so that
     * rounding it again to a narrower type is as if there had been one rounding.
     */
    public static double toOddDouble(long v, boolean unsigned) {
        boolean negative = !unsigned && v < 0;
        long magnitude = negative ? -v : v;
        int cut = Math.max(0, Long.SIZE - DOUBLE_PRECISION - Long.numberOfLeadingZeros(magnitude));
        long kept = magnitude >>> cut;
        if (kept << cut != magnitude) kept |= 1;
        double d = Math.scalb((double) kept, cut);
        return negative ? -d : d;
    }

    /** A double as a float rounded to odd, so that a second rounding to a narrower type is as if there had been one. */
    private static float roundToOdd(double v) {
        float f = (float) v;
        if (f == v || Double.isNaN(v) || Float.isInfinite(f)) return f;
        int bits = Float.floatToRawIntBits(f);
        if ((bits & 1) != 0) return f;
        boolean tooBig = Math.abs((double) f) > Math.abs(v);
        return Float.intBitsToFloat(tooBig ? bits - 1 : bits + 1);
    }
}
