package dev.meseta.frontends.tflite.operators;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** The best of many boxes, without those that overlap a better one. */
final class Suppression {
    private Suppression() {}

    /** A box by its lower and upper corner. */
    record Box(float y0, float x0, float y1, float x1) {
        /** From any two opposite corners. */
        static Box of(float ya, float xa, float yb, float xb) {
            return new Box(Math.min(ya, yb), Math.min(xa, xb), Math.max(ya, yb), Math.max(xa, xb));
        }

        float area() {
            return (y1 - y0) * (x1 - x0);
        }

        /** The part of both boxes' area that is in both. */
        float overlap(Box o) {
            float a = area();
            float b = o.area();
            if (a <= 0 || b <= 0) return 0;
            float height = Math.max(0, Math.min(y1, o.y1) - Math.max(y0, o.y0));
            float width = Math.max(0, Math.min(x1, o.x1) - Math.max(x0, o.x0));
            float both = height * width;
            return both / (a + b - both);
        }
    }

    /** What was taken, the best first. */
    record Taken(List<Integer> positions, List<Float> scores) {}

    private record Candidate(int position, float score, int seen) {}

    static List<Box> boxes(float[] corners) {
        List<Box> boxes = new ArrayList<>();
        for (int i = 0; i + 3 < corners.length; i += 4) {
            boxes.add(Box.of(corners[i], corners[i + 1], corners[i + 2], corners[i + 3]));
        }
        return boxes;
    }

    /**
     * Takes boxes.
     *
     * @param overlap boxes that overlap a taken one by more are dropped
     * @param least boxes of a score that is not above are dropped
     * @param sigma if above 0, boxes that overlap a taken one lose of their score by how much they do
     */
    static Taken run(List<Box> boxes, float[] scores, int most, float overlap, float least, float sigma) {
        PriorityQueue<Candidate> queue = new PriorityQueue<>(
                Comparator.comparingDouble((Candidate c) -> -c.score()).thenComparingInt(Candidate::position));
        for (int i = 0; i < scores.length; i++) if (scores[i] > least) queue.add(new Candidate(i, scores[i], 0));
        Taken taken = new Taken(new ArrayList<>(), new ArrayList<>());
        float factor = sigma > 0 ? -0.5f / sigma : 0;
        while (taken.positions().size() < most && !queue.isEmpty()) {
            Candidate c = queue.remove();
            float score = c.score();
            boolean dropped = false;
            for (int k = taken.positions().size() - 1; k >= c.seen() && !dropped; k--) {
                float o = boxes.get(c.position())
                        .overlap(boxes.get(taken.positions().get(k)));
                dropped = o > overlap;
                if (sigma > 0) score *= (float) Math.exp(factor * o * o);
                dropped |= score <= least;
            }
            if (dropped) continue;
            if (score == c.score()) {
                taken.positions().add(c.position());
                taken.scores().add(score);
            } else {
                queue.add(new Candidate(c.position(), score, taken.positions().size()));
            }
        }
        return taken;
    }
}
