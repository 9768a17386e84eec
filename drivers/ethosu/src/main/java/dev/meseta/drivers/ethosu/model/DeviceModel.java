package dev.meseta.drivers.ethosu.model;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.drivers.ethosu.commands.Access;
import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.FeatureMap;
import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Dma;
import dev.meseta.drivers.ethosu.commands.Operation.Kind;
import dev.meseta.drivers.ethosu.commands.Operation.Range;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;

/**
 * Executes command streams to the bit, one operation after the other. A stream is checked first: it touches nothing outside its regions.
 * Time, the order of what the device does at once, and its buffers are not modelled, but for the memory of activation tables. For one thread.
 */
public final class DeviceModel {
    /** Some minutes. */
    private static final double MOST_WORK = 1e11;

    /** Elements of an operand or of weights. */
    private static final double MOST_ELEMENTS = 1 << 28;

    private final MemorySegment[] regions;
    private final MemorySegment inside = MemorySegment.ofArray(new byte[(int) Operation.INSIDE_BYTES]);

    private double workLeft;

    private DeviceModel(MemorySegment[] regions, double work) {
        this.regions = regions;
        this.workLeft = work;
    }

    /**
     * Runs a stream.
     *
     * @param regions the memory of each region, as the stream numbers them
     * @throws InvalidInputException if the stream leaves them, or asks for something that the model does not have
     */
    public static void run(CommandStream stream, MemorySegment... regions) {
        run(stream, MOST_WORK, regions);
    }

    /**
     * As {@link #run(CommandStream, MemorySegment...)}, with a limit to how many elements may be read in all: a stream that asks for more is
     * refused when it comes to that.
     */
    public static void run(CommandStream stream, double work, MemorySegment... regions) {
        long[] sizes = new long[regions.length];
        for (int i = 0; i < sizes.length; i++) sizes[i] = regions[i].byteSize();
        Checker.check(stream, sizes);
        DeviceModel model = new DeviceModel(regions.clone(), work);
        Checker.walk(stream, (_, operation, accesses) -> {
            for (Access a : accesses) model.requireWritable(a);
            model.execute(operation);
        });
    }

    private void requireWritable(Access a) {
        if (a.written() && region(a.region()).isReadOnly()) {
            throw new InvalidInputException(
                    "its " + a.what() + " is in region " + a.region() + ", which is read alone");
        }
    }

    private MemorySegment region(int number) {
        return number == Operation.INSIDE ? inside : regions[number];
    }

    private void execute(Operation operation) {
        switch (operation) {
            case Dma d ->
                MemorySegment.copy(region(d.fromRegion()), d.from(), region(d.toRegion()), d.to(), d.length());
            case Block b -> {
                count(b);
                if (b.upscale() != 0) throw new InvalidInputException("upscaling is not modelled");
                if (b.kind().isElementwise()) elementwise(b);
                else if (b.kind().hasWeights()) convolve(b);
                else pool(b);
            }
        }
    }

    /** Refuses what would take too long, or more memory than there is. */
    private void count(Block b) {
        FeatureMap in = b.first();
        FeatureMap out = b.result();
        double results = (double) out.height() * out.width() * out.depth();
        double operands = (double) in.height() * in.width() * in.depth();
        double window = (double) b.kernel().height() * b.kernel().width();
        boolean channels = b.kind() == Kind.CONVOLUTION || b.kind() == Kind.SUM_CHANNELS;
        double weights = b.kind().hasWeights() ? window * (out.depth() + 64.0) * (in.depth() + 64.0) : 0;
        workLeft -= results * window * (channels ? in.depth() : 1) + operands + weights;
        if (workLeft < 0 || operands > MOST_ELEMENTS || weights > MOST_ELEMENTS) {
            throw new InvalidInputException(
                    "the model does not execute as much as this: " + results + " results of " + operands + " elements");
        }
    }

    private long read(FeatureMap f, int y, int x, int c) {
        MemorySegment memory = region(f.region());
        long at = f.address(y, x, c);
        long v = 0;
        for (int i = 0; i < f.bytes(); i++) v |= (memory.get(JAVA_BYTE, at + i) & 0xffL) << 8 * i;
        int unused = Long.SIZE - 8 * f.bytes();
        return f.signed() ? v << unused >> unused : v;
    }

