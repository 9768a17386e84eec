package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Interpolation of an image at places that are computed. */
final class Sampling {
    private Sampling() {}

    /**
     * One neighbour along one axis for each place.
     *
     * @param index its position, inside the axis, I64 [B, P]
     * @param weight how much it counts, [B, P]; null for 1
     * @param inside BOOL [B, P]: whether the image is there; null if it always is
     */
    record Tap(
            Value index, @Nullable Value weight, @Nullable Value inside) {}

    /** The taps of linear interpolation at float coordinates [B, P] with zeros outside [0, extent). */
    static List<Tap> linear(GraphBuilder b, Value at, long extent) {
        Value floor = b.map(MapFunction.FLOOR, at);
        Value fraction = b.minus(at, floor);
        Value one = Shorthand.like(b, at, 1);
        return List.of(
                zeroOutside(b, floor, b.minus(one, fraction), extent),
                zeroOutside(b, b.plus(floor, one), fraction, extent));
    }

    /** A tap at integral coordinates, with zeros outside [0, extent). */
    static Tap zeroOutside(GraphBuilder b, Value at, @Nullable Value weight, long extent) {
        Value zero = Shorthand.like(b, at, 0);
        Value last = Shorthand.like(b, at, extent - 1.0);
        Value inside = b.map(MapFunction.AND, b.map(MapFunction.GE, at, zero), b.map(MapFunction.LE, at, last));
        return new Tap(index(b, at, extent), weight, inside);
    }

    /** Integral float coordinates as positions, the nearest inside [0, extent). */
    static Value index(GraphBuilder b, Value at, long extent) {
        Value clamped = b.map(MapFunction.CLAMP, at, Shorthand.like(b, at, 0), Shorthand.like(b, at, extent - 1.0));
        return b.cast(clamped, DType.I64);
    }

    /**
     * The weighted sum over all combinations of taps.
     *
     * @param x [B, spatial…, C]
     * @param taps for each spatial axis
     * @return [B, P, C]
     */
    static Value interpolate(GraphBuilder b, Value x, List<List<Tap>> taps) {
        int n = taps.size();
        Value rows = Shorthand.merge(b, x, 1, n + 1);
        List<Tap> flat = List.of(new Tap(b.scalar(DType.I64, 0L), null, null));
        for (int axis = 0; axis < n; axis++) {
            Value extent = b.scalar(DType.I64, x.extent(axis + 1));
            List<Tap> next = new ArrayList<>();
            for (Tap outer : flat) {
                for (Tap t : taps.get(axis)) {
                    next.add(new Tap(
                            b.plus(b.times(outer.index, extent), t.index),
                            both(b, MapFunction.MUL, outer.weight, t.weight),
                            both(b, MapFunction.AND, outer.inside, t.inside)));
                }
            }
            flat = next;
        }
        Value sum = null;
        for (Tap t : flat) {
            Value v = value(b, rows, t);
            sum = sum == null ? v : b.plus(sum, v);
        }
        return java.util.Objects.requireNonNull(sum, "there is at least one tap");
    }

    private static @Nullable Value both(GraphBuilder b, MapFunction f, @Nullable Value x, @Nullable Value y) {
        if (x == null) return y;
        return y == null ? x : b.map(f, x, y);
    }

    private static Value value(GraphBuilder b, Value rows, Tap t) {
        Value v = b.add(new Op.GatherNd(1), rows, Shorthand.unsqueeze(b, t.index, 2));
        if (t.inside != null) v = b.select(Shorthand.unsqueeze(b, t.inside, 2), v, b.scalar(v.dtype(), 0L));
        return t.weight == null ? v : b.times(v, b.cast(Shorthand.unsqueeze(b, t.weight, 2), v.dtype()));
    }

    /** [B, C, spatial…] as [B, spatial…, C]. */
    static Value channelsLast(GraphBuilder b, Value x) {
        int[] order = new int[x.rank()];
        for (int i = 1; i < order.length - 1; i++) order[i] = i + 1;
        order[order.length - 1] = 1;
        return b.transpose(x, order);
    }

    /** [B, P, C] as [B, C, places…]. */
    static Value channelsFirst(GraphBuilder b, Value x, List<Dim> places) {
        List<Dim> dims = new ArrayList<>(List.of(x.shape().dim(0), x.shape().dim(2)));
        dims.addAll(places);
        return b.reshape(b.transpose(x, 0, 2, 1), Shape.of(dims));
    }
}
