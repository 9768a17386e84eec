package dev.meseta.driver;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Places of pieces in one memory: those that are in use at the same time do not overlap. Large pieces are placed first, each at the lowest place
 * that is free for its life. Immutable.
 */
public final class Packing {
    private final List<Piece> pieces;
    private final long[] offsets;
    private final long end;

    /**
     * A piece of memory.
     *
     * @param bytes that it takes, a multiple of what its place shall be aligned to
     * @param first the time from which on it is in use
     * @param last the last time at which it is
     */
    public record Piece(long bytes, int first, int last) {}

    private Packing(List<Piece> pieces, List<Integer> order) {
        this.pieces = pieces;
        this.offsets = new long[pieces.size()];
        List<Integer> placed = new ArrayList<>();
        long bound = 0;
        for (int i : order) {
            offsets[i] = lowest(placed, pieces.get(i));
            int at = Collections.binarySearch(placed, i, Comparator.comparingLong(p -> offsets[p]));
            placed.add(at < 0 ? -at - 1 : at, i);
            bound = Math.max(bound, offsets[i] + pieces.get(i).bytes);
        }
        this.end = bound;
    }

    private long lowest(List<Integer> placed, Piece piece) {
        long at = 0;
        for (int i : placed) {
            Piece p = pieces.get(i);
            if (p.last < piece.first || piece.last < p.first) continue;
            if (at + piece.bytes <= offsets[i]) break;
            at = Math.max(at, offsets[i] + p.bytes);
        }
        return at;
    }

    /** Places pieces; the same for the same pieces. */
    public static Packing of(List<Piece> pieces) {
        return new Packing(List.copyOf(pieces), largestFirst(pieces));
    }

    /** As {@link #of}, by the best of so many more orders, each of which is the best one so far with a few pieces exchanged. */
    public static Packing best(List<Piece> pieces, int orders) {
        List<Integer> order = largestFirst(pieces);
        Packing best = new Packing(List.copyOf(pieces), order);
        long least = pressure(pieces);
        Random random = new Random(1);
        for (int i = 0; i < orders && best.end > least; i++) {
            List<Integer> next = new ArrayList<>(order);
            for (int k = random.nextInt(1, 4); k > 0; k--) {
                Collections.swap(next, random.nextInt(next.size()), random.nextInt(next.size()));
            }
            Packing p = new Packing(best.pieces, next);
            if (p.end > best.end) continue;
            best = p;
            order = next;
        }
        return best;
    }

    private static List<Integer> largestFirst(List<Piece> pieces) {
        return IntStream.range(0, pieces.size())
                .boxed()
                .sorted(Comparator.<Integer>comparingLong(i -> -pieces.get(i).bytes)
                        .thenComparingInt(i -> pieces.get(i).first))
                .toList();
    }

    /** The bytes that are in use at once; no memory with less holds all. */
    public static long pressure(List<Piece> pieces) {
        long most = 0;
        for (Piece p : pieces) {
            long sum = 0;
            for (Piece other : pieces) if (other.first <= p.first && p.first <= other.last) sum += other.bytes;
            most = Math.max(most, sum);
        }
        return most;
    }

    /** Where each piece begins, in their order. */
    public List<Long> offsets() {
        return Arrays.stream(offsets).boxed().toList();
    }

    /** Behind the last byte. */
    public long end() {
        return end;
    }
}
