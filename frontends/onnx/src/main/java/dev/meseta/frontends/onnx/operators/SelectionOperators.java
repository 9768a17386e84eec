package dev.meseta.frontends.onnx.operators;

import static dev.meseta.frontends.onnx.operators.SequenceOperators.one;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Lowering;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Operators whose results are as large as the data says: NonZero, Unique, Compress, NonMaxSuppression. */
final class SelectionOperators {
    private SelectionOperators() {}

    static void register(Registry r) {
        r.host("NonZero", 9, one(SelectionOperators::nonZero));
        r.host("Compress", 9, one(SelectionOperators::compress));
        r.host("Unique", 11, node -> {
            Lowering.Host host = data -> unique(new Operands(node, data));
            return host;
        });
        r.host("NonMaxSuppression", 10, one(SelectionOperators::nonMaxSuppression));
    }

    /** Coordinates of elements that are not 0 (or not empty), one column each. */
    private static Tensor nonZero(Operands o) {
        Tensor x = new StringTable().encode(o.get(0));
        long[] positions = new long[16];
        int n = 0;
        boolean real = x.dtype().isFloat();
        for (long i = 0; i < x.elements(); i++) {
            if (real ? x.getDouble(i) == 0 : x.getLong(i) == 0) continue;
            if (n == positions.length) positions = Arrays.copyOf(positions, 2 * n);
            positions[n++] = i;
        }
        int rank = x.shape().rank();
        Tensor result = Tensor.allocate(DType.I64, Shape.of(rank, n));
        long[] strides = x.shape().strides();
        for (int a = 0; a < rank; a++) {
            for (int i = 0; i < n; i++) {
                result.setLong(
                        (long) a * n + i, positions[i] / strides[a] % x.shape().extent(a));
            }
        }
        return result;
    }

    private static Data compress(Operands o) {
        Data x = o.get(0);
        Tensor condition = o.tensor(1);
        Shape shape = StringTable.shape(x);
        boolean flat = !o.node().attributes().has("axis");
        int axis = flat ? 0 : o.axis(o.node().attributes().integer("axis"), shape.rank());
        Data from = flat ? StringTable.reshape(x, Shape.of(shape.elements())) : x;
        long extent = StringTable.shape(from).extent(axis);
        long[] kept = IntStream.range(0, Math.toIntExact(condition.elements()))
                .filter(i -> condition.getLong(i) != 0)
                .mapToLong(i -> i)
                .toArray();
        if (kept.length > 0 && kept[kept.length - 1] >= extent) {
            throw o.error("the condition takes element " + kept[kept.length - 1] + " of " + extent);
        }
        return StringTable.move(new Op.Gather(axis), from, Tensor.of(kept, kept.length));
    }

    private static List<@Nullable Data> unique(Operands o) {
        Data x = o.get(0);
        Shape shape = StringTable.shape(x);
        boolean flat = !o.node().attributes().has("axis");
        int axis = flat ? 0 : o.axis(o.node().attributes().integer("axis"), shape.rank());
        Data data = flat ? StringTable.reshape(x, Shape.of(shape.elements())) : x;
        int n = Math.toIntExact(StringTable.shape(data).extent(axis));
        Comparator<Integer> order = slices(data, axis);
        // Equal slices meet under their first position.
        TreeMap<Integer, Integer> groups = new TreeMap<>(order);
        int[] first = new int[n];
        for (int i = 0; i < n; i++) {
            Integer known = groups.putIfAbsent(i, i);
            first[i] = known == null ? i : known;
        }
        boolean sorted = o.node().attributes().flag("sorted", true);
        List<Integer> kept = new ArrayList<>(groups.values());
        if (!sorted) kept.sort(Comparator.naturalOrder());
        int[] place = new int[n];
        for (int i = 0; i < kept.size(); i++) place[kept.get(i)] = i;
        long[] counts = new long[kept.size()];
        long[] inverse = new long[n];
        for (int i = 0; i < n; i++) {
            inverse[i] = place[first[i]];
            counts[place[first[i]]]++;
        }
        long[] indices = kept.stream().mapToLong(Integer::longValue).toArray();
        Tensor positions = Tensor.of(indices, indices.length);
        return List.of(
                StringTable.move(new Op.Gather(axis), data, positions),
                positions,
                Tensor.of(inverse, inverse.length),
                Tensor.of(counts, counts.length));
    }

