package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.Op.Cast.Rounding;
import java.util.ArrayList;
import java.util.List;

/**
 * The rows of a tile of bytes as numbers of 16 bits, widened once for all that the tile multiplies them by. What is summed lies behind each
 * other, each innermost loop of it filled up with a zero where its length is odd.
 *
 * @param array the local array that holds them
 * @param stride numbers of a row
 * @param outer what the loops of the sum but the innermost move by
 */
record WideRows(Emitter e, String array, long stride, Lin outer) {
    /** More than this is not kept on a thread's stack. */
    static final long MOST_BYTES = 128 << 10;

    private static long padded(Atom inner) {
        return (inner.extent().value() + 1) / 2 * 2;
    }

    private static long stride(TileKernel.Shape s) {
        long n = padded(s.summed().getLast());
        for (Atom k : s.summed().subList(0, s.summed().size() - 1))
            n *= k.extent().value();
        return n;
    }

    /** Whether the rows of a tile fit. */
    static boolean fit(TileKernel.Shape s) {
        return stride(s) * s.height() * Short.BYTES <= MOST_BYTES;
    }

    /** Adds the widening. */
    static WideRows make(Emitter e, TileKernel.Shape s, List<Expr> rowStarts, Lin rowSteps) {
        List<Atom> loops = s.summed().subList(0, s.summed().size() - 1);
        Atom inner = s.summed().getLast();
        long length = inner.extent().value();
        List<Size> extents = new ArrayList<>();
        List<Lin> index = new ArrayList<>();
        for (Atom k : loops) {
            extents.add(k.extent());
            index.add(Lin.of(k));
        }
        Lin outer = Points.flat(extents, index).times(Size.of(padded(inner)));
        long stride = stride(s);
        String array = e.fresh("rows");
        e.add(new Stmt.LocalArray(array, Type.of(DType.I16), Math.toIntExact(stride * s.height())));
        WideRows rows = new WideRows(e, array, stride, outer);
        DType storage = s.rows().storage();
        int buffer = e.buffer(s.rows().place(), storage, Kernel.Access.READ);
        int lanes = 16;
        while (lanes > length) lanes /= 2;
        int width = lanes;
        e.loops(loops, 0, () -> {
            MapKernel.row(e, inner, width, Kernels.index(0), Kernels.index(length), () -> {
                Expr from = e.index(rowSteps);
                Expr to = e.index(outer.plus(Lin.of(inner)));
                for (int r = 0; r < s.height(); r++) {
                    Expr x = Kernels.load(buffer, Kernels.add(rowStarts.get(r), from), new Type(storage, width));
                    e.add(new Stmt.StoreLocal(
                            array, Kernels.add(to, r * stride), Kernels.convert(DType.I16, Rounding.WRAP, x)));
                }
            });
            if (length % 2 == 0) return;
            for (int r = 0; r < s.height(); r++) {
                Expr end = Kernels.add(e.index(outer), r * stride + length);
                e.add(new Stmt.StoreLocal(array, end, new Expr.Int(Type.of(DType.I16), 0)));
            }
        });
        return rows;
    }

    /** Where a step begins in the first row. */
    Expr at(Expr number) {
        return Kernels.add(e.index(outer), Kernels.mul(number, 2));
    }

    /** Two numbers of a row. */
    Expr pair(int row, Expr at) {
        return e.let("y", new Expr.LoadLocal(array, Kernels.add(at, row * stride), new Type(DType.I16, 2)));
    }
}
