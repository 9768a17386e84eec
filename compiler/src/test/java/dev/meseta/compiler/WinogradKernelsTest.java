package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WinogradKernelsTest {
    private static final int FEATURES = 5;
    private static final int CHANNELS = 11;

    private static final double[][] M = {
        {0.25, 0, 0}, {-1 / 6.0, -1 / 6.0, -1 / 6.0}, {-1 / 6.0, 1 / 6.0, -1 / 6.0}, {1 / 24.0, 1 / 12.0, 1 / 6.0}
    };

    /** Each element is M K M', whatever order the constant's elements are in, and wherever in it the kernels begin. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void transforms(boolean channelsLast) {
        int base = 3;
        Tensor constant = Tensor.allocate(TensorType.of(DType.F32, base + FEATURES * CHANNELS * 9));
        for (int i = 0; i < constant.elements(); i++) constant.setDouble(i, Math.sin(i));
        long c = CHANNELS;
        List<Long> steps = channelsLast ? List.of(9 * c, 1L, 3 * c, c) : List.of(9 * c, 9L, 3L, 1L);

        Tensor result = new WinogradKernels(constant, base, steps).transformed(M, CHANNELS, FEATURES);

        assertEquals(TensorType.of(DType.F32, 16, CHANNELS, FEATURES), result.type());
        for (int e = 0; e < 16; e++)
            for (int channel = 0; channel < CHANNELS; channel++)
                for (int feature = 0; feature < FEATURES; feature++) {
                    double sum = 0;
                    for (int k = 0; k < 9; k++) {
                        long at = base
                                + feature * steps.get(0)
                                + channel * steps.get(1)
                                + k / 3 * steps.get(2)
                                + k % 3 * steps.get(3);
                        sum += M[e / 4][k / 3] * M[e % 4][k % 3] * constant.getDouble(at);
                    }
                    assertEquals(
                            sum,
                            result.getDouble(((long) e * CHANNELS + channel) * FEATURES + feature),
                            1e-6,
                            e + " " + channel + " " + feature);
                }
    }
}
