package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.Program;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Weights and scales of a product as the device reads them: for each core its scales, then its weights.
 *
 * @param buffer a constant that holds all
 */
record Encoded(Buffer buffer, List<Core> cores) {

    /** Where a core's part lies, from the beginning of all. */
    record Core(long scales, long scaleBytes, long weights, long weightBytes) {}

    static Encoded of(Product p, int blockDepth, int cores) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        List<Core> parts = new ArrayList<>();
        for (int core = 0; core < cores; core++) {
            if (core >= p.weights().outputs()) {
                parts.add(new Core(0, 0, 0, 0));
                continue;
            }
            long scales = all.size();
            for (int c = core; c < p.bias().length; c += cores) all.writeBytes(scale(p, c));
            all.writeBytes(new byte[(int) Program.aligned(all.size()) - all.size()]);
            long weights = all.size();
            byte[] code = WeightCoder.encode(p.weights().ordered(blockDepth, core, cores));
            all.writeBytes(code);
            parts.add(new Core(scales, weights - scales, weights, code.length));
        }
        return new Encoded(Buffer.constant(all.toByteArray()), parts);
    }

    private static byte[] scale(Product p, int channel) {
        ByteBuffer b = ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN);
        long bias = p.bias()[channel];
        b.putInt((int) bias).put((byte) (bias >> 32));
        b.putInt((int) p.ratios()[channel].factor()).put((byte) p.ratios()[channel].shift());
        return b.array();
    }
}
