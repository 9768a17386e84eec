package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Program;
import dev.meseta.tests.ModelAttempt;
import dev.meseta.tests.tflite.FlatBufferWriter.Table;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that hold more, or other things, than a model of one graph. */
final class ModelFilesTest {
    @TempDir
    Path folder;

    private static String refusal(byte[] model) {
        return assertThrows(InvalidInputException.class, () -> TfliteReader.read(MemorySegment.ofArray(model)))
                .getMessage();
    }

    /** The first graph is run; another one matters where it is called. */
    @Test
    void graphsThatNobodyCallsMayHoldAnything() {
        for (boolean called : new boolean[] {false, true}) {
            Subgraphs s = new Subgraphs();
            Subgraphs.Graph main = s.graph();
            int x = main.tensor(DType.F32, 2);
            int y = main.tensor(DType.F32, 2);
            main.inputs(x).outputs(y);
            if (called) {
                int condition = main.constant(Tensor.scalar(DType.BOOL, 1L));
                main.operator("IF", new Table().set(0, 1).set(1, 1), Subgraphs.of(condition, x), y);
            } else {
                main.operator("ABS", null, Subgraphs.of(x), y);
            }
            Subgraphs.Graph other = s.graph();
            int a = other.tensor(DType.F32, 2);
            int b = other.tensor(DType.F32, 2);
            other.inputs(a).outputs(b).operator("SKIP_GRAM", null, Subgraphs.of(a), b);
            if (called) {
                String message = refusal(s.bytes());
                assertTrue(message.contains("SKIP_GRAM-1 is not supported"), message);
                continue;
            }
            Tensor in = Tensor.of(new float[] {-1, 2}, 2);
            Tensor out = TfliteOperatorsTest.ours(
                            TfliteReader.read(MemorySegment.ofArray(s.bytes())), "reference", List.of(in))
                    .getFirst();
            assertArrayEquals(new float[] {1, 2}, out.toFloats());
        }
    }

    @Test
    void operatorsOfTensorFlowAreNamed() {
        String message = refusal(OneOperator.custom("FlexErf", new byte[0])
                .input(Tensor.of(new float[2], 2))
                .output(DType.F32, null, 2)
                .bytes());
        assertTrue(message.contains("'Erf', which a converter leaves with SELECT_TF_OPS, is not supported"), message);
    }

    @Test
    void resultsThatAnOperatorDoesNotHaveAreRefused() {
        OneOperator model = new OneOperator("WHERE", 1)
                .input(Tensor.of(new float[2], 2))
                .output(DType.I64, null, 1, 1)
                .output(DType.I64, null, 1, 1);
        String message = assertThrows(
                        InvalidInputException.class,
                        () -> TfliteOperatorsTest.ours(
                                TfliteReader.read(MemorySegment.ofArray(model.bytes())), "reference", model.values))
                .getMessage();
        assertTrue(message.contains("gives 1 results, the model has 2"), message);
    }

    /** {@code x + c}, with the constant at a byte of the file behind the tables. */
    private static byte[] withConstantAt(long offset, long bytes) {
        Table sum = new Table().set(0, 0).set(1, new int[] {0, 1}).set(2, new int[] {2});
        Table constant = tensor("c").set(2, 1);
        Table graph = new Table()
                .set(0, List.of(tensor("x"), constant, tensor("y")))
                .set(1, new int[] {0})
                .set(2, new int[] {2})
                .set(3, List.of(sum));
        Table model = new Table()
                .set(0, 3)
                .set(1, List.of(new Table().set(0, (byte) 0).set(2, 1)))
                .set(2, List.of(graph))
                .set(4, List.of(new Table(), new Table().set(1, offset).set(2, bytes)));
        return FlatBufferWriter.write(model, "TFL3");
    }

    private static Table tensor(String name) {
        return new Table().set(0, new int[] {2}).set(1, (byte) 0).set(3, name);
    }

    /** A file with a hole, so that it takes no room. */
    @Test
    void constantsBehindTwoGibibytesAreRead() throws IOException {
        long offset = (5L << 30) + 16;
        byte[] tables = withConstantAt(offset, 8);
        assertEquals(tables.length, withConstantAt(1 << 20, 8).length);
        Path file = folder.resolve("large.tflite");
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.write(tables);
            out.seek(offset);
            out.write(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putFloat(10)
                    .putFloat(20)
                    .array());
        }
        Tensor y = TfliteOperatorsTest.ours(
                        TfliteReader.read(file), "reference", List.of(Tensor.of(new float[] {1, 2}, 2)))
                .getFirst();
        assertArrayEquals(new float[] {11, 22}, y.toFloats());
        for (long[] wrong : new long[][] {{offset, 8}, {-1, 8}, {64, Long.MAX_VALUE}, {Long.MAX_VALUE, 8}, {64, -8}}) {
            String message = refusal(withConstantAt(wrong[0], wrong[1]));
            assertTrue(
                    message.contains("buffer") || message.contains("takes 8 bytes"),
                    () -> Arrays.toString(wrong) + message);
        }
    }

    /** What a few numbers of a file ask for without data behind it is refused, with what was found and the limit. */
    @Test
    void sizesWithoutDataAreBounded() {
        Tensor picture = Tensor.allocate(DType.F32, Shape.of(1, 8, 8, 1));
        OneOperator pool = new OneOperator("AVERAGE_POOL_2D", 1)
                .with(1, 1)
                .with(2, 1)
                .with(3, 1 << 20)
                .with(4, 3)
                .input(picture)
                .output(DType.F32, null, 1, 8, 8, 1);
        OneOperator convolution = new OneOperator("CONV_2D", 2)
                .with(1, 1)
                .with(2, 1)
                .with(4, 1)
                .with(5, 1 << 20)
                .input(picture)
                .constant(Tensor.allocate(DType.F32, Shape.of(1, 3, 3, 1)))
                .output(DType.F32, null, 1, 8, 8, 1);
        OneOperator tile = new OneOperator("TILE", 1)
                .input(picture)
                .constant(Tensor.of(new int[] {1 << 14, 1 << 14, 1, 1}, 4))
                .output(DType.F32, null, 1 << 14, 1 << 17, 8, 1);
        refusedFor(
                pool, "(AVERAGE_POOL_2D-1): a window has 1048576 elements, at most 64 are supported on an axis of 8");
        refusedFor(
                convolution, "(CONV_2D-2): a window of 3 elements 1048576 apart reaches over 2097153, at most 65536");
        refusedFor(
                tile, "(TILE-1): result 0 is f32[16384,131072,8,1], which is more than 1 GiB and more than 1024 times");
    }

    private static void refusedFor(OneOperator model, String text) {
        Program program = TfliteReader.read(MemorySegment.ofArray(model.bytes()));
        String message = assertThrows(InvalidInputException.class, () -> ModelAttempt.verify(program))
                .getMessage();
        assertTrue(message.contains(text), message);
    }
}
