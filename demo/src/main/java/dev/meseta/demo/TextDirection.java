package dev.meseta.demo;

import dev.meseta.Session;
import dev.meseta.graph.Tensor;
import java.awt.image.BufferedImage;
import java.util.Map;

/** Tells whether a line of text is upside down, with PP-OCR's direction network. */
final class TextDirection {
    private static final int HEIGHT = 48;
    private static final int WIDTH = 192;

    /** Below this probability a line stays as it is. */
    private static final double SURE = 0.9;

    private final Session session;
    private final String input;

    TextDirection(Session session) {
        this.session = session;
        this.input = session.inputs().getFirst().name();
    }

    boolean isUpsideDown(BufferedImage line) {
        float[] values = new float[3 * HEIGHT * WIDTH];
        TextLines.write(line, HEIGHT, WIDTH, values, 0);
        Tensor out = session.run(Map.of(input, Tensor.of(values, 1, 3, HEIGHT, WIDTH)))
                .first();
        return out.getDouble(1) > SURE;
    }
}
