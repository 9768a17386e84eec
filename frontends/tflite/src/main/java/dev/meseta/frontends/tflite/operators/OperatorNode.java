package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Options;
import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An operator as its definition sees it when a model is read.
 *
 * @param where the operator in messages
 * @param name what TFLite calls it
 * @param version of the operator
 * @param options its options
 * @param customOptions those of a custom operator, else empty
 * @param inputs what the file says of its operands; null for one left out
 * @param outputs what the file says of its results
 * @param intermediates what the file says of values inside of it
 */
public record OperatorNode(
        String where,
        String name,
        int version,
        Options options,
        MemorySegment customOptions,
        List<@Nullable TensorInfo> inputs,
        List<TensorInfo> outputs,
        List<@Nullable TensorInfo> intermediates) {

    /** An exception that names the operator. */
    public InvalidInputException error(String message) {
        return new InvalidInputException(where + ": " + message);
    }

    /** Throws {@link #error} unless it holds. */
    public void require(boolean holds, String message) {
        if (!holds) throw error(message);
    }

    boolean hasInput(int i) {
        return i < inputs.size() && inputs.get(i) != null;
    }

    TensorInfo input(int i) {
        TensorInfo t = i < inputs.size() ? inputs.get(i) : null;
        if (t == null) throw error("operand " + i + " is missing");
        return t;
    }

    TensorInfo output(int i) {
        if (i >= outputs.size()) throw error("result " + i + " is missing");
        return outputs.get(i);
    }

    /** Element type of operand i. */
    DType inputType(int i) {
        DType t = input(i).dtype();
        if (t == null) throw error("operand " + i + " is of strings or handles, which is not supported");
        return t;
    }

    /** Element type of result i. */
    DType outputType(int i) {
        DType t = output(i).dtype();
        if (t == null) throw error("result " + i + " is of strings or handles, which is not supported");
        return t;
    }

    /** How the integers of operand i stand for numbers. Throws if they have no scale. */
    Quantization inputScale(int i) {
        return scale(input(i), "operand " + i);
    }

    /** How the integers of result i stand for numbers. Throws if they have no scale. */
    Quantization outputScale(int i) {
        return scale(output(i), "result " + i);
    }

    private Quantization scale(TensorInfo t, String what) {
        DType d = t.dtype();
        if (d == null
                || !d.isInteger()
                || d.bits() > Integer.SIZE
                || !t.quantization().exists()) {
            throw error(what + " is " + (d == null ? "of no numbers" : d.text()) + ", expected integers with a scale");
        }
        return t.quantization();
    }

    /** Whether operand i is of integers that have a scale. */
    boolean isQuantized(int i) {
        return isQuantized(input(i));
    }

    /** Whether result i is of integers that have a scale. */
    boolean isQuantizedResult(int i) {
        return isQuantized(output(i));
    }

    private static boolean isQuantized(TensorInfo t) {
        DType d = t.dtype();
        return d != null
                && (d == DType.I8 || d == DType.U8 || d == DType.I16)
                && t.quantization().exists();
    }

    /** A message that the element types, one an operand and result, are not supported. */
    InvalidInputException unsupportedTypes() {
        StringBuilder text = new StringBuilder("does not take ");
        for (int i = 0; i < inputs.size(); i++) {
            TensorInfo t = inputs.get(i);
            if (t != null)
                text.append(i == 0 ? "" : ", ")
                        .append(t.dtype() == null ? "?" : t.dtype().text());
        }
        text.append(" to give ");
        for (int i = 0; i < outputs.size(); i++) {
            DType d = outputs.get(i).dtype();
            text.append(i == 0 ? "" : ", ").append(d == null ? "?" : d.text());
        }
        return error(text.toString());
    }
}
