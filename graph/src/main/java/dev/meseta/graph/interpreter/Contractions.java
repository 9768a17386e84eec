package dev.meseta.graph.interpreter;

import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sums of products over paired axes: both operands are brought into the form of matrices, [batch, rows, sum] and [batch, sum, columns]. */
final class Contractions {
    /** Rows that share one reading of the right matrix. */
    private static final int ROWS = 4;

    /** Columns whose sums stay in the first cache. */
    private static final int COLUMNS = 1024;

    /** Below this many columns the sum is the inner loop. */
    private static final int FEW_COLUMNS = 8;

    private Contractions() {}

    static Tensor contraction(Op.Contraction o, Tensor left, Tensor right, TensorType type) {
        List<Integer> leftFree = others(left, o.leftBatch(), o.leftSum());
        List<Integer> rightFree = others(right, o.rightBatch(), o.rightSum());
        int batch = product(left, o.leftBatch());
        int rows = product(left, leftFree);
        int columns = product(right, rightFree);
        int sum = product(left, o.leftSum());
        boolean few = columns < FEW_COLUMNS;
        Tensor l = arrange(left, o.leftBatch(), leftFree, o.leftSum());
        Tensor r = few
                ? arrange(right, o.rightBatch(), rightFree, o.rightSum())
                : arrange(right, o.rightBatch(), o.rightSum(), rightFree);
        int length = Memory.arrayLength(type);
        Matrices m = new Matrices(rows, columns, sum);
        if (left.dtype().isFloat()) {
            double[] a = Elements.doubles(l);
            double[] b = Elements.doubles(r);
            double[] c = new double[length];
            m.eachBlock(batch, (n, row) -> {
                if (few) m.dots(a, b, c, n, row);
                else m.rows(a, b, c, n, row);
            });
            return Elements.tensor(type, c);
        }
        long[] a = Elements.longs(l);
        long[] b = Elements.longs(r);
        long[] c = new long[length];
        m.eachBlock(batch, (n, row) -> {
            if (few) m.dots(a, b, c, n, row);
            else m.rows(a, b, c, n, row);
        });
        return Elements.tensor(type, c);
    }

    /** The extents of one matrix product of a batch; the methods compute {@link #ROWS} rows from {@code row} of product {@code n}. */
    private record Matrices(int rows, int columns, int sum) {
        interface Block {
            void compute(int n, int row);
        }

        void eachBlock(int batch, Block block) {
            int blocks = (rows + ROWS - 1) / ROWS;
            Parallel.each(
                    Math.multiplyExact(batch, blocks),
                    (double) ROWS * columns * sum,
                    i -> block.compute(i / blocks, i % blocks * ROWS));
        }

        void rows(double[] a, double[] b, double[] c, int n, int row) {
            int last = Math.min(rows, row + ROWS);
            for (int from = 0; from < columns; from += COLUMNS) {
                int width = Math.min(COLUMNS, columns - from);
                for (int k = 0; k < sum; k++) {
                    int bAt = (n * sum + k) * columns + from;
                    for (int i = row; i < last; i++) {
                        double x = a[(n * rows + i) * sum + k];
                        int cAt = (n * rows + i) * columns + from;
                        for (int j = 0; j < width; j++) c[cAt + j] += x * b[bAt + j];
                    }
                }
            }
        }

        void dots(double[] a, double[] b, double[] c, int n, int row) {
            for (int i = row; i < Math.min(rows, row + ROWS); i++) {
                for (int j = 0; j < columns; j++) {
                    int aAt = (n * rows + i) * sum;
                    int bAt = (n * columns + j) * sum;
                    double s = 0;
                    for (int k = 0; k < sum; k++) s += a[aAt + k] * b[bAt + k];
                    c[(n * rows + i) * columns + j] = s;
                }
            }
        }

        void rows(long[] a, long[] b, long[] c, int n, int row) {
            int last = Math.min(rows, row + ROWS);
            for (int from = 0; from < columns; from += COLUMNS) {
                int width = Math.min(COLUMNS, columns - from);
                for (int k = 0; k < sum; k++) {
                    int bAt = (n * sum + k) * columns + from;
                    for (int i = row; i < last; i++) {
                        long x = a[(n * rows + i) * sum + k];
                        int cAt = (n * rows + i) * columns + from;
                        for (int j = 0; j < width; j++) c[cAt + j] += x * b[bAt + j];
                    }
                }
            }
        }

        void dots(long[] a, long[] b, long[] c, int n, int row) {
            for (int i = row; i < Math.min(rows, row + ROWS); i++) {
                for (int j = 0; j < columns; j++) {
                    int aAt = (n * rows + i) * sum;
                    int bAt = (n * columns + j) * sum;
                    long s = 0;
                    for (int k = 0; k < sum; k++) s += a[aAt + k] * b[bAt + k];
                    c[(n * rows + i) * columns + j] = s;
                }
            }
        }
    }

    private static List<Integer> others(Tensor t, List<Integer> batch, List<Integer> sum) {
        List<Integer> free = new ArrayList<>();
        for (int i = 0; i < t.shape().rank(); i++) if (!batch.contains(i) && !sum.contains(i)) free.add(i);
        return free;
    }

    @SafeVarargs
    private static Tensor arrange(Tensor t, List<Integer>... parts) {
        List<Integer> order = Arrays.stream(parts).flatMap(List::stream).toList();
        Shape s = Shape.of(order.stream().map(t.shape()::dim).toList());
        return Movement.transpose(t, order, t.type().with(s));
    }

    private static int product(Tensor t, List<Integer> axes) {
        long n = 1;
        for (int a : axes) n = Math.multiplyExact(n, t.shape().extent(a));
        return Memory.arrayLength(n, "contraction");
    }
}
