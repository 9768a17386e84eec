package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/** Windows that are clipped read what they read before. */
final class WindowsTest {
    @Test
    void clippedWindowsReadTheSameElements() {
        Random random = new Random(5);
        int shorter = 0;
        for (int i = 0; i < 5000; i++) {
            long in = 1 + random.nextInt(6);
            long kernel = 1 + random.nextInt(12);
            long stride = 1 + random.nextInt(3);
            long dilation = 1 + random.nextInt(3);
            long low = random.nextInt(14);
            long room = in + low + random.nextInt(14) - ((kernel - 1) * dilation + 1);
            if (room < 0) continue;
            long out = room / stride + 1;
            long high = Math.max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - in - low);
            Windows.Placed whole = placed(kernel, stride, dilation, low, high, out);
            Windows.Placed clipped = whole.clipped(Shape.of(1, 1, in));
            Assertions.assertEquals(reads(whole, in), reads(clipped, in), whole.toString());
            Assertions.assertTrue(clipped.kernel().getFirst() <= kernel);
            if (clipped.kernel().getFirst() < kernel) shorter++;
        }
        Assertions.assertTrue(shorter > 100, "clipped " + shorter);
    }

    @Test
    void aWindowOfPaddingAloneIsLeftWithFewTaps() {
        long kernel = Integer.MAX_VALUE;
        long low = (kernel - 1) / 2;
        Windows.Placed clipped = placed(kernel, 1, 1, low, kernel - 1 - low, 4).clipped(Shape.of(1, 1, 4));
        Assertions.assertEquals(7, clipped.kernel().getFirst());
    }

    private static Windows.Placed placed(long kernel, long stride, long dilation, long low, long high, long out) {
        return new Windows.Placed(
                List.of(kernel),
                List.of(stride),
                List.of(dilation),
                List.of(low),
                List.of(high),
                List.of(high),
                List.of(out));
    }

    /** For each window the elements of the input that it reads, in order. */
    private static List<List<Long>> reads(Windows.Placed p, long in) {
        long padded = in + p.low().getFirst() + p.high().getFirst();
        List<List<Long>> all = new ArrayList<>();
        for (long o = 0; o < p.out().getFirst(); o++) {
            List<Long> window = new ArrayList<>();
            for (long k = 0; k < p.kernel().getFirst(); k++) {
                long at = o * p.strides().getFirst() + k * p.dilations().getFirst();
                Assertions.assertTrue(at < padded, p.toString());
                long place = at - p.low().getFirst();
                if (place >= 0 && place < in) window.add(place);
            }
            all.add(window);
        }
        return all;
    }
}
