package dev.meseta.frontends.tflite.operators;

/**
 * Salmon, Moraes, Dror and Shaw's counter-based generator Philox4x32 of ten rounds ("Parallel random numbers: as easy as 1, 2, 3", 2011), which
 * TFLite's random operators have: a block of four numbers for each value of a counter of 128 bits. For one thread.
 */
final class Philox {
    private static final int ROUNDS = 10;
    private static final int BLOCK = 4;

    /** Factors of a round, and what is added to the key behind one. */
    private static final long FIRST_FACTOR = 0xd251_1f53L;

    private static final long SECOND_FACTOR = 0xcd9e_8d57L;
    private static final int FIRST_STEP = 0x9e37_79b9;
    private static final int SECOND_STEP = 0xbb67_ae85;
    private static final long LOW = 0xffff_ffffL;

    private final int[] key;
    private final int[] counter;
    private final int[] block = new int[BLOCK];
    private int next = BLOCK;

    /**
     * @param seed the key
     * @param stream the upper half of the counter
     */
    Philox(long seed, long stream) {
        this.key = new int[] {(int) seed, (int) (seed >>> 32)};
        this.counter = new int[] {0, 0, (int) stream, (int) (stream >>> 32)};
    }

    /** 32 bits, each number of a block in turn. */
    int bits() {
        if (next == BLOCK) {
            fill();
            next = 0;
        }
        return block[next++];
    }

    private void fill() {
        int[] c = counter.clone();
        int first = key[0];
        int second = key[1];
        for (int i = 0; i < ROUNDS; i++) {
            long p = FIRST_FACTOR * (c[0] & LOW);
            long q = SECOND_FACTOR * (c[2] & LOW);
            c = new int[] {(int) (q >>> 32) ^ c[1] ^ first, (int) q, (int) (p >>> 32) ^ c[3] ^ second, (int) p};
            first += FIRST_STEP;
            second += SECOND_STEP;
        }
        System.arraycopy(c, 0, block, 0, BLOCK);
        for (int i = 0; i < BLOCK && ++counter[i] == 0; i++) {
            // Carries.
        }
    }

    /** In [0, 1), with 23 bits. */
    float uniform() {
        return Float.intBitsToFloat(127 << 23 | bits() & 0x7f_ffff) - 1;
    }

    /** In [0, 1), with 52 bits. */
    double uniformDouble() {
        long high = bits() & 0xf_ffffL;
        long low = bits() & LOW;
        return Double.longBitsToDouble(1023L << 52 | high << 32 | low) - 1;
    }

    /** Two numbers of the normal distribution, by Box and Muller's method. */
    float[] normal() {
        float u = Math.max(uniform(), 1e-7f);
        float angle = (float) (2 * Math.PI) * uniform();
        float radius = (float) Math.sqrt(-2 * (float) Math.log(u));
        return new float[] {(float) Math.sin(angle) * radius, (float) Math.cos(angle) * radius};
    }
}
