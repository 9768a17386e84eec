package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.OneOperator.Scale;
import dev.meseta.tests.tflite.OperatorRows.Row;
import java.util.List;
import java.util.function.Function;

/**
 * Random models of the element types that operators take beside those that most models have. Off by 1 or 2 may be what TFLite computes in floats of 32
 * bits, or by roots that it rounds.
 */
final class TypeRows {
    private TypeRows() {}

    static void add(List<Row> rows) {
        binary(rows);
        unary(rows);
        reductions(rows);
        movement(rows);
        indexing(rows);
        conversions(rows);
        products(rows);
        random(rows);
    }

    private static Scale scale(Draws d, DType t) {
        return t == DType.I8 || t == DType.U8 || t == DType.I16 ? d.scale(t) : null;
    }

    private static Tensor tensor(Draws d, DType t, long... shape) {
        return t == DType.BOOL ? d.integers(t, 0, 1, shape) : d.tensor(t, shape);
    }

    private static void each(
            List<Row> rows, String name, String types, Function<DType, Function<Draws, OneOperator>> draw) {
        each(rows, name, types, 0, draw);
    }

    private static void each(
            List<Row> rows, String name, String types, int off, Function<DType, Function<Draws, OneOperator>> draw) {
        for (String t : types.split(" "))
            for (DType d : DType.values())
                if (d.text().equals(t)) rows.add(new Row(name + " " + t, off, draw.apply(d)));
    }

    private static void binary(List<Row> rows) {
        for (String name : List.of("ADD", "SUB", "MUL"))
            each(rows, name + " plain", name.equals("SUB") ? "i64" : "i64 i16", t -> d -> two(d, name, 1, t, t, 1));
        each(rows, "DIV plain", "i32", t -> d -> two(d, "DIV", 1, t, t, 9));
        each(rows, "SQUARED_DIFFERENCE plain", "i32", t -> d -> two(d, "SQUARED_DIFFERENCE", 1, t, t, 1));
        for (String name : List.of("MAXIMUM", "MINIMUM"))
            each(rows, name + " plain", "i64 i16", t -> d -> two(d, name, 1, t, t, 1));
        for (String name : List.of("EQUAL", "NOT_EQUAL"))
            each(rows, name + " plain", "bool", t -> d -> two(d, name, 1, t, DType.BOOL, 1));
        for (String name : List.of("EQUAL", "LESS"))
            each(rows, name + " plain", "i16", t -> d -> two(d, name, 1, t, DType.BOOL, 1));
        for (String name : List.of("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"))
            each(rows, name + " plain", "i64", t -> d -> two(d, name, 1, t, DType.BOOL, 1));
        for (String name : List.of("FLOOR_DIV", "FLOOR_MOD"))
            each(
                    rows,
                    name + " plain",
                    name.equals("FLOOR_DIV") ? "i8 i16" : "i8 i16 i64",
                    t -> d -> two(d, name, 1, t, t, 9));
        for (String name : List.of("LOGICAL_AND", "LOGICAL_OR"))
            each(rows, name, "bool", t -> d -> two(d, name, 1, t, t, 1));
        each(rows, "BITWISE_XOR", "i8 u8 i16 u16 i32 u32", t -> d -> two(d, "BITWISE_XOR", 1, t, t, 1));
        each(rows, "RIGHT_SHIFT", "i8 u8 i16 u16 i32 u32", t -> d -> {
            long[] shape = d.shape(3, 5);
            return new OneOperator("RIGHT_SHIFT", 1)
                    .input(d.tensor(t, shape))
                    .input(d.integers(t, 0, t.bits() - 1, shape))
                    .output(t, null, shape);
        });
        each(rows, "ATAN2", "f32 f64", t -> d -> {
            long[] shape = d.shape(3, 5);
            return new OneOperator("ATAN2", 1)
                    .input(d.tensor(t, shape))
                    .input(d.tensor(t, shape))
                    .output(t, null, shape);
        });
        each(rows, "ADD_N", "f32 i32", t -> d -> {
            long[] shape = d.shape(3, 5);
            OneOperator m = new OneOperator("ADD_N", 1);
            for (int i = 0; i < 3; i++) m.input(d.tensor(t, shape));
            return m.output(t, null, shape);
        });
    }

    /** Without scales; a divisor is never 0. */
    private static OneOperator two(Draws d, String name, int version, DType t, DType to, int divisor) {
        long[] left = d.shape(4, 5);
        long[] right = left.clone();
        if (d.flag()) right[d.between(0, 3)] = 1;
        Tensor y = divisor > 1 ? d.integers(t, 1, divisor, right) : tensor(d, t, right);
        if (divisor > 1) for (long i = 0; i < y.elements(); i++) if (d.flag()) y.setLong(i, -y.getLong(i));
        return new OneOperator(name, version).input(tensor(d, t, left)).input(y).output(to, null, left);
    }

