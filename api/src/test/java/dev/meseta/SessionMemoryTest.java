package dev.meseta;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.DeviceException;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Inputs in memory of every kind, and what callers may do with it while runs are under way. */
@Timeout(60)
class SessionMemoryTest {
    private static final Lowering.Expand SUM_OF_SQUARES = c -> {
        var b = c.builder();
        var x = c.operand(0);
        return List.of(b.plus(b.matmul(x, x, DType.F32), b.scalar(DType.F32, 1.0)));
    };

    private static final Program PROGRAM = new Program(
            "product",
            List.of(Port.tensor(
                    "x", DType.F32, Shape.of(List.of(new Dim(Dim.UNKNOWN, "n"), new Dim(Dim.UNKNOWN, "n"))))),
            List.of(Port.any("y")),
            Map.of(),
            List.of(new Call("op", "test.Product", List.of("x"), List.of("y"), SUM_OF_SQUARES)));

    private static Session open(String device) {
        return Meseta.open().load(PROGRAM).on(device).prepare();
    }

    private static Tensor ones(MemorySegment memory, int n) {
        Tensor t = Tensor.wrap(new TensorType(DType.F32, Shape.of(n, n)), memory);
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, 1);
        return t;
    }

    private static void check(Outputs out, int n) {
        for (float f : out.first().toFloats()) assertEquals(n + 1f, f);
    }

    private static Outputs join(Session s, Tensor x) throws Exception {
        return s.runAsync(Map.of("x", x)).toCompletableFuture().get(30, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "reference"})
    void memoryOfEveryKindIsTaken(String device) throws Exception {
        int n = 20;
        long bytes = 4L * n * n;
        try (Session session = open(device);
                Arena confined = Arena.ofConfined();
                Arena shared = Arena.ofShared()) {
            List<MemorySegment> memory = List.of(
                    MemorySegment.ofArray(new float[n * n]),
                    confined.allocate(bytes, 64),
                    shared.allocate(bytes, 64),
                    shared.allocate(bytes + 1, 64).asSlice(1),
                    Arena.ofAuto().allocate(bytes, 64),
                    Arena.global().allocate(bytes, 64));
            for (MemorySegment m : memory) {
                Tensor x = ones(m, n);
                check(session.run(Map.of("x", x)), n);
                check(join(session, x), n);
                check(session.run(Map.of("x", Tensor.wrap(x.type(), m.asReadOnly()))), n);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "reference"})
    void closedMemoryIsRefused(String device) {
        try (Session session = open(device)) {
            Tensor x;
            try (Arena arena = Arena.ofShared()) {
                x = ones(arena.allocate(400), 10);
            }
            assertThrows(IllegalStateException.class, () -> session.run(Map.of("x", x)));
            CompletionException e = assertThrows(
                    CompletionException.class,
                    () -> session.runAsync(Map.of("x", x)).toCompletableFuture().join());
            assertTrue(e.getCause() instanceof IllegalStateException, e.toString());
        }
    }

    @Test
    void memoryThatIsClosedDuringARunCrashesNothing() throws Exception {
        int n = 96;
        AtomicInteger closed = new AtomicInteger();
        AtomicInteger held = new AtomicInteger();
        Queue<Throwable> wrong = new ConcurrentLinkedQueue<>();
        try (Session session = open("cpu")) {
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                threads.add(Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < 200; i++) {
                        Arena arena = Arena.ofShared();
                        Tensor x = ones(arena.allocate(4L * n * n, 64), n);
                        Thread closer = Thread.ofVirtual().start(() -> {
                            while (true) {
                                try {
                                    arena.close();
                                    return;
                                } catch (IllegalStateException e) {
                                    held.incrementAndGet();
                                    Thread.yield();
                                }
                            }
                        });
                        try {
                            check(session.run(Map.of("x", x)), n);
                        } catch (IllegalStateException e) {
                            closed.incrementAndGet();
                        } catch (DeviceException e) {
                            // Found when the job was checked: the memory is gone, or is the output's by now.
                            if (e.kind() != DeviceException.Kind.BUFFER) wrong.add(e);
                            closed.incrementAndGet();
                        } catch (Throwable e) {
                            wrong.add(e);
                        }
                        join(closer);
                    }
                }));
            }
            for (Thread t : threads) t.join();
        }
        assertEquals(List.of(), List.copyOf(wrong));
        assertTrue(closed.get() + held.get() > 0, "no run met a closing arena");
    }

    private static void join(Thread t) {
        try {
            t.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "reference"})
    void manyRunsAreUnderWay(String device) {
        try (Session session = open(device)) {
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                int n = 1 + i % 7;
                Tensor x = ones(Arena.ofAuto().allocate(4L * n * n, 4), n);
                all.add(session.runAsync(Map.of("x", x))
                        .thenAccept(out -> check(out, n))
                        .toCompletableFuture());
            }
            CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).join();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "reference"})
    void whatIsWrongWithAnAsynchronousRunIsSaid(String device) {
        Session session = open(device);
        assertThrows(InvalidInputException.class, () -> session.runAsync(Map.of()));
        CompletionException e = assertThrows(
                CompletionException.class,
                () -> session.runAsync(Map.of("x", Tensor.of(new long[1], 1, 1)))
                        .toCompletableFuture()
                        .join());
        assertTrue(e.getCause() instanceof InvalidInputException, e.toString());
        session.close();
        assertThrows(IllegalStateException.class, () -> session.runAsync(Map.of("x", Tensor.of(new float[1], 1, 1))));
    }

    @Test
    void aRunThatIsUnderWayEndsAlthoughTheSessionIsClosed() {
        Session session = open("cpu");
        int n = 200;
        Tensor x = ones(Arena.ofAuto().allocate(4L * n * n, 64), n);
        CompletableFuture<Outputs> first = session.runAsync(Map.of("x", x)).toCompletableFuture();
        session.close();
        check(first.join(), n);
    }

    @Test
    void outputsAreTheCallersOwn() {
        try (Session session = open("cpu")) {
            Tensor x = Tensor.of(new float[] {2}, 1, 1);
            Tensor y = session.run(Map.of("x", x)).first();
            y.data().set(ValueLayout.JAVA_FLOAT, 0, 7);
            assertArrayEquals(
                    new float[] {5}, session.run(Map.of("x", x)).first().toFloats());
            assertEquals(7, y.toFloats()[0]);
        }
    }
}
