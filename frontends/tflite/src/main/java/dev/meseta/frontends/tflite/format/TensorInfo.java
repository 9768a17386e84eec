package dev.meseta.frontends.tflite.format;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a file says of a tensor.
 *
 * @param index its place in the subgraph
 * @param name its name; may be empty or not the only one
 * @param element its element type by TFLite's number
 * @param shape its extents, as they were when the file was written
 * @param signature its extents with -1 for those that a caller may choose; empty if none
 * @param buffer where its contents are, if they are constant: 0 if not
 * @param variable whether it keeps its contents from one run to the next
 * @param sparsity how its contents are stored if not densely
 */
public record TensorInfo(
        int index,
        String name,
        int element,
        int[] shape,
        int[] signature,
        int buffer,
        Quantization quantization,
        boolean variable,
        @Nullable Sparsity sparsity) {
    public static final int STRING = 5;
    public static final int RESOURCE = 13;

    /** Highest rank. Nothing real comes near it. */
    private static final int HIGHEST_RANK = 32;

    private static final int VARIANT = 14;
    private static final int LAST_ELEMENT = 18;

    static TensorInfo read(FlatBuffer.Table table, int index, String where) {
        int[] shape = table.ints(0);
        int[] signature = table.ints(7);
        if (shape.length > HIGHEST_RANK || signature.length > HIGHEST_RANK) {
            throw new InvalidInputException(where + " has more than " + HIGHEST_RANK + " dimensions");
        }
        for (int d : shape) {
            if (d < -1) throw new InvalidInputException(where + " has a negative extent: " + Arrays.toString(shape));
        }
        int element = table.int8(1, 0);
        if (element < 0 || element > LAST_ELEMENT) {
            throw new InvalidInputException(where + " has the unknown element type " + element);
        }
        FlatBuffer.@Nullable Table quantization = table.table(4);
        FlatBuffer.@Nullable Table sparsity = table.table(6);
        return new TensorInfo(
                index,
                table.string(3),
                element,
                shape,
                signature,
                table.int32(2, 0),
                quantization == null ? Quantization.NONE : quantization(quantization, shape, where),
                table.flag(5, false),
                sparsity == null ? null : Sparsity.read(sparsity, where));
    }

    private static Quantization quantization(FlatBuffer.Table table, int[] shape, String where) {
        float[] scales = table.floats(2);
        long[] zeroPoints = table.longs(3);
        int axis = table.int32(6, 0);
        if (scales.length == 0) return Quantization.NONE;
        if (zeroPoints.length == 0) zeroPoints = new long[scales.length];
        if (zeroPoints.length != scales.length && zeroPoints.length != 1) {
            throw new InvalidInputException(
                    where + " has " + scales.length + " scales and " + zeroPoints.length + " zero points");
        }
        // Older converters give a vector, such as a bias, the axis of the weights that it goes with.
        if (shape.length == 1) axis = 0;
        if (scales.length > 1 && (axis < 0 || axis >= shape.length || shape[axis] != scales.length)) {
            throw new InvalidInputException(
                    where + " has " + scales.length + " scales along axis " + axis + " of " + Arrays.toString(shape));
        }
        for (float s : scales) {
            if (!(s >= 0) || s > Float.MAX_VALUE) throw new InvalidInputException(where + " has the scale " + s);
        }
        return new Quantization(scales, zeroPoints, axis);
    }

    /** The element type; null for strings and handles. */
    public @Nullable DType dtype() {
        return dtype(element);
    }

    /** The element type of a number in a file; null for strings, handles and numbers that are none. */
    public static @Nullable DType dtype(int number) {
        return switch (number) {
            case 0 -> DType.F32;
            case 1 -> DType.F16;
            case 2 -> DType.I32;
            case 3 -> DType.U8;
            case 4 -> DType.I64;
            case 6 -> DType.BOOL;
            case 7 -> DType.I16;
            case 8 -> DType.C64;
            case 9 -> DType.I8;
            case 10 -> DType.F64;
            case 11 -> DType.C128;
            case 12 -> DType.U64;
            case 15 -> DType.U32;
            case 16 -> DType.U16;
            case 17 -> DType.I4;
            case 18 -> DType.BF16;
            default -> null;
        };
    }

    /** Whether it is a handle of a variable or a table. */
    public boolean isHandle() {
        return element == RESOURCE || element == VARIANT;
    }

    /** The extents as far as the file fixes them. */
    public Shape declared() {
        int[] stated = signature.length == shape.length ? signature : shape;
        List<Dim> dims = new ArrayList<>();
        for (int d : stated) dims.add(Dim.of(d < 0 ? Dim.UNKNOWN : d));
        return Shape.of(dims);
    }

    /** For messages: {@code tensor 3 'conv/bias'}. */
    public String where() {
        return "tensor " + index + (name.isEmpty() ? "" : " '" + name + "'");
    }
}
