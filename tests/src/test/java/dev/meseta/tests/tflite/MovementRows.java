package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.OneOperator.Scale;
import dev.meseta.tests.tflite.OperatorRows.Row;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Random models of operators that move, choose and reduce elements. */
final class MovementRows {
    private MovementRows() {}

    static void add(List<Row> rows) {
        reductions(rows);
        movement(rows);
        slices(rows);
        indexing(rows);
        pictures(rows);
        rows.add(new Row("PRELU f32", 0, d -> prelu(d, DType.F32)));
        rows.add(new Row("PRELU i8", 0, d -> prelu(d, DType.I8)));
        rows.add(new Row("PRELU u8", 0, d -> prelu(d, DType.U8)));
    }

    static Tensor ints(int... values) {
        return Tensor.of(values, values.length);
    }

    private static Tensor scalar(int value) {
        return Tensor.scalar(DType.I32, (long) value);
    }

    private static Scale scale(Draws d, DType t) {
        return t == DType.I8 || t == DType.U8 || t == DType.I16 ? d.scale(t) : null;
    }

    private static OneOperator prelu(Draws d, DType t) {
        long[] shape = d.shape(4, 5);
        return new OneOperator("PRELU", 1)
                .input(d.tensor(t, shape), scale(d, t))
                .constant(d.tensor(t, 1, 1, shape[3]), t == DType.F32 ? null : d.scale(t))
                .output(t, scale(d, t), shape);
    }

    private static int[] axes(Draws d, int rank) {
        int[] all = new int[rank];
        for (int i = 0; i < rank; i++) all[i] = d.flag() ? i : i - rank;
        for (int i = rank - 1; i > 0; i--) {
            int k = d.between(0, i);
            int v = all[i];
            all[i] = all[k];
            all[k] = v;
        }
        return Arrays.copyOf(all, d.between(1, rank));
    }

    private static void reductions(List<Row> rows) {
        for (String name : List.of("MEAN", "SUM")) {
            for (DType t : List.of(DType.F32, DType.I32, DType.I8, DType.U8, DType.I16)) {
                // TFLite gives -1 for sums of these whose scale changes.
                if (name.equals("SUM") && (t == DType.I8 || t == DType.I16)) continue;
                rows.add(new Row(name + " " + t.text(), 0, d -> reduction(d, name, t, scale(d, t), scale(d, t))));
            }
        }
        for (String name : List.of("REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")) {
            for (DType t : List.of(DType.F32, DType.I32, DType.I8)) {
                if (t == DType.I8 && name.equals("REDUCE_PROD")) continue;
                rows.add(new Row(name + " " + t.text(), 0, d -> {
                    Scale s = scale(d, t);
                    return reduction(d, name, t, s, s);
                }));
            }
        }
        for (DType t : List.of(DType.I8, DType.I16)) {
            rows.add(new Row("REDUCE_PROD " + t.text(), 0, d -> {
                // Factors from about -2 to 2, so that the products are neither nothing nor all at the ends.
                boolean words = t == DType.I16;
                Scale from = Scale.of(words ? d.real(3e-5, 8e-5) : d.real(0.008, 0.02), words ? 0 : d.between(-20, 20));
                Scale to = Scale.of(words ? d.real(3e-5, 8e-5) : d.real(0.008, 0.02), words ? 0 : d.between(-20, 20));
                return new OneOperator("REDUCE_PROD", 2)
                        .with(0, d.flag())
                        .input(d.tensor(t, d.shape(3, 4)), from)
                        .constant(ints(axes(d, 3)))
                        .output(t, to, 1);
            }));
        }
        rows.add(new Row("REDUCE_ANY", 0, d -> reduction(d, "REDUCE_ANY", DType.BOOL, null, null)));
        rows.add(new Row("REDUCE_ALL", 0, d -> reduction(d, "REDUCE_ALL", DType.BOOL, null, null)));
        for (String name : List.of("ARG_MAX", "ARG_MIN")) {
            rows.add(new Row(name, 0, d -> {
                DType t = d.one(DType.F32, DType.I32, DType.I8, DType.U8);
                DType to = d.one(DType.I32, DType.I64);
                int axis = d.between(0, 2);
                return new OneOperator(name, 2)
                        .with(0, (byte) (to == DType.I32 ? 2 : 4))
                        .input(d.tensor(t, d.shape(3, 6)), scale(d, t))
                        .constant(scalar(d.flag() ? axis : axis - 3))
                        .output(to, null, 1, 1);
            }));
        }
        rows.add(new Row("CUMSUM", 0, d -> {
            DType t = d.one(DType.F32, DType.I32, DType.I64);
            long[] shape = d.shape(3, 5);
            return new OneOperator("CUMSUM", 1)
                    .with(0, d.flag())
                    .with(1, d.flag())
                    .input(d.tensor(t, shape))
                    .constant(scalar(d.between(-3, 2)))
                    .output(t, null, shape);
        }));
        rows.add(new Row("L2_NORMALIZATION f32", 0, d -> {
            long[] shape = d.shape(d.between(1, 4), 6);
            return new OneOperator("L2_NORMALIZATION", 1)
                    .input(d.tensor(DType.F32, shape))
                    .output(DType.F32, null, shape);
        }));
        rows.add(new Row("LOCAL_RESPONSE_NORMALIZATION", 0, d -> {
            long[] shape = d.shape(4, 6);
            return new OneOperator("LOCAL_RESPONSE_NORMALIZATION", 1)
                    .with(0, d.between(0, 3))
                    .with(1, (float) d.real(0.5, 2))
                    .with(2, (float) d.real(0.1, 1))
                    .with(3, (float) d.real(0.3, 1))
                    .input(d.tensor(DType.F32, shape))
                    .output(DType.F32, null, shape);
        }));
    }

