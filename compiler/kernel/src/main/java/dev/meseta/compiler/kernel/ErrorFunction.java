package dev.meseta.compiler.kernel;

/** The error function in double precision: its power series near 0, the continued fraction of erfc elsewhere (Abramowitz and Stegun 7.1.6, 7.1.14). */
final class ErrorFunction {
    private static final double SQRT_PI = Math.sqrt(Math.PI);

    private ErrorFunction() {}

    static double erf(double x) {
        double a = Math.abs(x);
        if (Double.isNaN(x)) return x;
        if (a > 6) return Math.copySign(1.0, x);
        return a < 2.5 ? series(x) : Math.copySign(1 - complement(a), x);
    }

    /** 2/sqrt(pi) * exp(-x^2) * sum of 2^n x^(2n+1) / (1 * 3 * … * (2n+1)): all terms of one sign. */
    private static double series(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > Math.abs(sum) * 0x1p-60; n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / SQRT_PI * StrictMath.exp(-x * x) * sum;
    }

    private static double complement(double x) {
        double fraction = x;
        for (int n = 120; n > 0; n--) fraction = x + n / 2.0 / fraction;
        return StrictMath.exp(-x * x) / (SQRT_PI * fraction);
    }
}
