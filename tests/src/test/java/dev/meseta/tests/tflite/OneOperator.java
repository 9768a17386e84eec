package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.FlatBufferWriter.Table;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A TFLite model of one operator. */
final class OneOperator {
    /** TFLite's numbers of the operators that tests use, and of their tables of options. */
    private static final Map<String, int[]> NUMBERS = numbers("""
            SKIP_GRAM 30 0|HASHTABLE 136 107|HASHTABLE_FIND 137 108|HASHTABLE_IMPORT 138 109|HASHTABLE_SIZE 139 110|ADD 0 11|AVERAGE_POOL_2D 1 5|CONCATENATION 2 10|CONV_2D 3 1|DEPTHWISE_CONV_2D 4 2|DEPTH_TO_SPACE 5 94|DEQUANTIZE 6 38
            EMBEDDING_LOOKUP 7 0|FLOOR 8 0|FULLY_CONNECTED 9 8|L2_NORMALIZATION 11 12|L2_POOL_2D 12 5|LOCAL_RESPONSE_NORMALIZATION 13 13
            LOGISTIC 14 0|LSTM 16 14|MAX_POOL_2D 17 5|MUL 18 21|RELU 19 0|RELU_N1_TO_1 20 0|RELU6 21 0|RESHAPE 22 17|RESIZE_BILINEAR 23 15
            RNN 24 7|SOFTMAX 25 9|SPACE_TO_DEPTH 26 19|SVDF 27 6|TANH 28 0|PAD 34 22|UNIDIRECTIONAL_SEQUENCE_RNN 35 31|GATHER 36 23
            BATCH_TO_SPACE_ND 37 24|SPACE_TO_BATCH_ND 38 25|TRANSPOSE 39 26|MEAN 40 27|SUB 41 28|DIV 42 29|SQUEEZE 43 30
            UNIDIRECTIONAL_SEQUENCE_LSTM 44 71|STRIDED_SLICE 45 32|EXP 47 33|TOPK_V2 48 34|SPLIT 49 35|LOG_SOFTMAX 50 36
            BIDIRECTIONAL_SEQUENCE_RNN 46 70|BIDIRECTIONAL_SEQUENCE_LSTM 52 69|CAST 53 37|PRELU 54 0|MAXIMUM 55 39|ARG_MAX 56 40|MINIMUM 57 39|LESS 58 41|NEG 59 42|PADV2 60 43
            GREATER 61 44|GREATER_EQUAL 62 45|LESS_EQUAL 63 46|SELECT 64 47|SLICE 65 48|SIN 66 0|TRANSPOSE_CONV 67 49|SPARSE_TO_DENSE 68 50
            TILE 69 51|EXPAND_DIMS 70 52|EQUAL 71 53|NOT_EQUAL 72 54|LOG 73 0|SUM 74 27|SQRT 75 0|RSQRT 76 0|SHAPE 77 55|POW 78 56|ARG_MIN 79 57
            FAKE_QUANT 80 58|REDUCE_PROD 81 27|REDUCE_MAX 82 27|PACK 83 59|LOGICAL_OR 84 60|ONE_HOT 85 61|LOGICAL_AND 86 62|LOGICAL_NOT 87 63
            UNPACK 88 64|REDUCE_MIN 89 27|FLOOR_DIV 90 65|REDUCE_ANY 91 27|SQUARE 92 66|ZEROS_LIKE 93 67|FILL 94 68|FLOOR_MOD 95 72|RANGE 96 73
            RESIZE_NEAREST_NEIGHBOR 97 74|LEAKY_RELU 98 75|SQUARED_DIFFERENCE 99 76|MIRROR_PAD 100 77|ABS 101 78|SPLIT_V 102 79|UNIQUE 103 80
            CEIL 104 0|REVERSE_V2 105 81|ADD_N 106 82|GATHER_ND 107 83|COS 108 84|WHERE 109 85|RANK 110 86|ELU 111 0|REVERSE_SEQUENCE 112 87
            MATRIX_DIAG 113 88|QUANTIZE 114 89|MATRIX_SET_DIAG 115 90|ROUND 116 0|HARD_SWISH 117 91|IF 118 92|WHILE 119 93
            NON_MAX_SUPPRESSION_V4 120 95|NON_MAX_SUPPRESSION_V5 121 96|SCATTER_ND 122 97|SELECT_V2 123 98|SEGMENT_SUM 125 100|BATCH_MATMUL 126 101
            CUMSUM 128 102|CALL_ONCE 129 103|BROADCAST_TO 130 104|RFFT2D 131 105|CONV_3D 132 106|IMAG 133 0|REAL 134 0|COMPLEX_ABS 135 0|REDUCE_ALL 140 27|CONV_3D_TRANSPOSE 141 106
            VAR_HANDLE 142 111|READ_VARIABLE 143 112|ASSIGN_VARIABLE 144 113|BROADCAST_ARGS 145 0|GELU 150 116|DYNAMIC_UPDATE_SLICE 151 117
            RELU_0_TO_1 152 0|UNSORTED_SEGMENT_MAX 154 119|UNSORTED_SEGMENT_SUM 155 121|UNSORTED_SEGMENT_PROD 153 118|UNSORTED_SEGMENT_MIN 157 120|BUCKETIZE 147 115|RANDOM_STANDARD_NORMAL 146 114|RANDOM_UNIFORM 148 114|MULTINOMIAL 149 114|ATAN2 156 122|SIGN 158 123|BITCAST 159 124
            BITWISE_XOR 160 125|RIGHT_SHIFT 161 126""");