    private static OneOperator reduction(Draws d, String name, DType t, Scale from, Scale to) {
        boolean picture = d.flag();
        int rank = picture ? 4 : d.between(1, 4);
        int[] axes = picture ? new int[] {1, 2} : axes(d, rank);
        return new OneOperator(name, name.startsWith("REDUCE_A") || name.equals("REDUCE_PROD") ? 1 : 2)
                .with(0, d.flag())
                .input(d.tensor(t, d.shape(rank, 7)), from)
                .constant(ints(axes))
                .output(t, to, 1);
    }

    private static void movement(List<Row> rows) {
        rows.add(new Row("RESHAPE", 0, d -> {
            DType t = d.one(DType.F32, DType.I8, DType.I32);
            long[] shape = d.shape(3, 5);
            int all = (int) (shape[0] * shape[1]);
            Scale s = scale(d, t);
            return new OneOperator("RESHAPE", 1)
                    .with(0, new int[] {all, -1})
                    .input(d.tensor(t, shape), s)
                    .constant(ints(all, -1))
                    .output(t, s, all, shape[2]);
        }));
        rows.add(new Row(
                "SQUEEZE",
                0,
                d -> new OneOperator("SQUEEZE", 1)
                        .with(0, d.flag() ? new int[] {1, -1} : new int[0])
                        .input(d.tensor(DType.F32, d.between(2, 3), 1, d.between(2, 3), 1))
                        .output(DType.F32, null, 1, 1)));
        rows.add(new Row(
                "EXPAND_DIMS",
                0,
                d -> new OneOperator("EXPAND_DIMS", 1)
                        .input(d.tensor(DType.F32, d.shape(2, 4)))
                        .constant(scalar(d.between(-3, 2)))
                        .output(DType.F32, null, 1, 1, 1)));
        rows.add(new Row("TRANSPOSE", 0, d -> {
            int rank = d.between(1, 4);
            Integer[] order = new Integer[rank];
            for (int i = 0; i < rank; i++) order[i] = i;
            java.util.Collections.shuffle(Arrays.asList(order), new Random(d.between(0, 1000)));
            DType t = d.one(DType.F32, DType.I8, DType.I32);
            Scale s = scale(d, t);
            return new OneOperator("TRANSPOSE", 2)
                    .input(d.tensor(t, d.shape(rank, 6)), s)
                    .constant(ints(
                            Arrays.stream(order).mapToInt(Integer::intValue).toArray()))
                    .output(t, s, new long[rank]);
        }));
        for (String name : List.of("PAD", "PADV2")) {
            rows.add(new Row(name, 0, d -> padding(d, name)));
        }
        rows.add(new Row("MIRROR_PAD", 0, d -> {
            int mode = d.between(0, 1);
            long[] shape = {d.between(3, 5), d.between(3, 5)};
            Tensor p = Tensor.of(new int[] {d.between(0, 2), d.between(0, 2), d.between(0, 2), d.between(0, 2)}, 2, 2);
            DType t = d.one(DType.F32, DType.I8, DType.I32);
            Scale s = scale(d, t);
            return new OneOperator("MIRROR_PAD", 2)
                    .with(0, (byte) mode)
                    .input(d.tensor(t, shape), s)
                    .constant(p)
                    .output(t, s, 1, 1);
        }));
        rows.add(new Row("CONCATENATION", 0, d -> {
            DType t = d.one(DType.F32, DType.I8, DType.U8, DType.I32);
            Scale s = scale(d, t);
            int axis = d.between(-3, 2);
            long[] shape = d.shape(3, 4);
            OneOperator m = new OneOperator("CONCATENATION", 2).with(0, axis);
            for (int i = d.between(1, 4); i > 0; i--) {
                long[] part = shape.clone();
                part[Math.floorMod(axis, 3)] = d.between(1, 4);
                // The scales of bytes without a sign may differ.
                m.input(d.tensor(t, part), t == DType.U8 && d.flag() ? d.scale(t) : s);
            }
            return m.output(t, s, 1, 1, 1);
        }));
        rows.add(new Row("SPLIT", 0, d -> {
            int parts = d.between(1, 3);
            OneOperator m = new OneOperator("SPLIT", 1)
                    .with(0, parts)
                    .constant(scalar(d.one(1, -2)))
                    .input(d.tensor(DType.F32, d.between(1, 3), parts * d.between(1, 3), d.between(1, 3)));
            for (int i = 0; i < parts; i++) m.output(DType.F32, null, 1, 1, 1);
            return m;
        }));
        rows.add(new Row("SPLIT_V", 0, d -> {
            int first = d.between(1, 3);
            int second = d.between(1, 3);
            return new OneOperator("SPLIT_V", 1)
                    .with(0, 2)
                    .input(d.tensor(DType.F32, d.between(1, 3), first + second, d.between(1, 3)))
                    .constant(ints(first, d.flag() ? second : -1))
                    .constant(scalar(1))
                    .output(DType.F32, null, 1, 1, 1)
                    .output(DType.F32, null, 1, 1, 1);
        }));
        rows.add(new Row("PACK", 0, d -> {
            long[] shape = d.shape(2, 4);
            int count = d.between(1, 3);
            OneOperator m = new OneOperator("PACK", 1).with(0, count).with(1, d.between(-3, 2));
            for (int i = 0; i < count; i++) m.input(d.tensor(DType.I32, shape));
            return m.output(DType.I32, null, 1, 1, 1);
        }));
        rows.add(new Row("UNPACK", 0, d -> {
            int count = d.between(1, 3);
            OneOperator m = new OneOperator("UNPACK", 1)
                    .with(0, count)
                    .with(1, d.one(1, -2))
                    .input(d.tensor(DType.F32, d.between(1, 3), count, d.between(1, 3)));
            for (int i = 0; i < count; i++) m.output(DType.F32, null, 1, 1);
            return m;
        }));
        rows.add(new Row(
                "TILE",
                0,
                d -> new OneOperator("TILE", 1)
                        .input(d.tensor(DType.F32, d.shape(3, 4)))
                        .constant(ints(d.between(1, 3), d.between(1, 3), d.between(1, 3)))
                        .output(DType.F32, null, 1, 1, 1)));
        rows.add(new Row(
                "BROADCAST_TO",
                0,
                d -> new OneOperator("BROADCAST_TO", 2)
                        .input(d.tensor(DType.F32, 1, d.between(1, 4)))
                        .constant(ints(2, 3, 1))
                        .output(DType.F32, null, 1, 1, 1)));
        rows.removeLast();
        rows.add(new Row("REVERSE_V2", 0, d -> {
            long[] shape = d.shape(3, 4);
            return new OneOperator("REVERSE_V2", 1)
                    .input(d.tensor(DType.F32, shape))
                    .constant(ints(d.between(0, 2)))
                    .output(DType.F32, null, shape);
        }));
        rows.add(new Row("CAST", 0, d -> {
            DType from = d.one(DType.F32, DType.I32, DType.I64, DType.U8, DType.I8, DType.BOOL);
            DType to = d.one(DType.F32, DType.I32, DType.I64, DType.BOOL);
            long[] shape = d.shape(3, 4);
            return new OneOperator("CAST", 1)
                    .with(0, number(from))
                    .with(1, number(to))
                    .input(d.tensor(from, shape))
                    .output(to, null, shape);
        }));
    }

