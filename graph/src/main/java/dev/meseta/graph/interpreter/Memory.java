package dev.meseta.graph.interpreter;

import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.List;
import java.util.Locale;

/** What fits into memory, asked before it is allocated. */
final class Memory {
    /** The longest array that every JVM makes. */
    private static final long LONGEST_ARRAY = Integer.MAX_VALUE - 8;

    private Memory() {}

    /** The number of elements as the length of an array of 8-byte entries. Throws {@link InvalidInputException} where it cannot be. */
    static int arrayLength(TensorType type) {
        return arrayLength(type.shape().elements(), type.toString());
    }

    static int arrayLength(long n, String what) {
        if (n > LONGEST_ARRAY || n * 8 > Runtime.getRuntime().maxMemory()) {
            throw new InvalidInputException(what + " needs " + gibibytes(n * 8.0)
                    + " of memory to compute with, the limit is "
                    + gibibytes(
                            Math.min(LONGEST_ARRAY * 8.0, Runtime.getRuntime().maxMemory())));
        }
        return (int) n;
    }

    /** A guess at what an op on these tensors takes: everything once as 8-byte numbers, and the results. */
    static double estimate(List<Tensor> operands, List<TensorType> results) {
        double bytes = 0;
        for (Tensor t : operands) bytes += t.elements() * 8.0;
        for (TensorType t : results) bytes += t.shape().elements() * 8.0 + t.bytes();
        return bytes;
    }

    static String gibibytes(double bytes) {
        return String.format(Locale.ROOT, "%.2f GiB", bytes / (1L << 30));
    }
}