    private void write(FeatureMap f, int y, int x, int c, long value) {
        MemorySegment memory = region(f.region());
        long at = f.address(y, x, c);
        for (int i = 0; i < f.bytes(); i++) memory.set(JAVA_BYTE, at + i, (byte) (value >> 8 * i));
    }

    /** All elements of an operand, less their zero point, channels innermost. */
    private long[] load(FeatureMap f, int zeroPoint) {
        long[] v = new long[f.height() * f.width() * f.depth()];
        int i = 0;
        for (int y = 0; y < f.height(); y++) {
            for (int x = 0; x < f.width(); x++) {
                for (int c = 0; c < f.depth(); c++) v[i++] = read(f, y, x, c) - zeroPoint;
            }
        }
        return v;
    }

    /** Stores a scaled sum: with the zero point, within the bounds, and through the table of an activation function. */
    private void finish(Block b, int y, int x, int c, long value) {
        FeatureMap f = b.result();
        int function = b.activation() & 0x1f;
        if (function != 0 && function < 16)
            throw new InvalidInputException("function " + function + " is not modelled");
        boolean table = function >= 16;
        long v = value;
        if (f.bytes() < 4 || table) v = Math.clamp(v + f.zeroPoint(), b.minimum(), b.maximum());
        if (table) v = lookUp(f, function - 16, v, b.activation() >> 12);
        write(f, y, x, c, v);
    }

    private long lookUp(FeatureMap f, int number, long value, int range) {
        if (f.bytes() == 2) throw new InvalidInputException("tables of 16 bits are not modelled");
        boolean signed = range == 3 || range != 2 && f.signed();
        long index = signed ? value + 128 : value;
        if (index < 0 || index > 255) throw new InvalidInputException("a table is looked up at " + index);
        long at = Operation.INSIDE_BYTES - 2048 + 256L * f.bytes() * number + index * f.bytes();
        if (at + f.bytes() > Operation.INSIDE_BYTES) throw new InvalidInputException("there is no table " + number);
        long v = 0;
        for (int i = 0; i < f.bytes(); i++) v |= (inside.get(JAVA_BYTE, at + i) & 0xffL) << 8 * i;
        return f.bytes() == 4 ? (int) v : v;
    }

    /** What each channel of a result is scaled by: ten bytes, 40 of bias, 32 of factor, 6 of shift. */
    private record Scale(long bias, long factor, int shift) {}

    private Scale scale(Block b, int channel) {
        int cores = b.scales().size();
        Range r = b.scales().get(channel % cores);
        long at = r.begin() + 10L * (channel / cores);
        if (at + 10 > r.begin() + r.length()) throw new InvalidInputException("channel " + channel + " has no scale");
        MemorySegment memory = region(r.region());
        long bias = 0;
        for (int i = 0; i < 5; i++) bias |= (memory.get(JAVA_BYTE, at + i) & 0xffL) << 8 * i;
        long factor = 0;
        for (int i = 0; i < 4; i++) factor |= (memory.get(JAVA_BYTE, at + 5 + i) & 0xffL) << 8 * i;
        return new Scale(bias << 24 >> 24, factor, memory.get(JAVA_BYTE, at + 9) & 0x3f);
    }

    private int[] weights(Block b) {
        WeightOrder order = new WeightOrder(b);
        int[] weights = new int[order.elements()];
        for (int core = 0; core < b.weights().size(); core++) {
            Range r = b.weights().get(core);
            if (r.length() == 0) continue;
            MemorySegment stream = region(r.region()).asSlice(r.begin(), r.length());
            int[] total = {0};
            order.walk(core, _ -> {
                total[0]++;
                return true;
            });
            int[] raw = WeightStream.decode(stream, total[0]);
            if (raw.length < total[0]) {
                throw new InvalidInputException(
                        "a weight stream has " + raw.length + " weights, the operation reads " + total[0]);
            }
            int[] next = {0};
            order.walk(core, index -> {
                int w = raw[next[0]++];
                if (index >= 0) weights[index] = w;
                return true;
            });
        }
        return weights;
    }

