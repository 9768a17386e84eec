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
     * What a window may reach over on an axis where twice the axis is less: beyond it is padding alone, which a file can state without any data
     * behind it.
     */
    private static final long LONGEST_REACH = 1 << 16;

    /** As above for the elements of a window without weights. */
    private static final long LARGEST_BARE = 64;

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
        long most = Math.max(2 * extent, LONGEST_REACH);
        node.require(
                reach <= most,
                "a window of " + window + " elements " + dilation + " apart reaches over " + reach + ", at most " + most
                        + " are supported on an axis of " + extent);
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

    /** As {@link #place}, of a window that has no weights, whose size is nothing but a number in the file. */
    static Windows placeBare(OperatorNode node, int padding, long extent, long window, long stride) {
        long most = Math.max(2 * extent, LARGEST_BARE);
        node.require(
                window <= most,
                "a window has " + window + " elements, at most " + most + " are supported on an axis of " + extent);
        return place(node, padding, extent, window, stride, 1);
    }
}
