package dev.meseta.demo;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;

/** Pictures of single lines of text, cut out of a picture and turned upright. */
final class TextLines {
    /** Higher than this many times its width, a box is a line that was turned by a quarter. */
    private static final double STANDING = 1.5;

    private TextLines() {}

    static BufferedImage cut(BufferedImage picture, Quad q) {
        int w = (int) Math.max(1, Math.round(q.width()));
        int h = (int) Math.max(1, Math.round(q.height()));
        BufferedImage line = new BufferedImage(w, h, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = line.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
        // From the box's own axes to the picture, and back.
        AffineTransform toPicture = new AffineTransform(
                (q.x()[1] - q.x()[0]) / w,
                (q.y()[1] - q.y()[0]) / w,
                (q.x()[3] - q.x()[0]) / h,
                (q.y()[3] - q.y()[0]) / h,
                q.x()[0],
                q.y()[0]);
        try {
            g.drawImage(picture, toPicture.createInverse(), null);
        } catch (java.awt.geom.NoninvertibleTransformException e) {
            throw new IllegalArgumentException("a box without area", e);
        } finally {
            g.dispose();
        }
        return h >= STANDING * w ? turn(line, 3) : line;
    }

    /** Turned clockwise by quarters. */
    static BufferedImage turn(BufferedImage picture, int quarters) {
        int w = picture.getWidth();
        int h = picture.getHeight();
        boolean swap = quarters % 2 == 1;
        BufferedImage result = new BufferedImage(swap ? h : w, swap ? w : h, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = result.createGraphics();
        g.translate(result.getWidth() / 2.0, result.getHeight() / 2.0);
        g.rotate(Math.PI / 2 * quarters);
        g.translate(-w / 2.0, -h / 2.0);
        g.drawImage(picture, 0, 0, null);
        g.dispose();
        return result;
    }

    /** Values of a line scaled to a height, (v / 255 - 0.5) / 0.5, blue first, with zeros to the right up to {@code width}; written at {@code at}. */
    static void write(BufferedImage line, int height, int width, float[] values, int at) {
        int w = Math.clamp(Math.round((double) line.getWidth() * height / line.getHeight()), 1, width);
        int[] rgb = TextDetector.resize(line, w, height).getRGB(0, 0, w, height, null, 0, w);
        for (int c = 0; c < 3; c++) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < w; x++) {
                    values[at + (c * height + y) * width + x] = ((rgb[y * w + x] >> (8 * c)) & 0xff) / 127.5f - 1f;
                }
            }
        }
    }
}
