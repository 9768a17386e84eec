package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A linear map of both axes of a square: of each column, then of each row of what comes of that. Both passes are loops with a local array
 * between them, whose code is short; or they are written out, with registers between them.
 *
 * @param map of a line
 * @param size of the square
 * @param results the lines that come of it, each as long
 * @param lanes of a value
 * @param array the local array; empty if the passes are written out
 */
record TwoPasses(LinearMap map, int size, int results, int lanes, String array) {
    /** Reads one value of the square. */
    interface Read {
        /** @param column a literal where passes are written out */
        Expr at(int row, Expr column);
    }

    /** Takes a row of results. */
    interface Rows {
        /** @param row a literal where passes are written out */
        void take(Expr row, List<Expr> values);
    }

    void emit(Emitter e, Read square, Rows rows) {
        List<List<Expr>> columns = new ArrayList<>();
        if (!array.isEmpty()) e.add(new Stmt.LocalArray(array, Type.of(DType.F32), results * size * lanes));
        each(e, size, j -> {
            List<Expr> column = new ArrayList<>();
            for (int i = 0; i < size; i++) column.add(e.let("x", square.at(i, j)));
            columns.add(map.apply(e, column));
            if (array.isEmpty()) return;
            for (int i = 0; i < results; i++) {
                Expr at = Kernels.mul(Kernels.add(j, (long) i * size), lanes);
                e.add(new Stmt.StoreLocal(array, at, columns.getLast().get(i)));
            }
        });
        each(e, results, i -> {
            List<Expr> row = new ArrayList<>();
            for (int j = 0; j < size; j++) {
                if (array.isEmpty()) {
                    row.add(columns.get(j).get((int) ((Expr.Int) i).value()));
                    continue;
                }
                Expr at = Kernels.mul(Kernels.add(Kernels.mul(i, size), j), lanes);
                row.add(e.let("x", new Expr.LoadLocal(array, at, new Type(DType.F32, lanes))));
            }
            rows.take(i, map.apply(e, row));
        });
    }

    private void each(Emitter e, int count, Consumer<Expr> body) {
        if (array.isEmpty()) {
            for (int i = 0; i < count; i++) body.accept(Kernels.index(i));
            return;
        }
        String v = e.fresh("i");
        e.open();
        body.accept(Kernels.variable(v));
        e.add(Kernels.loop(v, Kernels.index(0), Kernels.index(count), 1, e.close()));
    }
}
