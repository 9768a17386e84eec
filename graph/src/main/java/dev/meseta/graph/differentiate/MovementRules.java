package dev.meseta.graph.differentiate;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** What moves elements; each rule moves them back. */
final class MovementRules {
    private MovementRules() {}

    static void transpose(Step s, Op.Transpose o) {
        s.give(0, transpose(s.b, s.g(), inverse(o.permutation())));
    }

    static Value transpose(GraphBuilder b, Value x, List<Integer> permutation) {
        return b.add(new Op.Transpose(permutation), x);
    }

    static List<Integer> inverse(List<Integer> permutation) {
        List<Integer> inverse = new ArrayList<>(permutation);
        for (int i = 0; i < permutation.size(); i++) inverse.set(permutation.get(i), i);
        return inverse;
    }

    static void broadcast(Step s) {
        Value x = s.x(0);
        List<Integer> repeated = IntStream.range(0, x.rank())
                .filter(i -> x.extent(i) == 1 && s.y().extent(i) != 1)
                .boxed()
                .toList();
        s.give(0, s.b.reshape(s.b.reduce(ReduceKind.SUM, s.g(), repeated, false), x.shape()));
    }

    static void slice(Step s, Op.Slice o) {
        s.give(0, spread(s.b, s.g(), o.starts(), o.steps(), s.x(0).shape()));
    }

    /** A tensor of zeros of the given shape with {@code x} put where a slice with these starts and steps would take it from. */
    static Value spread(GraphBuilder b, Value x, List<Long> starts, List<Long> steps, Shape shape) {
        if (x.shape().elements() == 0) return Step.zeros(b, new TensorType(x.dtype(), shape));
        Value v = x;
        List<Long> low = new ArrayList<>();
        List<Long> high = new ArrayList<>();
        for (int axis = 0; axis < x.rank(); axis++) {
            long reach = (x.extent(axis) - 1) * Math.abs(steps.get(axis));
            long first = starts.get(axis);
            if (steps.get(axis) < 0) {
                v = reversed(b, v, axis);
                first -= reach;
            }
            v = stretch(b, v, axis, Math.abs(steps.get(axis)));
            low.add(first);
            high.add(shape.extent(axis) - first - reach - 1);
        }
        return b.add(new Op.Pad(low, high), v, b.scalar(x.dtype(), 0.0));
    }

    static Value reversed(GraphBuilder b, Value x, int axis) {
        List<Long> starts = new ArrayList<>(Collections.nCopies(x.rank(), 0L));
        List<Long> steps = new ArrayList<>(Collections.nCopies(x.rank(), 1L));
        starts.set(axis, x.extent(axis) - 1);
        steps.set(axis, -1L);
        return b.add(new Op.Slice(starts, x.shape().dims(), steps), x);
    }

    /** {@code step - 1} zeros between the elements of an axis, which is not empty. */
    static Value stretch(GraphBuilder b, Value x, int axis, long step) {
        if (step == 1 || x.extent(axis) == 1) return x;
        Value v = b.reshape(x, x.shape().insert(axis + 1, Dim.of(1)));
        List<Long> high = new ArrayList<>(Collections.nCopies(v.rank(), 0L));
        high.set(axis + 1, step - 1);
        v = b.add(new Op.Pad(Collections.nCopies(v.rank(), 0L), high), v, b.scalar(x.dtype(), 0.0));
        v = b.reshape(v, x.shape().with(axis, Dim.of(x.extent(axis) * step)));
        return b.slice(v, axis, 0, (x.extent(axis) - 1) * step + 1);
    }

    static void pad(Step s, Op.Pad o) {
        GraphBuilder b = s.b;
        Value x = s.x(0);
        if (s.wants(0)) {
            s.give(0, b.add(new Op.Slice(o.low(), x.shape().dims(), Collections.nCopies(x.rank(), 1L)), s.g()));
        }
        if (s.wants(1)) {
            Value inside = Step.zeros(b, new TensorType(DType.BOOL, x.shape()));
            Value border = b.add(new Op.Pad(o.low(), o.high()), inside, b.scalar(DType.BOOL, 1L));
            List<Integer> all = IntStream.range(0, x.rank()).boxed().toList();
            s.give(1, b.reduce(ReduceKind.SUM, b.select(border, s.g(), s.number(0)), all, false));
        }
    }

    static void concat(Step s, Op.Concat o) {
        long at = 0;
        for (int i = 0; i < s.operandCount(); i++) {
            Dim size = s.x(i).shape().dim(o.axis());
            if (s.wants(i)) s.give(i, s.b.slice(s.g(), o.axis(), at, size));
            at += size.extent();
        }
    }
}
