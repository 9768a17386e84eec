package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {
    @ParameterizedTest
    @EnumSource
    void theEndsOfEveryIntegerTypeComeBack(DType d) {
        if (!d.isInteger()) return;
        Tensor t = Tensor.allocate(TensorType.of(d, 4));
        long[] values = {d.minInteger(), d.maxInteger(), 1, 0};
        for (int i = 0; i < 4; i++) t.setLong(i, values[i]);
        assertArrayEquals(values, t.toLongs());
        // One beyond the largest wraps to the smallest.
        t.setLong(0, d.maxInteger() + 1);
        assertEquals(d.minInteger(), t.getLong(0));
        t.setLong(0, -1);
        assertEquals(d.isSigned() ? -1 : d.maxInteger(), t.getLong(0));
        assertEquals(t.getLong(3), (long) t.getDouble(3));
    }

    @Test
    void unsignedNumbersAreDoublesOfTheirSize() {
        Tensor t = Tensor.allocate(TensorType.of(DType.U64));
        t.setLong(0, -1);
        assertEquals(0x1p64, t.getDouble(0));
        t.setDouble(0, 0x1p63);
        assertEquals(Long.MIN_VALUE, t.getLong(0));
        t.setDouble(0, 0x1p63 + 2048);
        assertEquals(Long.MIN_VALUE + 2048, t.getLong(0));
        t.setDouble(0, 1e30);
        assertEquals(-1, t.getLong(0));
    }

    @Test
    void boolIsWhatIsNotZero() {
        Tensor t = Tensor.allocate(TensorType.of(DType.BOOL, 4));
        t.setDouble(0, 0.25);
        t.setDouble(1, Double.NaN);
        t.setLong(2, 256);
        t.setDouble(3, -0.0);
        assertArrayEquals(new long[] {1, 1, 1, 0}, t.toLongs());
    }

    @Test
    void wrappedBytesNeedNoAlignment() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment s = arena.allocate(17, 8).asSlice(1);
            Tensor t = Tensor.wrap(TensorType.of(DType.F64, 2), s);
            t.setDouble(1, 0.5);
            assertEquals(0.5, t.getDouble(1));
            assertThrows(IllegalArgumentException.class, () -> Tensor.wrap(TensorType.of(DType.F64, 3), s));
        }
    }

    @Test
    void whatDoesNotFitIsAnErrorWithItsSize() {
        InvalidInputException e =
                assertThrows(InvalidInputException.class, () -> Tensor.allocate(TensorType.of(DType.F32, 1L << 40, 4)));
        assertTrue(e.getMessage().contains("16384.00 GiB"), e.getMessage());
        assertThrows(InvalidInputException.class, () -> Tensor.allocate(TensorType.of(DType.I8, Long.MAX_VALUE)));
        assertThrows(InvalidInputException.class, () -> Tensor.allocate(TensorType.of(DType.F32, Long.MAX_VALUE)));
    }

    @Test
    void anEmptyTensorHasNoBytes() {
        Tensor t = Tensor.allocate(TensorType.of(DType.F32, 3, 0, 1L << 40));
        assertEquals(0, t.elements());
        assertEquals(0, t.toFloats().length);
    }
}
