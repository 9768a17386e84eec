package dev.meseta.drivers.ethosu.model;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.drivers.ethosu.commands.Access;
import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.FeatureMap;
import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Dma;
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

    /** Elements of an operand or of weights: what registers claim is not allocated beyond this. */
    private static final double MOST_ELEMENTS = 1 << 26;

    private static final int ZEROS_BETWEEN = 2;

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
        if (number == Operation.INSIDE) return inside;
        return number < regions.length ? regions[number] : MemorySegment.NULL;
    }

    private void execute(Operation operation) {
        switch (operation) {
            case Dma d -> {
                work(d.length());
                MemorySegment.copy(region(d.fromRegion()), d.from(), region(d.toRegion()), d.to(), d.length());
            }
            case Block b -> {
                Settings s = Settings.of(b);
                count(s);
                if (b.kind().isElementwise()) elementwise(s);
                else if (b.kind().hasWeights()) convolve(s);
                else pool(s);
            }
        }
    }

    /** Refuses what would take too long, or more memory than there is. */
    private void count(Settings s) {
        Block b = s.block();
        if (s.minimum() > s.maximum()) {
            throw new InvalidInputException("results are kept from " + s.minimum() + " to " + s.maximum());
        }
        FeatureMap in = b.first();
        FeatureMap out = b.result();
        double results = (double) out.height() * out.width() * out.depth();
        double operands = (double) in.height() * in.width() * in.depth() * (b.upscale() == 0 ? 1 : 4);
        double window = (double) b.kernel().y().size() * b.kernel().x().size();
        boolean channels = b.kind().isOverChannels();
        double weights =
                b.kind().hasWeights() ? window * (out.depth() + 64.0) * ((channels ? in.depth() : 0) + 64.0) : 0;
        for (Range r : b.weights()) weights += 8.0 * r.length();
        work(results * window * (channels ? in.depth() : 1) + operands + weights);
        if (operands > MOST_ELEMENTS || weights > MOST_ELEMENTS) {
            throw new InvalidInputException(
                    "the model does not hold as much as this: " + operands + " operands, " + weights + " weights");
        }
    }

    private void work(double elements) {
        workLeft -= elements;
        if (workLeft < 0) throw new InvalidInputException("the model does not execute as much as this");
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

    /** An operand, less its zero point, channels innermost: as it is, or upscaled. */
    private record Operand(int height, int width, int depth, long[] elements) {}

    private Operand load(Block b) {
        FeatureMap f = b.first();
        Operation.Kernel k = b.kernel();
        int height = f.height();
        int width = f.width();
        if (b.upscale() != 0) {
            height = k.y().operand(b.result().height());
            width = k.x().operand(b.result().width());
        }
        long[] v = new long[height * width * f.depth()];
        int i = 0;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < f.depth(); c++) v[i++] = operand(b, y, x, c);
            }
        }
        return new Operand(height, width, f.depth(), v);
    }

    /** An element of the first operand, less its zero point. */
    private long operand(Block b, int y, int x, int c) {
        FeatureMap f = b.first();
        if (b.upscale() == 0) return read(f, y, x, c) - f.zeroPoint();
        if (b.upscale() == ZEROS_BETWEEN && ((y | x) & 1) != 0) return 0;
        return read(f, y / 2, x / 2, c) - f.zeroPoint();
    }

    /** Stores a scaled sum: with the zero point, within the bounds, and through the table of an activation function. */
    private void finish(Settings s, int y, int x, int c, long value) {
        FeatureMap f = s.block().result();
        int function = s.activation() & 0x1f;
        if (function != 0 && function < 16)
            throw new InvalidInputException("function " + function + " is not modelled");
        boolean table = function >= 16;
        long v = value;
        if (f.bytes() < 4 || table) v = Math.clamp(v + f.zeroPoint(), s.minimum(), s.maximum());
        if (table) v = lookUp(f, function - 16, v, s.activation() >> 12);
        write(f, y, x, c, v);
    }

    private long lookUp(FeatureMap f, int number, long value, int range) {
        boolean signed = range == 3 || range != 2 && f.signed();
        if (f.bytes() == 2) {
            // Lines: the lower half of an entry is where one begins, the upper half how steep it is for 128 steps.
            int step = (int) (signed ? value + (1 << 15) : value);
            int line = entry(number, step >> 7, 512, 4);
            return (short) line + ((line >> 16) * (long) (step & 127) + 64 >> 7);
        }
        return entry(number, signed ? value + 128 : value, 256, f.bytes());
    }

    /** Tables lie in slots of 256 bytes; a table whose entries are wider takes several, and is named by its first. */
    private int entry(int slot, long index, int entries, int bytes) {
        if (index < 0 || index >= entries) throw new InvalidInputException("a table is looked up at " + index);
        long at = Operation.INSIDE_BYTES - 2048 + 256L * slot + index * bytes;
        if (at + bytes > Operation.INSIDE_BYTES) throw new InvalidInputException("there is no table " + slot);
        int v = 0;
        for (int i = 0; i < bytes; i++) v |= (inside.get(JAVA_BYTE, at + i) & 0xff) << 8 * i;
        return v;
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

    private int[] weights(Settings s) {
        Block b = s.block();
        WeightOrder order = new WeightOrder(b, s.depth());
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

    private void convolve(Settings settings) {
        Block b = settings.block();
        int[] weights = weights(settings);
        FeatureMap in = b.first();
        FeatureMap out = b.result();
        Operand operand = load(b);
        boolean depthwise = b.kind() == Kind.DEPTHWISE;
        if (depthwise && in.depth() < out.depth()) throw new InvalidInputException("depthwise with too few channels");
        int inputs = depthwise ? 1 : in.depth();
        Operation.Kernel k = b.kernel();
        for (int c = 0; c < out.depth(); c++) {
            Scale s = scale(b, c);
            for (int y = 0; y < out.height(); y++) {
                for (int x = 0; x < out.width(); x++) {
                    long sum = s.bias();
                    for (int ky = 0; ky < k.y().size(); ky++) {
                        int iy = y * k.y().stride() + ky * k.y().dilation() - k.y().before();
                        if (iy < 0 || iy >= operand.height) continue;
                        for (int kx = 0; kx < k.x().size(); kx++) {
                            int ix = x * k.x().stride() + kx * k.x().dilation() - k.x().before();
                            if (ix < 0 || ix >= operand.width) continue;
                            int w = ((c * k.y().size() + ky) * k.x().size() + kx) * inputs;
                            int i = (iy * operand.width + ix) * in.depth() + (depthwise ? c : 0);
                            for (int n = 0; n < inputs; n++) sum += operand.elements[i + n] * weights[w + n];
                        }
                    }
                    finish(settings, y, x, c, Scaling.apply(sum, s.factor(), s.shift(), settings.rounding()));
                }
            }
        }
    }

    private void pool(Settings s) {
        Block b = s.block();
        FeatureMap in = b.first();
        FeatureMap out = b.result();
        Operand operand = load(b);
        Operation.Kernel k = b.kernel();
        boolean channels = b.kind() == Kind.SUM_CHANNELS;
        if (!channels && in.depth() < out.depth()) throw new InvalidInputException("pools too few channels");
        for (int y = 0; y < out.height(); y++) {
            for (int x = 0; x < out.width(); x++) {
                for (int c = 0; c < out.depth(); c++) {
                    long sum = 0;
                    long most = Long.MIN_VALUE;
                    int count = 0;
                    for (int ky = 0; ky < k.y().size(); ky++) {
                        int iy = y * k.y().stride() + ky - k.y().before();
                        if (iy < 0 || iy >= operand.height) continue;
                        for (int kx = 0; kx < k.x().size(); kx++) {
                            int ix = x * k.x().stride() + kx - k.x().before();
                            if (ix < 0 || ix >= operand.width) continue;
                            int at = (iy * operand.width + ix) * in.depth();
                            for (int n = channels ? 0 : c; n < (channels ? in.depth() : c + 1); n++) {
                                sum += operand.elements[at + n];
                                most = Math.max(most, operand.elements[at + n]);
                            }
                            count++;
                        }
                    }
                    finish(s, y, x, c, pooled(s, sum, most, count));
                }
            }
        }
    }

    private static long pooled(Settings s, long sum, long most, int count) {
        if (s.block().kind() == Kind.MAX_POOL) return most;
        if (s.globalScale()) return Scaling.apply(sum, s.result(), s.rounding());
        if (count == 0) return 0;
        // Without a scale, the device divides by what the window holds: to the nearest, ties away from 0, or as its
        // register says.
        long half = count / 2;
        return switch (s.rounding()) {
            case Scaling.TRUNCATED -> Math.floorDiv(sum, count);
            case Scaling.ONCE -> Math.floorDiv(sum + half, count);
            default -> (sum < 0 ? sum - half : sum + half) / count;
        };
    }

    private void elementwise(Settings s) {
        Block b = s.block();
        FeatureMap out = b.result();
        FeatureMap second = b.second();
        for (int y = 0; y < out.height(); y++) {
            for (int x = 0; x < out.width(); x++) {
                for (int c = 0; c < out.depth(); c++) {
                    long left = operand(b, y, x, c);
                    long right = s.number();
                    if (second != null) {
                        right = read(
                                        second,
                                        second.height() == 1 ? 0 : y,
                                        second.width() == 1 ? 0 : x,
                                        second.depth() == 1 ? 0 : c)
                                - second.zeroPoint();
                    }
                    finish(s, y, x, c, Elementwise.apply(s, left, right));
                }
            }
        }
    }
}
