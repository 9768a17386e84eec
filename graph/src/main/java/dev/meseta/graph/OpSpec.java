package dev.meseta.graph;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The specification of one op: what it means, what it takes, and what must hold. {@code docs/ops.md} is made from this table, and
 * {@link TypeInference} cites its constraints by number.
 *
 * @param mnemonic the op's name
 * @param group a chapter of the documentation
 * @param operands the operands by name; a trailing {@code …} means any number
 * @param results the results by name
 * @param meaning the semantics
 * @param constraints what must hold; the first is C1 ({@link #COMMON} is C0 of every op)
 * @param example a graph in the text form
 */
public record OpSpec(
        String mnemonic,
        String group,
        String operands,
        String results,
        String meaning,
        List<String> constraints,
        String example) {
    /** Constraint C0 of every op. */
    public static final String COMMON =
            "as many operands as stated; operands and results have known extents, and sizes that 64 bits hold";

    private static final String VALUES = "Values";
    private static final String MAPS = "Scalar maps";
    private static final String MOVEMENT = "Movement";
    private static final String REDUCTIONS = "Reductions";
    private static final String PRODUCTS = "Products";
    private static final String INDEXING = "Indexing";
    private static final String STRUCTURE = "Structure";

    /** Every op of the set, in the order of the documentation. */
    public static final List<OpSpec> ALL = List.of(
            spec(
                    "constant",
                    VALUES,
                    "",
                    "value",
                    "A literal tensor.",
                    List.of(),
                    "graph () { %0 = constant {value=dense(1.0, 2.0)} : f32[2] return %0 }"),
            spec(
                    "iota",
                    VALUES,
                    "",
                    "value",
                    "Element (i0, i1, …) is i_axis, converted to the element type.",
                    List.of("the axis is an axis of the shape", "the element type is arithmetic"),
                    "graph () { %0 = iota {axis=0} : i64[4] return %0 }"),
            spec(
                    "random_bits",
                    VALUES,
                    "key",
                    "bits",
                    "Word i of the result, row-major, is word (i mod 2) of the block of Threefry-2x32 with 20 rounds whose key is the operand's low and high "
                            + "32 bits, and whose counter is those of i div 2. Block of key (k0, k1) and counter (c0, c1), modulo 2^32: k2 = k0 xor k1 xor 0x1BD11BDA, "
                            + "x0 = c0 + k0, x1 = c1 + k1; in rounds r = 0 … 19, x0 += x1, x1 = rotate_left(x1, R[r mod 8]) xor x0, R = 13, 15, 26, 6, 17, 29, 16, 24, and "
                            + "after every fourth round, j = (r + 1) / 4, x0 += k[j mod 3], x1 += k[(j + 1) mod 3] + j. The same on every device.",
                    List.of("the key is a scalar of type u64"),
                    "graph (%0: u64[]) { %1 = random_bits %0 : u32[8] return %1 }"),
            spec(
                    "map",
                    MAPS,
                    "x0, x1, x2",
                    "y",
                    "y[i] = function(x0[i], …). The functions stand in their own table below. Floats narrower than 32 bits compute in f32 and round once.",
                    List.of(
                            "as many operands as the function takes",
                            "operands have the same shape (broadcast is explicit)",
                            "operands have the same element type, but for select, whose first operand is bool",
                            "the function is defined on the element type"),
                    "graph (%0: f32[2,3], %1: f32[2,3]) { %2 = map.add %0, %1 : f32[2,3] return %2 }"),
            spec(
                    "cast",
                    MAPS,
                    "x",
                    "y",
                    "Conversion by the stated rounding. To integers: wrap keeps the low bits (floats truncate to 64 bits first, saturating there), saturate gives the "
                            + "nearest value of the type (floats truncate), nearest is saturate with floats rounded to nearest, ties to even; NaN gives 0. To floats: to nearest, ties to even, "
                            + "once. Floats of 16 bits and more overflow to infinity. Narrower ones overflow to infinity, or NaN where there is none, by wrap, and to the largest finite value "
                            + "by the others, infinity too; a NaN gives -0 for f4e2m1, which has none. f8e8m0 rounds to nearest with ties upwards, or by up and down to the power of two not "
                            + "below or not above; a negative number gives NaN. To bool: != 0.",
                    List.of("neither type is complex"),
                    "graph (%0: f32[4]) { %1 = cast.saturate %0 : i8[4] return %1 }"),
            spec(
                    "bitcast",
                    MAPS,
                    "x",
                    "y",
                    "The same bits as another element type.",
                    List.of("both element types have the same width in bits"),
                    "graph (%0: f32[4]) { %1 = bitcast %0 : i32[4] return %1 }"),
            spec(
                    "quantize",
                    MAPS,
                    "x, scale, zero_point",
                    "y",
                    "y = saturate(round(x / scale) + zero_point), round to nearest, ties to even, in f32 (in f64 if x or the scale is f64). Scale and zero point are scalars, or vectors along the axis. "
                            + "For float result types y = saturate(x / scale), and the zero point is 0.",
                    List.of(
                            "x and scale are floats of 16 bits or more, or x is i32",
                            "the zero point has the result's element type and the scale's shape",
                            "scale is a scalar, or a vector as long as x's axis"),
                    "graph (%0: f32[1,8], %1: f32[8], %2: u8[8]) { %3 = quantize %0, %1, %2 {axis=1} : u8[1,8] return %3 }"),
            spec(
                    "dequantize",
                    MAPS,
                    "x, scale, zero_point",
                    "y",
                    "y = (x - zero_point) * scale in f32 (in f64 if the scale or the result is f64), rounded to the result type. Scale and zero point are scalars, or vectors along the axis.",
                    List.of(
                            "the result and the scale are floats of 16 bits or more",
                            "the zero point has x's element type and the scale's shape",
                            "scale is a scalar, or a vector as long as x's axis"),
                    "graph (%0: u8[1,8], %1: f32[8], %2: u8[8]) { %3 = dequantize %0, %1, %2 {axis=1} : f32[1,8] return %3 }"),
            spec(
                    "reshape",
                    MOVEMENT,
                    "x",
                    "y",
                    "The same elements in row-major order under another shape.",
                    List.of("the shapes have equally many elements"),
                    "graph (%0: f32[2,3]) { %1 = reshape %0 : f32[6] return %1 }"),
            spec(
                    "transpose",
                    MOVEMENT,
                    "x",
                    "y",
                    "Axis i of the result is axis permutation[i] of x.",
                    List.of("the permutation holds every axis once"),
                    "graph (%0: f32[2,3]) { %1 = transpose %0 {permutation=[1,0]} : f32[3,2] return %1 }"),
            spec(
                    "broadcast",
                    MOVEMENT,
                    "x",
                    "y",
                    "Axes of extent 1 are repeated.",
                    List.of("the ranks are equal", "each extent of x is 1 or the result's"),
                    "graph (%0: f32[1,3]) { %1 = broadcast %0 : f32[batch=4,3] return %1 }"),
            spec(
                    "slice",
                    MOVEMENT,
                    "x",
                    "y",
                    "y[i…] = x[start + i * step …].",
                    List.of(
                            "one start, size and step an axis",
                            "no step is 0",
                            "for a size above 0, the first and the last element lie inside x"),
                    "graph (%0: f32[2,3]) { %1 = slice %0 {starts=[0,2],steps=[1,-1]} : f32[2,2] return %1 }"),
            spec(
                    "pad",
                    MOVEMENT,
                    "x, value",
                    "y",
                    "x with low and high elements of value around each axis.",
                    List.of(
                            "one low and one high an axis",
                            "low and high are not negative",
                            "value is a scalar of x's element type"),
                    "graph (%0: f32[2,3], %1: f32[]) { %2 = pad %0, %1 {low=[1,0],high=[0,1]} : f32[3,4] return %2 }"),
            spec(
                    "concat",
                    MOVEMENT,
                    "x0, x1, …",
                    "y",
                    "The operands behind each other along the axis.",
                    List.of(
                            "at least one operand",
                            "the axis is an axis",
                            "element types, ranks and all other extents are equal"),
                    "graph (%0: f32[1,3], %1: f32[3,3]) { %2 = concat %0, %1 {axis=0} : f32[4,3] return %2 }"),
            spec(
                    "reduce",
                    REDUCTIONS,
                    "x",
                    "y",
                    "Combines the elements over the axes by sum, prod, min, max, and, or. The order of a floating-point sum is the device's. Floats narrower than 32 bits "
                            + "accumulate in f32; integers wrap. No elements give the identity.",
                    List.of("axes are ascending axes of x", "and, or: bool; the others: arithmetic types"),
                    "graph (%0: f32[2,3]) { %1 = reduce.sum %0 {axes=[1]} : f32[2] return %1 }"),
            spec(
                    "arg_reduce",
                    REDUCTIONS,
                    "x",
                    "position",
                    "Position of the largest or smallest element along the axis; of equal ones the first, or the last on request. NaN counts as the extreme.",
                    List.of("the axis is an axis of extent 1 or more", "the element type is arithmetic"),
                    "graph (%0: f32[2,3]) { %1 = arg_reduce.max %0 {axis=1} : i64[2] return %1 }"),
            spec(
                    "window_reduce",
                    REDUCTIONS,
                    "x",
                    "y",
                    "y[i…] combines x[i * stride - low + k * dilation …] over all k in the window; places outside x contribute the identity.",
                    List.of(
                            "one entry an axis in each list; window, strides and dilations are 1 or more, low and high 0 or more",
                            "the dilated window is not larger than the padded extent",
                            "sum, prod, min, max on an arithmetic type"),
                    "graph (%0: f32[4,8]) { %1 = window_reduce.max %0 {window=[1,2],strides=[1,2],dilations=[1,1],low=[0,0],high=[0,0]} : f32[4,4] return %1 }"),
            spec(
                    "cumulative",
                    REDUCTIONS,
                    "x",
                    "y",
                    "y[i] combines x[0…i] along the axis (x[0…i-1] if exclusive), from the other end if reverse.",
                    List.of("the axis is an axis", "sum, prod, min, max on an arithmetic type"),
                    "graph (%0: f32[4]) { %1 = cumulative.sum %0 {axis=0} : f32[4] return %1 }"),
            spec(
                    "top_k",
                    REDUCTIONS,
                    "x",
                    "values, positions",
                    "The k largest (or smallest) elements along the axis in descending (ascending) order and their positions as i64; of equal elements the one at the lower "
                            + "position comes first. NaN counts as larger than any number. With k = the extent it is a stable sort.",
                    List.of("the axis is an axis", "0 <= k <= its extent", "the element type is arithmetic"),
                    "graph (%0: f32[2,8]) { %1, %2 = top_k %0 {axis=1,largest=true} : f32[2,3], i64[2,3] return %1, %2 }"),
            spec(
                    "contraction",
                    PRODUCTS,
                    "left, right",
                    "y",
                    "Sum over the paired sum axes of the products; batch axes are shared. Result axes: batch, left's others, right's others. Computed and accumulated in the result "
                            + "type (f32 for narrower floats); integers wrap.",
                    List.of(
                            "paired lists have equal length, and no axis occurs twice",
                            "paired extents are equal",
                            "operands are both floats of one type, or both integers; the result is a float, or i32, i64, u32 or u64"),
                    "graph (%0: f32[2,3], %1: f32[3,4]) { %2 = contraction %0, %1 {left_batch=[],right_batch=[],left_sum=[1],right_sum=[0]} : f32[2,4] return %2 }"),
            spec(
                    "convolution",
                    PRODUCTS,
                    "x, kernel",
                    "y",
                    "y[n,o,i…] = sum over c, k… of x'[n, g*C/G+c, i*stride - low + k*dilation …] * kernel[o,c,k…], where g = o div (O/G), x' is x with input_dilation - 1 zeros "
                            + "between elements, and zeros stand outside. Cross-correlation: the kernel is not flipped.",
                    List.of(
                            "x and kernel have the same rank of 2 or more, and each list one entry a spatial axis",
                            "x's channels are groups times the kernel's, and groups divides the kernel's outputs",
                            "strides, dilations and the kernel's spatial extents are 1 or more",
                            "the dilated kernel is not larger than the padded extent",
                            "operands are both floats of one type, or both integers; the result is a float, or i32, i64, u32 or u64"),
                    "graph (%0: f32[1,3,4,4], %1: f32[8,3,3,3]) { %2 = convolution %0, %1 {strides=[1,1],low=[1,1],high=[1,1],input_dilation=[1,1],kernel_dilation=[1,1],groups=1} : f32[1,8,4,4] return %2 }"),
            spec(
                    "gather",
                    INDEXING,
                    "x, positions",
                    "y",
                    "Slices of x along the axis at the positions, whose axes take the axis's place. A position outside [0, extent) is an error that the device reports.",
                    List.of("the axis is an axis", "positions are i32 or i64"),
                    "graph (%0: f32[9,3], %1: i64[5]) { %2 = gather %0, %1 {axis=0} : f32[5,3] return %2 }"),
            spec(
                    "gather_elements",
                    INDEXING,
                    "x, positions",
                    "y",
                    "y[i…] = x[i…] with the axis's index replaced by positions[i…]. A position outside is reported.",
                    List.of(
                            "the axis is an axis",
                            "positions are i32 or i64, of x's rank, and not larger on the other axes"),
                    "graph (%0: f32[2,3], %1: i64[2,2]) { %2 = gather_elements %0, %1 {axis=1} : f32[2,2] return %2 }"),
            spec(
                    "gather_nd",
                    INDEXING,
                    "x, coordinates",
                    "y",
                    "y[b…, i…] = x[b…, coordinates[b…, i…, :], …] with the given number of leading batch axes. A coordinate outside is reported.",
                    List.of(
                            "coordinates are i32 or i64, of rank 1 or more, and have the batch axes of x",
                            "batch plus the extent of the last axis of coordinates is at most x's rank"),
                    "graph (%0: f32[2,3], %1: i64[4,2]) { %2 = gather_nd %0, %1 {batch=0} : f32[4] return %2 }"),
            spec(
                    "scatter_elements",
                    INDEXING,
                    "x, positions, updates",
                    "y",
                    "x with y[i… but positions[i…] on the axis] combined with updates[i…], in row-major order of the updates. A position outside is reported.",
                    List.of(
                            "the axis is an axis",
                            "positions are i32 or i64, of x's rank, not larger on the other axes",
                            "updates have the positions' shape and x's element type",
                            "add, mul, min, max: an arithmetic type; set: any"),
                    "graph (%0: f32[4,2], %1: i64[1,2], %2: f32[1,2]) { %3 = scatter_elements.set %0, %1, %2 {axis=0} : f32[4,2] return %3 }"),
            spec(
                    "scatter_nd",
                    INDEXING,
                    "x, coordinates, updates",
                    "y",
                    "x with the slices at coordinates[i…, :] combined with updates[i…, …], in row-major order. A coordinate outside is reported.",
                    List.of(
                            "coordinates are i32 or i64, of rank 1 or more; their last extent is at most x's rank",
                            "updates have shape coordinates' leading axes + x's remaining axes, and x's element type",
                            "add, mul, min, max: an arithmetic type; set: any"),
                    "graph (%0: f32[4,2], %1: i64[3,1], %2: f32[3,2]) { %3 = scatter_nd.add %0, %1, %2 : f32[4,2] return %3 }"),
            spec(
                    "scan",
                    STRUCTURE,
                    "carried…, scanned…, captured…",
                    "carried…, stacked…",
                    "steps times: body(carried…, slice of each scanned along axis 0, captured…) gives the next carried values and one slice for each stacked result. In reverse, slices "
                            + "are read and written from the last to the first.",
                    List.of(
                            "the body's inputs match carried, scanned without axis 0, and captured",
                            "each scanned operand has steps as extent of axis 0",
                            "the body's first outputs have the carried types"),
                    "graph (%0: f32[2], %1: f32[4,2]) { %2, %3 = scan %0, %1 {carried=1,scanned=1,steps=4} (%0: f32[2], %1: f32[2]) { %2 = map.add %0, %1 : f32[2] return %2, %2 } : f32[2], f32[4,2] return %3 }"),
            spec(
                    "if",
                    STRUCTURE,
                    "condition, captured…",
                    "results…",
                    "The results of the first body if the condition holds, else of the second; both take the captured values.",
                    List.of(
                            "the condition is a bool scalar",
                            "both bodies take the captured types",
                            "both bodies give the same types"),
                    "graph (%0: bool[], %1: f32[2]) { %2 = if %0, %1 (%0: f32[2]) { return %0 } (%0: f32[2]) { %1 = map.neg %0 : f32[2] return %1 } : f32[2] return %2 }"),
            spec(
                    "while",
                    STRUCTURE,
                    "carried…, captured…",
                    "carried…",
                    "While condition(carried…, captured…) holds: carried… = body(carried…, captured…).",
                    List.of(
                            "condition and body take the carried, then the captured types",
                            "the condition gives one bool scalar",
                            "the body gives the carried types"),
                    "graph (%0: i64[], %1: i64[]) { %2 = while %0, %1 {carried=1} (%0: i64[], %1: i64[]) { %2 = map.lt %0, %1 : bool[] return %2 } (%0: i64[], %1: i64[]) { %2 = map.add %0, %0 : i64[] return %2 } : i64[] return %2 }"),
            spec(
                    "composite",
                    STRUCTURE,
                    "operands…",
                    "results…",
                    "A named operation: the same as its body. A device that knows the name and the attributes may do better.",
                    List.of("the body takes the operands' types"),
                    "graph (%0: f32[2,3]) { %1 = composite.square %0 (%0: f32[2,3]) { %1 = map.mul %0, %0 : f32[2,3] return %1 } : f32[2,3] return %1 }"));

    private static final Map<String, OpSpec> BY_NAME =
            ALL.stream().collect(Collectors.toUnmodifiableMap(OpSpec::mnemonic, Function.identity()));

    private static OpSpec spec(
            String mnemonic,
            String group,
            String operands,
            String results,
            String meaning,
            List<String> constraints,
            String example) {
        return new OpSpec(mnemonic, group, operands, results, meaning, constraints, example);
    }

    public static OpSpec of(Op op) {
        return of(op.mnemonic());
    }

    /** Throws {@link IllegalArgumentException} for a name that is not in the table. */
    public static OpSpec of(String mnemonic) {
        OpSpec s = BY_NAME.get(mnemonic);
        if (s == null) throw new IllegalArgumentException("no op is called '" + mnemonic + "'");
        return s;
    }

    /** The text of constraint {@code C<number>}. */
    public String constraint(int number) {
        return number == 0 ? COMMON : constraints.get(number - 1);
    }
}
