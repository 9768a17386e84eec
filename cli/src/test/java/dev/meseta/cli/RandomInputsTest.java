package dev.meseta.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class RandomInputsTest {
    private static Tensor fill(long seed, String name, DType dtype, long... extents) {
        return RandomInputs.fill(seed, name, TensorType.of(dtype, extents));
    }

    /** These numbers were computed by another program from the description in the class's Javadoc: they must never change. */
    @Test
    void theGeneratorIsTheDocumentedOne() {
        assertArrayEquals(
                new double[] {0.3491849899291992, 0.3137010931968689, 0.32300281524658203, 0.25945335626602173},
                fill(7, "input", DType.F32, 1, 4).toDoubles());
        assertArrayEquals(
                new long[] {219, 78, 165, 103, 60, 141},
                fill(7, "input", DType.U8, 6).toLongs());
        assertArrayEquals(
                new long[] {0, 1, 0, 1, 0, 1, 1, 0},
                fill(7, "ids", DType.I64, 8).toLongs());
    }

    @Test
    void valuesDependOnEverythingThatIsNamed() {
        double[] base = fill(1, "x", DType.F32, 2, 3).toDoubles();
        assertArrayEquals(base, fill(1, "x", DType.F32, 2, 3).toDoubles());
        assertNotEquals(base[0], fill(2, "x", DType.F32, 2, 3).getDouble(0));
        assertNotEquals(base[0], fill(1, "y", DType.F32, 2, 3).getDouble(0));
        assertNotEquals(base[0], fill(1, "x", DType.F64, 2, 3).getDouble(0));
        assertNotEquals(base[0], fill(1, "x", DType.F32, 3, 2).getDouble(0));
    }

    @Test
    void valuesStayInTheirRanges() {
        for (DType d : DType.values()) {
            if (d.kind() == DType.Kind.COMPLEX) continue;
            Tensor t = fill(3, "x", d, 1000);
            double low = Arrays.stream(t.toDoubles()).min().orElseThrow();
            double high = Arrays.stream(t.toDoubles()).max().orElseThrow();
            if (d.isFloat()) assertTrue(low >= 0 && high <= 1, d + " " + low + " " + high);
            else if (d.bits() > 8 || d == DType.BOOL) assertTrue(low == 0 && high == 1, d + " " + low + " " + high);
            else assertTrue(low < high, d.toString());
        }
        double mean = Arrays.stream(fill(3, "x", DType.F32, 100_000).toDoubles())
                .average()
                .orElseThrow();
        assertEquals(0.5, mean, 0.01);
    }
}
