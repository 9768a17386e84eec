package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.graph.DType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Where the elements of a value lie in a buffer. One with three axes, the last of which is dense, is a feature map: height, width, channels.
 *
 * @param extents of its axes
 * @param strides of its axes, in elements; 0 where an axis repeats what is there
 * @param offset of its first element, in elements
 */
record Place(Buffer buffer, DType dtype, List<Long> extents, List<Long> strides, long offset) {
    /** What registers hold. */
    static final long LONGEST_AXIS = 1 << 16;

    /** All of a buffer, row-major. */
    static Place dense(Buffer buffer, DType dtype, List<Long> extents) {
        Place p = new Place(buffer, dtype, extents, denseStrides(extents), 0);
        Place picture = p.rank() == 4 && extents.getFirst() == 1 ? p.at(0) : p.ofRank(3);
        if (picture.rank() == 3) buffer.shape = picture;
        return p;
    }

    private static List<Long> denseStrides(List<Long> extents) {
        List<Long> strides = new ArrayList<>(Collections.nCopies(extents.size(), 1L));
        for (int i = extents.size() - 2; i >= 0; i--) strides.set(i, strides.get(i + 1) * extents.get(i + 1));
        return strides;
    }

    int rank() {
        return extents.size();
    }

    long extent(int axis) {
        return extents.get(axis);
    }

    long stride(int axis) {
        return strides.get(axis);
    }

    int bytes() {
        return dtype.bits() / 8;
    }

    boolean signed() {
        return dtype.isSigned();
    }

    long elements() {
        return elements(extents);
    }

    static long elements(List<Long> extents) {
        return extents.stream().reduce(1L, (a, b) -> a * b);
    }

    boolean isDense() {
        List<Long> dense = denseStrides(extents);
        for (int i = 0; i < rank(); i++) if (extent(i) != 1 && stride(i) != dense.get(i)) return false;
        return true;
    }

    private Place with(List<Long> newExtents, List<Long> newStrides, long newOffset) {
        return new Place(buffer, dtype, newExtents, newStrides, newOffset);
    }

    /** The same elements of a dense place under other extents. */
    Place reshaped(List<Long> newExtents) {
        return with(newExtents, denseStrides(newExtents), offset);
    }

    Place reshaped(long... newExtents) {
        return reshaped(java.util.Arrays.stream(newExtents).boxed().toList());
    }

    /** Elements of an axis; with a step of 0 one of them, repeated. */
    Place slice(int axis, long from, long count, long step) {
        List<Long> e = new ArrayList<>(extents);
        List<Long> s = new ArrayList<>(strides);
        e.set(axis, count);
        s.set(axis, stride(axis) * step);
        return with(e, s, offset + from * stride(axis));
    }

    Place slice(List<Long> starts, List<Long> sizes, List<Long> steps) {
        Place p = this;
        for (int i = 0; i < rank(); i++) p = p.slice(i, starts.get(i), sizes.get(i), steps.get(i));
        return p;
    }

    Place transposed(List<Integer> permutation) {
        List<Long> e = permutation.stream().map(extents::get).toList();
        return with(e, permutation.stream().map(strides::get).toList(), offset);
    }

    /** With axes of extent 1 in front, of a rank in all. */
    Place ofRank(int rank) {
        Place p = this;
        while (p.rank() < rank) p = p.withAxis(0, 0);
        return p;
    }

    /** With another axis of extent 1. */
    Place withAxis(int axis, long stride) {
        List<Long> e = new ArrayList<>(extents);
        List<Long> s = new ArrayList<>(strides);
        e.add(axis, 1L);
        s.add(axis, stride);
        return with(e, s, offset);
    }

    /** One place of the first axis, which disappears. */
    Place at(long index) {
        return with(extents.subList(1, rank()), strides.subList(1, rank()), offset + index * stride(0));
    }

    /** As a feature map. Throws {@link Refusal} where it is none. */
    Place map() {
        Place p = ofRank(3);
        Refusal.unless(p.extent(2) == 1 || p.stride(2) == 1, "its channels do not lie together");
        for (long e : p.extents) Refusal.unless(e <= LONGEST_AXIS, "an axis is longer than 65,536");
        return p;
    }

    // Of feature maps

    int height() {
        return (int) extent(0);
    }

    int width() {
        return (int) extent(1);
    }

    int depth() {
        return (int) extent(2);
    }

    /** Behind its last element, in elements. */
    long end() {
        long end = offset + 1;
        for (int i = 0; i < rank(); i++) end += (extent(i) - 1) * stride(i);
        return end;
    }
}
