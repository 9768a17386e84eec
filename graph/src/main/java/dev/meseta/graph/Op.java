package dev.meseta.graph;

import java.util.List;

/**
 * The op set: every operation that a graph may contain, with its attributes. Semantics, operands and numbered constraints stand in
 * {@link OpSpec}, from which {@code docs/ops.md} is made; {@link TypeInference} checks them. Lists are one entry an axis unless stated.
 */
public sealed interface Op {

    // Values

    /** A literal. */
    record Constant(Tensor value) implements Op {}

    /** Counts 0, 1, 2, … along an axis. */
    record Iota(DType dtype, Shape shape, int axis) implements Op {}

    /** Uniform random 32-bit words from a key: Threefry-2x32, 20 rounds, counter = position. */
    record RandomBits(Shape shape) implements Op {}

    // Scalar maps

    /** A scalar function on every element; operands of equal shape. */
    record Map(MapFunction function) implements Op {}

    /** Conversion to another element type. */
    record Cast(DType dtype, Rounding rounding) implements Op {
        /** What a cast does out of range and between integers and floats. */
        public enum Rounding {
            /**
             * C's conversion: integers keep their low bits; floats to integers truncate to 64 bits, saturating there, and keep the low bits
             * (NaN gives 0); narrow floats overflow to infinity or NaN where they have it.
             */
            WRAP,
            /**
             * Out of range gives the nearest finite value of the type, but floats of 16 bits and more overflow to infinity under every
             * rounding; NaN gives 0 for integers; floats to integers truncate.
             */
            SATURATE,
            /** As SATURATE, but floats to integers round to nearest, ties to even. */
            NEAREST,
            /** As SATURATE, but to {@code F8E8M0} rounds up: the smallest power of two not below the value. */
            UP,
            /** As SATURATE, but to {@code F8E8M0} rounds down: the largest power of two not above the value. */
            DOWN
        }
    }

    /** The same bits as another element type of the same width. */
    record Bitcast(DType dtype) implements Op {}

    /** scale * (x - zero point), in F32. */
    record Dequantize(int axis, DType dtype) implements Op {}

    /** saturate(round_half_even(x / scale) + zero point). */
    record Quantize(int axis, DType dtype) implements Op {}

    // Movement

    record Reshape(Shape shape) implements Op {}

    /** Result axis i is operand axis {@code permutation[i]}. */
    record Transpose(List<Integer> permutation) implements Op {}

    /** Repeats axes of extent 1. */
    record Broadcast(Shape shape) implements Op {}

    /** From {@code starts}, {@code sizes} elements, {@code steps} apart; a step may be negative, but not 0. */
    record Slice(List<Long> starts, List<Dim> sizes, List<Long> steps) implements Op {}

    /** Adds {@code low} and {@code high} elements of operand 1 (a scalar) around operand 0. */
    record Pad(List<Long> low, List<Long> high) implements Op {}

    record Concat(int axis) implements Op {}

    // Reductions

    /** Combines over axes, which disappear; ascending, without repetition. */
    record Reduce(ReduceKind kind, List<Integer> axes) implements Op {}

    /** Position (I64) of the largest or smallest element along an axis, which disappears. */
    record ArgReduce(boolean largest, int axis, boolean lastOnTie) implements Op {}

    /** Combines windows; one entry an axis; padding contributes the identity. */
    record WindowReduce(
            ReduceKind kind,
            List<Long> window,
            List<Long> strides,
            List<Long> dilations,
            List<Long> low,
            List<Long> high)
            implements Op {}

    /** Running combination along an axis. */
    record Cumulative(ReduceKind kind, int axis, boolean exclusive, boolean reverse) implements Op {}

    /** The {@code k} largest or smallest along an axis, sorted, with their positions (I64); stable: the lower position first. NaN counts as largest. */
    record TopK(Dim k, int axis, boolean largest) implements Op {}

    // Products

