package dev.meseta.frontends.tflite.operators;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Options of MediaPipe's custom operators: 32-bit integers as TFLite's structures for C have them. These begin with padding, the strides of
 * width and height, and for windows their width, height, and activation function.
 */
final class MediaPipeOptions {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int SAME = 1;
    private static final int VALID = 2;

    private MediaPipeOptions() {}

    static int number(OperatorNode node, int i) {
        long at = (long) Integer.BYTES * i;
        node.require(
                at + Integer.BYTES <= node.customOptions().byteSize(),
                "options have " + node.customOptions().byteSize() + " bytes, expected more");
        return node.customOptions().get(WORD, at);
    }

    /** A stride or a window's extent. */
    static int extent(OperatorNode node, int i) {
        int v = number(node, i);
        node.require(v >= 1 && v <= Short.MAX_VALUE, "a stride or extent of a window is " + v);
        return v;
    }

    static boolean isSame(OperatorNode node) {
        int padding = number(node, 0);
        node.require(padding == SAME || padding == VALID, "padding " + padding + " is unknown");
        return padding == SAME;
    }
}
