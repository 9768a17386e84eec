package dev.meseta.graph.interpreter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.List;
import org.junit.jupiter.api.Test;

class IndexingTest {
    private static final Tensor X = Tensor.of(new float[] {0, 1, 2, 10, 11, 12}, 2, 3);

    private static double[] eval(Op op, Tensor... operands) {
        return Interpreter.evaluate(op, List.of(operands)).getFirst().toDoubles();
    }

    private static Tensor at(int[] positions, long... extents) {
        return Tensor.of(positions, extents);
    }

    @Test
    void gathers() {
        assertArrayEquals(new double[] {2, 0, 12, 10}, eval(new Op.Gather(1), X, at(new int[] {2, 0}, 2)));
        assertArrayEquals(
                new double[] {10, 11, 12, 0, 1, 2}, eval(new Op.Gather(0), X, Tensor.of(new long[] {1, 0}, 2, 1)));
        assertArrayEquals(new double[] {10, 11, 12}, eval(new Op.Gather(0), X, Tensor.scalar(DType.I64, 1L)));
        assertArrayEquals(
                new double[] {2, 1, 10, 10}, eval(new Op.GatherElements(1), X, at(new int[] {2, 1, 0, 0}, 2, 2)));
        assertArrayEquals(new double[] {10, 1}, eval(new Op.GatherElements(0), X, at(new int[] {1, 0}, 1, 2)));
        assertArrayEquals(new double[] {12, 0}, eval(new Op.GatherNd(0), X, at(new int[] {1, 2, 0, 0}, 2, 2)));
        assertArrayEquals(new double[] {10, 11, 12}, eval(new Op.GatherNd(0), X, at(new int[] {1}, 1, 1)));
        assertArrayEquals(new double[] {2, 11}, eval(new Op.GatherNd(1), X, at(new int[] {2, 1}, 2, 1)));
        // No coordinates at all: the whole of x for each row.
        assertEquals(18, eval(new Op.GatherNd(0), X, Tensor.allocate(TensorType.of(DType.I64, 3, 0))).length);
    }

    @Test
    void scatters() {
        Tensor updates = Tensor.of(new float[] {5, 6}, 1, 2);
        Tensor places = at(new int[] {1, 0}, 1, 2);
        assertArrayEquals(
                new double[] {0, 6, 2, 5, 11, 12}, eval(new Op.ScatterElements(0, Op.Combine.SET), X, places, updates));
        Tensor twice = at(new int[] {0, 0}, 1, 2);
        assertArrayEquals(
                new double[] {11, 1, 2, 10, 11, 12},
                eval(new Op.ScatterElements(1, Op.Combine.ADD), X, twice, updates));
        assertArrayEquals(
                new double[] {6, 1, 2, 10, 11, 12}, eval(new Op.ScatterElements(1, Op.Combine.SET), X, twice, updates));
        Tensor rows = at(new int[] {1, 1}, 2, 1);
        Tensor two = Tensor.of(new float[] {1, 2, 3, 100, 2, 1}, 2, 3);
        assertArrayEquals(new double[] {0, 1, 2, 100, 11, 12}, eval(new Op.ScatterNd(Op.Combine.MAX), X, rows, two));
        assertArrayEquals(new double[] {0, 1, 2, 1, 2, 1}, eval(new Op.ScatterNd(Op.Combine.MIN), X, rows, two));
        assertArrayEquals(new double[] {0, 1, 2, 1000, 44, 36}, eval(new Op.ScatterNd(Op.Combine.MUL), X, rows, two));
        // The operand is as it was.
        assertArrayEquals(new double[] {0, 1, 2, 10, 11, 12}, X.toDoubles());
    }

    @Test
    void integersScatterInTheirOwnWay() {
        Tensor x = Tensor.allocate(TensorType.of(DType.U64, 2));
        x.setLong(0, -1);
        Tensor places = Tensor.of(new long[] {0, 1}, 2);
        Tensor updates = Tensor.allocate(TensorType.of(DType.U64, 2));
        updates.setLong(0, 7);
        Tensor y = Interpreter.evaluate(new Op.ScatterElements(0, Op.Combine.MAX), List.of(x, places, updates))
                .getFirst();
        assertArrayEquals(new long[] {-1, 0}, y.toLongs());
    }

    @Test
    void positionsOutsideAreReported() {
        refused(
                new Op.Gather(1),
                "gather: position 3 (element [1] of the positions) is outside the extent 3 of axis 1",
                X,
                at(new int[] {2, 3}, 2));
        refused(new Op.Gather(0), "position -1", X, at(new int[] {-1}, 1));
        refused(new Op.GatherElements(1), "gather_elements: position 7 (element [1, 0]", X, at(new int[] {0, 7}, 2, 1));
        refused(
                new Op.GatherNd(0),
                "gather_nd: position 2 (element [0, 0] of the positions) is outside the extent 2 of axis 0",
                X,
                at(new int[] {2, 0}, 1, 2));
        refused(new Op.GatherNd(1), "extent 3 of axis 1", X, at(new int[] {0, 3}, 2, 1));
        Tensor one = Tensor.of(new float[] {1}, 1, 1);
        refused(
                new Op.ScatterElements(0, Op.Combine.SET),
                "scatter_elements: position 2",
                X,
                at(new int[] {2}, 1, 1),
                one);
        refused(
                new Op.ScatterNd(Op.Combine.ADD),
                "scatter_nd: position 3",
                X,
                at(new int[] {1, 3}, 1, 2),
                Tensor.of(new float[] {1}, 1));
    }

    private static void refused(Op op, String message, Tensor... operands) {
        InvalidInputException e =
                assertThrows(InvalidInputException.class, () -> Interpreter.evaluate(op, List.of(operands)));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }
}
