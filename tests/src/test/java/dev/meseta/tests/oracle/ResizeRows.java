package dev.meseta.tests.oracle;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;

/** Operators that sample between points of a grid. */
final class ResizeRows {
    private ResizeRows() {}

    static NodeCase resize(Draw d) {
        String mode = d.since(11) ? d.pick("nearest", "linear", "cubic") : d.pick("nearest", "linear");
        DType t = d.since(11) && mode.equals("nearest") ? d.pick(DType.F32, DType.U8, DType.I8, DType.I32) : DType.F32;
        // What the oracle has: any rank for the nearest, two or three axes of space for the others.
        int space = mode.equals("cubic") ? 2 : mode.equals("linear") ? d.integer(1, 2) : d.integer(1, 3);
        int leading = d.integer(mode.equals("nearest") ? 0 : 2, 2);
        long[] from = new long[leading + space];
        for (int i = 0; i < from.length; i++) from[i] = i < leading ? d.integer(1, 2) : d.integer(1, 9);
        Tensor x = d.tensor(t, from);
        NodeCase n = d.node().input(x).with(!mode.equals("nearest") || d.flag(), "mode", mode);
        boolean named = d.since(18) && d.rarely(3);
        float[] scales = new float[named ? space : from.length];
        long[] sizes = new long[scales.length];
        for (int i = 0; i < scales.length; i++) {
            int axis = named ? leading + i : i;
            scales[i] = axis < leading
                    ? 1
                    : mode.equals("nearest")
                            ? d.pick(1f, 2f, 0.5f, 0.6f, 3f, 4f)
                            : d.pick(1f, 2f, 0.5f, 1.5f, 0.6f, 2.3f, 3f);
            sizes[i] = axis < leading ? from[axis] : d.integer(1, 12);
            // An extent of 0 is no size to ask for.
            if ((long) (from[axis] * scales[i]) < 1) scales[i] = 1;
        }
        if (named) {
            long[] axes = new long[space];
            for (int i = 0; i < space; i++) axes[i] = leading + i;
            n.with("axes", axes);
        }
        if (!d.since(11)) return n.operand(Draw.list(scales), d.flag());
        String coordinates = d.pick(
                "half_pixel",
                "pytorch_half_pixel",
                "align_corners",
                "asymmetric",
                "tf_crop_and_resize",
                "half_pixel_symmetric");
        // Where two pixels are as near as each other, rounding of the last bit would decide.
        boolean ties = coordinates.equals("half_pixel_symmetric") && mode.equals("nearest");
        if (coordinates.equals("half_pixel_symmetric") && (ties || !d.since(19))) coordinates = "half_pixel";
        boolean crop = coordinates.equals("tf_crop_and_resize");
        n.with(!coordinates.equals("half_pixel") || d.flag(), "coordinate_transformation_mode", coordinates);
        n.with(
                mode.equals("nearest") && d.flag(),
                "nearest_mode",
                d.pick("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"));
        n.with(mode.equals("cubic") && d.flag(), "cubic_coeff_a", d.pick(-0.5, -0.75));
        n.with(mode.equals("cubic") && d.flag(), "exclude_outside", d.flag());
        n.with(d.since(18) && !crop && !mode.equals("nearest") && d.flag(), "antialias", d.flag());
        n.with(crop && d.flag(), "extrapolation_value", 3.5);
        if (crop) {
            float[] roi = new float[2 * scales.length];
            for (int i = 0; i < scales.length; i++) {
                boolean whole = (named ? leading + i : i) < leading;
                // Beyond the picture, the oracle extrapolates a cubic along the last axis alone; and it forgets the
                // region of
                // an axis that keeps its length.
                boolean inside = mode.equals("cubic");
                int axis = named ? leading + i : i;
                if (!whole && sizes[i] == from[axis]) sizes[i]++;
                roi[i] = whole ? 0 : (float) d.real(inside ? 0 : -0.2, 0.4);
                roi[scales.length + i] = whole ? 1 : (float) d.real(0.6, inside ? 1 : 1.2);
            }
            n.constant(Draw.list(roi));
        } else if (d.since(13)) n.none();
        else n.constant(Draw.list(new float[0]));
        // Where coordinates depend on the length of the output, the oracle rounds it before, ONNX after.
        boolean rounds = crop || coordinates.equals("align_corners") || coordinates.equals("pytorch_half_pixel");
        if (!rounds && d.flag()) return n.operand(Draw.list(scales), d.flag());
        if (d.since(13)) n.none();
        else n.constant(Draw.list(new float[0]));
        n.operand(Draw.list(sizes), d.flag());
        return n.with(
                d.since(18) && !crop && d.rarely(3),
                "keep_aspect_ratio_policy",
                d.pick("stretch", "not_larger", "not_smaller"));
    }

