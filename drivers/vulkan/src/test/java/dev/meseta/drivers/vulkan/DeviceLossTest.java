package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.Tensor;
import dev.meseta.runtime.TensorJobs;
import dev.meseta.runtime.scheduler.Scheduler;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A device that is lost while it is used: the loader's functions, one of which answers so from some call on. */
class DeviceLossTest {
    /** A function in the place of the loader's own. */
    private static final class Failing {
        private final AtomicInteger calls = new AtomicInteger();
        private final MethodHandle real;
        private final int good;
        private final int result;

        Failing(MethodHandle real, int good, int result) {
            this.real = real;
            this.good = good;
            this.result = result;
        }

        /** Of at most four arguments: the others are left alone. */
        int call(long a, long b, long c, long d) throws Throwable {
            return calls.getAndIncrement() < good ? (int) real.invokeExact(a, b, c, d) : result;
        }
    }

    private static final int LOST = (int) Struct.number("VK_ERROR_DEVICE_LOST");

    private static final FunctionDescriptor FORM =
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private static Failing failing(String function, int good, int result) {
        KernelRunner.device();
        MemorySegment real = VulkanLibrary.symbols().find(function).orElseThrow();
        return new Failing(Linker.nativeLinker().downcallHandle(real, FORM), good, result);
    }

    private static KernelDevice device(Map<String, Failing> functions) throws ReflectiveOperationException {
        MethodHandle call = MethodHandles.lookup().findVirtual(Failing.class, "call", FORM.toMethodType());
        Map<String, MemorySegment> stubs = new HashMap<>();
        functions.forEach(
                (name, f) -> stubs.put(name, Linker.nativeLinker().upcallStub(call.bindTo(f), FORM, Arena.global())));
        SymbolLookup real = VulkanLibrary.symbols();
        SymbolLookup all = name -> Optional.ofNullable(stubs.get(name)).or(() -> real.find(name));
        return (KernelDevice) KernelRunner.open(all, true, false).getFirst();
    }

    private static KernelDevice device(String function, int good, int result) throws ReflectiveOperationException {
        return device(Map.of(function, failing(function, good, result)));
    }

    private static Executable load(KernelDevice device) {
        return device.load(
                CommandListTest.list(List.of(CommandListTest.increment(CommandListTest.IN, CommandListTest.OUT))));
    }

    private static DeviceException failure(KernelDevice device, Executable e) {
        return assertThrows(
                DeviceException.class, () -> KernelRunner.run(device, e, List.of(CommandListTest.numbers(0))));
    }

    @ParameterizedTest
    @CsvSource({"vkQueueSubmit, 0", "vkQueueSubmit, 2", "vkWaitSemaphores, 0", "vkWaitSemaphores, 2"})
    void jobsOfADeviceThatIsLostFailWithThat(String function, int good) throws ReflectiveOperationException {
        KernelDevice device = device(function, good, LOST);
        Executable e = load(device);
        for (int i = 0; i < good; i++)
            assertArrayEquals(
                    CommandListTest.longs(CommandListTest.numbers(8)),
                    CommandListTest.longs(KernelRunner.run(device, e, List.of(CommandListTest.numbers(7)))
                            .getFirst()));
        for (int i = 0; i < 2; i++) {
            DeviceException lost = failure(device, e);
            assertEquals(DeviceException.Kind.LOST, lost.kind(), lost.getMessage());
        }
    }

    /** As the contract has it: everybody's jobs fail from then on, and a device that is opened anew works. */
    @Test
    void aDeviceThatIsLostIsLostForAll() throws ReflectiveOperationException {
        KernelDevice device = device("vkWaitSemaphores", 1, LOST);
        List<Tensor> inputs = List.of(CommandListTest.numbers(7));
        try (Scheduler scheduler = new Scheduler(device)) {
            TensorJobs first = new TensorJobs(scheduler.client("first"), load(device));
            TensorJobs second = new TensorJobs(scheduler.client("second"), load(device));
            first.run(inputs);
            for (TensorJobs jobs : List.of(first, second, first)) {
                DeviceException lost = assertThrows(DeviceException.class, () -> jobs.run(inputs));
                assertEquals(DeviceException.Kind.LOST, lost.kind(), lost.getMessage());
            }
        }
        KernelDevice anew = device("vkWaitSemaphores", Integer.MAX_VALUE, 0);
        assertArrayEquals(
                CommandListTest.longs(CommandListTest.numbers(8)),
                CommandListTest.longs(KernelRunner.run(anew, load(anew), inputs).getFirst()));
    }

    @ParameterizedTest
    @CsvSource({"vkAllocateMemory", "vkCreateShaderModule", "vkCreateBuffer", "vkCreateCommandPool"})
    void whatIsMadeOnADeviceThatIsLostFailsWithThat(String function) throws ReflectiveOperationException {
        KernelDevice device = device(function, 0, LOST);
        DeviceException lost = assertThrows(
                DeviceException.class,
                () -> KernelRunner.run(device, load(device), List.of(CommandListTest.numbers(0))));
        assertEquals(DeviceException.Kind.LOST, lost.kind(), lost.getMessage());
    }

    @Test
    void memoryThatRunsOutLosesNoDevice() throws ReflectiveOperationException {
        KernelDevice device = device("vkAllocateMemory", 0, (int) Struct.number("VK_ERROR_OUT_OF_DEVICE_MEMORY"));
        DeviceException none = assertThrows(
                DeviceException.class,
                () -> KernelRunner.run(device, load(device), List.of(CommandListTest.numbers(0))));
        assertEquals(DeviceException.Kind.MEMORY, none.kind(), none.getMessage());
    }

    /** What a run had when its making failed goes as it goes with a run that nobody has any more. */
    @Test
    void runsThatAreNotFinishedLeaveNothing() throws ReflectiveOperationException, InterruptedException {
        int memory = (int) Struct.number("VK_ERROR_OUT_OF_DEVICE_MEMORY");
        Failing destroyed = failing("vkDestroyDescriptorPool", Integer.MAX_VALUE, 0);
        Failing refused = failing("vkCreateCommandPool", 0, memory);
        KernelDevice device = device(Map.of("vkDestroyDescriptorPool", destroyed, "vkCreateCommandPool", refused));
        assertEquals(DeviceException.Kind.MEMORY, failure(device, load(device)).kind());
        for (int i = 0; i < 200 && destroyed.calls.get() == 0; i++) {
            System.gc();
            Thread.sleep(50);
        }
        assertEquals(1, destroyed.calls.get());
    }
}
