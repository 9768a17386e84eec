package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.graph.DType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Where the elements of a value lie in a buffer.
 *
 * @param extents of its axes
 * @param strides of its axes, in elements; 0 where an axis repeats what is there
 * @param offset of its first element, in elements
 */
record Place(Buffer buffer, DType dtype, List<Long> extents, List<Long> strides, long offset) {
    Place {
        extents = List.copyOf(extents);
        strides = List.copyOf(strides);
    }

    /** All of a buffer, row-major. */
    static Place dense(Buffer buffer, DType dtype, List<Long> extents) {
        Place p = new Place(buffer, dtype, extents, denseStrides(extents), 0);
        Place picture = p.rank() == 4 && extents.getFirst() == 1 ? p.at(0) : p.ofRank(3);
        if (picture.rank() == 3)
            buffer.shape = picture.extents.stream().mapToInt(Math::toIntExact).toArray();
        return p;
    }

    static List<Long> denseStrides(List<Long> extents) {
        List<Long> strides = new ArrayList<>(Collections.nCopies(extents.size(), 1L));
        for (int i = extents.size() - 2; i >= 0; i--) strides.set(i, strides.get(i + 1) * extents.get(i + 1));
        return strides;
    }

    int rank() {
        return extents.size();
    }

    int bytes() {
        return dtype.bits() / 8;
    }

    boolean signed() {
        return dtype != DType.U8 && dtype != DType.U16;
    }

    long elements() {
        long n = 1;
        for (long e : extents) n *= e;
        return n;
    }

    boolean isDense() {
        List<Long> dense = denseStrides(extents);
        for (int i = 0; i < rank(); i++) {
            if (extents.get(i) != 1 && !strides.get(i).equals(dense.get(i))) return false;
        }
        return true;
    }

    /** The same elements of a dense place under other extents. */
    Place reshaped(List<Long> newExtents) {
        return new Place(buffer, dtype, newExtents, denseStrides(newExtents), offset);
    }

    Place sliced(List<Long> starts, List<Long> sizes, List<Long> steps) {
        long at = offset;
        List<Long> s = new ArrayList<>();
        for (int i = 0; i < rank(); i++) {
            at += starts.get(i) * strides.get(i);
            s.add(strides.get(i) * steps.get(i));
        }
        return new Place(buffer, dtype, sizes, s, at);
    }

    Place transposed(List<Integer> permutation) {
        return new Place(
                buffer,
                dtype,
                permutation.stream().map(extents::get).toList(),
                permutation.stream().map(strides::get).toList(),
                offset);
    }

    /** With axes of extent 1 in front, of a rank in all. */
    Place ofRank(int rank) {
        if (rank() >= rank) return this;
        List<Long> e = new ArrayList<>(Collections.nCopies(rank - rank(), 1L));
        List<Long> s = new ArrayList<>(Collections.nCopies(rank - rank(), 0L));
        e.addAll(extents);
        s.addAll(strides);
        return new Place(buffer, dtype, e, s, offset);
    }

    /** One place of the first axis, which disappears. */
    Place at(long index) {
        return new Place(
                buffer,
                dtype,
                extents.subList(1, rank()),
                strides.subList(1, rank()),
                offset + index * strides.getFirst());
    }

    /** As a feature map: three axes, the last of which is dense. */
    View view() {
        Place p = ofRank(3);
        if (p.rank() != 3) throw new IllegalStateException("a feature map of " + extents);
        if (p.extents.get(2) > 1 && p.strides.get(2) != 1) throw new Refusal("its channels do not lie together");
        for (long e : p.extents) Refusal.unless(e <= 1 << 16, "an axis is longer than 65,536");
        return new View(
                buffer,
                dtype,
                (int) (long) p.extents.get(0),
                (int) (long) p.extents.get(1),
                (int) (long) p.extents.get(2),
                offset,
                p.strides.get(0),
                p.strides.get(1));
    }
}
