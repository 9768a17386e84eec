package dev.meseta.drivers.ethosu.compiler;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Weights in the device's compressed form. A weight is a number without a sign, of its magnitude and sign, which is written as a quotient in
 * unary and a remainder. Where zeros are frequent, how many follow each weight is written beside, and they are left out. Slices choose the
 * divisor of the code anew. The device's palettes and its shorter quotients are not used: on the networks that were measured they save nothing.
 */
public final class WeightCoder {
    private static final int ALIGNMENT = 16;
    private static final int LONGEST_SLICE = 1 << 15;
    private static final int LARGEST_QUOTIENT = 31;

    /** Bits that a slice costs beside its weights. */
    private static final int SLICE_BITS = 40;

    private static final int NEVER = 1 << 20;
    private static final int NO_ZERO_RUNS = 6;
    private static final int END = 7;
    private static final int PLAIN_DIVISOR = 7;
    private static final int ZERO_DIVISORS = 4;

    /** Forms of a slice: divisors of 2^0 to 2^5, and plain numbers. */
    private static final int PLAIN = 6;

    /** Digits of a chunk, or fewer where remainders are long. */
    private static final int DIGITS = 12;

    private static final int FEWER_DIGITS = 8;

    /** How many weights may be ahead of zeros. */
    private static final int AHEAD = 8;

    /** What weights are written as. */
    private final int[] symbols;

    /** How many zeros stand before the first weight, and behind each. */
    private final int[] zeros;

    private final boolean zeroRuns;

    /** Of the largest number. */
    private final int bits;

    /** Numbers below it do not occur. */
    private final int unused;

    private int zeroDivisor;
    private final byte[] forms;
    private final long length;
    private final BitSet out = new BitSet();
    private int at;

    private WeightCoder(int[] numbers, int[] zeros, boolean zeroRuns) {
        this.zeros = zeros;
        this.zeroRuns = zeroRuns;
        this.unused = zeroRuns ? 2 : 0;
        int largest = Arrays.stream(numbers).max().orElse(0);
        this.bits = Math.max(2, Integer.SIZE - Integer.numberOfLeadingZeros(largest));
        this.symbols = Arrays.stream(numbers).map(v -> v - unused).toArray();
        this.forms = new byte[symbols.length];
        this.length = chooseForms() + (zeroRuns ? chooseZeroDivisor() : 0);
    }

    /** The shortest form that is found; its length is a multiple of 16 bytes. */
    public static byte[] encode(int[] weights) {
        List<WeightCoder> coders = new ArrayList<>();
        for (boolean zeroRuns : new boolean[] {false, true}) {
            int[] zeros = new int[weights.length + 1];
            int[] numbers = new int[weights.length];
            int n = 0;
            for (int w : weights) {
                if (zeroRuns && w == 0) zeros[n]++;
                else numbers[n++] = w < 0 ? -2 * w + 1 : 2 * w;
            }
            if (n > 0 && (n < weights.length || !zeroRuns))
                coders.add(new WeightCoder(Arrays.copyOf(numbers, n), zeros, zeroRuns));
        }
        return Collections.min(coders, Comparator.comparingLong(c -> c.length)).write();
    }

    private long chooseZeroDivisor() {
        long[] cost = new long[ZERO_DIVISORS];
        for (int d = 0; d < cost.length; d++)
            for (int i = 0; i <= symbols.length; i++) cost[d] += (zeros[i] >> d) + 1 + d;
        zeroDivisor = least(cost);
        return cost[zeroDivisor];
    }

    /** The bits of a symbol in a form. */
    private int cost(int symbol, int form) {
        if (form == PLAIN) return bits;
        int quotient = symbol >> form;
        return quotient > LARGEST_QUOTIENT ? NEVER : quotient + 1 + form;
    }

    /** Gives each symbol the form of its slice, so that all are short; the bits of all. */
    private long chooseForms() {
        int count = PLAIN + 1;
        byte[] from = new byte[Math.multiplyExact(symbols.length, count)];
        long[] best = new long[count];
        for (int i = 0; i < symbols.length; i++) {
            int least = least(best);
            long change = best[least] + SLICE_BITS;
            for (int f = 0; f < count; f++) {
                boolean changes = change < best[f];
                from[i * count + f] = (byte) (changes ? least : f);
                best[f] = Math.min(change, best[f]) + cost(symbols[i], f);
            }
        }
        int form = least(best);
        long all = best[form];
        for (int i = symbols.length - 1; i >= 0; i--) {
            forms[i] = (byte) form;
            form = from[i * count + form];
        }
        return all;
    }

