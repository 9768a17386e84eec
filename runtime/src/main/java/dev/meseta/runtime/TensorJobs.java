package dev.meseta.runtime;

import dev.meseta.driver.Access;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Region;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.linux.ResultMemory;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Submission;
import dev.meseta.runtime.trace.Trace;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs an executable on tensors: a job of a client for each run. Where the device works on the memory of the process, tensors are bound as
 * they are; elsewhere they are copied into buffers that stay. Thread-safe; several runs may be under way.
 */
public final class TensorJobs {
    /** Jobs that are kept between runs. */
    private static final int MOST_KEPT = 8;

    private final Client client;
    private final Executable executable;
    private final Device device;
    private final boolean hostMemory;
    private final int inputs;
    private final ConcurrentLinkedDeque<Prepared> idle = new ConcurrentLinkedDeque<>();
    private final AtomicInteger kept = new AtomicInteger();

    /** A job, and the buffers that stay bound to it. */
    private record Prepared(Submission job, List<Buffer> buffers) {}

    /** Jobs of a client, on its device, where the executable is at home. */
    public TensorJobs(Client client, Executable executable) {
        this.client = client;
        this.executable = executable;
        this.device = client.scheduler().device();
        this.hostMemory = device.limits().hostMemory();
        this.inputs = executable.regions().size() - executable.outputs().size();
    }

    /**
     * Runs it and waits for the end.
     *
     * @param tensors one for each of the graph's inputs, of its type; read only during the call
     * @return one new tensor for each output
     */
    public List<Tensor> run(List<Tensor> tensors) {
        check(tensors);
        Prepared p = take();
        List<Tensor> results = new ArrayList<>();
        for (TensorType t : executable.outputs()) results.add(result(t));
        try {
            if (hostMemory) bind(p.job(), tensors, results);
            else {
                try (Trace.Work _ = Trace.copy("in", device.name(), bytes(tensors))) {
                    copyIn(p, tensors);
                }
            }
            p.job().run();
            if (!hostMemory) {
                try (Trace.Work _ = Trace.copy("out", device.name(), bytes(results))) {
                    copyOut(p, results);
                }
            }
        } finally {
            give(p);
        }
        return results;
    }

    private static Tensor result(TensorType type) {
        long bytes = type.bytes();
        return bytes < ResultMemory.SMALLEST
                ? Tensor.allocate(type)
                : Tensor.automatic(type, ResultMemory.allocate(bytes));
    }

    private void check(List<Tensor> tensors) {
        List<Region> regions = executable.regions();
        if (tensors.size() != inputs)
            throw new IllegalArgumentException(inputs + " inputs are needed, got " + tensors.size());
        for (int i = 0; i < inputs; i++) {
            Tensor t = tensors.get(i);
            if (t.data().byteSize() != regions.get(i).bytes())
                throw new IllegalArgumentException(
                        "input " + i + " takes " + regions.get(i).bytes() + " bytes, got " + t.type() + " of "
                                + t.data().byteSize());
            if (!t.data().scope().isAlive())
                throw new IllegalStateException("the memory of input " + i + " has been freed");
        }
    }

    private Prepared take() {
        Prepared p = idle.pollFirst();
        if (p != null) {
            kept.decrementAndGet();
            return p;
        }
        Submission job = client.prepare(executable);
        List<Buffer> buffers = new ArrayList<>();
        if (!hostMemory) {
            for (Region r : executable.regions()) buffers.add(Buffer.allocate(device, r.bytes(), false));
            for (int i = 0; i < buffers.size(); i++) job.bind(i, buffers.get(i));
        }
        return new Prepared(job, buffers);
    }

    private void give(Prepared p) {
        boolean usable = p.job().state() == Submission.State.IDLE;
        if (usable && hostMemory) p.job().unbind();
        if (usable && kept.incrementAndGet() <= MOST_KEPT) {
            idle.addFirst(p);
            return;
        }
        if (usable) kept.decrementAndGet();
        for (Buffer b : p.buffers()) b.close();
    }

    private void bind(Submission job, List<Tensor> tensors, List<Tensor> results) {
        for (int i = 0; i < inputs; i++) {
            Tensor t = tensors.get(i);
            long needed = executable.regions().get(i).alignment();
            boolean fits = t.data().isNative() && (t.data().address() & (needed - 1)) == 0;
            job.bind(i, Buffer.wrap(device, fits ? t : copy(t)));
        }
        for (int i = 0; i < results.size(); i++) job.bind(inputs + i, Buffer.wrap(device, results.get(i)));
    }

    private Tensor copy(Tensor t) {
        try (Trace.Work _ = Trace.copy("in", device.name(), t.data().byteSize())) {
            return t.copy();
        }
    }

    private static long bytes(List<Tensor> tensors) {
        long sum = 0;
        for (Tensor t : tensors) sum += t.data().byteSize();
        return sum;
    }

    private void copyIn(Prepared p, List<Tensor> tensors) {
        for (int i = 0; i < inputs; i++) {
            Buffer b = p.buffers().get(i);
            MemorySegment to = b.begin(Access.WRITE);
            try {
                MemorySegment.copy(tensors.get(i).data(), 0, to, 0, to.byteSize());
            } finally {
                b.end();
            }
        }
    }

    private void copyOut(Prepared p, List<Tensor> results) {
        for (int i = 0; i < results.size(); i++) {
            Buffer b = p.buffers().get(inputs + i);
            MemorySegment from = b.begin(Access.READ);
            try {
                results.get(i).data().copyFrom(from);
            } finally {
                b.end();
            }
        }
    }
}
