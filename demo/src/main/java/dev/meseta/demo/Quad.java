package dev.meseta.demo;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A rectangle in a picture, perhaps turned: its corners in pixels, clockwise from the one that is top left as the text is read.
 *
 * @param x horizontal coordinates of the four corners
 * @param y vertical coordinates
 */
public record Quad(double[] x, double[] y) {
    /** Length of the sides along the text. */
    public double width() {
        return (Math.hypot(x[1] - x[0], y[1] - y[0]) + Math.hypot(x[2] - x[3], y[2] - y[3])) / 2;
    }

    /** Length of the sides across the text. */
    public double height() {
        return (Math.hypot(x[3] - x[0], y[3] - y[0]) + Math.hypot(x[2] - x[1], y[2] - y[1])) / 2;
    }

    double top() {
        return Math.min(Math.min(y[0], y[1]), Math.min(y[2], y[3]));
    }

    double left() {
        return Math.min(Math.min(x[0], x[1]), Math.min(x[2], x[3]));
    }

    double centreY() {
        return (y[0] + y[1] + y[2] + y[3]) / 4;
    }

    /** The corners moved outwards by a distance along both axes. */
    Quad grow(double by) {
        double w = Math.max(width(), 1e-9);
        double h = Math.max(height(), 1e-9);
        double ux = (x[1] - x[0]) / w * by;
        double uy = (y[1] - y[0]) / w * by;
        double vx = (x[3] - x[0]) / h * by;
        double vy = (y[3] - y[0]) / h * by;
        return new Quad(
                new double[] {x[0] - ux - vx, x[1] + ux - vx, x[2] + ux + vx, x[3] - ux + vx},
                new double[] {y[0] - uy - vy, y[1] + uy - vy, y[2] + uy + vy, y[3] - uy + vy});
    }

    Quad scale(double sx, double sy) {
        double[] nx = new double[4];
        double[] ny = new double[4];
        for (int i = 0; i < 4; i++) {
            nx[i] = x[i] * sx;
            ny[i] = y[i] * sy;
        }
        return new Quad(nx, ny);
    }

    /** The corners within a picture. */
    Quad clip(int width, int height) {
        double[] nx = new double[4];
        double[] ny = new double[4];
        for (int i = 0; i < 4; i++) {
            nx[i] = Math.clamp(x[i], 0, width);
            ny[i] = Math.clamp(y[i], 0, height);
        }
        return new Quad(nx, ny);
    }

    /**
     * The smallest rectangle around points: one of its sides lies on a side of the convex hull (Freeman and Shapira, 1975), so every side is
     * tried. The hull is found by Andrew's monotone chain.
     */
    static Quad around(List<double[]> points) {
        List<double[]> hull = hull(points);
        double bestArea = Double.POSITIVE_INFINITY;
        Quad best = null;
        for (int i = 0; i < hull.size(); i++) {
            double[] p = hull.get(i);
            double[] q = hull.get((i + 1) % hull.size());
            double length = Math.hypot(q[0] - p[0], q[1] - p[1]);
            double ux = length == 0 ? 1 : (q[0] - p[0]) / length;
            double uy = length == 0 ? 0 : (q[1] - p[1]) / length;
            double minU = Double.POSITIVE_INFINITY;
            double maxU = Double.NEGATIVE_INFINITY;
            double minV = Double.POSITIVE_INFINITY;
            double maxV = Double.NEGATIVE_INFINITY;
            for (double[] h : hull) {
                double u = h[0] * ux + h[1] * uy;
                double v = -h[0] * uy + h[1] * ux;
                minU = Math.min(minU, u);
                maxU = Math.max(maxU, u);
                minV = Math.min(minV, v);
                maxV = Math.max(maxV, v);
            }
            double area = (maxU - minU) * (maxV - minV);
            if (area < bestArea) {
                bestArea = area;
                best = corners(ux, uy, minU, maxU, minV, maxV);
            }
        }
        if (best == null) throw new IllegalArgumentException("no points");
        return best;
    }

    private static Quad corners(double ux, double uy, double minU, double maxU, double minV, double maxV) {
        double[][] uv = {{minU, minV}, {maxU, minV}, {maxU, maxV}, {minU, maxV}};
        List<double[]> c = new ArrayList<>();
        for (double[] p : uv) c.add(new double[] {p[0] * ux - p[1] * uy, p[0] * uy + p[1] * ux});
        return ordered(c);
    }

    /** Corners clockwise from the top left: the two leftmost ones are the left side. */
    private static Quad ordered(List<double[]> corners) {
        List<double[]> c = new ArrayList<>(corners);
        c.sort(Comparator.comparingDouble(p -> p[0]));
        List<double[]> left = new ArrayList<>(c.subList(0, 2));
        List<double[]> right = new ArrayList<>(c.subList(2, 4));
        left.sort(Comparator.comparingDouble(p -> p[1]));
        right.sort(Comparator.comparingDouble(p -> p[1]));
        double[][] o = {left.get(0), right.get(0), right.get(1), left.get(1)};
        return new Quad(
                new double[] {o[0][0], o[1][0], o[2][0], o[3][0]}, new double[] {o[0][1], o[1][1], o[2][1], o[3][1]});
    }

    private static List<double[]> hull(List<double[]> points) {
        List<double[]> p = new ArrayList<>(points);
        p.sort(Comparator.<double[]>comparingDouble(a -> a[0]).thenComparingDouble(a -> a[1]));
        if (p.size() < 3) return p;
        List<double[]> hull = new ArrayList<>();
        for (int pass = 0; pass < 2; pass++) {
            int floor = hull.size() + 1;
            for (double[] q : p) {
                while (hull.size() > floor && !turnsLeft(hull.get(hull.size() - 2), hull.getLast(), q))
                    hull.removeLast();
                hull.add(q);
            }
            hull.removeLast();
            p = p.reversed();
        }
        return hull.isEmpty() ? p : hull;
    }

    private static boolean turnsLeft(double[] a, double[] b, double[] c) {
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0;
    }
}
