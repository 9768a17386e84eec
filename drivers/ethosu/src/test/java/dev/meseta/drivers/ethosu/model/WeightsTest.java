package dev.meseta.drivers.ethosu.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.drivers.ethosu.commands.FeatureMap;
import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Kernel;
import dev.meseta.drivers.ethosu.commands.Registers;
import dev.meseta.drivers.ethosu.compiler.WeightCoder;
import dev.meseta.drivers.ethosu.compiler.Weights;
import dev.meseta.drivers.ethosu.compiler.Window;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the compiler writes as weights, the model reads as the same. */
final class WeightsTest {
    private static final int CASES = Integer.getInteger("meseta.ethosu.cases", 400);

    /** Distributions: uniform, few values, near 0, mostly 0, nothing but one value, nine bits. */
    private static int weight(Random random, int kind, int[] few) {
        return switch (kind) {
            case 0 -> random.nextInt(-128, 128);
            case 1 -> few[random.nextInt(few.length)];
            case 2 -> (int) Math.clamp(Math.round(random.nextGaussian() * 12), -127, 127);
            case 3 -> random.nextInt(12) == 0 ? random.nextInt(-90, 91) : 0;
            case 4 -> few[0];
            case 5 -> random.nextInt(-255, 256);
            default -> random.nextInt(300) == 0 ? -200 : random.nextInt(2);
        };
    }

    private static int[] weights(Random random, int count) {
        int kind = random.nextInt(7);
        int[] few = random.ints(random.nextInt(1, 40), -255, 256).toArray();
        int[] w = new int[count];
        for (int i = 0; i < count; i++) {
            // Now and then the distribution changes, so that slices do.
            if (i % 900 == 899 && random.nextBoolean()) kind = random.nextInt(7);
            w[i] = weight(random, kind, few);
        }
        return w;
    }

    @Test
    void codesAreReadBack() {
        Random random = new Random(3);
        for (int i = 0; i < CASES; i++) {
            int[] weights =
                    weights(random, random.nextInt(10) == 0 ? random.nextInt(70_000) + 1 : random.nextInt(700) + 1);
            byte[] code = WeightCoder.encode(weights);
            assertEquals(0, code.length % 16);
            int[] read = WeightStream.decode(MemorySegment.ofArray(code), weights.length);
            assertArrayEquals(weights, read, "case " + i);
        }
    }

    @Test
    void codesAreShort() {
        Random random = new Random(4);
        int[] zeros = new int[1 << 12];
        assertTrue(WeightCoder.encode(zeros).length < 1200);
        int[] few = random.ints(1 << 12, -1, 3).toArray();
        assertTrue(WeightCoder.encode(few).length < (1 << 12) * 3.1 / 8, "three bits a weight");
        int[] bell = new int[1 << 12];
        Arrays.setAll(bell, _ -> (int) Math.round(random.nextGaussian() * 10));
        double entropy = 0.5 * Math.log(2 * Math.PI * Math.E * 100) / Math.log(2);
        assertTrue(WeightCoder.encode(bell).length * 8.0 / bell.length < entropy + 0.4, "near the entropy");
    }

    private static FeatureMap map(int depth, int bytes) {
        return new FeatureMap(1, new long[4], 1, 1, 1, 1, 1, 1, false, 1, 1, depth, bytes, true, 0);
    }

    /** The walk of the compiler, read by the walk of the model, for all traversals and numbers of cores. */
    @Test
    void ordersAreTheSame() {
        Random random = new Random(5);
        for (int i = 0; i < CASES; i++) {
            boolean depthwise = random.nextInt(3) == 0;
            boolean partFirst = !depthwise && random.nextBoolean();
            int cores = random.nextInt(1, 3);
            int bytes = random.nextInt(1, 3);
            int outputs = random.nextInt(1, 70);
            int inputs = depthwise ? 1 : random.nextInt(1, 70);
            Kernel k = new Kernel(axis(random), axis(random), partFirst);
            int blockDepth = 16 * random.nextInt(1, 5);
            int[] values = random.ints((long) outputs * inputs * k.y().size() * k.x().size(), -255, 256)
                    .toArray();
            Window window = new Window(
                    new Window.Axis(k.y().size(), 1, k.y().dilation(), 0, 0),
                    new Window.Axis(k.x().size(), 1, k.x().dilation(), 0, 0));
            Weights weights = new Weights(values, outputs, inputs, window, depthwise, partFirst, bytes == 2);
            WeightOrder order = new WeightOrder(block(k, depthwise, inputs, outputs, bytes, cores), blockDepth);
            int[] found = new int[values.length];
            Arrays.fill(found, 1000);
            for (int core = 0; core < cores; core++) {
                int[] stream = weights.ordered(blockDepth, core, cores);
                int[] next = {0};
                order.walk(core, place -> {
                    int w = stream[next[0]++];
                    if (place >= 0) found[place] = w;
                    else assertEquals(0, w);
                    return true;
                });
                assertEquals(stream.length, next[0], "weights of core " + core);
            }
            assertArrayEquals(values, found, "case " + i);
        }
    }

    private static Kernel.Axis axis(Random random) {
        return new Kernel.Axis(random.nextInt(1, 11), 1, random.nextInt(1, 3), 0, 0);
    }

    private static Block block(Kernel k, boolean depthwise, int inputs, int outputs, int bytes, int cores) {
        List<Operation.Range> ranges = java.util.Collections.nCopies(cores, new Operation.Range(0, 0, 0));
        return new Block(
                depthwise ? Kind.DEPTHWISE : Kind.CONVOLUTION,
                map(depthwise ? outputs : inputs, bytes),
                null,
                map(outputs, bytes),
                k,
                0,
                ranges,
                ranges,
                new Registers());
    }
}