    private static final int CUSTOM = 32;

    private static Map<String, int[]> numbers(String text) {
        Map<String, int[]> all = new java.util.HashMap<>();
        for (String entry : text.strip().split("[|\n]")) {
            String[] parts = entry.strip().split(" ");
            all.put(parts[0], new int[] {Integer.parseInt(parts[1]), Integer.parseInt(parts[2])});
        }
        return all;
    }

    /** TFLite's number of an operator. */
    static int number(String name) {
        return NUMBERS.get(name)[0];
    }

    /** TFLite's number of an operator's table of options; 0 if it has none. */
    static int options(String name) {
        return NUMBERS.get(name)[1];
    }

    /** TFLite's number of an element type. */
    static byte number(DType dtype) {
        return (byte) TYPES.indexOf(dtype);
    }

    private static final List<DType> TYPES = java.util.Arrays.asList(
            DType.F32,
            DType.F16,
            DType.I32,
            DType.U8,
            DType.I64,
            null,
            DType.BOOL,
            DType.I16,
            DType.C64,
            DType.I8,
            DType.F64,
            DType.C128,
            DType.U64,
            null,
            null,
            DType.U32,
            DType.U16,
            DType.I4);

    private final String name;
    private final int version;
    private final byte[] customOptions;
    private final Table options = new Table();
    private final List<Table> tensors = new ArrayList<>();
    private final List<Table> buffers = new ArrayList<>(List.of(new Table()));
    private final List<Integer> operands = new ArrayList<>();
    private final List<Integer> results = new ArrayList<>();
    private final List<Integer> inputs = new ArrayList<>();
    private final List<Integer> intermediates = new ArrayList<>();
    private int states;

    /** What the inputs are run on. */
    final List<Tensor> values = new ArrayList<>();

    OneOperator(String name, int version) {
        this(name, version, null);
    }

    private OneOperator(String name, int version, byte[] customOptions) {
        this.name = name;
        this.version = version;
        this.customOptions = customOptions;
    }

    /** A custom operator. */
    static OneOperator custom(String name, byte[] options) {
        return new OneOperator(name, 1, options);
    }

    /** Scales and zero points along an axis. */
    record Scale(float[] scales, long[] zeroPoints, int axis) {
        static Scale of(double scale, long zeroPoint) {
            return new Scale(new float[] {(float) scale}, new long[] {zeroPoint}, 0);
        }
    }

