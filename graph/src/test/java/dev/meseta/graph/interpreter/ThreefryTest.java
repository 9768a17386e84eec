package dev.meseta.graph.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.graph.DType;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The known answers that the authors of Threefry publish with Random123 for 2x32 words and 20 rounds. */
class ThreefryTest {
    @Test
    void knownAnswers() {
        check(0, 0, 0, 0, 0x6b200159, 0x99ba4efe);
        check(-1, -1, -1, -1, 0x1cb996fc, 0xbb002be7);
        check(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0);
    }

    private static void check(int k0, int k1, int c0, int c1, int x0, int x1) {
        long block = Threefry.block(k0, k1, c0, c1);
        assertEquals(Integer.toHexString(x0), Integer.toHexString((int) block));
        assertEquals(Integer.toHexString(x1), Integer.toHexString((int) (block >>> 32)));
    }

    @Test
    void anOddNumberOfWordsEndsInHalfABlock() {
        Tensor key = Tensor.scalar(DType.U64, 0x0000_0002_0000_0001L);
        Tensor bits = Interpreter.evaluate(new Op.RandomBits(Shape.of(3)), List.of(key))
                .getFirst();
        long first = Threefry.block(1, 2, 0, 0);
        assertEquals(first & 0xffff_ffffL, bits.getLong(0));
        assertEquals(first >>> 32, bits.getLong(1));
        assertEquals(Threefry.block(1, 2, 1, 0) & 0xffff_ffffL, bits.getLong(2));
    }
}