    private void convolve(Block b) {
        int[] weights = weights(b);
        FeatureMap in = b.first();
        FeatureMap out = b.result();
        long[] operand = load(in, in.zeroPoint());
        boolean depthwise = b.kind() == Kind.DEPTHWISE;
        if (depthwise && in.depth() < out.depth()) throw new InvalidInputException("depthwise with too few channels");
        int inputs = depthwise ? 1 : in.depth();
        Operation.Kernel k = b.kernel();
        for (int c = 0; c < out.depth(); c++) {
            Scale s = scale(b, c);
            for (int y = 0; y < out.height(); y++) {
                for (int x = 0; x < out.width(); x++) {
                    long sum = s.bias();
                    for (int ky = 0; ky < k.height(); ky++) {
                        int iy = y * k.strideY() + ky * k.dilationY() - k.top();
                        if (iy < 0 || iy >= in.height()) continue;
                        for (int kx = 0; kx < k.width(); kx++) {
                            int ix = x * k.strideX() + kx * k.dilationX() - k.left();
                            if (ix < 0 || ix >= in.width()) continue;
                            int w = ((c * k.height() + ky) * k.width() + kx) * inputs;
                            int i = (iy * in.width() + ix) * in.depth() + (depthwise ? c : 0);
                            for (int n = 0; n < inputs; n++) sum += operand[i + n] * weights[w + n];
                        }
                    }
                    finish(b, y, x, c, Scaling.apply(sum, s.factor(), s.shift(), b.rounding()));
                }
            }
        }
    }

    private void pool(Block b) {
        FeatureMap in = b.first();
        FeatureMap out = b.result();
        long[] operand = load(in, in.zeroPoint());
        Operation.Kernel k = b.kernel();
        boolean channels = b.kind() == Kind.SUM_CHANNELS;
        if (!channels && in.depth() < out.depth()) throw new InvalidInputException("pools too few channels");
        for (int y = 0; y < out.height(); y++) {
            for (int x = 0; x < out.width(); x++) {
                for (int c = 0; c < out.depth(); c++) {
                    long sum = 0;
                    long most = Long.MIN_VALUE;
                    int count = 0;
                    for (int ky = 0; ky < k.height(); ky++) {
                        int iy = y * k.strideY() + ky - k.top();
                        if (iy < 0 || iy >= in.height()) continue;
                        for (int kx = 0; kx < k.width(); kx++) {
                            int ix = x * k.strideX() + kx - k.left();
                            if (ix < 0 || ix >= in.width()) continue;
                            int at = (iy * in.width() + ix) * in.depth();
                            for (int n = channels ? 0 : c; n < (channels ? in.depth() : c + 1); n++) {
                                sum += operand[at + n];
                                most = Math.max(most, operand[at + n]);
                            }
                            count++;
                        }
                    }
                    finish(b, y, x, c, pooled(b, sum, most, count));
                }
            }
        }
    }

    private static long pooled(Block b, long sum, long most, int count) {
        if (b.kind() == Kind.MAX_POOL) return most;
        if (b.globalScale()) return Scaling.apply(sum, b.resultScale(), b.resultShift(), b.rounding());
        if (count == 0) return 0;
        // Without a scale, the device divides by what the window holds: to the nearest, ties away from 0.
        long half = count / 2;
        return (sum < 0 ? sum - half : sum + half) / count;
    }

    private void elementwise(Block b) {
        FeatureMap in = b.first();
        FeatureMap out = b.result();
        FeatureMap second = b.second();
        for (int y = 0; y < out.height(); y++) {
            for (int x = 0; x < out.width(); x++) {
                for (int c = 0; c < out.depth(); c++) {
                    long left = read(in, y, x, c) - in.zeroPoint();
                    long right = b.scalar() - b.secondZeroPoint();
                    if (second != null) {
                        right = read(
                                        second,
                                        second.height() == 1 ? 0 : y,
                                        second.width() == 1 ? 0 : x,
                                        second.depth() == 1 ? 0 : c)
                                - second.zeroPoint();
                    }
                    finish(b, y, x, c, Elementwise.apply(b, left, right));
                }
            }
        }
    }
}
