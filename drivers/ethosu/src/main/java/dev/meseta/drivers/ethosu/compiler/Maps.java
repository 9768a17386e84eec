package dev.meseta.drivers.ethosu.compiler;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Places with any number of axes and extents as feature maps that the device takes, one operation after the other. */
final class Maps {
    private static final long CHUNK = 1 << 15;
    static final int LARGEST_STRIDE = 3;

    private Maps() {}

    /**
     * Gives feature maps that together cover places of equal extents (an axis with a stride of 0 repeats), a list for each operation: one map
     * a place. Where channels do not lie together, elements are channels of their own.
     *
     * @param repeats whether a place's channels may repeat: its maps then have one channel
     */
    static void each(List<Place> places, boolean repeats, Consumer<List<Place>> use) {
        List<Place> p = new ArrayList<>(places);
        int last = p.getFirst().rank() - 1;
        boolean together = last >= 0;
        for (Place a : p) {
            together &= last >= 0 && (a.extent(last) == 1 || a.stride(last) == 1 || repeats && a.stride(last) == 0);
        }
        if (!together) p.replaceAll(a -> a.withAxis(a.rank(), 1));
        split(p, use);
    }

    /** Cuts what has too many axes, or too long ones. */
    private static void split(List<Place> p, Consumer<List<Place>> use) {
        Place first = p.getFirst();
        for (int i = 0; i < first.rank(); i++) {
            if (first.extent(i) <= Place.LONGEST_AXIS) continue;
            for (long at = 0; at < first.extent(i); at += CHUNK) {
                int axis = i;
                long from = at;
                long n = Math.min(CHUNK, first.extent(i) - at);
                split(p.stream().map(a -> a.slice(axis, from, n, 1)).toList(), use);
            }
            return;
        }
        if (first.rank() <= 3) {
            use.accept(p.stream().map(a -> map(a.ofRank(3))).toList());
            return;
        }
        for (long i = 0; i < first.extent(0); i++) {
            long at = i;
            split(p.stream().map(a -> a.at(at)).toList(), use);
        }
    }

    private static Place map(Place a) {
        return a.depth() > 1 && a.stride(2) == 0 ? a.slice(2, 0, 1, 1) : a;
    }

    /** Takes one operation. */
    interface Use {
        void operation(Place in, Place out, Window window);
    }

    /**
     * Windows over feature maps: gives operations that together compute a result, of strides that the device has.
     *
     * @param w its padding behind is computed here
     */
    static void windows(Place in, Place out, Window w, Use use) {
        for (int axis = 0; axis < 2; axis++) {
            Window.Axis a = axis == 0 ? w.y() : w.x();
            long places = out.extent(axis);
            if (places == 1 || a.stride() <= LARGEST_STRIDE) continue;
            for (long i = 0; i < places; i++) {
                long from = i * a.stride() - a.before();
                long first = Math.clamp(from, 0, in.extent(axis) - 1);
                Window.Axis b = new Window.Axis(a.size(), 1, a.dilation(), (int) (first - from), 0);
                Window one = axis == 0 ? new Window(b, w.x()) : new Window(w.y(), b);
                Place rest = in.slice(axis, first, in.extent(axis) - first, 1);
                windows(rest, out.slice(axis, i, 1, 1), one, use);
            }
            return;
        }
        Window f = new Window(w.y().fitting(in.height(), out.height()), w.x().fitting(in.width(), out.width()));
        Place rows = in.slice(0, 0, f.y().operand(out.height()), 1);
        use.operation(rows.slice(1, 0, f.x().operand(out.width()), 1), out, f);
    }
}