    /** Sets an option: a Byte for a choice, an Integer, a Float, a Boolean, an array. */
    OneOperator with(int field, Object value) {
        options.set(field, value);
        return this;
    }

    OneOperator input(Tensor value, Scale scale) {
        operands.add(tensors.size());
        inputs.add(tensors.size());
        values.add(value);
        tensors.add(tensor(value.dtype(), value.shape().extents(), scale, 0));
        return this;
    }

    OneOperator input(Tensor value) {
        return input(value, null);
    }

    OneOperator constant(Tensor value, Scale scale) {
        operands.add(tensors.size());
        buffers.add(new Table().set(0, value.data().toArray(ValueLayout.JAVA_BYTE)));
        tensors.add(tensor(value.dtype(), value.shape().extents(), scale, buffers.size() - 1));
        return this;
    }

    OneOperator constant(Tensor value) {
        return constant(value, null);
    }

    OneOperator missing() {
        operands.add(-1);
        return this;
    }

    /** An operand that the operator changes, and that is kept from one run to the next. */
    OneOperator variable(DType dtype, long[] extents, Scale scale) {
        states++;
        operands.add(tensors.size());
        tensors.add(tensor(dtype, extents, scale, 0).set(5, true));
        return this;
    }

    /** A value inside of the operator, of which a file states the scale. */
    OneOperator intermediate(DType dtype, Scale scale) {
        intermediates.add(tensors.size());
        tensors.add(tensor(dtype, new long[] {0}, scale, 0));
        return this;
    }

    /** How many variables the operator has. */
    int states() {
        return states;
    }

    OneOperator output(DType dtype, Scale scale, long... extents) {
        results.add(tensors.size());
        tensors.add(tensor(dtype, extents, scale, 0));
        return this;
    }

    private Table tensor(DType dtype, long[] extents, Scale scale, int buffer) {
        int[] shape = new int[extents.length];
        for (int i = 0; i < shape.length; i++) shape[i] = (int) extents[i];
        Table t = new Table()
                .set(0, shape)
                .set(1, (byte) TYPES.indexOf(dtype))
                .set(2, buffer)
                .set(3, "t" + tensors.size());
        if (scale != null) {
            t.set(
                    4,
                    new Table()
                            .set(2, scale.scales())
                            .set(3, scale.zeroPoints())
                            .set(6, scale.axis()));
        }
        return t;
    }

    byte[] bytes() {
        return bytes(model());
    }

    /** What {@link #model} gave, as a file. */
    static byte[] bytes(Table model) {
        return FlatBufferWriter.write(model, "TFL3");
    }

    /** The table of the operator's options, which {@link #model} refers to. */
    Table options() {
        return options;
    }

    Table model() {
        int[] number = customOptions == null ? NUMBERS.get(name) : new int[] {CUSTOM, 0};
        Table code = new Table()
                .set(0, (byte) Math.min(127, number[0]))
                .set(2, version)
                .set(3, number[0]);
        Table operator = new Table().set(0, 0).set(1, ints(operands)).set(2, ints(results));
        if (number[1] > 0) operator.set(3, (byte) number[1]).set(4, options);
        if (!intermediates.isEmpty()) operator.set(8, ints(intermediates));
        if (customOptions != null) {
            code.set(1, name);
            operator.set(5, customOptions);
        }
        Table graph = new Table()
                .set(0, tensors)
                .set(1, ints(inputs))
                .set(2, ints(results))
                .set(3, List.of(operator))
                .set(4, "main");
        return new Table()
                .set(0, 3)
                .set(1, List.of(code))
                .set(2, List.of(graph))
                .set(3, "one operator")
                .set(4, buffers);
    }

    private static int[] ints(List<Integer> list) {
        return list.stream().mapToInt(Integer::intValue).toArray();
    }
}