    private static byte number(DType t) {
        return switch (t) {
            case F32 -> 0;
            case I32 -> 2;
            case U8 -> 3;
            case I64 -> 4;
            case BOOL -> 6;
            case I16 -> 7;
            default -> 9;
        };
    }

    private static OneOperator padding(Draws d, String name) {
        DType t = d.one(DType.F32, DType.I8, DType.U8, DType.I32);
        Scale s = scale(d, t);
        int[] around = new int[8];
        for (int i = 0; i < 8; i++) around[i] = d.between(0, 2);
        OneOperator m =
                new OneOperator(name, 2).input(d.tensor(t, d.shape(4, 4)), s).constant(Tensor.of(around, 4, 2));
        if (name.equals("PADV2")) m.constant(d.tensor(t, 1), s);
        return m.output(t, s, 1, 1, 1, 1);
    }

    private static void slices(List<Row> rows) {
        rows.add(new Row("SLICE", 0, d -> {
            long[] shape = {d.between(3, 6), d.between(3, 6)};
            int b0 = d.between(0, 2);
            int b1 = d.between(0, 2);
            int n0 = d.between(1, (int) shape[0] - b0);
            int n1 = d.flag() ? -1 : d.between(1, (int) shape[1] - b1);
            return new OneOperator("SLICE", 2)
                    .input(d.tensor(DType.F32, shape))
                    .constant(ints(b0, b1))
                    .constant(ints(n0, n1))
                    .output(DType.F32, null, n0, n1 < 0 ? shape[1] - b1 : n1);
        }));
        rows.add(new Row("STRIDED_SLICE", 0, d -> {
            int[] begin = new int[3];
            int[] end = new int[3];
            int[] stride = new int[3];
            int gone = d.between(0, 7);
            for (int i = 0; i < 3; i++) {
                boolean one = (gone >> i & 1) != 0;
                stride[i] = one ? 1 : d.one(1, 1, 2, -1, -2);
                begin[i] = d.between(-3, 3);
                end[i] = one ? begin[i] + 1 : d.between(-6, 6);
            }
            return new OneOperator("STRIDED_SLICE", 2)
                    .with(0, d.between(0, 7) & ~gone)
                    .with(1, d.between(0, 7) & ~gone)
                    .with(2, 0)
                    .with(3, 0)
                    .with(4, gone)
                    .input(d.tensor(DType.F32, d.between(4, 6), d.between(4, 6), d.between(4, 6)))
                    .constant(ints(begin))
                    .constant(ints(end))
                    .constant(ints(stride))
                    .output(DType.F32, null, 1);
        }));
        rows.add(new Row(
                "STRIDED_SLICE new axis and ellipsis",
                0,
                d -> new OneOperator("STRIDED_SLICE", 6)
                        .with(0, 0)
                        .with(1, 0)
                        .with(2, d.one(0, 1, 2))
                        .with(3, d.one(0, 4))
                        .with(4, 0)
                        .input(d.tensor(DType.F32, d.between(4, 6), d.between(4, 6), d.between(4, 6)))
                        .constant(ints(0, 1, 0))
                        .constant(ints(2, 3, 2))
                        .constant(ints(1, 1, 1))
                        .output(DType.F32, null, 1)));
        rows.add(new Row(
                "SHAPE",
                0,
                d -> new OneOperator("SHAPE", 1)
                        .with(0, (byte) 2)
                        .input(d.tensor(DType.F32, d.shape(d.between(1, 4), 6)))
                        .output(DType.I32, null, 1)));
        rows.add(new Row(
                "RANK",
                0,
                d -> new OneOperator("RANK", 1)
                        .input(d.tensor(DType.F32, d.shape(d.between(1, 4), 6)))
                        .output(DType.I32, null)));
        rows.add(new Row(
                "FILL",
                0,
                d -> new OneOperator("FILL", 1)
                        .constant(ints(d.between(1, 4), d.between(1, 4)))
                        .input(Tensor.scalar(DType.F32, d.real(0.1, 9)))
                        .output(DType.F32, null, 1, 1)));
        rows.add(new Row(
                "RANGE",
                0,
                d -> new OneOperator("RANGE", 1)
                        .constant(scalar(d.between(-5, 5)))
                        .constant(scalar(d.between(6, 20)))
                        .constant(scalar(d.between(1, 4)))
                        .output(DType.I32, null, 1)));
        rows.add(new Row("DYNAMIC_UPDATE_SLICE", 0, d -> {
            long[] shape = {d.between(3, 6), d.between(3, 6)};
            return new OneOperator("DYNAMIC_UPDATE_SLICE", 1)
                    .input(d.tensor(DType.F32, shape))
                    .input(d.tensor(DType.F32, d.between(1, 3), d.between(1, 3)))
                    .input(ints(d.between(-2, 7), d.between(-2, 7)))
                    .output(DType.F32, null, shape);
        }));
    }

