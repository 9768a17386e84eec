package dev.meseta.drivers.ethosu.model;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Weights in the device's compressed form: slices, each with weights in a Golomb-Rice code, perhaps by way of a palette, and perhaps with the
 * number of zeros behind each weight in such a code of its own. Bits are read from the lowest of each byte on.
 */
final class WeightStream {
    private static final int NO_ZERO_RUNS = 6;
    private static final int END = 7;
    private static final int PLAIN = 7;
    private static final int SYMBOLS = 12;

    /** Weights that a stream may hold behind those that are read. */
    private static final int MOST_BEHIND = 1 << 16;

    private final MemorySegment bytes;
    private final long bits;
    private final int most;
    private long at;
    private int[] out = new int[1024];
    private int count;
    private final int[] palette = new int[512];
    private int paletteSize;
    private int paletteBits;
    private int direct;

    private WeightStream(MemorySegment bytes, int wanted) {
        this.bytes = bytes;
        this.most = wanted + MOST_BEHIND;
        this.bits = 8 * bytes.byteSize();
    }

    /** The weights of a stream in the order in which the device reads them, up to as many as wanted. */
    static int[] decode(MemorySegment bytes, int wanted) {
        WeightStream s = new WeightStream(bytes, wanted);
        s.slices(wanted);
        return Arrays.copyOf(s.out, s.count);
    }

    private int bit() {
        if (at >= bits) throw broken("ends within a slice");
        int b = bytes.get(JAVA_BYTE, at >> 3) >> (at & 7) & 1;
        at++;
        return b;
    }

    private int take(int n) {
        int v = 0;
        for (int i = 0; i < n; i++) v |= bit() << i;
        return v;
    }

    private void slices(int wanted) {
        while (count < wanted && at < bits) {
            int zeroDivisor = take(3);
            if (zeroDivisor == END) {
                at = at + 7 & ~7L;
                continue;
            }
            if (zeroDivisor > 3 && zeroDivisor != NO_ZERO_RUNS) throw broken("has a slice of an unknown form");
            new Slice(zeroDivisor).decode();
        }
    }

    private void add(int value) {
        if (count == out.length) {
            if (count >= most) throw broken("holds too many weights");
            out = Arrays.copyOf(out, 2 * count);
        }
        out[count++] = value;
    }

    private static InvalidInputException broken(String what) {
        return new InvalidInputException("a weight stream " + what);
    }

    /** One slice. Its codes come in chunks: first the unary parts of up to twelve symbols, and in the next chunk their remainders. */
    private final class Slice {
        private final boolean zeroRuns;
        private final int zeroDivisor;
        private final int values;
        private final boolean newPalette;
        private final boolean truncated;
        private final boolean plain;
        private final int divisor;
        private final int[] weights;
        private final int[] zeros;
        private int weightCarry;
        private int zeroCarry;

        Slice(int zeroDivisor) {
            this.zeroRuns = zeroDivisor != NO_ZERO_RUNS;
            this.zeroDivisor = zeroDivisor;
            this.values = take(15) + 1;
            int d = take(3);
            this.truncated = take(1) != 0;
            this.newPalette = take(1) != 0;
            if (newPalette) readPalette();
            this.plain = d == PLAIN;
            if (d == 6) throw broken("has a slice of an unknown divisor");
            this.divisor = plain ? plainBits() : d;
            this.weights = new int[values];
            this.zeros = new int[values + (newPalette ? 1 : 0)];
        }

        private void readPalette() {
            direct = take(5);
            paletteSize = take(5);
            if (paletteSize > 0) paletteSize++;
            paletteBits = take(3) + 2;
            for (int i = 0; i < paletteSize; i++) palette[i] = take(paletteBits);
        }

        private int plainBits() {
            if (paletteSize == 0) return paletteBits;
            int n = 0;
            while (1 << n < paletteSize) n++;
            return n;
        }

        void decode() {
            int weightsSeen = 0;
            int zerosSeen = 0;
            int weightsDone = 0;
            int zerosDone = 0;
            int[] weightParts = new int[0];
            int[] zeroParts = new int[0];
            boolean more = true;
            while (more) {
                int balance = zeroRuns ? weightsSeen - zerosSeen : 0;
                boolean weightTurn = balance < 8 && weightsSeen < values;
                boolean zeroTurn = zeroRuns && balance >= 0 && zerosSeen < zeros.length;
                int unary = weightTurn && !plain ? take(SYMBOLS) : 0;
                int[] nextZeros = zeroTurn ? zeroSymbols() : new int[0];
                int[] nextWeights = weightTurn ? weightSymbols(unary) : new int[0];
                weightsSeen += nextWeights.length;
                zerosSeen += nextZeros.length;
                for (int i = 0; i < weightParts.length && weightsDone < values; i++) {
                    weights[weightsDone++] = (weightParts[i] << divisor) + take(divisor);
                }
                for (int i = 0; i < zeroParts.length && zerosDone < zeros.length; i++) {
                    zeros[zerosDone++] = (zeroParts[i] << zeroDivisor) + take(zeroDivisor);
                }
                weightParts = nextWeights;
                zeroParts = nextZeros;
                more = weightTurn || zeroTurn;
            }
            emit();
        }

        private int[] zeroSymbols() {
            int length = zeroDivisor < 3 ? SYMBOLS : 8;
            int unary = take(length);
            int[] symbols = new int[SYMBOLS];
            int n = 0;
            for (int i = 0; i < length; i++) {
                if ((unary >> i & 1) != 0) {
                    zeroCarry++;
                } else {
                    symbols[n++] = zeroCarry;
                    zeroCarry = 0;
                }
            }
            return Arrays.copyOf(symbols, n);
        }

        private int[] weightSymbols(int unary) {
            int most = plain && divisor > 5 ? 8 : SYMBOLS;
            int second = take(Integer.bitCount(unary & (1 << most) - 1));
            int[] symbols = new int[SYMBOLS];
            int n = 0;
            for (int i = 0; i < most; i++) {
                int code = 0;
                if ((unary >> i & 1) != 0) {
                    code = 1 + (second & 1);
                    second >>= 1;
                }
                weightCarry += code;
                if (code < 2 || truncated) {
                    symbols[n++] = weightCarry;
                    weightCarry = 0;
                }
            }
            return Arrays.copyOf(symbols, n);
        }

        private void emit() {
            int zero = 0;
            if (newPalette && zeroRuns) for (int k = zeros[zero++]; k > 0; k--) add(0);
            for (int w : weights) {
                if (w > 511) throw broken("holds a weight of more than nine bits");
                int v = w < paletteSize ? palette[w] : w - paletteSize + direct;
                add((v & 1) != 0 ? -(v >> 1) : v >> 1);
                if (zeroRuns) for (int k = zeros[zero++]; k > 0; k--) add(0);
            }
        }
    }
}
