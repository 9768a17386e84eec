package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.List;

/**
 * Convolution whose kernel elements read at places moved by an offset: the input is interpolated at each place, then contracted with
 * the kernel. Any number of spatial axes.
 */
final class DeformableConvolution {
    private DeformableConvolution() {}

    static Lowering.Expand define(OperatorNode node) {
        Windows w = Windows.of(node);
        int groups = ConvolutionOperators.groups(node);
        long offsetGroups = node.attributes().integer("offset_group", 1);
        if (offsetGroups < 1) throw node.error("offset_group " + offsetGroups + " must be 1 or more");
        return c -> List.of(expand(c, w, groups, offsetGroups));
    }

    private static Value expand(LoweringContext c, Windows w, int groups, long offsetGroups) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        Value kernel = c.operand(1);
        Windows.Placed p = w.place(c, x.shape(), ConvolutionOperators.kernelExtents(c, w, x, kernel));
        int n = p.rank();
        long taps = p.kernel().stream().reduce(1L, Math::multiplyExact);
        Dim batch = x.shape().dim(0);
        Dim channels = x.shape().dim(1);
        c.require(
                channels.extent() % offsetGroups == 0
                        && channels.extent() == kernel.extent(1) * groups
                        && kernel.extent(0) % groups == 0,
                "input " + x.type() + ", kernel " + kernel.type() + ", " + groups + " group(s), " + offsetGroups
                        + " offset group(s) do not fit");
        Value offset = c.operand(2);
        List<Dim> out = offset.shape().dims().subList(2, offset.rank());
        requireMoved(c, offset, x, offsetGroups * taps * n, p);
        Dim places = Shorthand.product(out);
        // [N * offset group, taps, axes, places]: one row of coordinates an axis, for all elements of the kernel.
        Dim images = batch.times(Dim.of(offsetGroups));
        Value moved = b.reshape(Shorthand.wide(b, offset), Shorthand.shape(images, Dim.of(taps), Dim.of(n), places));
        Dim points = Dim.of(taps).times(places);
        List<List<Sampling.Tap>> all = new ArrayList<>();
        for (int axis = 0; axis < n; axis++) {
            Value base = b.constant(base(p, axis, taps, out, places, moved.dtype()));
            Value at = b.plus(b.select(moved, 2, axis), base);
            all.add(Sampling.linear(b, b.reshape(at, Shorthand.shape(images, points)), x.extent(axis + 2)));
        }
        Dim each = Shorthand.over(channels, offsetGroups);
        List<Dim> grouped = new ArrayList<>(List.of(images, each));
        grouped.addAll(x.shape().dims().subList(2, x.rank()));
        Value rows = Sampling.channelsLast(b, b.reshape(x, Shape.of(grouped)));
        Value columns = Sampling.interpolate(b, Shorthand.wide(b, rows), all);
        if (c.has(4)) {
            Value mask = c.operand(4);
            requireMoved(c, mask, x, offsetGroups * taps, p);
            columns = b.times(columns, b.reshape(Shorthand.wide(b, mask), Shorthand.shape(images, points, Dim.of(1))));
        }
        return ConvolutionOperators.addBias(
                c, contract(b, b.cast(columns, x.dtype()), x, kernel, groups, taps, out, places), c.operandOrNull(3));
    }

    private static void requireMoved(LoweringContext c, Value v, Value x, long channels, Windows.Placed p) {
        List<Dim> expected = new ArrayList<>(List.of(x.shape().dim(0), Dim.of(channels)));
        for (long o : p.out()) expected.add(Dim.of(o));
        c.require(
                v.shape().equals(Shape.of(expected)),
                "offset or mask must have shape " + Shape.of(expected) + ", found " + v.type());
    }

    /** Where each element of the kernel reads along an axis before the offset, [taps, places]. */
    private static dev.meseta.graph.Tensor base(
            Windows.Placed p, int axis, long taps, List<Dim> out, Dim places, DType dtype) {
        var t = dev.meseta.graph.Tensor.allocate(dtype, Shorthand.shape(Dim.of(taps), places));
        long[] within = Shape.of(p.kernel().stream().mapToLong(Long::longValue).toArray())
                .strides();
        long[] steps = Shape.of(out).strides();
        for (long k = 0; k < taps; k++) {
            long element = k / within[axis] % p.kernel().get(axis);
            for (long o = 0; o < places.extent(); o++) {
                long window = o / steps[axis] % out.get(axis).extent();
                t.setDouble(
                        k * places.extent() + o,
                        window * p.strides().get(axis)
                                - p.low().get(axis)
                                + element * p.dilations().get(axis));
            }
        }
        return t;
    }

    /** Columns [N * offset group, taps * places, C / offset group] with the kernel [O, C/g, spatial…]. */
    private static Value contract(
            GraphBuilder b, Value columns, Value x, Value kernel, int groups, long taps, List<Dim> out, Dim places) {
        Dim g = Dim.of(groups);
        Dim batch = x.shape().dim(0);
        Dim inputs = Shorthand.over(x.shape().dim(1), groups);
        Value channelsFirst = b.transpose(columns, 0, 2, 1);
        Value right = b.reshape(channelsFirst, Shorthand.shape(batch, g, inputs.times(Dim.of(taps)), places));
        Value left = b.reshape(
                kernel, Shorthand.shape(g, Shorthand.over(kernel.shape().dim(0), groups), inputs.times(Dim.of(taps))));
        Value y = b.add(new Op.Contraction(List.of(0), List.of(1), List.of(2), List.of(2), x.dtype()), left, right);
        List<Dim> dims = new ArrayList<>(List.of(batch, kernel.shape().dim(0)));
        dims.addAll(out);
        return b.reshape(b.transpose(y, 2, 0, 1, 3), Shape.of(dims));
    }
}
