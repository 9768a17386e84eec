package dev.meseta.drivers.ethosu.compiler;

import java.util.Arrays;

/**
 * Weights of a product, less their zero point, and how the device walks over them.
 *
 * @param values by output, height, width, input; of 9 bits
 * @param outputs channels of the result
 * @param inputs channels of the operand that a channel of the result reads; 1 if {@code depthwise}
 * @param partFirst whether parts of the window come before channels of the operand
 * @param wide whether the operand's elements have 16 bits
 */
public record Weights(
        int[] values, int outputs, int inputs, Window window, boolean depthwise, boolean partFirst, boolean wide) {
    /** In the traversal in which more of what is read is used. */
    static Weights of(int[] values, int outputs, int inputs, Window w, boolean depthwise, boolean wide) {
        int places = w.elements();
        double deep = (double) inputs / roundUp(inputs, wide ? 16 : 32);
        double part = (double) inputs / roundUp(inputs, GROUP) * places / roundUp(places, wide ? 2 : 4);
        return new Weights(
                values, outputs, inputs, w, depthwise, !depthwise && (inputs <= GROUP || part >= deep), wide);
    }

    /** Channels that the device takes at once, of operands and of results. */
    private static final int GROUP = 8;

    /** Elements of the window, on each axis, that the device takes at once. */
    private static final int REACH = 8;

    /**
     * In the order in which a core reads them, with zeros where groups are not full: blocks of the result's channels, blocks of the
     * operand's, parts of the window; then, by {@code partFirst}, groups of the operand's channels or of the result's outermost.
     *
     * @param blockDepth channels of a block of results, of all cores
     */
    public int[] ordered(int blockDepth, int core, int cores) {
        return new Walk(this, core, cores).run((blockDepth + cores - 1 - core) / cores);
    }

    /** One core's walk, which puts one group after the other into {@code out}. */
    private static final class Walk {
        private final Weights w;
        private final int core;
        private final int cores;
        private int[] out = new int[256];
        private int size;

        Walk(Weights w, int core, int cores) {
            this.w = w;
            this.core = core;
            this.cores = cores;
        }

        int[] run(int blockDepth) {
            int height = w.window.y().size();
            int width = w.window.x().size();
            int own = Math.max(0, (w.outputs - core + cores - 1) / cores);
            int partHeight = REACH / w.window.y().dilation();
            int partWidth = REACH / w.window.x().dilation();
            int inputBlock = w.depthwise ? GROUP : w.partFirst || w.wide ? 16 : 32;
            for (int o = 0; o < own; o += blockDepth) {
                int outputEnd = Math.min(own, o + blockDepth);
                for (int i = 0; i < w.inputs; i += inputBlock) {
                    int inputEnd = w.partFirst ? Math.min(w.inputs, i + inputBlock) : i + inputBlock;
                    for (int y = 0; y < height; y += partHeight) {
                        for (int x = 0; x < width; x += partWidth) {
                            int h = Math.min(partHeight, height - y);
                            part(o, outputEnd, i, inputEnd, new Part(y, x, h, Math.min(partWidth, width - x)));
                        }
                    }
                }
            }
            return Arrays.copyOf(out, size);
        }

        /** A part of the window. */
        private record Part(int y, int x, int height, int width) {}

        private void part(int firstOutput, int outputEnd, int firstInput, int inputEnd, Part p) {
            int places = p.height * p.width;
            if (w.partFirst) places = roundUp(places, w.wide ? 2 : 4);
            else if (w.depthwise) places = roundUp(places, 4);
            if (w.partFirst) {
                for (int i = firstInput; i < inputEnd; i += GROUP) {
                    for (int o = firstOutput; o < outputEnd; o += GROUP) {
                        for (int n = 0; n < places; n++) group(o, i, p, n);
                    }
                }
                return;
            }
            for (int o = firstOutput; o < outputEnd; o += GROUP) {
                for (int n = 0; n < places; n++) {
                    for (int i = firstInput; i < inputEnd; i += GROUP) group(o, i, p, n);
                }
            }
        }

        private void group(int output, int input, Part p, int place) {
            if (size + GROUP * GROUP > out.length) out = Arrays.copyOf(out, 2 * out.length);
            int y = p.y + place / p.width;
            int x = p.x + place % p.width;
            boolean inside = place < p.height * p.width;
            for (int o = output; o < output + GROUP; o++) {
                for (int i = input; i < input + (w.depthwise ? 1 : GROUP); i++) {
                    int channel = o * cores + core;
                    boolean there = inside && i < w.inputs && channel < w.outputs;
                    out[size++] = there
                            ? w.values[
                                    ((channel * w.window.y().size() + y)
                                                                    * w.window
                                                                            .x()
                                                                            .size()
                                                            + x)
                                                    * w.inputs
                                            + i]
                            : 0;
                }
            }
        }
    }

    static int roundUp(int n, int unit) {
        return (n + unit - 1) / unit * unit;
    }
}
