package dev.meseta.drivers.ethosu.compiler;

/**
 * How a window walks over an operand; of each axis, the vertical one first.
 *
 * @param y rows
 * @param x columns
 */
public record Window(Axis y, Axis x) {
    /**
     * One axis.
     *
     * @param before padding before the first element
     * @param behind padding behind the last one
     */
    public record Axis(int size, int stride, int dilation, int before, int behind) {
        static final Axis ONE = new Axis(1, 1, 1, 0, 0);

        int reach() {
            return (size - 1) * dilation + 1;
        }

        /** Elements of the operand that so many places see. */
        int operand(int places) {
            return (places - 1) * stride + reach() - before - behind;
        }

        /** For places from one on to another, of an operand of an extent. */
        Axis part(int from, int to, int extent) {
            return new Axis(size, stride, dilation, Math.max(0, -begin(from)), Math.max(0, end(to) - extent));
        }

        /** The first element of the operand, or of its padding if negative, that a place sees. */
        int begin(int place) {
            return place * stride - before;
        }

        /** Behind the last one that places before one see, with padding. */
        int end(int places) {
            return begin(places - 1) + reach();
        }

        /** Padded so that there are as many places as the result has, from an operand of an extent. */
        Axis fitting(int extent, int places) {
            int s = places == 1 ? 1 : stride;
            Axis a = new Axis(size, s, dilation, before, 0);
            a = new Axis(size, s, dilation, before, Math.max(0, a.operand(places) - extent));
            Refusal.unless(before >= 0 && before < reach() && a.behind < reach(), "a window lies in its padding alone");
            return a;
        }
    }

    static final Window ONE = new Window(Axis.ONE, Axis.ONE);

    static Window of(int height, int width) {
        return new Window(new Axis(height, 1, 1, 0, 0), new Axis(width, 1, 1, 0, 0));
    }

    int elements() {
        return y.size * x.size;
    }
}
