package dev.meseta.drivers.ethosu.compiler;

import java.util.stream.IntStream;

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
        return new Weights(values, outputs, inputs, w, depthwise, !depthwise && part >= deep, wide);
    }

    /** Channels that the device takes at once, of operands and of results. */
    private static final int GROUP = 8;

    /**
     * In the order in which a core reads them, with zeros where groups are not full: blocks of the result's channels, blocks of the
     * operand's, parts of the window; then, by {@code partFirst}, groups of the operand's channels or of the result's outermost.
     *
     * @param blockDepth channels of a block of results, of all cores
     */
    public int[] ordered(int blockDepth, int core, int cores) {
        Walk walk = new Walk(this, core, cores, IntStream.builder());
        walk.run((blockDepth + cores - 1 - core) / cores);
        return walk.out.build().toArray();
    }

    /** One core's walk, which puts one group after the other into {@code out}. */
    private record Walk(Weights w, int core, int cores, IntStream.Builder out) {
        void run(int blockDepth) {
            int height = w.window.y().size();
            int width = w.window.x().size();
            int own = Math.max(0, (w.outputs - core + cores - 1) / cores);
            int partHeight = Blocks.REACH / w.window.y().dilation();
            int partWidth = Blocks.REACH / w.window.x().dilation();
            int inputBlock = w.depthwise ? GROUP : w.partFirst || w.wide ? 16 : 32;
            int step = w.partFirst ? GROUP : inputBlock;
            for (int o = 0; o < own; o += blockDepth) {
                int end = Math.min(own, o + blockDepth);
                for (int i = 0; i < w.inputs; i += inputBlock) {
                    for (int y = 0; y < height; y += partHeight) {
                        for (int x = 0; x < width; x += partWidth) {
                            Part p = new Part(y, x, Math.min(partHeight, height - y), Math.min(partWidth, width - x));
                            for (int j = i; j < Math.min(w.inputs, i + inputBlock); j += step) part(o, end, j, step, p);
                        }
                    }
                }
            }
        }

        /** A part of the window. */
        private record Part(int y, int x, int height, int width) {}

        private void part(int firstOutput, int outputEnd, int firstInput, int inputs, Part p) {
            int together = w.partFirst && w.wide ? 2 : w.partFirst || w.depthwise ? 4 : 1;
            for (int o = firstOutput; o < outputEnd; o += GROUP) {
                for (int n = 0; n < roundUp(p.height * p.width, together); n++) {
                    for (int i = firstInput; i < firstInput + inputs; i += GROUP) group(o, i, p, n);
                }
            }
        }

        private void group(int output, int input, Part p, int place) {
            int y = p.y + place / p.width;
            int x = p.x + place % p.width;
            int inGroup = w.depthwise ? 1 : GROUP;
            for (int k = 0; k < GROUP * inGroup; k++) {
                int i = input + k % inGroup;
                int channel = (output + k / inGroup) * cores + core;
                boolean there = place < p.height * p.width && i < w.inputs && channel < w.outputs;
                int tap = channel * w.window.elements() + y * w.window.x().size() + x;
                out.add(there ? w.values[tap * w.inputs + i] : 0);
            }
        }
    }

    static int roundUp(int n, int unit) {
        return (n + unit - 1) / unit * unit;
    }
}