    private static void indexing(List<Row> rows) {
        rows.add(new Row("GATHER", 0, d -> {
            int axis = d.between(0, 2);
            long[] shape = d.shape(3, 5);
            DType t = d.one(DType.F32, DType.I8, DType.I32);
            Scale s = scale(d, t);
            return new OneOperator("GATHER", 2)
                    .with(0, d.flag() ? axis : axis - 3)
                    .input(d.tensor(t, shape), s)
                    .input(d.integers(DType.I32, 0, (int) shape[axis] - 1, d.shape(d.between(1, 2), 4)))
                    .output(t, s, 1);
        }));
        rows.add(new Row("GATHER with shared axes", 0, d -> {
            long[] shape = d.shape(4, 4);
            int axis = d.between(1, 3);
            return new OneOperator("GATHER", 5)
                    .with(0, axis)
                    .with(1, 1)
                    .input(d.tensor(DType.F32, shape))
                    .input(d.integers(DType.I32, 0, (int) shape[axis] - 1, shape[0], d.between(1, 3)))
                    .output(DType.F32, null, 1);
        }));
        rows.add(new Row(
                "GATHER_ND",
                0,
                d -> new OneOperator("GATHER_ND", 1)
                        .input(d.tensor(DType.F32, 3, 4, 5))
                        .input(d.integers(DType.I32, 0, 2, d.between(1, 4), d.between(1, 3)))
                        .output(DType.F32, null, 1)));
        rows.add(new Row("SCATTER_ND", 0, d -> {
            long n = d.between(1, 6);
            return new OneOperator("SCATTER_ND", 1)
                    .input(d.integers(DType.I32, 0, 3, n, 1))
                    .input(d.tensor(DType.F32, n, 3))
                    .constant(ints(4, 3))
                    .output(DType.F32, null, 4, 3);
        }));
        rows.add(new Row(
                "EMBEDDING_LOOKUP",
                0,
                d -> new OneOperator("EMBEDDING_LOOKUP", 1)
                        .input(d.integers(DType.I32, 0, 4, d.between(1, 6)))
                        .constant(d.tensor(DType.F32, 5, 3))
                        .output(DType.F32, null, 1, 3)));
        rows.add(new Row("SELECT", 0, d -> {
            long[] shape = d.shape(3, 4);
            boolean vector = d.flag();
            return new OneOperator("SELECT", 1)
                    .input(vector ? d.integers(DType.BOOL, 0, 1, shape[0]) : d.integers(DType.BOOL, 0, 1, shape))
                    .input(d.tensor(DType.F32, shape))
                    .input(d.tensor(DType.F32, shape))
                    .output(DType.F32, null, shape);
        }));
        rows.add(new Row("SELECT_V2", 0, d -> {
            long[] shape = d.shape(3, 4);
            return new OneOperator("SELECT_V2", 1)
                    .input(d.integers(DType.BOOL, 0, 1, shape[0], 1, shape[2]))
                    .input(d.tensor(DType.F32, shape))
                    .input(d.tensor(DType.F32, shape[0], shape[1], 1))
                    .output(DType.F32, null, shape);
        }));
        rows.add(new Row(
                "ONE_HOT",
                0,
                d -> new OneOperator("ONE_HOT", 1)
                        .with(0, d.between(-1, 1))
                        .input(d.integers(DType.I32, -1, 5, 2, 3))
                        .constant(scalar(4))
                        .constant(Tensor.scalar(DType.F32, 2.0))
                        .constant(Tensor.scalar(DType.F32, -1.0))
                        .output(DType.F32, null, 1)));
        rows.add(new Row(
                "TOPK_V2",
                0,
                d -> new OneOperator("TOPK_V2", 2)
                        .input(d.tensor(DType.F32, d.between(1, 4), d.between(5, 9)))
                        .constant(scalar(d.between(1, 5)))
                        .output(DType.F32, null, 1)
                        .output(DType.I32, null, 1)));
        rows.add(new Row("REVERSE_SEQUENCE", 0, d -> {
            long[] shape = d.shape(3, 5);
            return new OneOperator("REVERSE_SEQUENCE", 1)
                    .with(0, 1)
                    .with(1, 0)
                    .input(d.tensor(DType.F32, shape))
                    .input(d.integers(DType.I32, 1, (int) shape[1], shape[0]))
                    .output(DType.F32, null, shape);
        }));
        rows.add(new Row(
                "MATRIX_DIAG",
                0,
                d -> new OneOperator("MATRIX_DIAG", 1)
                        .input(d.tensor(DType.F32, d.shape(2, 4)))
                        .output(DType.F32, null, 1)));
        rows.add(new Row("MATRIX_SET_DIAG", 0, d -> {
            long n = d.between(1, 4);
            long m = d.between(1, 4);
            return new OneOperator("MATRIX_SET_DIAG", 1)
                    .input(d.tensor(DType.F32, 2, n, m))
                    .input(d.tensor(DType.F32, 2, Math.min(n, m)))
                    .output(DType.F32, null, 2, n, m);
        }));
        rows.add(new Row(
                "SEGMENT_SUM",
                0,
                d -> new OneOperator("SEGMENT_SUM", 1)
                        .input(d.tensor(DType.F32, 4, 3))
                        .constant(ints(0, 1, 1, 2))
                        .output(DType.F32, null, 1)));
        rows.add(new Row(
                "WHERE",
                0,
                d -> new OneOperator("WHERE", 1)
                        .input(d.integers(DType.BOOL, 0, 1, d.shape(d.between(1, 3), 5)))
                        .output(DType.I64, null, 1)));
        rows.add(new Row(
                "UNIQUE",
                0,
                d -> new OneOperator("UNIQUE", 1)
                        .with(0, (byte) 2)
                        .input(d.integers(DType.I32, 0, 5, d.between(1, 9)))
                        .output(DType.I32, null, 1)
                        .output(DType.I32, null, 1)));
        for (String name : List.of("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")) {
            rows.add(new Row(name, 0, d -> suppression(d, name)));
        }
    }

