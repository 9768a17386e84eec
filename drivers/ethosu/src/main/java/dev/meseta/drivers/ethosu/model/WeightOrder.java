package dev.meseta.drivers.ethosu.model;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Kernel;

/**
 * The order in which the device reads weights: blocks of results' channels, blocks of operands' channels, parts of the window, and within
 * them groups of eight channels each. Where a group or a part is not full, zeros are read. With two cores, each reads every second channel of the
 * results from a stream of its own.
 */
final class WeightOrder {
    private static final int GROUP = 8;
    private static final int PART = 8;

    private final int depth;
    private final boolean wide;
    private final Kernel kernel;
    private final boolean depthwise;
    private final int inputs;
    private final int outputs;
    private final int cores;

    /** Of an operation with blocks of a depth. */
    WeightOrder(Block block, int depth) {
        this.depth = depth;
        this.wide = block.first().bytes() == 2;
        this.kernel = block.kernel();
        this.depthwise = block.kind() == Kind.DEPTHWISE;
        this.inputs = depthwise ? 1 : block.first().depth();
        this.outputs = block.result().depth();
        this.cores = block.weights().size();
    }

    /** Where each weight of a result's channel o is: ((o * height + y) * width + x) * inputs + i. */
    interface Sink {
        /** A place, or -1 for one that is not there. Returns whether there are more. */
        boolean place(int index);
    }

    int elements() {
        return outputs * kernel.y().size() * kernel.x().size() * inputs;
    }

    /** Gives the places of a core's weights in the order in which it reads them. */
    void walk(int core, Sink sink) {
        int own = (outputs - core + cores - 1) / cores;
        int blockDepth = (depth + cores - 1 - core) / cores;
        boolean partFirst = kernel.partFirst();
        int inputBlock = partFirst || wide ? 16 : 32;
        for (int z = 0; z < own; z += Math.max(1, blockDepth)) {
            int count = Math.min(blockDepth, own - z);
            for (int i = 0; i < (depthwise ? 1 : inputs); i += inputBlock) {
                int reach = depthwise ? GROUP : partFirst ? Math.min(inputBlock, inputs - i) : inputBlock;
                for (int y = 0; y < kernel.y().size(); y += PART / kernel.y().dilation()) {
                    for (int x = 0;
                            x < kernel.x().size();
                            x += PART / kernel.x().dilation()) {
                        if (!part(core, sink, new int[] {z, count, i, reach, y, x})) return;
                    }
                }
            }
        }
    }

    private boolean part(int core, Sink sink, int[] p) {
        int height = Math.min(kernel.y().size() - p[4], PART / kernel.y().dilation());
        int width = Math.min(kernel.x().size() - p[5], PART / kernel.x().dilation());
        int elements = height * width;
        boolean partFirst = kernel.partFirst();
        if (partFirst) elements = wide ? elements + 1 & ~1 : elements + 3 & ~3;
        else if (depthwise) elements = elements + 3 & ~3;
        int outer = partFirst ? p[3] : 1;
        int inner = partFirst ? 1 : p[3];
        for (int a = 0; a < outer; a += GROUP) {
            for (int o = 0; o < p[1]; o += GROUP) {
                for (int e = 0; e < elements; e++) {
                    for (int b = 0; b < inner; b += GROUP) {
                        if (!group(core, sink, p, new int[] {a + b, o, e / width, e % width, height})) return false;
                    }
                }
            }
        }
        return true;
    }

    private boolean group(int core, Sink sink, int[] p, int[] q) {
        for (int oz = 0; oz < GROUP; oz++) {
            for (int iz = 0; iz < (depthwise ? 1 : GROUP); iz++) {
                int input = p[2] + q[0] + iz;
                int output = (p[0] + q[1] + oz) * cores + core;
                boolean there = input < inputs && output < outputs && q[2] < q[4];
                int y = p[4] + q[2];
                int x = p[5] + q[3];
                int index = ((output * kernel.y().size() + y) * kernel.x().size() + x) * inputs + input;
                if (!sink.place(there ? index : -1)) return false;
            }
        }
        return true;
    }
}