    private static OneOperator one(Draws d, String name, int version, DType t, Scale from, Scale to) {
        long[] shape = d.shape(d.between(1, 4), 9);
        return new OneOperator(name, version).input(tensor(d, t, shape), from).output(t, to, shape);
    }

    private static OneOperator positive(Draws d, String name, DType t, Scale from, Scale to) {
        long[] shape = d.shape(d.between(1, 4), 9);
        int zero = (int) from.zeroPoints()[0];
        return new OneOperator(name, 2)
                .input(d.integers(t, zero + 1, t == DType.I8 ? 127 : 32767, shape), from)
                .output(t, to, shape);
    }

    private static void unary(List<Row> rows) {
        each(rows, "ABS plain", "i32", t -> d -> one(d, "ABS", 1, t, null, null));
        each(rows, "ABS", "i16", t -> d -> one(d, "ABS", 3, t, d.scale(t), d.scale(t)));
        each(rows, "NEG plain", "i32 i64", t -> d -> one(d, "NEG", 1, t, null, null));
        each(rows, "SIGN", "f32 f64 i32", t -> d -> one(d, "SIGN", 2, t, null, null));
        each(rows, "LOGICAL_NOT", "bool", t -> d -> one(d, "LOGICAL_NOT", 1, t, null, null));
        each(rows, "ZEROS_LIKE", "f32 i32 i64", t -> d -> one(d, "ZEROS_LIKE", 1, t, null, null));
        for (String name : List.of("RELU", "RELU6", "LEAKY_RELU"))
            each(
                    rows,
                    name,
                    "i16",
                    t -> d ->
                            one(d, name, 2, t, d.scale(t), d.scale(t)).with(0, name.startsWith("LEAKY") ? 0.3f : null));
        each(rows, "RELU_0_TO_1", "f32 i8 u8", t -> d -> one(d, "RELU_0_TO_1", 1, t, scale(d, t), scale(d, t)));
        for (String name : List.of("RSQRT", "LOG")) {
            each(
                    rows,
                    name,
                    "i8",
                    t -> d -> positive(
                            d,
                            name,
                            t,
                            Scale.of(d.real(0.01, 0.1), d.between(-128, 20)),
                            Scale.of(d.real(0.02, 0.1), d.zero(t))));
        }
        each(
                rows,
                "RSQRT",
                "i16",
                1,
                t -> d ->
                        positive(d, "RSQRT", t, Scale.of(d.real(0.001, 0.01), 0), Scale.of(d.real(0.0005, 0.005), 0)));
        each(
                rows,
                "LOG",
                "i16",
                2,
                t -> d -> positive(d, "LOG", t, Scale.of(d.real(0.001, 0.01), 0), Scale.of(d.real(0.0005, 0.005), 0)));
        each(rows, "EXP", "i8", t -> d -> one(d, "EXP", 2, t, d.scale(t), d.scale(t)));
        each(
                rows,
                "EXP",
                "i16",
                2,
                t -> d -> one(d, "EXP", 2, t, Scale.of(d.real(0.0001, 0.0005), 0), Scale.of(d.real(0.001, 0.01), 0)));
        each(rows, "ELU", "i8", t -> d -> one(d, "ELU", 1, t, d.scale(t), d.scale(t)));
        each(
                rows,
                "GELU",
                "i8 u8",
                t -> d -> one(d, "GELU", 1, t, d.scale(t), d.scale(t)).with(0, d.flag()));
        each(
                rows,
                "LOG_SOFTMAX",
                "i8",
                1,
                t -> d -> one(d, "LOG_SOFTMAX", 2, t, d.scale(t), Scale.of(16.0 / 256, 127)));
        each(
                rows,
                "LOG_SOFTMAX",
                "u8",
                1,
                t -> d -> one(d, "LOG_SOFTMAX", 2, t, d.scale(t), Scale.of(16.0 / 256, 255)));
        each(
                rows,
                "L2_NORMALIZATION",
                "i8",
                1,
                t -> d -> one(d, "L2_NORMALIZATION", 2, t, d.scale(t), Scale.of(1.0 / 128, 0)));
        each(
                rows,
                "L2_NORMALIZATION",
                "u8",
                1,
                t -> d -> one(d, "L2_NORMALIZATION", 2, t, d.scale(t), Scale.of(1.0 / 128, 128)));
        each(
                rows,
                "SOFTMAX beta",
                "i8",
                t -> d -> one(d, "SOFTMAX", 2, t, d.scale(t), Scale.of(1.0 / 256, -128))
                        .with(0, (float) d.real(0.3, 3)));
        each(rows, "SOFTMAX to words", "i8", t -> d -> {
            long[] shape = d.shape(3, 9);
            return new OneOperator("SOFTMAX", 3)
                    .with(0, 1f)
                    .input(d.tensor(t, shape), d.scale(t))
                    .output(DType.I16, Scale.of(1.0 / 65536, -32768), shape);
        });
        each(
                rows,
                "LOGISTIC any scale",
                "i16",
                t -> d -> one(d, "LOGISTIC", 3, t, Scale.of(d.real(0.0001, 0.001), 0), Scale.of(1.0 / 32768, 0)));
        each(
                rows,
                "TANH any scale",
                "i16",
                t -> d -> one(d, "TANH", 3, t, Scale.of(d.real(0.0001, 0.001), 0), Scale.of(1.0 / 32768, 0)));
    }