    private static OneOperator suppression(Draws d, String name) {
        boolean soft = name.endsWith("5");
        int n = d.between(1, 30);
        OneOperator m = new OneOperator(name, 1)
                .input(d.floats(0, 3, n, 4))
                .input(d.floats(0, 1, n))
                .constant(scalar(d.between(1, 12)))
                .input(Tensor.scalar(DType.F32, d.real(0.1, 0.9)))
                .input(Tensor.scalar(DType.F32, 0.2));
        if (soft) m.input(Tensor.scalar(DType.F32, d.flag() ? 0.5 : 0.0));
        m.output(DType.I32, null, 1);
        if (soft) m.output(DType.F32, null, 1);
        return m.output(DType.I32, null);
    }

    private static void pictures(List<Row> rows) {
        for (DType t : List.of(DType.F32, DType.I8, DType.U8, DType.I16)) {
            for (String name : List.of("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")) {
                rows.add(new Row(name + " " + t.text(), 0, d -> {
                    int first = name.equals("RESIZE_BILINEAR") ? 2 : 0;
                    boolean corners = d.flag();
                    Scale s = scale(d, t);
                    return new OneOperator(name, 3)
                            .with(first, corners)
                            .with(first + 1, !corners && d.flag())
                            .input(d.tensor(t, d.shape(4, 6)), s)
                            .constant(ints(d.between(1, 11), d.between(1, 11)))
                            .output(t, s, 1, 1, 1, 1);
                }));
            }
        }
        rows.add(new Row("SPACE_TO_DEPTH", 0, d -> {
            int k = d.between(1, 3);
            return new OneOperator("SPACE_TO_DEPTH", 2)
                    .with(0, k)
                    .input(d.tensor(
                            DType.F32, d.between(1, 2), k * d.between(1, 3), k * d.between(1, 3), d.between(1, 4)))
                    .output(DType.F32, null, 1, 1, 1, 1);
        }));
        rows.add(new Row("DEPTH_TO_SPACE", 0, d -> {
            int k = d.between(1, 3);
            return new OneOperator("DEPTH_TO_SPACE", 1)
                    .with(0, k)
                    .input(d.tensor(
                            DType.F32, d.between(1, 2), d.between(1, 3), d.between(1, 3), k * k * d.between(1, 4)))
                    .output(DType.F32, null, 1, 1, 1, 1);
        }));
        rows.add(new Row("SPACE_TO_BATCH_ND", 0, d -> {
            int k = d.between(1, 3);
            int low = d.between(0, 2);
            DType t = d.one(DType.F32, DType.I8, DType.U8);
            Scale s = scale(d, t);
            return new OneOperator("SPACE_TO_BATCH_ND", 2)
                    .input(d.tensor(t, d.between(1, 2), k * d.between(1, 3), k * d.between(1, 3), d.between(1, 4)), s)
                    .constant(ints(k, k))
                    .constant(Tensor.of(new int[] {low, Math.floorMod(-low, k), 0, k}, 2, 2))
                    .output(t, s, 1, 1, 1, 1);
        }));
        rows.add(new Row("BATCH_TO_SPACE_ND", 0, d -> {
            int k = d.between(1, 3);
            int l = d.between(1, 3);
            return new OneOperator("BATCH_TO_SPACE_ND", 2)
                    .input(d.tensor(
                            DType.F32, k * l * d.between(1, 2), d.between(2, 4), d.between(2, 4), d.between(1, 4)))
                    .constant(ints(k, l))
                    .constant(Tensor.of(new int[] {d.between(0, 1), 0, 0, d.between(0, 1)}, 2, 2))
                    .output(DType.F32, null, 1, 1, 1, 1);
        }));
    }
}
