package dev.meseta.cli;

import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Reproducible values for an input, from a seed and the input's name, type and shape: equal on every machine and device, and for two files
 * of one network.
 *
 * <p>The state of a SplitMix64 generator (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014) starts as the 64-bit
 * FNV-1a hash of the UTF-8 text {@code SEED:NAME:TYPE[EXTENT,…]}, such as {@code 7:input:f32[1,3,224,224]}. Elements follow in row-major
 * order, one number {@code z} each (two for complex ones):
 *
 * <ul>
 *   <li>floats: {@code (z >>> 40) / 2^24}, which is uniform in [0,1), then rounded to the type;
 *   <li>integers of 8 bits and fewer: the low bits of {@code z >>> 40}, the type's whole range;
 *   <li>wider integers and bool: {@code z >>> 63}, 0 or 1, which is a valid index, mask or token for most models.
 * </ul>
 */
final class RandomInputs {
    private RandomInputs() {}

    private static boolean fits(TensorType type) {
        try {
            return type.bytes() <= Integer.MAX_VALUE;
        } catch (ArithmeticException e) {
            return false; // more than a long can count
        }
    }

    static Tensor fill(long seed, String name, TensorType type) {
        if (!fits(type)) {
            throw new InvalidInputException(
                    "input '" + name + "' is " + type + ": too large to fill with random values");
        }
        Tensor t = Tensor.allocate(type);
        long state = hash(seed + ":" + name + ":" + type.dtype().text() + text(type.shape()));
        DType d = type.dtype();
        boolean complex = d.kind() == DType.Kind.COMPLEX;
        Tensor parts = !complex
                ? t
                : Tensor.wrap(
                        TensorType.of(
                                d == DType.C64 ? DType.F32 : DType.F64,
                                2 * type.shape().elements()),
                        t.data());
        for (long i = 0; i < parts.elements(); i++) {
            state += 0x9e3779b97f4a7c15L;
            long z = mix(state);
            if (parts.dtype().isFloat()) parts.setDouble(i, (z >>> 40) * 0x1p-24);
            else if (d != DType.BOOL && d.bits() <= 8) parts.setLong(i, z >>> 40);
            else parts.setLong(i, z >>> 63);
        }
        return t;
    }

    private static String text(Shape shape) {
        return Arrays.stream(shape.extents()).mapToObj(Long::toString).collect(Collectors.joining(",", "[", "]"));
    }

    private static long mix(long state) {
        long z = (state ^ state >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }

    private static long hash(String text) {
        long h = 0xcbf29ce484222325L;
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) h = (h ^ (b & 0xff)) * 0x100000001b3L;
        return h;
    }
}
