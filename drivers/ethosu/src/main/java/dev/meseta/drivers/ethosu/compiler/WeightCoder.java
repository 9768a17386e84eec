package dev.meseta.drivers.ethosu.compiler;

import java.util.ArrayList;
import java.util.Arrays;
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
    private static final int LARGEST_UNUSED = 31;

    /** Bits that a slice costs beside its weights. */
    private static final int SLICE_BITS = 40;

    private static final int NEVER = 1 << 20;
    private static final int NO_ZERO_RUNS = 6;
    private static final int END = 7;
    private static final int PLAIN = 7;
    private static final int DIVISORS = 6;

    /** Forms of a slice: {@link #DIVISORS} codes, as many with quotients of at most 2, and plain numbers. */
    private static final int FORMS = 2 * DIVISORS + 1;

    private final int[] weights;

    private WeightCoder(int[] weights) {
        this.weights = weights;
    }

    /** The shortest form that is found; its length is a multiple of 16 bytes. */
    public static byte[] encode(int[] weights) {
        WeightCoder coder = new WeightCoder(weights);
        Plan best = coder.plan(false);
        if (Arrays.stream(weights).anyMatch(w -> w == 0)
                && Arrays.stream(weights).anyMatch(w -> w != 0)) {
            Plan other = coder.plan(true);
            if (other.bits < best.bits) best = other;
        }
        return best.write();
    }

    /**
     * What weights are written as.
     *
     * @param palette numbers (magnitudes and signs) that have a place of their own, the most frequent first; empty or 2 to 32
     * @param bits of the largest number of the palette, or of all numbers where there is none
     * @param unused numbers below this do not occur; taken from those that are not in the palette
     */
    private record Alphabet(int[] palette, int bits, int unused) {
        int[] symbols(int[] numbers) {
            int[] of = new int[LARGEST_NUMBER + 1];
            for (int i = 0; i < of.length; i++) of[i] = i + palette.length - unused;
            for (int i = 0; i < palette.length; i++) of[palette[i]] = i;
            return Arrays.stream(numbers).map(v -> of[v]).toArray();
        }

        /** Bits of a plain symbol. */
        int plainBits() {
            return palette.length == 0 ? bits : bitsOf(palette.length - 1);
        }
    }

    /** @param forms one for each symbol */
    private record Plan(
            int[] symbols, int[] zeros, boolean zeroRuns, int zeroDivisor, Alphabet alphabet, byte[] forms, long bits) {
        byte[] write() {
            BitSink sink = new BitSink();
            for (int at = 0; at < symbols.length; ) {
                int end = at + 1;
                while (end < symbols.length && forms[end] == forms[at] && end - at < LONGEST_SLICE) end++;
                new SliceWriter(sink, this, at, end).write();
                at = end;
            }
            sink.put(END, 3);
            return sink.padded(ALIGNMENT);
        }
    }

    static int bitsOf(int number) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(number);
    }

    private static int number(int weight) {
        return weight < 0 ? -2 * weight + 1 : 2 * weight;
    }

    private Plan plan(boolean zeroRuns) {
        int[] numbers = new int[weights.length];
        int[] zeros = new int[weights.length + 1];
        int n = 0;
        for (int w : weights) {
            if (zeroRuns && w == 0) zeros[n]++;
            else numbers[n++] = number(w);
        }
        numbers = Arrays.copyOf(numbers, n);
        zeros = Arrays.copyOf(zeros, n + 1);
        int zeroDivisor = 0;
        long zeroBits = 0;
        if (zeroRuns) {
            zeroBits = Long.MAX_VALUE;
            for (int d = 0; d < 4; d++) {
                long bits = 0;
                for (int z : zeros) bits += (z >> d) + 1 + d;
                if (bits < zeroBits) {
                    zeroBits = bits;
                    zeroDivisor = d;
                }
            }
        }
        List<Plan> plans = new ArrayList<>();
        for (Alphabet a : alphabets(numbers)) {
            int[] symbols = a.symbols(numbers);
            byte[] forms = new byte[n];
            long bits = chooseForms(symbols, a, forms) + zeroBits + (long) a.palette.length * a.bits;
            plans.add(new Plan(symbols, zeros, zeroRuns, zeroDivisor, a, forms, bits));
        }
        return Collections.min(plans, Comparator.comparingLong(Plan::bits));
    }

    /** With and without a palette. */
    private static List<Alphabet> alphabets(int[] numbers) {
        int[] count = new int[LARGEST_NUMBER + 1];
        for (int v : numbers) count[v]++;
        int largest = Arrays.stream(numbers).max().orElse(0);
        int unused = 0;
        while (unused < LARGEST_UNUSED && unused < largest && count[unused] == 0) unused++;
        Alphabet direct = new Alphabet(new int[0], Math.max(2, bitsOf(largest)), unused == 0 ? 0 : unused);
        int[] frequent = IntStream.rangeClosed(0, LARGEST_NUMBER)
                .filter(v -> count[v] > 0)
                .boxed()
                .sorted(Comparator.comparing((Integer v) -> -count[v]))
                .limit(LARGEST_PALETTE)
                .mapToInt(Integer::intValue)
                .toArray();
        int most = frequent.length;
        boolean all = Arrays.stream(count).filter(c -> c > 0).count() == most;
        if (!all) most = Math.min(most, LARGEST_NUMBER - largest);
        if (most < 2) return List.of(direct);
        int[] palette = Arrays.copyOf(frequent, most);
        int bits = Math.max(2, bitsOf(Arrays.stream(palette).max().orElseThrow()));
        return List.of(direct, new Alphabet(palette, bits, all ? 0 : unused));
    }

    /** The bits of a symbol in a form. */
    private static int cost(int symbol, int form, int plainBits) {
        if (form == FORMS - 1) return symbol >> plainBits == 0 ? plainBits : NEVER;
        int divisor = form % DIVISORS;
        int quotient = symbol >> divisor;
        if (form >= DIVISORS) return quotient > 2 ? NEVER : Math.min(quotient + 1, 2) + divisor;
        return quotient > LARGEST_QUOTIENT ? NEVER : quotient + 1 + divisor;
    }

    /** Gives each symbol the form of its slice, so that all are short; the bits of all. */
    private static long chooseForms(int[] symbols, Alphabet a, byte[] forms) {
        int plainBits = a.plainBits();
        byte[] from = new byte[Math.multiplyExact(symbols.length, FORMS)];
        long[] bits = new long[FORMS];
        for (int i = 0; i < symbols.length; i++) {
            int best = least(bits);
            long change = bits[best] + SLICE_BITS;
            for (int f = 0; f < FORMS; f++) {
                boolean changes = change < bits[f];
                from[i * FORMS + f] = (byte) (changes ? best : f);
                bits[f] = (changes ? change : bits[f]) + cost(symbols[i], f, plainBits);
            }
        }
        int form = least(bits);
        long all = bits[form];
        for (int i = symbols.length - 1; i >= 0; i--) {
            forms[i] = (byte) form;
            form = from[i * FORMS + form];
        }
        return all;
    }

    private static int least(long[] bits) {
        int best = 0;
        for (int f = 1; f < bits.length; f++) if (bits[f] < bits[best]) best = f;
        return best;
    }

    /** Bits, each byte's lowest first. */
    private static final class BitSink {
        private byte[] bytes = new byte[256];
        private int at;

        void put(int value, int bits) {
            for (int i = 0; i < bits; i++, at++) {
                if (at >> 3 == bytes.length) bytes = Arrays.copyOf(bytes, 2 * bytes.length);
                bytes[at >> 3] |= (byte) ((value >> i & 1) << (at & 7));
            }
        }

        byte[] padded(int unit) {
            while (at % (8 * unit) != 0) put(1, 1);
            return Arrays.copyOf(bytes, at / 8);
        }
    }

    /**
     * Symbols of one stream of a slice, cut into chunks of a fixed number of unary digits. A symbol whose digits do not fit into a chunk goes on in
     * the next; its remainder is written one chunk later than its last digit.
     */
    private static final class Chunks {
        private final int[] symbols;
        private final int end;
        private final int divisor;
        private final int largestDigit;
        private final boolean carries;
        private int at;
        private int quotientLeft = -1;
        private int remaindersFrom;
        private int remaindersTo;

        /**
         * @param largestDigit what a digit may be
         * @param carries whether the largest digit says that more follow; else it is an end as well
         */
        Chunks(int[] symbols, int begin, int end, int divisor, int largestDigit, boolean carries) {
            this.symbols = symbols;
            this.at = begin;
            this.remaindersFrom = begin;
            this.remaindersTo = begin;
            this.end = end;
            this.divisor = divisor;
            this.largestDigit = largestDigit;
            this.carries = carries;
        }

        boolean isDone() {
            return at == end;
        }

        /** The next chunk's digits; behind the last symbol they are 0. */
        int[] digits(int count) {
            int[] digits = new int[count];
            for (int i = 0; i < count && at < end; i++) {
                if (quotientLeft < 0) quotientLeft = symbols[at] >> divisor;
                digits[i] = Math.min(quotientLeft, largestDigit);
                quotientLeft -= digits[i];
                if (!carries || digits[i] < largestDigit) {
                    quotientLeft = -1;
                    at++;
                }
            }
            return digits;
        }

        /** Writes the remainders of the symbols that ended in the chunk before. */
        void remainders(BitSink sink) {
            for (int i = remaindersFrom; i < remaindersTo; i++) sink.put(symbols[i] & (1 << divisor) - 1, divisor);
            remaindersFrom = remaindersTo;
        }

        /** Says that the digits so far are written. */
        void written() {
            remaindersTo = at;
        }
    }

    private static final class SliceWriter {
        private static final int DIGITS = 12;
        private static final int FEWER_DIGITS = 8;

        /** How many weights may be ahead of zeros. */
        private static final int AHEAD = 8;

        private final BitSink sink;
        private final Plan plan;
        private final int begin;
        private final int end;

        SliceWriter(BitSink sink, Plan plan, int begin, int end) {
            this.sink = sink;
            this.plan = plan;
            this.begin = begin;
            this.end = end;
        }

        void write() {
            int form = plan.forms[begin];
            boolean plain = form == FORMS - 1;
            boolean truncated = !plain && form >= DIVISORS;
            boolean first = begin == 0;
            sink.put(plan.zeroRuns ? plan.zeroDivisor : NO_ZERO_RUNS, 3);
            sink.put(end - begin - 1, 15);
            sink.put(plain ? PLAIN : form % DIVISORS, 3);
            sink.put(truncated ? 1 : 0, 1);
            sink.put(first ? 1 : 0, 1);
            if (first) palette();
            int divisor = plain ? plan.alphabet.plainBits() : form % DIVISORS;
            Chunks weights = new Chunks(plan.symbols, begin, end, divisor, 2, !truncated);
            int firstZero = first ? 0 : begin + 1;
            int zeroEnd = plan.zeroRuns ? end + 1 : firstZero;
            Chunks zeros = new Chunks(plan.zeros, firstZero, zeroEnd, plan.zeroDivisor, 1, true);
            chunks(weights, zeros, plain, divisor > 5 && plain ? FEWER_DIGITS : DIGITS);
        }

        private void palette() {
            Alphabet a = plan.alphabet;
            sink.put(a.unused, 5);
            sink.put(Math.max(0, a.palette.length - 1), 5);
            sink.put(a.bits - 2, 3);
            for (int number : a.palette) sink.put(number, a.bits);
        }

        private void chunks(Chunks weights, Chunks zeros, boolean plain, int weightDigits) {
            int zeroDigits = plan.zeroDivisor < 3 ? DIGITS : FEWER_DIGITS;
            int firstZero = zeros.at;
            boolean more = true;
            while (more) {
                int ahead = plan.zeroRuns ? weights.at - begin - (zeros.at - firstZero) : 0;
                boolean weightTurn = ahead < AHEAD && !weights.isDone();
                boolean zeroTurn = plan.zeroRuns && ahead >= 0 && !zeros.isDone();
                int[] w = weightTurn ? weights.digits(weightDigits) : new int[0];
                int[] z = zeroTurn ? zeros.digits(zeroDigits) : new int[0];
                if (weightTurn && !plain) for (int d : w) sink.put(Math.min(d, 1), 1);
                for (int d : z) sink.put(d, 1);
                if (!plain) for (int d : w) if (d > 0) sink.put(d - 1, 1);
                weights.remainders(sink);
                zeros.remainders(sink);
                weights.written();
                zeros.written();
                more = weightTurn || zeroTurn;
            }
        }
    }
}