    /** Compares the slices at two places of an axis, element by element in row-major order. */
    private static Comparator<Integer> slices(Data data, int axis) {
        Shape shape = StringTable.shape(data);
        long inner = 1;
        for (int a = axis + 1; a < shape.rank(); a++) inner *= shape.extent(a);
        long outer = 1;
        for (int a = 0; a < axis; a++) outer *= shape.extent(a);
        long extent = shape.extent(axis);
        long within = inner;
        long blocks = outer;
        return (i, j) -> {
            for (long b = 0; b < blocks; b++) {
                for (long k = 0; k < within; k++) {
                    int c = compare(data, (b * extent + i) * within + k, (b * extent + j) * within + k);
                    if (c != 0) return c;
                }
            }
            return 0;
        };
    }

    private static int compare(Data data, long i, long j) {
        return switch (data) {
            case Data.Strings s ->
                s.values().get(Math.toIntExact(i)).compareTo(s.values().get(Math.toIntExact(j)));
            case Tensor t
            when t.dtype().isFloat() -> {
                double x = t.getDouble(i);
                double y = t.getDouble(j);
                yield x == y ? 0 : Double.compare(x, y);
            }
            case Tensor t when t.dtype() == DType.U64 -> Long.compareUnsigned(t.getLong(i), t.getLong(j));
            case Tensor t -> Long.compare(t.getLong(i), t.getLong(j));
            default -> throw new IllegalArgumentException(data.describe());
        };
    }

    /** Boxes [batch, n, 4] and scores [batch, classes, n] to rows (batch, class, box), best first within a class. */
    private static Tensor nonMaxSuppression(Operands o) {
        Tensor boxes = o.tensor(0);
        Tensor scores = o.tensor(1);
        if (boxes.shape().rank() != 3
                || scores.shape().rank() != 3
                || boxes.shape().extent(2) != 4
                || boxes.shape().extent(0) != scores.shape().extent(0)
                || boxes.shape().extent(1) != scores.shape().extent(2)) {
            throw o.error("takes boxes [batch, n, 4] and scores [batch, classes, n], got " + boxes.shape() + " and "
                    + scores.shape());
        }
        long most = optionalCount(o) ? o.integer(2) : 0;
        float overlap = o.has(3) && o.tensor(3).elements() > 0 ? (float) o.real(3) : 0;
        boolean filtered = o.has(4) && o.tensor(4).elements() > 0;
        double least = filtered ? o.real(4) : 0;
        boolean centred = o.node().attributes().flag("center_point_box", false);
        int n = Math.toIntExact(boxes.shape().extent(1));
        int classes = Math.toIntExact(scores.shape().extent(1));
        List<long[]> selected = new ArrayList<>();
        for (int batch = 0; batch < boxes.shape().extent(0); batch++) {
            float[][] corners = new float[n][];
            for (int i = 0; i < n; i++) corners[i] = corners(boxes, ((long) batch * n + i) * 4, centred);
            for (int c = 0; c < classes; c++) {
                long base = ((long) batch * classes + c) * n;
                List<Integer> chosen = new ArrayList<>();
                List<Integer> candidates = IntStream.range(0, n)
                        .filter(i -> !filtered || scores.getDouble(base + i) > least)
                        .boxed()
                        .sorted(Comparator.<Integer>comparingDouble(i -> -scores.getDouble(base + i)))
                        .toList();
                for (int i : candidates) {
                    if (chosen.size() >= most) break;
                    if (chosen.stream().anyMatch(j -> overlap(corners[i], corners[j]) > overlap)) continue;
                    chosen.add(i);
                    selected.add(new long[] {batch, c, i});
                }
            }
        }
        Tensor result = Tensor.allocate(DType.I64, Shape.of(selected.size(), 3));
        for (int i = 0; i < selected.size(); i++) {
            for (int k = 0; k < 3; k++) result.setLong(3L * i + k, selected.get(i)[k]);
        }
        return result;
    }

    private static boolean optionalCount(Operands o) {
        return o.has(2) && o.tensor(2).elements() > 0;
    }

    /** A box as lower and upper corner: its file form is two opposite corners, y first, or centre and size, x first. */
    private static float[] corners(Tensor boxes, long at, boolean centred) {
        float a = (float) boxes.getDouble(at);
        float b = (float) boxes.getDouble(at + 1);
        float c = (float) boxes.getDouble(at + 2);
        float d = (float) boxes.getDouble(at + 3);
        if (centred) return new float[] {a - c / 2, b - d / 2, a + c / 2, b + d / 2};
        return new float[] {Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)};
    }

    /** Intersection over union; -1 for boxes that do not meet, so that a threshold of 0 keeps them. */
    private static float overlap(float[] p, float[] q) {
        float height = Math.min(p[2], q[2]) - Math.max(p[0], q[0]);
        float width = Math.min(p[3], q[3]) - Math.max(p[1], q[1]);
        if (height <= 0 || width <= 0) return -1;
        float both = height * width;
        float union = (p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - both;
        return union <= 0 ? -1 : both / union;
    }
}