    private static int least(long[] values) {
        int least = 0;
        for (int i = 1; i < values.length; i++) if (values[i] < values[least]) least = i;
        return least;
    }

    private byte[] write() {
        for (int begin = 0; begin < symbols.length; ) {
            int end = begin + 1;
            while (end < symbols.length && forms[end] == forms[begin] && end - begin < LONGEST_SLICE) end++;
            slice(begin, end);
            begin = end;
        }
        put(END, 3);
        while (at % (8 * ALIGNMENT) != 0) put(1, 1);
        return Arrays.copyOf(out.toByteArray(), at / 8);
    }

    /** Bits, each byte's lowest first. */
    private void put(int value, int count) {
        for (int i = 0; i < count; i++) out.set(at++, (value >> i & 1) != 0);
    }

    /** Digits, and the symbols that end with one of them, whose remainders follow one chunk later. */
    private record Chunk(int[] digits, int from, int to) {}

    /**
     * Symbols in chunks of digits; behind the last symbol digits are 0.
     *
     * @param largest what a digit may be, which says that more follow
     */
    private static List<Chunk> chunks(int[] of, int begin, int end, int divisor, int largest, int size) {
        List<Chunk> chunks = new ArrayList<>();
        int left = begin < end ? of[begin] >> divisor : 0;
        for (int next = begin; next < end; ) {
            int from = next;
            int[] digits = new int[size];
            for (int i = 0; i < size && next < end; i++) {
                digits[i] = Math.min(left, largest);
                left -= digits[i];
                if (digits[i] == largest) continue;
                next++;
                if (next < end) left = of[next] >> divisor;
            }
            chunks.add(new Chunk(digits, from, next));
        }
        return chunks;
    }

    private void remainders(int[] of, Chunk c, int divisor) {
        for (int i = c.from; i < c.to; i++) put(of[i] & (1 << divisor) - 1, divisor);
    }

    private void slice(int begin, int end) {
        int form = forms[begin];
        boolean plain = form == PLAIN;
        boolean first = begin == 0;
        put(zeroRuns ? zeroDivisor : NO_ZERO_RUNS, 3);
        put(end - begin - 1, 15);
        put(plain ? PLAIN_DIVISOR : form, 3);
        put(0, 1);
        put(first ? 1 : 0, 1);
        if (first) {
            put(unused, 5);
            put(0, 5);
            put(bits - 2, 3);
        }
        int divisor = plain ? bits : form;
        int digits = plain && divisor > 5 ? FEWER_DIGITS : DIGITS;
        List<Chunk> weights = chunks(symbols, begin, end, divisor, 2, digits);
        int firstZero = first ? 0 : begin + 1;
        int zeroEnd = zeroRuns ? end + 1 : firstZero;
        int zeroDigits = zeroDivisor < 3 ? DIGITS : FEWER_DIGITS;
        List<Chunk> runs = chunks(zeros, firstZero, zeroEnd, zeroDivisor, 1, zeroDigits);
        Chunk weight = new Chunk(new int[0], begin, begin);
        Chunk run = new Chunk(new int[0], firstZero, firstZero);
        int nextWeight = 0;
        int nextRun = 0;
        boolean more = true;
        while (more) {
            int ahead = zeroRuns ? weight.to - begin - (run.to - firstZero) : 0;
            Chunk lastWeight = weight;
            Chunk lastRun = run;
            boolean weightTurn = ahead < AHEAD && nextWeight < weights.size();
            boolean runTurn = ahead >= 0 && nextRun < runs.size();
            weight = weightTurn ? weights.get(nextWeight++) : new Chunk(new int[0], weight.to, weight.to);
            run = runTurn ? runs.get(nextRun++) : new Chunk(new int[0], run.to, run.to);
            if (!plain) for (int d : weight.digits) put(Math.min(d, 1), 1);
            for (int d : run.digits) put(d, 1);
            if (!plain) for (int d : weight.digits) if (d > 0) put(d - 1, 1);
            remainders(symbols, lastWeight, divisor);
            remainders(zeros, lastRun, zeroDivisor);
            more = weightTurn || runTurn;
        }
    }
}