    static NodeCase gridSample(Draw d) {
        boolean volume = d.since(20) && d.rarely(3);
        DType t = d.pick(DType.F32, DType.F32, DType.F64);
        long n = d.integer(1, 2);
        long c = d.integer(1, 3);
        Shape x = volume
                ? Shape.of(n, c, d.integer(1, 4), d.integer(1, 5), d.integer(1, 5))
                : Shape.of(n, c, d.integer(1, 6), d.integer(1, 6));
        Shape grid = volume
                ? Shape.of(n, d.integer(1, 3), d.integer(1, 4), d.integer(1, 4), 3)
                : Shape.of(n, d.integer(1, 5), d.integer(1, 5), 2);
        String[] modes = d.since(20)
                ? new String[] {"linear", "nearest", "cubic"}
                : new String[] {"bilinear", "nearest", "bicubic"};
        String mode = volume ? d.pick(modes[0], modes[1]) : d.pick(modes);
        return d.node()
                .input(d.tensor(t, x))
                .input(d.tensor(t, grid, -1.4, 1.4))
                .with(!mode.equals(modes[0]) || d.flag(), "mode", mode)
                .with(d.flag(), "padding_mode", d.pick("zeros", "border", "reflection"))
                .with(d.flag(), "align_corners", d.flag());
    }

    static NodeCase affineGrid(Draw d) {
        boolean volume = d.flag();
        long n = d.integer(1, 3);
        // Which end the only place of an axis is at when corners are aligned, nobody says.
        long[] size = volume
                ? new long[] {n, d.integer(1, 3), d.integer(2, 4), d.integer(2, 4), d.integer(2, 4)}
                : new long[] {n, d.integer(1, 3), d.integer(2, 6), d.integer(2, 6)};
        return d.node()
                .input(d.tensor(d.pick(DType.F32, DType.F64), volume ? Shape.of(n, 3, 4) : Shape.of(n, 2, 3)))
                .operand(Draw.list(size), d.flag())
                .with(d.flag(), "align_corners", d.flag());
    }

    static NodeCase roiAlign(Draw d) {
        DType t = d.pick(DType.F32, DType.F32, DType.F64);
        long n = d.integer(1, 3);
        int h = d.integer(3, 12);
        int w = d.integer(3, 12);
        int rois = d.integer(1, 4);
        Tensor boxes = Tensor.allocate(t, Shape.of(rois, 4));
        for (int i = 0; i < rois; i++) {
            double x = d.real(0, w);
            double y = d.real(0, h);
            boxes.setDouble(i * 4L, x);
            boxes.setDouble(i * 4L + 1, y);
            boxes.setDouble(i * 4L + 2, x + d.real(0.2, w));
            boxes.setDouble(i * 4L + 3, y + d.real(0.2, h));
        }
        return d.node()
                .input(d.tensor(t, n, d.integer(1, 3), h, w))
                .input(boxes)
                .input(d.indices(DType.I64, Shape.of(rois), n, false))
                .with(d.flag(), "mode", d.pick("avg", "max"))
                .with(d.flag(), "output_height", d.integer(1, 4))
                .with(d.flag(), "output_width", d.integer(1, 4))
                .with(d.flag(), "sampling_ratio", d.integer(0, 3))
                .with(d.flag(), "spatial_scale", d.pick(1.0, 0.5, 0.7))
                .with(
                        d.since(16) && d.flag(),
                        "coordinate_transformation_mode",
                        d.pick("half_pixel", "output_half_pixel"));
    }

    static NodeCase maxRoiPool(Draw d) {
        long n = d.integer(1, 3);
        int h = d.integer(3, 12);
        int w = d.integer(3, 12);
        int rois = d.integer(1, 4);
        Tensor boxes = Tensor.allocate(DType.F32, Shape.of(rois, 5));
        for (int i = 0; i < rois; i++) {
            int x = d.integer(0, w - 1);
            int y = d.integer(0, h - 1);
            boxes.setDouble(i * 5L, d.integer(0, (int) n - 1));
            boxes.setDouble(i * 5L + 1, x);
            boxes.setDouble(i * 5L + 2, y);
            boxes.setDouble(i * 5L + 3, d.integer(x, w + 2));
            boxes.setDouble(i * 5L + 4, d.integer(y, h + 2));
        }
        return d.node()
                .input(d.tensor(DType.F32, n, d.integer(1, 3), h, w))
                .input(boxes)
                .with("pooled_shape", d.integers(2, 1, 4))
                .with(d.flag(), "spatial_scale", d.pick(1.0, 0.5));
    }
}
