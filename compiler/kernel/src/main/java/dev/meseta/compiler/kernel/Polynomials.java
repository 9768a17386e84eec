package dev.meseta.compiler.kernel;

/**
 * Coefficients of the polynomials by which emitters compute functions in F32, the lowest power first. Shared, so that devices agree.
 */
public final class Polynomials {
    /** (e^r - 1 - r) / r^2 for |r| up to log(2) / 2; relative error of e^r 8e-9. */
    private static final double[] EXP = {
        0.5, 0.16666576266288757, 0.04166655242443085, 0.00836323294788599, 0.0013926250394433737
    };

    /** erf(x) / x - 1 over x^2, up to 0.93. */
    private static final double[] ERF_NEAR = {
        0.12837916612625122,
        -0.37612634897232056,
        0.11283691227436066,
        -0.02685915119946003,
        0.005200368817895651,
        -0.000813470920547843,
        8.334718586411327e-05
    };

    /** log(1 - erf(x)) from 0.92 to 4. */
    private static final double[] ERF_FAR = {
        0.00032044152612797916,
        -1.1302375793457031,
        -0.6318145394325256,
        -0.11009448021650314,
        0.026431018486618996,
        -0.00476357527077198,
        0.0005977434921078384,
        -4.6177912736311555e-05,
        1.6435697034467012e-06
    };

    private Polynomials() {}

    /** (e^r - 1 - r) / r^2 for |r| up to log(2) / 2; relative error of e^r 8e-9. */
    public static double[] exponential() {
        return EXP.clone();
    }

    /** erf(x) / x - 1 over x^2, up to 0.93. */
    public static double[] errorFunctionNear() {
        return ERF_NEAR.clone();
    }

    /** log(1 - erf(x)) from 0.92 to 4. */
    public static double[] errorFunctionFar() {
        return ERF_FAR.clone();
    }
}
