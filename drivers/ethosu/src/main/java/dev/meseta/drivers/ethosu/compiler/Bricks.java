package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Keeps temporary feature maps in bricks of 16 channels, which the device reads faster, where all that touches them can. Those whose last brick
 * is not full take more memory, so only maps that are too large for the fast one anyhow are kept so.
 */
final class Bricks {
    static final int BRICK = 16;

    private Bricks() {}

    static void choose(List<Step> steps, Machine machine) {
        Map<Buffer, Boolean> all = new IdentityHashMap<>();
        for (Step s : steps) {
            if (s instanceof Work w) {
                for (Place p : w.maps()) all.merge(p.buffer(), fits(p), Boolean::logicalAnd);
                if (w.kind == Kind.SUM_CHANNELS) all.put(w.in.buffer(), false);
            } else {
                s.touched().forEach(b -> all.put(b, false));
            }
        }
        all.forEach((b, fits) -> {
            boolean full = b.shape != null && b.shape.depth() % BRICK == 0;
            b.bricks = fits && b.temporary && (full || 2 * b.bytes > machine.fastBytes());
        });
    }

    /** Elements of a row of a map in bricks. */
    static long row(Place map) {
        return (long) map.width() * Weights.roundUp(map.depth(), BRICK);
    }

    private static boolean fits(Place p) {
        Place all = p.buffer().shape;
        if (all == null) return false;
        long channels = all.depth();
        long row = all.width() * channels;
        long c = p.offset() % channels;
        return c % BRICK == 0
                && (p.depth() % BRICK == 0 || c + p.depth() == channels)
                && c + p.depth() <= channels
                && (p.width() == 1 || p.stride(1) == channels)
                && p.offset() % row / channels + p.width() <= all.width()
                && (p.height() == 1 || p.stride(0) > 0 && p.stride(0) % row == 0);
    }
}
