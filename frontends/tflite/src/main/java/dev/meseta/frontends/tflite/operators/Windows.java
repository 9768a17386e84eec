package dev.meseta.frontends.tflite.operators;

/**
 * How a window lies on one axis.
 *
 * @param places how many there are
 * @param low elements before the first one that the first window reaches for
 * @param high elements behind the last one
 */
record Windows(long places, long low, long high) {
    static final int SAME = 0;
    static final int VALID = 1;

    /**
     * Places windows.
     *
     * @param padding {@link #SAME} or {@link #VALID}
     * @param extent of the axis
     * @param window elements of a window
     */
    static Windows place(OperatorNode node, int padding, long extent, long window, long stride, long dilation) {
        node.require(stride >= 1 && dilation >= 1, "stride " + stride + " or dilation " + dilation + " is below 1");
        node.require(window >= 1, "a window has " + window + " elements");
        long reach = Math.addExact(Math.multiplyExact(window - 1, dilation), 1);
        if (padding == VALID) {
            node.require(reach <= extent, "the window reaches over " + reach + " elements, there are " + extent);
            long places = (extent - reach) / stride + 1;
            return new Windows(places, 0, 0);
        }
        node.require(padding == SAME, "padding " + padding + " is unknown");
        long places = (extent + stride - 1) / stride;
        long total = Math.max(0, (places - 1) * stride + reach - extent);
        return new Windows(places, total / 2, total - total / 2);
    }
}
