package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.graph.MapFunction;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A small matrix of literals times a vector of expressions. Two rows whose coefficients differ in the sign of every second column share
 * the sums of both halves, and two columns whose coefficients differ in sign alone are added and subtracted once.
 */
final class LinearMap {
    private final double[][] rows;

    LinearMap(double[][] rows) {
        this.rows = rows;
    }

    /** The products, by row, as named values of the kernel. */
    List<Expr> apply(Emitter e, List<Expr> x) {
        Expr[] y = new Expr[rows.length];
        List<Expr> pairs = columnPairs(e, x);
        for (int i = 0; i < rows.length; i++) {
            if (y[i] != null) continue;
            if (i + 1 < rows.length && mirrored(rows[i], rows[i + 1])) {
                Expr even = sum(e, x, half(rows[i], 0));
                Expr odd = sum(e, x, half(rows[i], 1));
                y[i] = e.let("l", Kernels.add(even, odd));
                y[i + 1] = e.let("l", Kernels.apply(MapFunction.SUB, even, odd));
            } else {
                y[i] = pairs.isEmpty() ? sum(e, x, rows[i]) : sum(e, pairs, paired(rows[i]));
            }
        }
        return List.of(y);
    }

    private static boolean mirrored(double[] a, double[] b) {
        boolean even = false;
        boolean odd = false;
        for (int j = 0; j < a.length; j++) {
            if (j % 2 == 0 ? a[j] != b[j] : a[j] != -b[j]) return false;
            even |= j % 2 == 0 && a[j] != 0;
            odd |= j % 2 == 1 && a[j] != 0;
        }
        return even && odd;
    }

    private static double[] half(double[] row, int parity) {
        double[] h = row.clone();
        for (int j = 1 - parity; j < h.length; j += 2) h[j] = 0;
        return h;
    }

    /** Whether columns 1 and 2, 3 and 4, … differ in sign alone, as those of pairs of points p and -p do. */
    private boolean hasColumnPairs() {
        if (rows.length >= rows[0].length) return false;
        for (double[] row : rows)
            for (int j = 1; j + 1 < row.length - 1; j += 2) if (Math.abs(row[j]) != Math.abs(row[j + 1])) return false;
        return rows[0].length > 4;
    }

    /** x with each pair of columns replaced by its sum and its difference; empty where there are no pairs. */
    private List<Expr> columnPairs(Emitter e, List<Expr> x) {
        if (!hasColumnPairs()) return List.of();
        List<Expr> p = new ArrayList<>(x);
        for (int j = 1; j + 1 < x.size() - 1; j += 2) {
            p.set(j, e.let("l", Kernels.add(x.get(j), x.get(j + 1))));
            p.set(j + 1, e.let("l", Kernels.apply(MapFunction.SUB, x.get(j), x.get(j + 1))));
        }
        return p;
    }

    private static double[] paired(double[] row) {
        double[] p = row.clone();
        for (int j = 1; j + 1 < row.length - 1; j += 2) {
            boolean same = row[j] == row[j + 1];
            p[j] = same ? row[j] : 0;
            p[j + 1] = same ? 0 : row[j];
        }
        return p;
    }

    private static Expr sum(Emitter e, List<Expr> x, double[] row) {
        Expr sum = null;
        // Terms with a factor of one come first: they need no product.
        for (int pass = 0; pass < 2; pass++) {
            for (int j = 0; j < row.length; j++) {
                if (row[j] == 0 || (row[j] == 1) != (pass == 0)) continue;
                sum = plus(sum, x.get(j), row[j]);
            }
        }
        if (sum == null) throw new IllegalArgumentException("a row of zeros");
        return e.let("l", sum);
    }

    private static Expr plus(@Nullable Expr sum, Expr x, double factor) {
        Expr c = Kernels.splat(
                Kernels.literal(x.type().with(1), factor), x.type().lanes());
        if (sum == null) return factor == 1 ? x : Kernels.mul(x, c);
        if (factor == 1) return Kernels.add(sum, x);
        return factor == -1 ? Kernels.apply(MapFunction.SUB, sum, x) : Kernels.fma(x, c, sum);
    }
}
