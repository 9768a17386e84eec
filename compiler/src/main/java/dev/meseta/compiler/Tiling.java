package dev.meseta.compiler;

import dev.meseta.driver.Target;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The size of a register tile: rows, and vectors a row.
 *
 * @param lanes of a vector
 * @param vectors a row
 * @param height rows
 */
record Tiling(int lanes, int vectors, int height) {
    /** Narrower vectors are not worth a tile. */
    static final int LEAST_LANES = 4;

    private static final int MOST_ROWS = 16;
    private static final int MOST_VECTORS = 4;

    /** What an access to memory costs where iterations run in lockstep, in products. */
    private static final double LOCKSTEP_ACCESS = 16;

    /** What an extent that is an argument is taken for. */
    private static final long ARGUMENT = 240;

    /** Heights for a number of rows that is an argument of the kernel: few, so that few kernels are made. */
    private static final Set<Integer> ARGUMENT_HEIGHTS = Set.of(16, 12, 8, 6, 4, 2, 1);

    /** From here on, a number of rows that is an argument is taken for {@link #ARGUMENT}. */
    private static final long MANY_ROWS = 48;

    /**
     * The tile with the least work for a product, by a model of a core: two loads and two products of registers a cycle, fewer products
     * of the widest registers where they are halved. Tiles overlap at the ends, so that their number counts whole. Others that are nearly as good may be chosen.
     *
     * @param bytes of an element of what is accumulated
     * @param rows of the product
     * @param columns of the product
     * @param besides registers that a step needs beside the sums and its vectors: for a scalar in all lanes, and what is between
     * @param parts products with the same rows that a tile computes beside each other, each of so many columns
     * @return null if there are too few columns for vectors
     */
    static @Nullable Tiling of(
            Target target, Choices choices, int bytes, Size rows, Size columns, int besides, int parts) {
        int widest = Math.max(1, target.vectorBytes() / bytes);
        Map<Tiling, Double> costs = new LinkedHashMap<>();
        for (int lanes = widest; lanes >= Math.min(LEAST_LANES, widest); lanes /= 2) {
            for (int vectors = parts; vectors <= Math.max(parts, MOST_VECTORS); vectors += parts) {
                if (columns.value() < (long) lanes * vectors / parts) continue;
                if (!columns.isLiteral() && (lanes < widest || vectors > 2) && !costs.isEmpty()) continue;
                for (int height = MOST_ROWS; height >= 1; height--) {
                    Tiling t = new Tiling(lanes, vectors, height);
                    if (t.fits(target, rows, besides))
                        costs.put(t, t.cost(target, bytes, nominal(rows, MANY_ROWS), parts * nominal(columns, 0)));
                }
            }
        }
        if (costs.isEmpty()) return null;
        String question = "tile of " + 8 * bytes + " bits for " + text(rows) + "x" + (parts == 1 ? "" : parts + "*")
                + text(columns);
        return choices.pick(question, costs, t -> t.height + "x" + t.vectors + "x" + t.lanes);
    }

    private static String text(Size extent) {
        return extent.isLiteral() ? Long.toString(extent.value()) : "?";
    }

    /** The extent that a choice is made for: for most arguments the same, so that their value does not change the kernel. */
    private static long nominal(Size extent, long many) {
        return extent.isLiteral() || extent.value() < many ? extent.value() : ARGUMENT;
    }

    private boolean fits(Target target, Size rows, int besides) {
        if (height > rows.value()) return false;
        if (vectors * height + vectors + besides > target.vectorRegisters()) return false;
        return rows.isLiteral() || ARGUMENT_HEIGHTS.contains(height);
    }

    /** Products lane by lane, and accesses of eight bytes; every step of a row's own sum is a fourth of an access of two. */
    private double lockstepCost(Target target, long rows, long columns) {
        double cycles = (double) vectors * lanes * height + LOCKSTEP_ACCESS * (vectors * lanes / 2.0 + height / 2.0);
        long tiles = Math.ceilDiv(rows, height) * Math.ceilDiv(columns, (long) lanes * vectors);
        return Math.max(tiles, target.threads()) * cycles;
    }

    /** Cycles for a step of the sum over the whole product. */
    private double cost(Target target, int bytes, long rows, long columns) {
        if (target.lockstep()) return lockstepCost(target, rows, columns);
        boolean whole = lanes * bytes == target.vectorBytes();
        double product = target.halved() && whole ? 0.75 : 0.5;
        double loads = (vectors * product / 0.5 + height) / 2;
        // A chain of dependent sums is four cycles long.
        // The vectors come from the second-level cache.
        double cycles = Math.max(4 * 0.9, Math.max(vectors * height * product, loads)) + 0.4 + vectors * product / 2;
        long tiles =
                ((rows + height - 1) / height) * ((columns + (long) lanes * vectors - 1) / ((long) lanes * vectors));
        return tiles * cycles;
    }
}