    private static OneOperator reduction(Draws d, String name, int version, DType t, Scale s) {
        long[] shape = d.shape(4, 4);
        return new OneOperator(name, version)
                .with(0, d.flag())
                .input(
                        name.equals("REDUCE_PROD") && t != DType.F32 && s == null
                                ? d.integers(t, -3, 3, shape)
                                : tensor(d, t, shape),
                        s)
                .constant(MovementRows.ints(d.between(0, 3), d.between(-4, -1)))
                .output(t, s, 1);
    }

    private static void reductions(List<Row> rows) {
        for (String name : List.of("REDUCE_MAX", "REDUCE_MIN"))
            each(rows, name, "u8 i16 i64", t -> d -> reduction(d, name, 3, t, scale(d, t)));
        each(rows, "REDUCE_PROD", "i64", t -> d -> reduction(d, "REDUCE_PROD", 1, t, null));
        for (String name : List.of("SUM", "MEAN"))
            each(rows, name + " plain", "i64", t -> d -> reduction(d, name, 1, t, null));
        for (String name : List.of("ARG_MAX", "ARG_MIN"))
            each(
                    rows,
                    name + " of",
                    "bool",
                    t -> d -> new OneOperator(name, 3)
                            .with(0, (byte) 4)
                            .input(tensor(d, t, d.shape(3, 6)), null)
                            .constant(Tensor.scalar(DType.I64, (long) d.between(-3, 2)))
                            .output(DType.I64, null, 1, 1));
    }

