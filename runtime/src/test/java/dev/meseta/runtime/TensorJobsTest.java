package dev.meseta.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Stop;
import dev.meseta.drivers.mock.Behaviour;
import dev.meseta.drivers.mock.MockDevice;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Scheduler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tensors as jobs, on a device whose memory the host does not see. */
@Timeout(60)
class TensorJobsTest {
    private static final TensorType TYPE = new TensorType(DType.F32, Shape.of(3));

    private static MockDevice device(boolean synchronous) {
        Limits limits = new Limits(2, synchronous, false, 64, Duration.ofMillis(100), Duration.ofSeconds(10));
        return new MockDevice(limits, Stop.STOPPED);
    }

    private static Executable adding(MockDevice device) {
        GraphBuilder b = new GraphBuilder("adding", Interpreter::evaluate);
        Value x = b.input("x", TYPE);
        Value y = b.input("y", TYPE);
        return device.compile(b.build(List.of(b.plus(x, y), x)));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void tensorsOfEveryKindGoInAndOut(boolean synchronous) throws Exception {
        MockDevice device = device(synchronous);
        try (Scheduler scheduler = new Scheduler(device);
                Client client = scheduler.client("a");
                Arena arena = Arena.ofConfined()) {
            TensorJobs jobs = new TensorJobs(client, adding(device));
            Tensor heap = Tensor.wrap(TYPE, MemorySegment.ofArray(new float[] {1, 2, 3}));
            Tensor confined = Tensor.wrap(TYPE, arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_FLOAT, 4, 5, 6));
            for (int i = 0; i < 20; i++) {
                List<Tensor> out = jobs.run(List.of(heap, confined));
                assertArrayEquals(new float[] {5, 7, 9}, out.get(0).toFloats());
                assertArrayEquals(new float[] {1, 2, 3}, out.get(1).toFloats());
                assertArrayEquals(
                        new float[] {2, 4, 6},
                        jobs.run(List.of(heap, heap)).get(0).toFloats());
            }
            assertEquals(4 * 12, device.bytesInUse(), "buffers stay for the next run");
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 50; i++) threads.add(Thread.startVirtualThread(() -> jobs.run(List.of(heap, heap))));
            for (Thread t : threads) t.join();
            assertTrue(device.bytesInUse() <= 8 * 4 * 12, "but not those of all runs that were ever under way");
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        MockDevice device = device(true);
        try (Scheduler scheduler = new Scheduler(device)) {
            TensorJobs jobs = new TensorJobs(scheduler.client("a"), adding(device));
            Tensor x = Tensor.allocate(TYPE);
            Tensor small = Tensor.of(new float[] {1, 2}, 2);
            assertThrows(IllegalArgumentException.class, () -> jobs.run(List.of(x)));
            assertThrows(IllegalArgumentException.class, () -> jobs.run(List.of(x, small)));
            Tensor gone;
            try (Arena arena = Arena.ofConfined()) {
                gone = Tensor.wrap(TYPE, arena.allocate(12));
            }
            assertThrows(IllegalStateException.class, () -> jobs.run(List.of(x, gone)));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aJobThatWasGivenUpIsNotUsedAgain(boolean synchronous) {
        MockDevice device = device(synchronous);
        try (Scheduler scheduler = new Scheduler(device)) {
            TensorJobs jobs = new TensorJobs(scheduler.client("a"), adding(device));
            Tensor x = Tensor.of(new float[] {1, 2, 3}, 3);
            device.next(new Behaviour.Hang());
            DeviceException e = assertThrows(DeviceException.class, () -> jobs.run(List.of(x, x)));
            assertEquals(DeviceException.Kind.HANG, e.kind());
            assertArrayEquals(
                    new float[] {2, 4, 6}, jobs.run(List.of(x, x)).get(0).toFloats());
        }
    }

    @Test
    void anInterruptedThreadGetsItsWayOnceTheJobHasEnded() throws Exception {
        MockDevice device = device(false);
        try (Scheduler scheduler = new Scheduler(device)) {
            TensorJobs jobs = new TensorJobs(scheduler.client("a"), adding(device));
            Tensor x = Tensor.of(new float[] {1, 2, 3}, 3);
            device.next(new Behaviour.Hang());
            List<Throwable> thrown = new ArrayList<>();
            Thread t = Thread.ofPlatform().start(() -> {
                try {
                    jobs.run(List.of(x, x));
                } catch (DeviceException e) {
                    thrown.add(e);
                    if (!Thread.interrupted()) thrown.add(new AssertionError("the interrupt is lost"));
                }
            });
            Thread.sleep(10);
            t.interrupt();
            t.join();
            assertEquals(1, thrown.size());
            assertEquals(DeviceException.Kind.CANCELLED, ((DeviceException) thrown.getFirst()).kind());
        }
    }
}
