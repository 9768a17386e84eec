package dev.meseta.graph.differentiate;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** Contractions and convolutions. */
final class ProductRules {
    private ProductRules() {}

    static void contraction(Step s, Op.Contraction o) {
        if (s.wants(0)) s.give(0, side(s, o, true));
        if (s.wants(1)) s.give(1, side(s, o, false));
    }

    /** The axes of an operand that are neither shared nor summed. */
    private static List<Integer> free(int rank, List<Integer> batch, List<Integer> sum) {
        return IntStream.range(0, rank)
                .filter(i -> !batch.contains(i) && !sum.contains(i))
                .boxed()
                .toList();
    }

    /** One operand's adjoint: the result's, contracted with the other operand over that one's free axes. */
    private static Value side(Step s, Op.Contraction o, boolean left) {
        GraphBuilder b = s.b;
        Value own = s.x(left ? 0 : 1);
        Value other = b.cast(s.x(left ? 1 : 0), s.g().dtype());
        List<Integer> ownBatch = left ? o.leftBatch() : o.rightBatch();
        List<Integer> ownSum = left ? o.leftSum() : o.rightSum();
        List<Integer> otherBatch = left ? o.rightBatch() : o.leftBatch();
        List<Integer> otherSum = left ? o.rightSum() : o.leftSum();
        List<Integer> ownFree = free(own.rank(), ownBatch, ownSum);
        List<Integer> otherFree = free(other.rank(), otherBatch, otherSum);
        int shared = ownBatch.size();
        List<Integer> batch = IntStream.range(0, shared).boxed().toList();
        int first = shared + (left ? ownFree.size() : 0);
        List<Integer> summed =
                IntStream.range(first, first + otherFree.size()).boxed().toList();
        DType t = s.g().dtype();
        Value v = b.add(new Op.Contraction(batch, otherBatch, summed, otherFree, t), s.g(), other);
        // Its axes: batch, own free axes, then the other's summed ones in ascending order.
        List<Integer> axes = new ArrayList<>(ownBatch);
        axes.addAll(ownFree);
        otherSum.stream().sorted().forEach(a -> axes.add(ownSum.get(otherSum.indexOf(a))));
        return b.cast(MovementRules.transpose(b, v, MovementRules.inverse(axes)), own.dtype());
    }

    static void convolution(Step s, Op.Convolution o) {
        boolean empty = s.x(0).shape().elements() == 0 || s.y().shape().elements() == 0;
        if (s.wants(0)) s.give(0, empty ? s.zeros(s.x(0)) : input(s, o));
        if (s.wants(1)) s.give(1, empty ? s.zeros(s.x(1)) : kernel(s, o));
    }

    /** Extent of an axis with {@code dilation - 1} zeros between its elements. */
    private static long stretched(long extent, long dilation) {
        return (extent - 1) * dilation + 1;
    }

    /** The input's adjoint: the result's, spread by the strides, under the kernel with its spatial axes reversed. */
    private static Value input(Step s, Op.Convolution o) {
        GraphBuilder b = s.b;
        Value x = s.x(0);
        Value w = b.cast(s.x(1), s.g().dtype());
        int spatial = x.rank() - 2;
        int groups = o.groups();
        long outputs = w.extent(0) / groups;
        for (int i = 0; i < spatial; i++) w = MovementRules.reversed(b, w, 2 + i);
        // [G * O', C', …] to [G * C', O', …].
        List<Dim> tail = w.shape().dims().subList(2, w.rank());
        List<Dim> split = new ArrayList<>(
                List.of(Dim.of(groups), Dim.of(outputs), w.shape().dim(1)));
        split.addAll(tail);
        w = b.reshape(w, Shape.of(split));
        w = swap(b, w, 1, 2);
        List<Dim> joined = new ArrayList<>(List.of(Dim.of(groups * s.x(1).extent(1)), Dim.of(outputs)));
        joined.addAll(tail);
        w = b.reshape(w, Shape.of(joined));
        List<Long> low = new ArrayList<>();
        List<Long> high = new ArrayList<>();
        for (int i = 0; i < spatial; i++) {
            long reach = (w.extent(2 + i) - 1) * o.kernelDilation().get(i);
            long before = reach - o.low().get(i);
            long needed = stretched(x.extent(2 + i), o.inputDilation().get(i)) + reach;
            low.add(before);
            high.add(
                    needed - before - stretched(s.y().extent(2 + i), o.strides().get(i)));
        }
        Op op = new Op.Convolution(
                o.inputDilation(), low, high, o.strides(), o.kernelDilation(), groups, s.g().dtype());
        return b.cast(b.add(op, s.g(), w), x.dtype());
    }

    /** The kernel's adjoint: the input under the result's adjoint, where channels take the place of the batch and the batch that of channels. */
    private static Value kernel(Step s, Op.Convolution o) {
        GraphBuilder b = s.b;
        Value w = s.x(1);
        Value x = b.cast(s.x(0), s.g().dtype());
        int spatial = x.rank() - 2;
        int groups = o.groups();
        Dim batch = x.shape().dim(0);
        List<Dim> tail = x.shape().dims().subList(2, x.rank());
        // [N, G * C', …] to [C', G * N, …].
        List<Dim> split =
                new ArrayList<>(List.of(batch, Dim.of(groups), w.shape().dim(1)));
        split.addAll(tail);
        x = swap(b, b.reshape(x, Shape.of(split)), 0, 2);
        List<Dim> joined = new ArrayList<>(List.of(w.shape().dim(1), Dim.of(groups * batch.extent())));
        joined.addAll(tail);
        x = b.reshape(x, Shape.of(joined));
        Value g = swap(b, s.g(), 0, 1);
        List<Long> high = new ArrayList<>();
        for (int i = 0; i < spatial; i++) {
            long reach = (w.extent(2 + i) - 1) * o.kernelDilation().get(i);
            long needed = stretched(g.extent(2 + i), o.strides().get(i)) + reach;
            high.add(needed
                    - o.low().get(i)
                    - stretched(x.extent(2 + i), o.inputDilation().get(i)));
        }
        Op op = new Op.Convolution(
                o.kernelDilation(), o.low(), high, o.inputDilation(), o.strides(), groups, g.dtype());
        return b.cast(swap(b, b.add(op, x, g), 0, 1), w.dtype());
    }

    private static Value swap(GraphBuilder b, Value x, int one, int other) {
        List<Integer> order =
                new ArrayList<>(IntStream.range(0, x.rank()).boxed().toList());
        Collections.swap(order, one, other);
        return MovementRules.transpose(b, x, order);
    }
}
