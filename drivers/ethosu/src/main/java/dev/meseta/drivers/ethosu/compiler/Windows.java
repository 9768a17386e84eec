package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Step.Window;

/** Windows over feature maps within what the device can do: its strides end at 3, its padding at the window's size. */
final class Windows {
    private static final int LARGEST_STRIDE = 3;

    private Windows() {}

    /** Takes one operation. */
    interface Use {
        void operation(View in, View out, Window window);
    }

    /**
     * Gives operations that together compute a result.
     *
     * @param w its padding at the bottom and the right is computed here
     */
    static void each(View in, View out, Window w, Use use) {
        boolean oneRow = out.height() == 1;
        boolean oneColumn = out.width() == 1;
        if (!oneRow && w.strideY() > LARGEST_STRIDE) {
            for (int y = 0; y < out.height(); y++) {
                int from = y * w.strideY() - w.top();
                int first = Math.clamp(from, 0, in.height() - 1);
                each(
                        in.rows(first, in.height() - first),
                        out.rows(y, 1),
                        with(w, 1, w.strideX(), first - from, w.left()),
                        use);
            }
            return;
        }
        if (!oneColumn && w.strideX() > LARGEST_STRIDE) {
            for (int x = 0; x < out.width(); x++) {
                int from = x * w.strideX() - w.left();
                int first = Math.clamp(from, 0, in.width() - 1);
                View column = new View(
                        out.buffer(),
                        out.dtype(),
                        out.height(),
                        1,
                        out.depth(),
                        out.offset() + x * out.strideX(),
                        out.strideY(),
                        out.strideX());
                each(
                        in.columns(first, in.width() - first),
                        column,
                        with(w, w.strideY(), 1, w.top(), first - from),
                        use);
            }
            return;
        }
        int strideY = oneRow ? 1 : w.strideY();
        int strideX = oneColumn ? 1 : w.strideX();
        int bottom = Math.max(0, (out.height() - 1) * strideY + w.reachY() - w.top() - in.height());
        int right = Math.max(0, (out.width() - 1) * strideX + w.reachX() - w.left() - in.width());
        boolean inside = w.top() < w.reachY() && w.left() < w.reachX() && bottom < w.reachY() && right < w.reachX();
        Refusal.unless(inside, "a window lies in its padding alone");
        int height = (out.height() - 1) * strideY + w.reachY() - w.top() - bottom;
        int width = (out.width() - 1) * strideX + w.reachX() - w.left() - right;
        use.operation(
                in.extents(height, width),
                out,
                new Window(
                        w.height(),
                        w.width(),
                        strideY,
                        strideX,
                        w.dilationY(),
                        w.dilationX(),
                        w.top(),
                        w.left(),
                        bottom,
                        right));
    }

    private static Window with(Window w, int strideY, int strideX, int top, int left) {
        return new Window(w.height(), w.width(), strideY, strideX, w.dilationY(), w.dilationX(), top, left, 0, 0);
    }
}
