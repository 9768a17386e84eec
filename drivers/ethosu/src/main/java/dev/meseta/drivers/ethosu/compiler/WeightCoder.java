package dev.meseta.drivers.ethosu.compiler;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;

/**
 * Weights in the device's compressed form. A weight is a number without a sign, of its magnitude and sign, which is written as a quotient in
 * unary and a remainder. Where zeros are frequent, how many follow each weight is written beside, and they are left out. The device's palettes,
 * its shorter quotients and another divisor for each slice are not used: on the networks that were measured they save next to nothing.
 */
public final class WeightCoder {
    private static final int ALIGNMENT = 16;
    private static final int LONGEST_SLICE = 1 << 15;
    private static final int LARGEST_QUOTIENT = 31;
    private static final int NEVER = 1 << 20;
    private static final int NO_ZERO_RUNS = 6;
    private static final int END = 7;
    private static final int PLAIN_DIVISOR = 7;

    /** Divisors are powers of two: so many. */
    private static final int DIVISORS = 6;

    private static final int ZERO_DIVISORS = 4;

    /** Digits of a chunk, or fewer where remainders are long. */
    private static final int DIGITS = 12;

    private static final int FEWER_DIGITS = 8;

    /** How many weights may be ahead of zeros. */
    private static final int AHEAD = 8;

    /** What weights are written as: numbers less those below, which do not occur. */
    private final int[] symbols;

    private final int unused;

    /** How many zeros stand before the first weight, and behind each. */
    private final int[] zeros;

    private final boolean zeroRuns;

    /** Of the largest number. */
    private final int bits;

    /** Whether symbols are written as they are, without quotients. */
    private final boolean plain;

    /** Bits of remainders. */
    private final int divisor;

    private final int zeroDivisor;
    private final BitSet out = new BitSet();
    private int at;

    private WeightCoder(int[] weights, boolean zeroRuns) {
        this.zeroRuns = zeroRuns;
        this.unused = zeroRuns ? 2 : 0;
        this.symbols = Arrays.stream(weights)
                .filter(w -> !zeroRuns || w != 0)
                .map(w -> (w < 0 ? 1 - 2 * w : 2 * w) - unused)
                .toArray();
        this.zeros = new int[symbols.length + 1];
        int n = 0;
        for (int w : weights) {
            if (zeroRuns && w == 0) zeros[n]++;
            else n++;
        }
        int largest = Arrays.stream(symbols).max().orElse(0) + unused;
        this.bits = Math.max(2, Integer.SIZE - Integer.numberOfLeadingZeros(largest));
        int best = divisor(symbols, DIVISORS, LARGEST_QUOTIENT);
        this.plain = (long) bits * symbols.length < length(symbols, best, LARGEST_QUOTIENT);
        this.divisor = plain ? bits : best;
        this.zeroDivisor = divisor(zeros, ZERO_DIVISORS, Integer.MAX_VALUE);
    }

    /** The shortest form that is found; its length is a multiple of 16 bytes. */
    public static byte[] encode(int[] weights) {
        byte[] all = new WeightCoder(weights, false).write();
        if (Arrays.stream(weights).allMatch(w -> w == 0)) return all;
        byte[] runs = new WeightCoder(weights, true).write();
        return runs.length < all.length ? runs : all;
    }

    /** The divisor of so many with which numbers are shortest, whose quotients are limited. */
    private static int divisor(int[] of, int count, int most) {
        int best = 0;
        for (int d = 1; d < count; d++) if (length(of, d, most) < length(of, best, most)) best = d;
        return best;
    }

    /** Bits of numbers. */
    private static long length(int[] of, int divisor, int most) {
        return Arrays.stream(of)
                .mapToLong(v -> v >> divisor > most ? NEVER : (v >> divisor) + 1 + divisor)
                .sum();
    }

    private byte[] write() {
        for (int i = 0; i < symbols.length; i += LONGEST_SLICE) slice(i, Math.min(symbols.length, i + LONGEST_SLICE));
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
    private static Deque<Chunk> chunks(int[] of, int begin, int end, int divisor, int largest, int size) {
        Deque<Chunk> chunks = new ArrayDeque<>();
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
        boolean first = begin == 0;
        put(zeroRuns ? zeroDivisor : NO_ZERO_RUNS, 3);
        put(end - begin - 1, 15);
        put(plain ? PLAIN_DIVISOR : divisor, 3);
        put(0, 1);
        put(first ? 1 : 0, 1);
        if (first) {
            put(unused, 5);
            put(0, 5);
            put(bits - 2, 3);
        }
        int digits = plain && divisor > 5 ? FEWER_DIGITS : DIGITS;
        Deque<Chunk> weights = chunks(symbols, begin, end, divisor, 2, digits);
        int firstZero = first ? 0 : begin + 1;
        int zeroEnd = zeroRuns ? end + 1 : firstZero;
        int zeroDigits = zeroDivisor < 3 ? DIGITS : FEWER_DIGITS;
        Deque<Chunk> runs = chunks(zeros, firstZero, zeroEnd, zeroDivisor, 1, zeroDigits);
        Chunk weight = new Chunk(new int[0], begin, begin);
        Chunk run = new Chunk(new int[0], firstZero, firstZero);
        boolean weightTurn;
        boolean runTurn;
        do {
            int ahead = zeroRuns ? weight.to - begin - (run.to - firstZero) : 0;
            Chunk lastWeight = weight;
            Chunk lastRun = run;
            weightTurn = ahead < AHEAD && !weights.isEmpty();
            runTurn = ahead >= 0 && !runs.isEmpty();
            weight = weightTurn ? weights.removeFirst() : new Chunk(new int[0], weight.to, weight.to);
            run = runTurn ? runs.removeFirst() : new Chunk(new int[0], run.to, run.to);
            if (!plain) for (int d : weight.digits) put(Math.min(d, 1), 1);
            for (int d : run.digits) put(d, 1);
            if (!plain) for (int d : weight.digits) if (d > 0) put(d - 1, 1);
            remainders(symbols, lastWeight, divisor);
            remainders(zeros, lastRun, zeroDivisor);
        } while (weightTurn || runTurn);
    }
}
