package dev.meseta.drivers.ethosu.compiler;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Places with any number of axes, as feature maps with three: operands and result of an operation element by element. */
final class Maps {
    private static final long LONGEST_AXIS = 1 << 16;
    private static final long CHUNK = 1 << 15;

    private Maps() {}

    /**
     * Gives feature maps that together cover places of equal extents (an axis with a stride of 0 repeats), a list for each operation: one map
     * a place. Where channels do not lie together, in all places but those whose last axis repeats, elements are channels of their own.
     *
     * @param strict whether channels must lie together in all places; else one may repeat its last axis
     */
    static void each(List<Place> places, boolean strict, Consumer<List<View>> use) {
        List<Place> p = new ArrayList<>(places);
        dropOnes(p);
        int last = p.getFirst().rank() - 1;
        boolean together = last >= 0;
        for (Place a : p) {
            together &= last >= 0
                    && (a.extents().get(last) == 1 || isChannel(a.strides().get(last), strict));
        }
        if (!together) p.replaceAll(Maps::withLastOne);
        split(p, use);
    }

    private static boolean isChannel(long stride, boolean strict) {
        return stride == 1 || stride == 0 && !strict;
    }

    private static Place withLastOne(Place a) {
        List<Long> e = new ArrayList<>(a.extents());
        List<Long> s = new ArrayList<>(a.strides());
        e.add(1L);
        s.add(1L);
        return new Place(a.buffer(), a.dtype(), e, s, a.offset());
    }

    private static void dropOnes(List<Place> p) {
        for (int i = p.getFirst().rank() - 1; i >= 0; i--) {
            // The last axes stay as they are, so that pictures stay pictures.
            boolean inner = i >= p.getFirst().rank() - 3;
            if (p.getFirst().extents().get(i) == 1 && !inner) drop(p, i);
        }
    }

    private static void drop(List<Place> p, int axis) {
        p.replaceAll(a -> {
            List<Long> e = new ArrayList<>(a.extents());
            List<Long> s = new ArrayList<>(a.strides());
            e.remove(axis);
            s.remove(axis);
            return new Place(a.buffer(), a.dtype(), e, s, a.offset());
        });
    }

    /** Cuts what has too many axes, or too long ones. */
    private static void split(List<Place> p, Consumer<List<View>> use) {
        int rank = p.getFirst().rank();
        List<Long> extents = p.getFirst().extents();
        for (int i = 0; i < rank; i++) {
            if (extents.get(i) <= LONGEST_AXIS) continue;
            for (long at = 0; at < extents.get(i); at += CHUNK) {
                long from = at;
                int axis = i;
                long n = Math.min(CHUNK, extents.get(i) - at);
                split(
                        new ArrayList<>(
                                p.stream().map(a -> part(a, axis, from, n)).toList()),
                        use);
            }
            return;
        }
        if (rank <= 3) {
            use.accept(p.stream().map(Maps::view).toList());
            return;
        }
        if (p.stream().allMatch(Maps::firstTwoMerge) && extents.get(0) * extents.get(1) <= LONGEST_AXIS) {
            p.replaceAll(Maps::merged);
            split(p, use);
            return;
        }
        for (long i = 0; i < extents.getFirst(); i++) {
            long at = i;
            split(new ArrayList<>(p.stream().map(a -> a.at(at)).toList()), use);
        }
    }

    private static Place part(Place a, int axis, long from, long n) {
        List<Long> e = new ArrayList<>(a.extents());
        e.set(axis, n);
        return new Place(
                a.buffer(),
                a.dtype(),
                e,
                a.strides(),
                a.offset() + from * a.strides().get(axis));
    }

    private static boolean firstTwoMerge(Place a) {
        return a.strides().get(0) == a.strides().get(1) * a.extents().get(1);
    }

    private static Place merged(Place a) {
        List<Long> e = new ArrayList<>(a.extents().subList(1, a.rank()));
        e.set(0, a.extents().get(0) * a.extents().get(1));
        return new Place(a.buffer(), a.dtype(), e, a.strides().subList(1, a.rank()), a.offset());
    }

    /** A feature map; an axis of channels that repeats has one. */
    private static View view(Place a) {
        Place p = a.ofRank(3);
        List<Long> e = p.extents();
        int depth = (int) (e.get(2) > 1 && p.strides().get(2) == 0 ? 1 : e.get(2));
        return new View(
                p.buffer(),
                p.dtype(),
                (int) (long) e.get(0),
                (int) (long) e.get(1),
                depth,
                p.offset(),
                p.strides().get(0),
                p.strides().get(1));
    }
}