    /**
     * Sum of products: result axes are the batch axes, then the left free axes, then the right free axes, each in its operand's order.
     * Lists pair left and right axes.
     */
    record Contraction(
            List<Integer> leftBatch,
            List<Integer> rightBatch,
            List<Integer> leftSum,
            List<Integer> rightSum,
            DType dtype)
            implements Op {}

    /**
     * Operand 0 is [N, C, spatial…], operand 1 [O, C/groups, spatial…], the result [N, O, spatial…]. Lists have one entry a spatial axis.
     * Padding is of zeros and may be negative; {@code inputDilation} puts zeros between the input's elements (a transposed convolution).
     */
    record Convolution(
            List<Long> strides,
            List<Long> low,
            List<Long> high,
            List<Long> inputDilation,
            List<Long> kernelDilation,
            int groups,
            DType dtype)
            implements Op {}

    // Indexing

    /** Operand 0 along {@code axis} at operand 1's positions: the axis is replaced by the positions' axes. */
    record Gather(int axis) implements Op {}

    /** Element by element: the position along {@code axis} comes from operand 1, the others from the place itself. */
    record GatherElements(int axis) implements Op {}

    /** Operand 1's last axis holds coordinates into operand 0 after {@code batch} shared leading axes. */
    record GatherNd(int batch) implements Op {}

    /** Operand 0 with operand 2's elements put at operand 1's positions along {@code axis}. */
    record ScatterElements(int axis, Combine combine) implements Op {}

    /** Operand 0 with operand 2's slices put at operand 1's coordinates. */
    record ScatterNd(Combine combine) implements Op {}

    /** What a scatter does with the element that is there; in row-major order of the updates. */
    enum Combine {
        SET,
        ADD,
        MUL,
        MIN,
        MAX
    }

    // Structure

    /** A loop with a known number of steps: {@code body} takes the carried values, a slice of each scanned operand, and the captured ones. */
    record Scan(Graph body, int carried, int scanned, long steps, boolean reverse) implements Op {}

    /** Chooses a body by a BOOL scalar. */
    record If(Graph then, Graph otherwise) implements Op {}

    /** Repeats while a BOOL scalar holds: {@code condition} and {@code body} take the carried values, then the captured ones. */
    record While(Graph condition, Graph body, int carried) implements Op {}

    /** A named operation with its own decomposition, which a device may know better by its name and attributes. */
    record Composite(String name, java.util.Map<String, Object> attributes, Graph body) implements Op {
        public Composite {
            attributes = java.util.Collections.unmodifiableMap(new java.util.TreeMap<>(attributes));
        }
    }

    /** The op's name in the text form and in {@link OpSpec}. */
    default String mnemonic() {
        return switch (this) {
            case Constant _ -> "constant";
            case Iota _ -> "iota";
            case RandomBits _ -> "random_bits";
            case Map _ -> "map";
            case Cast _ -> "cast";
            case Bitcast _ -> "bitcast";
            case Dequantize _ -> "dequantize";
            case Quantize _ -> "quantize";
            case Reshape _ -> "reshape";
            case Transpose _ -> "transpose";
            case Broadcast _ -> "broadcast";
            case Slice _ -> "slice";
            case Pad _ -> "pad";
            case Concat _ -> "concat";
            case Reduce _ -> "reduce";
            case ArgReduce _ -> "arg_reduce";
            case WindowReduce _ -> "window_reduce";
            case Cumulative _ -> "cumulative";
            case TopK _ -> "top_k";
            case Contraction _ -> "contraction";
            case Convolution _ -> "convolution";
            case Gather _ -> "gather";
            case GatherElements _ -> "gather_elements";
            case GatherNd _ -> "gather_nd";
            case ScatterElements _ -> "scatter_elements";
            case ScatterNd _ -> "scatter_nd";
            case Scan _ -> "scan";
            case If _ -> "if";
            case While _ -> "while";
            case Composite _ -> "composite";
        };
    }
}