    private static void movement(List<Row> rows) {
        String all = "f32 i8 u8 i16 i32 i64 bool u32";
        each(rows, "RESHAPE of", all, t -> d -> {
            long[] shape = d.shape(3, 5);
            Scale s = scale(d, t);
            return new OneOperator("RESHAPE", 1)
                    .with(0, new int[] {-1})
                    .input(tensor(d, t, shape), s)
                    .output(t, s, 1);
        });
        each(rows, "SQUEEZE of", "i8 i16 i64 bool", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("SQUEEZE", 1)
                    .with(0, new int[] {0})
                    .input(tensor(d, t, 1, 3, 4), s)
                    .output(t, s, 1, 1);
        });
        each(rows, "EXPAND_DIMS of", "i8 i16 i64 bool", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("EXPAND_DIMS", 1)
                    .input(tensor(d, t, 2, 3), s)
                    .constant(Tensor.scalar(DType.I64, -1L))
                    .output(t, s, 1, 1, 1);
        });
        each(rows, "TRANSPOSE of", "i16 i64 bool u8 i8", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("TRANSPOSE", 4)
                    .input(tensor(d, t, d.shape(5, 4)), s)
                    .constant(MovementRows.ints(3, 0, 4, 2, 1))
                    .output(t, s, new long[5]);
        });
        rows.add(new Row(
                "TRANSPOSE of rank 6",
                0,
                d -> new OneOperator("TRANSPOSE", 6)
                        .input(d.tensor(DType.F32, d.shape(6, 3)))
                        .constant(MovementRows.ints(5, 3, 0, 4, 2, 1))
                        .output(DType.F32, null, new long[6])));
        for (String name : List.of("PAD", "PADV2"))
            each(rows, name + " of", "i16 i64 bool i32", t -> d -> {
                Scale s = scale(d, t);
                OneOperator m = new OneOperator(name, 3)
                        .input(tensor(d, t, d.shape(3, 4)), s)
                        .constant(Tensor.of(new long[] {1, 0, 0, 2, 1, 1}, 3, 2));
                if (name.equals("PADV2")) m.constant(tensor(d, t, 1), s);
                return m.output(t, s, 1, 1, 1);
            });
        rows.add(new Row(
                "PAD of rank 5",
                0,
                d -> new OneOperator("PAD", 4)
                        .input(d.tensor(DType.F32, d.shape(5, 3)))
                        .constant(d.integers(DType.I32, 0, 2, 5, 2))
                        .output(DType.F32, null, 1, 1, 1, 1, 1)));
        each(rows, "MIRROR_PAD of", "i16 i64", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("MIRROR_PAD", 2)
                    .with(0, (byte) d.between(0, 1))
                    .input(tensor(d, t, 4, 5, 3), s)
                    .constant(Tensor.of(new int[] {1, 2, 2, 0, 0, 1}, 3, 2))
                    .output(t, s, 1, 1, 1);
        });
        each(rows, "CONCATENATION of", "i16 i64 bool u32", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("CONCATENATION", 3)
                    .with(0, 1)
                    .input(tensor(d, t, 2, 3), s)
                    .input(tensor(d, t, 2, 2), s)
                    .output(t, s, 2, 5);
        });
        rows.add(new Row(
                "CONCATENATION of rank 5 with an activation",
                0,
                d -> new OneOperator("CONCATENATION", 1)
                        .with(0, 4)
                        .with(1, (byte) 0)
                        .input(d.tensor(DType.F32, 2, 1, 2, 1, 3))
                        .input(d.tensor(DType.F32, 2, 1, 2, 1, 2))
                        .output(DType.F32, null, 1, 1, 1, 1, 1)));
        each(rows, "SPLIT of", "i8 u8 i16 i32", t -> d -> {
            Scale s = scale(d, t);
            OneOperator m = new OneOperator("SPLIT", 4)
                    .with(0, 2)
                    .constant(MovementRows.ints(-1))
                    .input(tensor(d, t, 3, 2, 4), s);
            return m.output(t, s, 1, 1, 1).output(t, s, 1, 1, 1);
        });
        each(rows, "SPLIT_V of", "i8 u8 i16 i32 i64", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("SPLIT_V", 2)
                    .with(0, 3)
                    .input(tensor(d, t, 3, 7), s)
                    .constant(Tensor.of(new long[] {2, -1, 1}, 3))
                    .constant(Tensor.scalar(DType.I32, 1L))
                    .output(t, s, 1, 1)
                    .output(t, s, 1, 1)
                    .output(t, s, 1, 1);
        });
        each(rows, "PACK of", "f32 i8 u8 i16 i64", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("PACK", 3)
                    .with(0, 2)
                    .with(1, -1)
                    .input(tensor(d, t, 3, 2), s)
                    .input(tensor(d, t, 3, 2), s)
                    .output(t, s, 1, 1, 1);
        });
        each(rows, "UNPACK of", "i8 u8 i16 i32 bool", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("UNPACK", 4)
                    .with(0, 2)
                    .with(1, -1)
                    .input(tensor(d, t, 3, 2), s)
                    .output(t, s, 1)
                    .output(t, s, 1);
        });
        each(rows, "TILE of", "i8 u8 i32 i64 bool", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("TILE", 3)
                    .input(tensor(d, t, 2, 3), s)
                    .constant(Tensor.of(new long[] {2, 3}, 2))
                    .output(t, s, 1, 1);
        });
        each(rows, "BROADCAST_TO of", "f32 i8 u8 i16 i32 i64 bool", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("BROADCAST_TO", 3)
                    .input(tensor(d, t, 3, 1), s)
                    .constant(MovementRows.ints(2, 3, 4))
                    .output(t, s, 1, 1, 1);
        });
        each(rows, "REVERSE_V2 of", "i16 i32 i64 bool u8 i8", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("REVERSE_V2", 3)
                    .input(tensor(d, t, 2, 3, 4), s)
                    .constant(MovementRows.ints(1, 2))
                    .output(t, s, 2, 3, 4);
        });
        each(rows, "SLICE of", "i8 u8 i16 i32 i64 bool u32", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("SLICE", 6)
                    .input(tensor(d, t, 4, 5, 2, 3, 2), s)
                    .constant(Tensor.of(new long[] {1, 2, 0, 1, 1}, 5))
                    .constant(Tensor.of(new long[] {2, -1, 2, 1, 1}, 5))
                    .output(t, s, 2, 3, 2, 1, 1);
        });
        each(rows, "STRIDED_SLICE of", "i8 u8 i16 i32 i64 bool", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("STRIDED_SLICE", 4)
                    .with(0, 1)
                    .with(1, 2)
                    .with(2, 0)
                    .with(3, 0)
                    .with(4, 0)
                    .input(tensor(d, t, 4, 5, 3), s)
                    .constant(MovementRows.ints(1, -2, 2))
                    .constant(MovementRows.ints(3, 0, 0))
                    .constant(MovementRows.ints(1, 1, -1))
                    .output(t, s, 1, 1, 1);
        });
        each(rows, "SPACE_TO_DEPTH of", "i8 u8 i32 i64", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("SPACE_TO_DEPTH", 2)
                    .with(0, 2)
                    .input(tensor(d, t, 1, 4, 6, 3), s)
                    .output(t, s, 1, 1, 1, 1);
        });
        each(rows, "DEPTH_TO_SPACE of", "i8 u8 i32 i64", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("DEPTH_TO_SPACE", 2)
                    .with(0, 2)
                    .input(tensor(d, t, 1, 2, 3, 8), s)
                    .output(t, s, 1, 1, 1, 1);
        });
        each(rows, "SPACE_TO_BATCH_ND of rank 3", "f32 i16 i32 i64", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("SPACE_TO_BATCH_ND", 3)
                    .input(tensor(d, t, 2, 6, 3), s)
                    .constant(MovementRows.ints(2))
                    .constant(Tensor.of(new int[] {1, 1}, 1, 2))
                    .output(t, s, 1, 1, 1);
        });
        each(rows, "BATCH_TO_SPACE_ND of rank 3", "f32 i8 u8 i16 i32 i64", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("BATCH_TO_SPACE_ND", 3)
                    .input(tensor(d, t, 4, 3, 3), s)
                    .constant(MovementRows.ints(2))
                    .constant(Tensor.of(new int[] {1, 1}, 1, 2))
                    .output(t, s, 1, 1, 1);
        });
        each(
                rows,
                "FILL of",
                "i32 i64 bool",
                t -> d -> new OneOperator("FILL", 3)
                        .constant(Tensor.of(new long[] {2, 3}, 2))
                        .input(tensor(d, t), scale(d, t))
                        .output(t, null, 1, 1));
        each(
                rows,
                "RANGE of",
                "f32 i64",
                t -> d -> new OneOperator("RANGE", 1)
                        .constant(t == DType.F32 ? Tensor.scalar(t, 0.5) : Tensor.scalar(t, 9L))
                        .constant(t == DType.F32 ? Tensor.scalar(t, 7.1) : Tensor.scalar(t, 2L))
                        .constant(t == DType.F32 ? Tensor.scalar(t, 0.75) : Tensor.scalar(t, -2L))
                        .output(t, null, 1));
        rows.add(new Row(
                "SHAPE i64",
                0,
                d -> new OneOperator("SHAPE", 1)
                        .with(0, (byte) 4)
                        .input(d.tensor(DType.I8, d.shape(3, 6)))
                        .output(DType.I64, null, 1)));
        each(
                rows,
                "DYNAMIC_UPDATE_SLICE of",
                "i8 i32 i64 bool",
                t -> d -> new OneOperator("DYNAMIC_UPDATE_SLICE", 2)
                        .input(tensor(d, t, 4, 5))
                        .input(tensor(d, t, 2, 3))
                        .input(Tensor.of(new long[] {d.between(-2, 6), d.between(-2, 6)}, 2))
                        .output(t, null, 4, 5));
    }

    private static void indexing(List<Row> rows) {
        String all = "f32 i8 u8 i16 i32 i64 bool";
        each(rows, "GATHER of", all, t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("GATHER", 4)
                    .with(0, 1)
                    .input(tensor(d, t, 3, 5, 2), s)
                    .input(d.integers(d.one(DType.I32, DType.I64), 0, 4, 4))
                    .output(t, s, 1, 1, 1);
        });
        rows.add(new Row(
                "GATHER of places in 16 bits",
                0,
                d -> new OneOperator("GATHER", 6)
                        .with(0, 0)
                        .input(d.tensor(DType.F32, 5, 2))
                        .input(d.integers(DType.I16, 0, 4, 4))
                        .output(DType.F32, null, 1, 1)));
        each(rows, "GATHER_ND of", all, t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("GATHER_ND", 4)
                    .input(tensor(d, t, 3, 4, 2), s)
                    .input(d.integers(DType.I64, 0, 2, 5, 2))
                    .output(t, s, 1, 1);
        });
        each(
                rows,
                "SCATTER_ND of",
                "f32 i8 u8 i32 i64 bool",
                t -> d -> new OneOperator("SCATTER_ND", 1)
                        .input(Tensor.of(new int[] {3, 0, 1}, 3, 1))
                        .input(tensor(d, t, 3, 2))
                        .constant(MovementRows.ints(5, 2))
                        .output(t, null, 5, 2));
        for (String name : List.of("SELECT", "SELECT_V2"))
            each(rows, name + " of", "i8 u8 i16 i32 i64 bool u32", t -> d -> {
                Scale s = scale(d, t);
                return new OneOperator(name, name.equals("SELECT") ? 4 : 1)
                        .input(d.integers(DType.BOOL, 0, 1, 2, 3))
                        .input(tensor(d, t, 2, 3), s)
                        .input(tensor(d, t, 2, 3), s)
                        .output(t, s, 2, 3);
            });
        each(
                rows,
                "ONE_HOT of",
                "i8 u8 i32 i64 bool",
                t -> d -> new OneOperator("ONE_HOT", 1)
                        .with(0, -1)
                        .input(d.integers(DType.I64, 0, 4, 3))
                        .constant(Tensor.scalar(DType.I32, 5L))
                        .constant(Tensor.scalar(t, 1L))
                        .constant(Tensor.scalar(t, 0L))
                        .output(t, null, 1, 1));
        each(rows, "TOPK_V2 of", "i8 u8 i32 i64 i16", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("TOPK_V2", 3)
                    .input(tensor(d, t, 3, 9), s)
                    .constant(Tensor.scalar(DType.I32, 4L))
                    .output(t, s, 1, 1)
                    .output(DType.I32, null, 1, 1);
        });
        each(rows, "REVERSE_SEQUENCE of", "u8 i16 i32 i64", t -> d -> {
            Scale s = scale(d, t);
            return new OneOperator("REVERSE_SEQUENCE", 1)
                    .with(0, 1)
                    .with(1, 0)
                    .input(tensor(d, t, 3, 5, 2), s)
                    .input(d.integers(DType.I64, 1, 5, 3))
                    .output(t, s, 3, 5, 2);
        });
        for (String name : List.of("MATRIX_DIAG", "MATRIX_SET_DIAG"))
            each(rows, name + " of", "i8 u8 i16 i32 i64", t -> d -> {
                OneOperator m = new OneOperator(name, 1);
                if (name.equals("MATRIX_SET_DIAG")) m.input(tensor(d, t, 2, 3, 4));
                return m.input(tensor(d, t, 2, 3)).output(t, null, 2, 3, name.equals("MATRIX_SET_DIAG") ? 4 : 3);
            });
        each(
                rows,
                "SEGMENT_SUM of",
                "i32",
                t -> d -> new OneOperator("SEGMENT_SUM", 1)
                        .input(tensor(d, t, 4, 3))
                        .constant(MovementRows.ints(0, 1, 1, 2))
                        .output(t, null, 1));
        for (String name : List.of(
                "UNSORTED_SEGMENT_SUM", "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_PROD", "UNSORTED_SEGMENT_MIN"))
            each(
                    rows,
                    name,
                    "f32 i32",
                    t -> d -> new OneOperator(name, 1)
                            .input(tensor(d, t, 4, 3))
                            .constant(MovementRows.ints(2, 0, -1, 2))
                            .constant(MovementRows.ints(4))
                            .output(t, null, 1, 1));
        each(
                rows,
                "WHERE of",
                "f32 i8 u8 i32 i64 u32",
                t -> d -> new OneOperator("WHERE", 1)
                        .input(d.integers(t, 0, 1, 3, 4))
                        .output(DType.I64, null, 1, 1));
        each(
                rows,
                "UNIQUE of",
                "f32 i8 u8 i16 i64",
                t -> d -> new OneOperator("UNIQUE", 1)
                        .with(0, (byte) 4)
                        .input(d.integers(t, 0, 4, 9))
                        .output(t, null, 1)
                        .output(DType.I64, null, 1));
        rows.add(new Row(
                "EMBEDDING_LOOKUP hybrid",
                0,
                d -> new OneOperator("EMBEDDING_LOOKUP", 3)
                        .input(d.integers(DType.I32, 0, 4, 6))
                        .constant(d.integers(DType.I8, -127, 127, 5, 3), Scale.of(0.02, 0))
                        .output(DType.F32, null, 1, 3)));
        rows.add(new Row(
                "EMBEDDING_LOOKUP bytes",
                0,
                d -> new OneOperator("EMBEDDING_LOOKUP", 3)
                        .input(d.integers(DType.I32, 0, 4, 6))
                        .constant(d.integers(DType.I8, -127, 127, 5, 3), Scale.of(0.02, 0))
                        .output(DType.I8, Scale.of(0.02, 0), 1, 3)));
        rows.add(new Row(
                "BUCKETIZE",
                0,
                d -> new OneOperator("BUCKETIZE", 1)
                        .with(0, new float[] {-1, 0, 0.5f, 2})
                        .input(d.tensor(DType.F32, 3, 4))
                        .output(DType.I32, null, 3, 4)));
        rows.add(new Row(
                "BROADCAST_ARGS",
                0,
                d -> new OneOperator("BROADCAST_ARGS", 1)
                        .input(MovementRows.ints(3, 1))
                        .input(MovementRows.ints(2, 1, 4))
                        .output(DType.I32, null, 1)));
    }

    private static byte number(DType t) {
        return OneOperator.number(t);
    }

    private static void conversions(List<Row> rows) {
        for (String from : "f32 f64 i8 u8 i16 u16 i32 u32 i64 bool f16".split(" "))
            each(rows, "CAST " + from + " to", "f32 f64 i8 u8 i16 u16 i32 u32 i64 bool f16", t -> d -> {
                DType x = java.util.Arrays.stream(DType.values())
                        .filter(v -> v.text().equals(from))
                        .findFirst()
                        .orElseThrow();
                Tensor v = x == DType.BOOL
                        ? d.integers(x, 0, 1, 3, 5)
                        : d.integers(x, x.isFloat() || x.text().startsWith("u") ? 0 : -100, 100, 3, 5);
                return new OneOperator("CAST", 5)
                        .with(0, number(x))
                        .with(1, number(t))
                        .input(v)
                        .output(t, null, 3, 5);
            });
        rows.add(new Row("QUANTIZE i32", 0, d -> {
            DType to = d.one(DType.I8, DType.I16);
            return new OneOperator("QUANTIZE", 2)
                    .input(d.integers(DType.I32, -60000, 60000, 3, 5), Scale.of(d.real(1e-5, 1e-3), 0))
                    .output(to, d.scale(to), 3, 5);
        }));
        rows.add(new Row(
                "QUANTIZE i16 to i32",
                0,
                d -> new OneOperator("QUANTIZE", 3)
                        .input(d.tensor(DType.I16, 3, 5), d.scale(DType.I16))
                        .output(DType.I32, Scale.of(d.real(1e-4, 1e-2), 0), 3, 5)));
        rows.add(new Row(
                "QUANTIZE by channel",
                0,
                d -> new OneOperator("QUANTIZE", 1)
                        .input(d.tensor(DType.F32, 3, 5))
                        .output(DType.I8, d.channels(5, 1, 0.01, 0.1), 3, 5)));
        rows.add(new Row(
                "DEQUANTIZE by channel",
                0,
                d -> new OneOperator("DEQUANTIZE", 5)
                        .input(d.tensor(DType.I8, 3, 5), d.channels(5, 1, 0.01, 0.1))
                        .output(DType.F32, null, 3, 5)));
        rows.add(new Row(
                "DEQUANTIZE f16",
                0,
                d -> new OneOperator("DEQUANTIZE", 3)
                        .input(d.tensor(DType.F16, 3, 5))
                        .output(DType.F32, null, 3, 5)));
    }

    private static void products(List<Row> rows) {
        rows.add(new Row("FULLY_CONNECTED by channel", 1, d -> connected(d, DType.I8, DType.I32, true, false)));
        rows.add(new Row("FULLY_CONNECTED keeping axes", 1, d -> connected(d, DType.I8, DType.I32, false, true)));
        rows.add(new Row("FULLY_CONNECTED int16 by channel", 1, d -> connected(d, DType.I16, DType.I64, true, true)));
        rows.add(new Row(
                "TRANSPOSE_CONV hybrid",
                0,
                d -> new OneOperator("TRANSPOSE_CONV", 3)
                        .with(0, (byte) 0)
                        .with(1, 2)
                        .with(2, 2)
                        .constant(MovementRows.ints(2, 6, 8, 3))
                        .constant(d.integers(DType.I8, -127, 127, 3, 3, 2, 4), d.channels(3, 0, 0.001, 0.02))
                        .input(d.tensor(DType.F32, 2, 3, 4, 4))
                        .constant(d.tensor(DType.F32, 3))
                        .output(DType.F32, null, 2, 6, 8, 3)));
        rows.add(new Row("TRANSPOSE_CONV int16 with i32", 0, d -> transposed(d, DType.I16, DType.I8, DType.I32)));
        rows.add(new Row(
                "TRANSPOSE_CONV by channel with activation", 0, d -> transposed(d, DType.I8, DType.I8, DType.I32)));
        rows.add(new Row(
                "CONV_2D int16 in 32 bits",
                0,
                d -> new OneOperator("CONV_2D", 6)
                        .with(0, (byte) 0)
                        .with(1, 1)
                        .with(2, 1)
                        .with(3, (byte) d.between(0, 3))
                        .with(6, (byte) 2)
                        .input(d.tensor(DType.I16, 1, 5, 6, 4), d.scale(DType.I16))
                        .constant(d.tensor(DType.I8, 4, 3, 3, 4), d.channels(4, 0, 0.001, 0.01))
                        .constant(d.integers(DType.I32, -5000, 5000, 4), Scale.of(0.001, 0))
                        .output(DType.I16, d.scale(DType.I16), 1, 5, 6, 4)));
        rows.add(new Row(
                "BATCH_MATMUL i8 to i32",
                0,
                d -> new OneOperator("BATCH_MATMUL", 4)
                        .with(0, false)
                        .with(1, d.flag())
                        .input(d.tensor(DType.I8, 2, 3, 5), Scale.of(0.1, 0))
                        .input(d.tensor(DType.I8, 2, 5, 5), Scale.of(0.02, 0))
                        .output(DType.I32, Scale.of(0.002, 0), 1, 1, 1)));
        rows.add(new Row(
                "CONV_3D",
                0,
                d -> new OneOperator("CONV_3D", 1)
                        .with(0, d.one((byte) 0, (byte) 1))
                        .with(1, d.between(1, 2))
                        .with(2, d.between(1, 2))
                        .with(3, d.between(1, 2))
                        .with(4, d.one((byte) 0, (byte) 1))
                        .input(d.tensor(DType.F32, 1, 4, 5, 6, 2))
                        .constant(d.tensor(DType.F32, 2, 3, 2, 2, 3))
                        .constant(d.tensor(DType.F32, 3))
                        .output(DType.F32, null, 1, 1, 1, 1, 1)));
    }

    private static OneOperator connected(Draws d, DType x, DType bias, boolean channels, boolean keep) {
        long k = d.between(1, 40);
        long o = d.between(1, 12);
        Scale xs = d.scale(x);
        Scale ws = channels ? d.channels((int) o, 0, 0.001, 0.01) : Scale.of(d.real(0.001, 0.01), 0);
        OneOperator m = new OneOperator("FULLY_CONNECTED", 12)
                .with(0, (byte) d.between(0, 3))
                .with(2, keep)
                .input(d.tensor(x, 2, 3, k), xs)
                .constant(d.integers(DType.I8, -127, 127, o, k), ws)
                .constant(d.integers(bias, -5000, 5000, o), Scale.of((double) xs.scales()[0] * ws.scales()[0], 0));
        return keep ? m.output(x, d.scale(x), 2, 3, o) : m.output(x, d.scale(x), 6, o);
    }

    private static OneOperator transposed(Draws d, DType x, DType w, DType bias) {
        Scale ws = w == DType.U8 ? d.scale(w) : d.channels(3, 0, 0.001, 0.02);
        return new OneOperator("TRANSPOSE_CONV", 5)
                .with(0, (byte) 0)
                .with(1, 2)
                .with(2, 2)
                .with(3, (byte) d.between(0, 3))
                .constant(MovementRows.ints(1, 6, 8, 3))
                .constant(d.tensor(w, 3, 3, 2, 4), ws)
                .with(4, bias == DType.I32 && x == DType.I16 ? (byte) 2 : null)
                .input(d.tensor(x, 1, 3, 4, 4), d.scale(x))
                .constant(d.integers(bias, -5000, 5000, 3), Scale.of(0.001, 0))
                .output(x, d.scale(x), 1, 6, 8, 3);
    }

    private static void random(List<Row> rows) {
        for (String name : List.of("RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL"))
            rows.add(new Row(
                    name,
                    0,
                    d -> new OneOperator(name, 1)
                            .with(0, (long) d.between(1, 1 << 30))
                            .with(1, d.random().nextLong())
                            .input(MovementRows.ints(d.between(1, 9), d.between(1, 7)))
                            .output(DType.F32, null, 1, 1)));
        for (DType t : List.of(DType.I32, DType.I64))
            rows.add(new Row(
                    "MULTINOMIAL " + t.text(),
                    0,
                    d -> new OneOperator("MULTINOMIAL", 1)
                            .with(0, (long) d.between(1, 1 << 30))
                            .with(1, d.random().nextLong())
                            .input(d.tensor(DType.F32, d.between(1, 3), d.between(1, 9)))
                            .input(Tensor.scalar(DType.I32, (long) d.between(1, 9)))
                            .output(t, null, 1, 1)));
        rows.add(new Row("CONV_3D_TRANSPOSE", 0, d -> {
            byte padding = d.one((byte) 0, (byte) 1);
            int[] stride = {d.between(1, 2), d.between(1, 3), d.between(1, 2)};
            int[] kernel = {d.between(1, 3), d.between(1, 3), d.between(1, 3)};
            int[] shape = {1, 0, 0, 0, 3};
            for (int i = 0; i < 3; i++)
                shape[i + 1] = padding == 0 ? (3 + i) * stride[i] : (2 + i) * stride[i] + kernel[i];
            return new OneOperator("CONV_3D_TRANSPOSE", 1)
                    .with(0, padding)
                    .with(1, stride[0])
                    .with(2, stride[2])
                    .with(3, stride[1])
                    .with(4, d.one((byte) 0, (byte) 1))
                    .constant(Tensor.of(shape, 5))
                    .constant(d.tensor(DType.F32, kernel[0], kernel[1], kernel[2], 3, 2))
                    .input(d.tensor(DType.F32, 1, 3, 4, 5, 2))
                    .constant(d.tensor(DType.F32, 3))
                    .output(DType.F32, null, 1, 1, 1, 1, 1);
        }));
    }
}
