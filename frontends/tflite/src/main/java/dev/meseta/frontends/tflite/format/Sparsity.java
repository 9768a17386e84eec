package dev.meseta.frontends.tflite.format;

import dev.meseta.graph.InvalidInputException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a constant is stored of which most elements are zero.
 *
 * @param order the axes in the order in which they are walked, those of blocks behind the tensor's own
 * @param blocks the tensor's axis that each block's axis divides
 * @param levels one for each entry of the order
 */
public record Sparsity(int[] order, int[] blocks, List<Level> levels) {
    /**
     * One axis as it is stored.
     *
     * @param extent its extent if every place is stored
     * @param segments where each parent's entries begin and end, if not every place is stored; else null
     * @param positions the entries' places on the axis
     */
    public record Level(int extent, int @Nullable [] segments, int[] positions) {}

    static Sparsity read(FlatBuffer.Table table, String where) {
        List<Level> levels = new ArrayList<>();
        for (FlatBuffer.Table m : table.tables(2)) {
            int[] segments = m.int8(0, 0) == 0 ? null : vector(m, 2, where);
            levels.add(new Level(m.int32(1, 0), segments, segments == null ? new int[0] : vector(m, 4, where)));
        }
        return new Sparsity(table.ints(0), table.ints(1), List.copyOf(levels));
    }

    /** A vector whose width the field before its own says. */
    private static int[] vector(FlatBuffer.Table table, int field, String where) {
        FlatBuffer.@Nullable Table values = table.table(field + 1);
        if (values == null) return new int[0];
        return switch (table.int8(field, 0)) {
            case 1 -> values.ints(0);
            case 2 -> values.shorts(0);
            case 3 -> {
                byte[] narrow = values.bytes(0).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
                int[] v = new int[narrow.length];
                for (int i = 0; i < v.length; i++) v[i] = narrow[i] & 0xff;
                yield v;
            }
            default -> throw new InvalidInputException(where + " has sparse positions of an unknown width");
        };
    }
}
