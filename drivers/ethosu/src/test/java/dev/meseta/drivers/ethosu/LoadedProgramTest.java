package dev.meseta.drivers.ethosu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.DeviceException;
import dev.meseta.drivers.ethosu.Program.Place;
import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.commands.StreamWriter;
import dev.meseta.drivers.ethosu.model.ModelKernel;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.linux.DeviceKernel;
import dev.meseta.linux.EthosuRequests;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Programs on a board that the model stands for: one submission a job, and no end that nobody notices. */
final class LoadedProgramTest {
    private static final int U65_256 = 0x1000_3008;
    private static final TensorType BYTES = new TensorType(DType.I8, Shape.of(1, 2, 2, 4));

    /** Counts what is asked of a kernel. */
    private record Counting(DeviceKernel kernel, List<Long> requests) implements DeviceKernel {
        @Override
        public int ioctl(long request, MemorySegment structure) {
            requests.add(request);
            return kernel.ioctl(request, structure);
        }

        @Override
        public MemorySegment map(long offset, long bytes) {
            return kernel.map(offset, bytes);
        }

        @Override
        public void unmap(MemorySegment memory) {
            kernel.unmap(memory);
        }

        @Override
        public String log() {
            return kernel.log();
        }

        @Override
        public void close() {
            kernel.close();
        }
    }

    private static final StreamWriter.Map IN = new StreamWriter.Map(1, 0, 2, 2, 4, -1);
    private static final StreamWriter.Map OUT = new StreamWriter.Map(1, 32, 2, 2, 4, -1);

    /** The larger of each element and 3: an operation with a number, of which the kernel wants to know more than the device. */
    private static StreamWriter atLeastThree() {
        return new StreamWriter()
                .first(IN)
                .result(OUT, 0x100)
                .set("IFM2_BROADCAST", 1 << 7)
                .set("IFM2_SCALAR", 3)
                .set("IFM2_ZERO_POINT", 0)
                .set("OFM_SCALE", 1, 0)
                .set("OP_ELEMENTWISE", 4);
    }

    private static Program program(StreamWriter stream, int configuration) {
        return new Program(
                stream.words(),
                configuration,
                MemorySegment.ofArray(new byte[5]),
                48,
                0,
                List.of(new Place(BYTES, 0)),
                List.of(new Place(BYTES, 32)),
                List.of("larger of 3"));
    }

    private static Board board(List<Long> requests) {
        return Board.of("board", new Counting(new ModelKernel(0x1006_1010, U65_256, 1024), requests))
                .orElseThrow();
    }

    @Test
    void aJobIsOneSubmission() {
        List<Long> requests = new ArrayList<>();
        try (Board board = board(requests)) {
            LoadedProgram p = LoadedProgram.of(board, program(atLeastThree(), U65_256));
            assertEquals(2, p.regions().size());
            for (int run = 0; run < 3; run++) {
                requests.clear();
                MemorySegment in = MemorySegment.ofArray(new byte[16]);
                MemorySegment out = MemorySegment.ofArray(new byte[16]);
                for (int i = 0; i < 16; i++) in.set(JAVA_BYTE, i, (byte) (i - 8 + run));
                p.run(List.of(in, out), () -> false);
                for (int i = 0; i < 16; i++) assertEquals(Math.max(3, i - 8 + run), out.get(JAVA_BYTE, i));
                assertEquals(
                        1,
                        requests.stream()
                                .filter(r -> r == EthosuRequests.SUBMIT.number())
                                .count());
                assertEquals(
                        requests.size() - 1L,
                        requests.stream()
                                .filter(r -> r == EthosuRequests.BO_WAIT.number())
                                .count());
            }
        }
    }

    /** The kernel gives a job up without a word: the mark at the end of the stream is missing then. */
    @Test
    void aJobThatTheDeviceGaveUpFails() {
        StreamWriter undone = atLeastThree().set("ACTIVATION", 3).set("OP_ELEMENTWISE", 4);
        try (Board board = board(new ArrayList<>())) {
            LoadedProgram p = LoadedProgram.of(board, program(undone, U65_256));
            List<MemorySegment> bound =
                    List.of(MemorySegment.ofArray(new byte[16]), MemorySegment.ofArray(new byte[16]));
            DeviceException e = assertThrows(DeviceException.class, () -> p.run(bound, () -> false));
            assertEquals(DeviceException.Kind.FAILED, e.kind());
            assertTrue(e.getMessage().contains("did not come to the end"), e.getMessage());
        }
    }

    @Test
    void aProgramForAnotherDeviceIsRefused() {
        try (Board board = board(new ArrayList<>())) {
            DeviceException e = assertThrows(
                    DeviceException.class, () -> LoadedProgram.of(board, program(atLeastThree(), U65_256 + 1)));
            assertTrue(e.getMessage().contains("U65-512"), e.getMessage());
        }
    }

    @Test
    void aProgramThatLeavesItsMemoryIsRefused() {
        try (Board board = board(new ArrayList<>())) {
            Program p = program(atLeastThree().copy(1, 40, Operation.INSIDE, 0, 16), U65_256);
            InvalidInputException e = assertThrows(InvalidInputException.class, () -> LoadedProgram.of(board, p));
            assertTrue(e.getMessage().contains("region 1"), e.getMessage());
        }
    }

    @Test
    void aProgramThatNeedsMoreFastMemoryIsRefused() {
        try (Board board = board(new ArrayList<>())) {
            Program p = program(atLeastThree(), U65_256);
            Program large = new Program(
                    p.words(),
                    p.configuration(),
                    p.constants(),
                    p.mapBytes(),
                    1 << 20,
                    p.inputs(),
                    p.outputs(),
                    p.notes());
            DeviceException e = assertThrows(DeviceException.class, () -> LoadedProgram.of(board, large));
            assertEquals(DeviceException.Kind.UNSUPPORTED, e.kind());
        }
    }
}
