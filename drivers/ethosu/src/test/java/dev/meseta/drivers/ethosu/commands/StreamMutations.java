package dev.meseta.drivers.ethosu.commands;

import java.util.List;
import java.util.Random;

/**
 * Damages command streams: bits and values of words, values that are known to be awkward, words exchanged, repeated, left out, cut off. For one
 * thread; the same seed gives the same streams.
 */
public final class StreamMutations {
    private static final List<Integer> AWKWARD =
            List.of(0, 1, -1, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 255, 256, 15, 16);

    private final Random random;

    public StreamMutations(long seed) {
        this.random = new Random(seed);
    }

    /** A copy of words with one to four mistakes. */
    public int[] of(int[] words) {
        int[] w = words.clone();
        for (int k = random.nextInt(1, 5); k > 0; k--) w = once(w);
        return w;
    }

    private int[] once(int[] words) {
        int[] w = words;
        if (w.length < 2) return w;
        int at = random.nextInt(w.length);
        switch (random.nextInt(9)) {
            case 0 -> w[at] ^= 1 << random.nextInt(32);
            case 1 -> w[at] ^= 1 << random.nextInt(16, 32);
            case 2 -> w[at] = random.nextInt();
            case 3 -> w[at] = w[at] & 0xffff | AWKWARD.get(random.nextInt(AWKWARD.size())) << 16;
            case 4 -> w[at] = AWKWARD.get(random.nextInt(AWKWARD.size()));
            case 5 -> w[at] += random.nextInt(-3, 4) << (random.nextBoolean() ? 16 : 0);
            case 6 -> {
                int other = random.nextInt(w.length);
                int word = w[at];
                w[at] = w[other];
                w[other] = word;
            }
            case 7 -> w[at] = w[random.nextInt(w.length)];
            default -> {
                int length = random.nextInt(4) == 0 ? random.nextInt(1, w.length) : w.length - 1;
                int[] shorter = new int[length];
                for (int i = 0; i < length; i++) shorter[i] = w[i < at || length < w.length - 1 ? i : i + 1];
                w = shorter;
            }
        }
        return w;
    }
}
