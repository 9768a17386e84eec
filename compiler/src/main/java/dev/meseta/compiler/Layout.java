package dev.meseta.compiler;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a stored value lies in memory: its axes in an order of their own, dense or as a part of something larger. Row-major is the order
 * 0, 1, 2, …; channels-last is 0, 2, 3, …, 1. A transpose whose result lies as its operand does is no work, and neither is the
 * concatenation of values that were stored as parts of the result.
 *
 * @param order the axes, outermost first
 * @param box what it is a part of; null where it is dense
 */
record Layout(List<Integer> order, @Nullable Box box) {
    /**
     * Something larger with the same axes.
     *
     * @param shape its extents, by axis
     * @param at where in it the value begins, by axis
     */
    record Box(List<Size> shape, List<Lin> at) {}

    Layout {
        order = List.copyOf(order);
    }

    /** Row-major. */
    static Layout plain(int rank) {
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < rank; i++) order.add(i);
        return new Layout(order, null);
    }

    /** Axis 1 behind all others. */
    static Layout channelsLast(int rank) {
        List<Integer> order = new ArrayList<>(plain(rank).order);
        if (rank > 2) order.add(order.remove(1));
        return new Layout(order, null);
    }

    /** Whether a shape's elements lie dense and in row-major order, perhaps since the axes out of order have one place only. */
    boolean isPlain(List<Size> shape) {
        if (box != null) return false;
        int last = -1;
        for (int axis : order) {
            if (shape.get(axis).is(1)) continue;
            if (axis < last) return false;
            last = axis;
        }
        return true;
    }

    /** The same order, as a part of something larger. */
    Layout in(Box larger) {
        return new Layout(order, larger);
    }

    /** The axes' extents in memory order. */
    List<Size> stored(List<Size> shape) {
        return order.stream().map(shape::get).toList();
    }

    /** From an index in memory order to one by axis. */
    List<Lin> logical(List<Lin> stored) {
        Lin[] index = new Lin[order.size()];
        for (int i = 0; i < index.length; i++) index[order.get(i)] = stored.get(i);
        return List.of(index);
    }

    /** Where an element of a value of a shape lies, in elements. */
    Lin offset(List<Size> shape, List<Lin> index) {
        if (box == null)
            return Points.flat(stored(shape), order.stream().map(index::get).toList());
        List<Lin> at = new ArrayList<>();
        for (int axis : order) at.add(index.get(axis).plus(box.at.get(axis)));
        return Points.flat(stored(box.shape), at);
    }

    /** The layout in the same memory of the value's transpose, whose axis i is axis permutation[i] of the value. */
    Layout transposed(List<Integer> permutation) {
        Box b = box == null
                ? null
                : new Box(
                        permutation.stream().map(box.shape::get).toList(),
                        permutation.stream().map(box.at::get).toList());
        return new Layout(order.stream().map(permutation::indexOf).toList(), b);
    }
}
