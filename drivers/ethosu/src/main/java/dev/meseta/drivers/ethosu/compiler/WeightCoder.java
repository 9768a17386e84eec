package dev.meseta.drivers.ethosu.compiler;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Weights in the device's compressed form. A weight is a small number without a sign: its place in a palette, or else its magnitude and sign;
 * that number is written as a quotient in unary and a remainder. Where zeros are frequent, how many follow each weight is written beside, and
 * they are left out. Slices choose the divisor of the code anew.
 */
public final class WeightCoder {
    private static final int ALIGNMENT = 16;
    private static final int LONGEST_SLICE = 1 << 15;
    private static final int LARGEST_PALETTE = 32;
    private static final int LARGEST_NUMBER = 511;
    private static final int LARGEST_QUOTIENT = 31;

    /** Bits that a slice costs beside its weights. */
    private static final int SLICE_BITS = 40;

    private static final int NEVER = 1 << 20;
    private static final int NO_ZERO_RUNS = 6;
    private static final int END = 7;
    private static final int PLAIN_DIVISOR = 7;
    private static final int ZERO_DIVISORS = 4;

    /** Forms of a slice: divisors of 2^0 to 2^5, the same with quotients of at most 2, and plain numbers. */
    private static final int DIVISORS = 6;

    private static final int PLAIN = 2 * DIVISORS;

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

    /** Numbers (magnitudes and signs) that have a place of their own, the most frequent first; none, or 2 to 32. */
    private final int[] palette;

    /** Of the largest number of the palette, or of all numbers where there is none. */
    private final int bits;

    private final int plainBits;

    /** Numbers below it do not occur. */
    private final int unused;

    private int zeroDivisor;
    private final byte[] forms;
    private final long length;
    private final BitSet out = new BitSet();
    private int at;

    private WeightCoder(int[] numbers, int[] zeros, boolean zeroRuns, int[] palette) {
        this.zeros = zeros;
        this.zeroRuns = zeroRuns;
        this.palette = palette;
        this.unused = zeroRuns ? 2 : 0;
        this.bits = Math.max(
                2,
                bitsOf(Arrays.stream(palette.length == 0 ? numbers : palette)
                        .max()
                        .orElse(0)));
        this.plainBits = palette.length == 0 ? bits : bitsOf(palette.length - 1);
        int[] of = IntStream.rangeClosed(0, LARGEST_NUMBER)
                .map(v -> v + palette.length - unused)
                .toArray();
        for (int i = 0; i < palette.length; i++) of[palette[i]] = i;
        this.symbols = Arrays.stream(numbers).map(v -> of[v]).toArray();
        this.forms = new byte[symbols.length];
        this.length = chooseForms() + (zeroRuns ? chooseZeroDivisor() : 0) + (long) palette.length * bits;
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
            if (n == 0 || zeroRuns && n == weights.length) continue;
            numbers = Arrays.copyOf(numbers, n);
            int[] palette = palette(numbers);
            coders.add(new WeightCoder(numbers, zeros, zeroRuns, new int[0]));
            if (palette.length > 0) coders.add(new WeightCoder(numbers, zeros, zeroRuns, palette));
        }
        return Collections.min(coders, Comparator.comparingLong(c -> c.length)).write();
    }

    private static int bitsOf(int number) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(number);
    }

    /** The most frequent numbers; no more than leave room for all others behind them. */
    private static int[] palette(int[] numbers) {
        int[] count = new int[LARGEST_NUMBER + 1];
        for (int v : numbers) count[v]++;
        int[] frequent = IntStream.rangeClosed(0, LARGEST_NUMBER)
                .filter(v -> count[v] > 0)
                .boxed()
                .sorted(Comparator.comparing((Integer v) -> -count[v]))
                .mapToInt(v -> v)
                .toArray();
        int room = LARGEST_NUMBER - Arrays.stream(frequent).max().orElse(0);
        int size = frequent.length <= LARGEST_PALETTE ? frequent.length : Math.min(LARGEST_PALETTE, room);
        return size < 2 ? new int[0] : Arrays.copyOf(frequent, size);
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
        if (form == PLAIN) return symbol >> plainBits == 0 ? plainBits : NEVER;
        int divisor = form % DIVISORS;
        int quotient = symbol >> divisor;
        if (form >= DIVISORS) return quotient > 2 ? NEVER : Math.min(quotient + 1, 2) + divisor;
        return quotient > LARGEST_QUOTIENT ? NEVER : quotient + 1 + divisor;
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
     * @param largest what a digit may be
     * @param carries whether the largest digit says that more follow; else it is an end as well
     */
    private static List<Chunk> chunks(
            int[] of, int begin, int end, int divisor, int largest, boolean carries, int size) {
        List<Chunk> chunks = new ArrayList<>();
        int left = begin < end ? of[begin] >> divisor : 0;
        for (int next = begin; next < end; ) {
            int from = next;
            int[] digits = new int[size];
            for (int i = 0; i < size && next < end; i++) {
                digits[i] = Math.min(left, largest);
                left -= digits[i];
                if (carries && digits[i] == largest) continue;
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
        boolean truncated = !plain && form >= DIVISORS;
        boolean first = begin == 0;
        put(zeroRuns ? zeroDivisor : NO_ZERO_RUNS, 3);
        put(end - begin - 1, 15);
        put(plain ? PLAIN_DIVISOR : form % DIVISORS, 3);
        put(truncated ? 1 : 0, 1);
        put(first ? 1 : 0, 1);
        if (first) {
            put(unused, 5);
            put(Math.max(0, palette.length - 1), 5);
            put(bits - 2, 3);
            for (int number : palette) put(number, bits);
        }
        int divisor = plain ? plainBits : form % DIVISORS;
        int digits = plain && divisor > 5 ? FEWER_DIGITS : DIGITS;
        List<Chunk> weights = chunks(symbols, begin, end, divisor, 2, !truncated, digits);
        int firstZero = first ? 0 : begin + 1;
        int zeroEnd = zeroRuns ? end + 1 : firstZero;
        int zeroDigits = zeroDivisor < 3 ? DIGITS : FEWER_DIGITS;
        List<Chunk> runs = chunks(zeros, firstZero, zeroEnd, zeroDivisor, 1, true, zeroDigits);
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
