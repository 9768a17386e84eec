package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelInterpreter;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.kernel.KernelVerifier;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import java.lang.foreign.SymbolLookup;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** Runs kernels on the first device of Vulkan's, and by the interpreter. */
final class KernelRunner {
    private KernelRunner() {}

    static KernelDevice device() {
        VulkanDriver driver = new VulkanDriver();
        Assumptions.assumeFalse(driver.devices().isEmpty(), driver.unavailable());
        return (KernelDevice) driver.devices().getFirst();
    }

    /** The devices of a loader whose functions may be others than its own. */
    static List<Device> open(SymbolLookup symbols, boolean checking, boolean staging) {
        return VulkanDriver.open(new VulkanLibrary(symbols), "", checking, staging, new ArrayList<>());
    }

    private static final class Staged {
        static final List<Device> DEVICES = open(VulkanLibrary.symbols(), true, true);
    }

    /** The same device, taken for one whose memory the host does not reach; its kernels test every access. */
    static KernelDevice staged() {
        device();
        return (KernelDevice) Staged.DEVICES.getFirst();
    }

    private static final class Unchecked {
        static final List<Device> DEVICES = open(VulkanLibrary.symbols(), false, false);
    }

    /** The same device, whose kernels do not test their accesses: what it does then is another code. */
    static KernelDevice unchecked() {
        device();
        return (KernelDevice) Unchecked.DEVICES.getFirst();
    }

    /** Runs an executable on inputs; gives new tensors. */
    static List<Tensor> run(Device device, Executable executable, List<Tensor> inputs) {
        List<Buffer> buffers = new ArrayList<>();
        for (Tensor t : inputs) buffers.add(Buffer.wrap(device, t));
        List<Tensor> outputs = new ArrayList<>();
        for (var type : executable.outputs()) outputs.add(Tensor.allocate(type));
        for (Tensor t : outputs) buffers.add(Buffer.wrap(device, t));
        device.run(new TestJob(executable, buffers));
        return outputs;
    }

    /** A command list of one launch: what the kernel reads are inputs, what it writes outputs. */
    static CommandList commands(Kernel kernel, List<Tensor> buffers, List<Long> extents) {
        List<CommandList.Slot> slots = new ArrayList<>();
        List<CommandList.Binding> bindings = new ArrayList<>();
        List<Integer> inputs = new ArrayList<>();
        List<CommandList.Output> outputs = new ArrayList<>();
        for (int i = 0; i < buffers.size(); i++) {
            boolean input = kernel.buffers().get(i).access() == Kernel.Access.READ;
            long bytes = buffers.get(i).type().bytes();
            slots.add(input ? new CommandList.InputSlot(bytes) : new CommandList.OutputSlot(bytes));
            bindings.add(CommandList.Binding.of(i));
            if (input) inputs.add(i);
            else outputs.add(new CommandList.Output(i, buffers.get(i).type()));
        }
        return new CommandList(
                slots, List.of(new CommandList.Launch(kernel, bindings, extents, "test")), inputs, outputs, 0);
    }

    static void compare(Kernel kernel, List<Tensor> buffers, List<Long> extents, double ulps) {
        compare(kernel, buffers, extents, Collections.nCopies(buffers.size(), ulps));
    }

    /** Runs both ways and compares what the kernel writes; floats to a number of units in the last place, for each output. */
    static void compare(Kernel kernel, List<Tensor> buffers, List<Long> extents, List<Double> ulps) {
        KernelVerifier.verify(kernel);
        List<Tensor> expected = new ArrayList<>();
        for (Tensor t : buffers) expected.add(t.copy());
        KernelInterpreter.run(kernel, expected.stream().map(Tensor::data).toList(), extents);
        List<Tensor> inputs = new ArrayList<>();
        List<Tensor> wanted = new ArrayList<>();
        for (int i = 0; i < buffers.size(); i++) {
            if (kernel.buffers().get(i).access() == Kernel.Access.READ) inputs.add(buffers.get(i));
            else wanted.add(expected.get(i));
        }
        for (KernelDevice device : List.of(device(), unchecked()))
            same(kernel, inputs, wanted, run(device, device.load(commands(kernel, buffers, extents)), inputs), ulps);
    }

    private static void same(
            Kernel kernel, List<Tensor> inputs, List<Tensor> wanted, List<Tensor> actual, List<Double> ulps) {
        for (int k = 0; k < wanted.size(); k++) {
            for (long i = 0; i < wanted.get(k).elements(); i++) {
                if (!same(wanted.get(k), actual.get(k), i, ulps.get(k)))
                    throw new AssertionError("output " + k + "[" + i + "] is " + show(actual.get(k), i) + ", not "
                            + show(wanted.get(k), i) + show(inputs, i) + "\n" + KernelText.of(kernel));
            }
        }
    }

    private static String show(List<Tensor> inputs, long i) {
        StringBuilder out = new StringBuilder(" for");
        for (Tensor t : inputs) if (i < t.elements()) out.append(' ').append(show(t, i));
        return out.toString();
    }

    private static String show(Tensor t, long i) {
        return t.dtype().isFloat()
                ? t.getDouble(i) + " (" + Double.toHexString(t.getDouble(i)) + ")"
                : "" + t.getLong(i);
    }

    private static boolean same(Tensor a, Tensor b, long i, double ulps) {
        DType t = a.dtype();
        if (!t.isFloat()) return a.getLong(i) == b.getLong(i);
        double x = a.getDouble(i);
        double y = b.getDouble(i);
        if (Double.isNaN(x) || Double.isNaN(y)) return Double.isNaN(x) && Double.isNaN(y);
        if (x == y) return true;
        double ulp = t == DType.F32 ? Math.ulp((float) x) : Math.ulp(x);
        return ulps > 0 && Math.abs(x - y) <= ulps * ulp;
    }
}
