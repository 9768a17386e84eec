package dev.meseta.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.conformance.Comparison.Extent;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ComparisonTest {
    private static Optional<String> difference(Data expected, Data actual) {
        return Comparison.difference(expected, actual, Tolerance.ONNX, Extent.VALUES);
    }

    private static boolean same(double expected, double actual) {
        return difference(Tensor.of(new double[] {expected}), Tensor.of(new double[] {actual}))
                .isEmpty();
    }

    @Test
    void floatsMayDifferByTheToleranceAndNoMore() {
        assertTrue(same(1, 1.0009));
        assertFalse(same(1, 1.0011));
        assertTrue(same(1, 0.9991));
        assertFalse(same(-1000, -1001.1));
        assertTrue(same(0, 1e-7));
        assertFalse(same(0, 1.1e-7));
        assertFalse(same(1e-3, 1e-3 + 1.2e-6));
        // The tolerance is in proportion to what is expected, not to what came.
        assertFalse(same(0, 1));
    }

    @Test
    void whatIsNotFiniteEqualsItselfAlone() {
        assertTrue(same(Double.NaN, Double.NaN));
        assertFalse(same(Double.NaN, 0));
        assertFalse(same(0, Double.NaN));
        assertTrue(same(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY));
        assertFalse(same(Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY));
        assertFalse(same(Double.POSITIVE_INFINITY, Double.MAX_VALUE));
        assertFalse(same(Double.MAX_VALUE, Double.POSITIVE_INFINITY));
        assertFalse(same(1, Double.NEGATIVE_INFINITY));
    }

    @Test
    void integersAndBoolsAreExact() {
        assertTrue(difference(Tensor.of(new long[] {1_000_000}), Tensor.of(new long[] {1_000_000}))
                .isEmpty());
        assertFalse(difference(Tensor.of(new long[] {1_000_000}), Tensor.of(new long[] {1_000_001}))
                .isEmpty());
        assertFalse(difference(Tensor.scalar(DType.U64, -1L), Tensor.scalar(DType.U64, -2L))
                .isEmpty());
        assertFalse(difference(Tensor.scalar(DType.BOOL, 1L), Tensor.scalar(DType.BOOL, 0L))
                .isEmpty());
    }

    @Test
    void narrowFloatsAreComparedAsTheirValues() {
        Tensor one = Tensor.scalar(DType.BF16, 1.0);
        Tensor next = Tensor.scalar(DType.BF16, 1.0078125);
        assertFalse(difference(one, next).isEmpty());
        assertFalse(difference(Tensor.scalar(DType.F8E4M3FN, 1.0), Tensor.scalar(DType.F8E4M3FN, 1.125))
                .isEmpty());
        assertTrue(difference(Tensor.scalar(DType.F16, 1.0), Tensor.scalar(DType.F16, 1.0009765625))
                .isEmpty());
    }

    @Test
    void typesAndShapesMustBeEqual() {
        Tensor e = Tensor.of(new float[] {1, 2}, 2);
        assertEquals(
                "expected f32[2], got f32[1,2]",
                difference(e, e.reshape(Shape.of(1, 2))).orElseThrow());
        assertFalse(difference(e, Tensor.of(new double[] {1, 2}, 2)).isEmpty());
        assertFalse(difference(e, Tensor.of(new float[] {1, 2, 3}, 3)).isEmpty());
        assertFalse(difference(e, null).isEmpty());
        assertFalse(difference(e, new Data.Sequence(List.of(e))).isEmpty());
        assertFalse(difference(Tensor.scalar(DType.F32, 1.0), Tensor.of(new float[] {1}, 1))
                .isEmpty());
    }

    @Test
    void complexNumbersAreNearInThePlane() {
        Tensor e = Tensor.allocate(TensorType.of(DType.C64, 1));
        Tensor a = Tensor.allocate(TensorType.of(DType.C64, 1));
        e.data().set(ValueLayout.JAVA_FLOAT_UNALIGNED, 0, 1000f);
        a.data().set(ValueLayout.JAVA_FLOAT_UNALIGNED, 0, 1000f);
        a.data().set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4, 0.5f);
        assertTrue(difference(e, a).isEmpty());
        a.data().set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4, 1.5f);
        assertFalse(difference(e, a).isEmpty());
    }

    @Test
    void containersAreComparedInside() {
        Tensor one = Tensor.of(new float[] {1});
        Tensor two = Tensor.of(new float[] {2});
        assertTrue(difference(new Data.Sequence(List.of(one, two)), new Data.Sequence(List.of(one, two)))
                .isEmpty());
        assertTrue(difference(new Data.Sequence(List.of(one, two)), new Data.Sequence(List.of(one, one)))
                .orElseThrow()
                .startsWith("item 1: "));
        assertFalse(difference(new Data.Sequence(List.of(one)), new Data.Sequence(List.of()))
                .isEmpty());
        assertTrue(difference(new Data.Optional(null), new Data.Optional(null)).isEmpty());
        assertFalse(difference(new Data.Optional(one), new Data.Optional(null)).isEmpty());
        assertFalse(difference(new Data.Optional(one), new Data.Optional(two)).isEmpty());
        assertFalse(difference(new Data.Mapping(Map.of(1L, one)), new Data.Mapping(Map.of(2L, one)))
                .isEmpty());
        assertFalse(difference(new Data.Mapping(Map.of(1L, one)), new Data.Mapping(Map.of(1L, two)))
                .isEmpty());
        Data.Strings s = new Data.Strings(Shape.of(2), List.of("a", "b"));
        assertTrue(difference(s, s).isEmpty());
        assertFalse(
                difference(s, new Data.Strings(Shape.of(2), List.of("a", "B"))).isEmpty());
        assertFalse(difference(s, new Data.Strings(Shape.of(1, 2), List.of("a", "b")))
                .isEmpty());
    }

    @Test
    void randomResultsAreComparedInTypeAlone() {
        Tensor one = Tensor.of(new float[] {1});
        Tensor two = Tensor.of(new float[] {2});
        assertTrue(Comparison.difference(one, two, Tolerance.ONNX, Extent.TYPES).isEmpty());
        assertFalse(Comparison.difference(one, Tensor.of(new double[] {1}), Tolerance.ONNX, Extent.TYPES)
                .isEmpty());
    }

    @Test
    void theMessageNamesTheFirstPlaceAndTheCount() {
        String message = difference(
                        Tensor.of(new float[] {1, 2, 3, 4}, 2, 2), Tensor.of(new float[] {1, 2, 5, 6}, 2, 2))
                .orElseThrow();
        assertEquals("expected 3.0 at [1, 0], got 5.0 (2 of 4 elements of f32[2,2] differ)", message);
    }
}
