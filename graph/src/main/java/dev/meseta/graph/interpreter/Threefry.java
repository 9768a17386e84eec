package dev.meseta.graph.interpreter;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;

/**
 * Threefry-2x32 with 20 rounds, a counter-based random generator: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", SC11. The block for a counter (c0, c1) and a key (k0, k1) is made so, all in 32 bits modulo 2^32:
 *
 * <ol>
 *   <li>k2 = k0 xor k1 xor 0x1BD11BDA; x0 = c0 + k0; x1 = c1 + k1.
 *   <li>Twenty rounds r = 0 … 19: x0 += x1; x1 = rotate_left(x1, R[r mod 8]) xor x0, with R = 13, 15, 26, 6, 17, 29, 16, 24.
 *   <li>After every fourth round, j = (r + 1) / 4: x0 += k[j mod 3]; x1 += k[(j + 1) mod 3] + j.
 * </ol>
 */
final class Threefry {
    private static final int[] ROTATIONS = {13, 15, 26, 6, 17, 29, 16, 24};
    private static final int PARITY = 0x1BD11BDA;
    private static final int ROUNDS = 20;

    private Threefry() {}

    /** Word i is word (i mod 2) of the block whose counter is the 64-bit number i div 2, low word first. */
    static Tensor bits(Tensor key, TensorType type) {
        Tensor t = Tensor.allocate(type);
        long k = key.getLong(0);
        long n = t.elements();
        for (long i = 0; i < n; i += 2) {
            long block = block((int) k, (int) (k >>> 32), (int) (i / 2), (int) ((i / 2) >>> 32));
            t.data().set(JAVA_INT_UNALIGNED, i * 4, (int) block);
            if (i + 1 < n) t.data().set(JAVA_INT_UNALIGNED, i * 4 + 4, (int) (block >>> 32));
        }
        return t;
    }

    /** Both words of a block, word 0 in the low half. */
    static long block(int k0, int k1, int c0, int c1) {
        int[] k = {k0, k1, PARITY ^ k0 ^ k1};
        int x0 = c0 + k0;
        int x1 = c1 + k1;
        for (int r = 0; r < ROUNDS; r++) {
            x0 += x1;
            x1 = Integer.rotateLeft(x1, ROTATIONS[r % 8]) ^ x0;
            if (r % 4 == 3) {
                int j = (r + 1) / 4;
                x0 += k[j % 3];
                x1 += k[(j + 1) % 3] + j;
            }
        }
        return Integer.toUnsignedLong(x1) << 32 | Integer.toUnsignedLong(x0);
    }
}
