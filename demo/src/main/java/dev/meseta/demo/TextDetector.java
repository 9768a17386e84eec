package dev.meseta.demo;

import dev.meseta.Session;
import dev.meseta.graph.Tensor;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/**
 * Finds lines of text in a picture with PP-OCR's detection network: a map of the probability that a pixel is text, whose connected
 * regions become rectangles, grown again by what the network was trained to shrink them (Liao et al., Real-time Scene Text Detection
 * with Differentiable Binarization, 2020).
 */
final class TextDetector {
    /** The picture's longer side is scaled down to this many pixels. */
    private static final int LONGEST_SIDE = 960;

    /** A shorter side below this is scaled up to it, as far as the longer side allows. */
    private static final int SHORTEST_SIDE = 320;

    /** The network halves a picture five times. */
    private static final int STEP = 32;

    private static final float[] MEAN = {0.485f, 0.456f, 0.406f};
    private static final float[] DEVIATION = {0.229f, 0.224f, 0.225f};

    private static final float TEXT = 0.3f;
    private static final double REGION = 0.5;
    private static final double GROW = 1.6;
    private static final int SMALLEST_SIDE = 3;

    private final Session session;
    private final String input;

    TextDetector(Session session) {
        this.session = session;
        this.input = session.inputs().getFirst().name();
    }

    /** Rectangles in the picture's pixels, in reading order. */
    List<Quad> detect(BufferedImage picture) {
        double scale = Math.min(1.0, (double) LONGEST_SIDE / Math.max(picture.getWidth(), picture.getHeight()));
        double up = (double) SHORTEST_SIDE / Math.min(picture.getWidth(), picture.getHeight());
        if (up > 1) scale = Math.min(up, (double) LONGEST_SIDE / Math.max(picture.getWidth(), picture.getHeight()));
        int w = rounded(picture.getWidth() * scale);
        int h = rounded(picture.getHeight() * scale);
        Tensor out = session.run(Map.of(input, tensor(resize(picture, w, h)))).first();
        float[] probability = out.toFloats();
        List<Quad> found = new ArrayList<>();
        for (Quad q : regions(probability, w, h)) {
            found.add(q.scale((double) picture.getWidth() / w, (double) picture.getHeight() / h)
                    .clip(picture.getWidth(), picture.getHeight()));
        }
        return ordered(found);
    }

    private static int rounded(double side) {
        return (int) Math.max(STEP, Math.round(side / STEP) * STEP);
    }

    static BufferedImage resize(BufferedImage picture, int width, int height) {
        BufferedImage result = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = result.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        g.drawImage(picture, 0, 0, width, height, java.awt.Color.WHITE, null);
        g.dispose();
        return result;
    }

    /** [1, 3, height, width], blue first, as the network was trained. */
    private static Tensor tensor(BufferedImage picture) {
        int w = picture.getWidth();
        int h = picture.getHeight();
        int[] rgb = picture.getRGB(0, 0, w, h, null, 0, w);
        float[] values = new float[3 * w * h];
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < rgb.length; i++) {
                float v = ((rgb[i] >> (8 * c)) & 0xff) / 255f;
                values[c * w * h + i] = (v - MEAN[c]) / DEVIATION[c];
            }
        }
        return Tensor.of(values, 1, 3, h, w);
    }

    private static List<Quad> regions(float[] probability, int w, int h) {
        List<Quad> result = new ArrayList<>();
        boolean[] seen = new boolean[w * h];
        for (int i = 0; i < w * h; i++) {
            if (seen[i] || probability[i] <= TEXT) continue;
            Region region = fill(probability, seen, i, w, h);
            Quad q = Quad.around(region.outline);
            if (Math.min(q.width(), q.height()) < SMALLEST_SIDE || region.sum / region.count < REGION) continue;
            Quad grown = q.grow(q.width() * q.height() * GROW / (2 * (q.width() + q.height())));
            if (Math.min(grown.width(), grown.height()) >= SMALLEST_SIDE + 2) result.add(grown);
        }
        return result;
    }

    /** A connected region: the sum of its probabilities, and its pixels that touch the outside. */
    private static final class Region {
        private final List<double[]> outline = new ArrayList<>();
        private double sum;
        private long count;
    }

    private static Region fill(float[] probability, boolean[] seen, int from, int w, int h) {
        Region region = new Region();
        Deque<Integer> work = new ArrayDeque<>();
        work.push(from);
        seen[from] = true;
        while (!work.isEmpty()) {
            int at = work.pop();
            int x = at % w;
            int y = at / w;
            region.sum += probability[at];
            region.count++;
            boolean edge = false;
            for (int dy = -1; dy <= 1; dy++) {
                for (int dx = -1; dx <= 1; dx++) {
                    int nx = x + dx;
                    int ny = y + dy;
                    if (nx < 0 || ny < 0 || nx >= w || ny >= h || probability[ny * w + nx] <= TEXT) {
                        edge = true;
                        continue;
                    }
                    int n = ny * w + nx;
                    if (!seen[n]) {
                        seen[n] = true;
                        work.push(n);
                    }
                }
            }
            if (edge) {
                region.outline.add(new double[] {x, y});
                region.outline.add(new double[] {x + 1.0, y + 1.0});
            }
        }
        return region;
    }

    /** From top to bottom, and from left to right within a line: boxes whose middles are closer than half a height share a line. */
    private static List<Quad> ordered(List<Quad> quads) {
        List<Quad> rest = new ArrayList<>(quads);
        rest.sort(java.util.Comparator.comparingDouble(Quad::centreY));
        List<Quad> result = new ArrayList<>();
        while (!rest.isEmpty()) {
            Quad first = rest.getFirst();
            List<Quad> line = new ArrayList<>();
            for (Quad q : rest) {
                if (q.centreY() - first.centreY() <= 0.5 * Math.min(q.height(), first.height())) line.add(q);
            }
            rest.removeAll(line);
            line.sort(java.util.Comparator.comparingDouble(Quad::left));
            result.addAll(line);
        }
        return result;
    }
}
