package dev.meseta.drivers.mock;

import dev.meseta.driver.Allocation;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Job;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.interpreter.Interpreter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A job on the device, from when it is taken until it has ended, or is stopped. */
final class MockRun {
    private final MockDevice device;
    private final MockMemory memory;
    private final Job job;
    private final Behaviour behaviour;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile long progress;
    private volatile @Nullable RuntimeException lost;

    MockRun(MockDevice device, MockMemory memory, Job job, Behaviour behaviour) {
        this.device = device;
        this.memory = memory;
        this.job = job;
        this.behaviour = behaviour;
    }

    long progress() {
        return progress;
    }

    /** Ends what is under way; the job is told nothing any more. */
    void stop() {
        stopped.countDown();
    }

    /** The device is gone, and says so. */
    void lose(RuntimeException reason) {
        lost = reason;
        stopped.countDown();
        if (!device.limits().synchronous()) job.failed(reason);
    }

    /** The whole of it, on a thread of the device. */
    void besides() {
        RuntimeException failure = attempt();
        device.ends(job, this, failure == null ? job::done : () -> job.failed(failure));
    }

    /** The whole of it, on the caller's thread; what it failed with. */
    @Nullable
    RuntimeException here() {
        RuntimeException failure = attempt();
        device.ends(job, this, () -> {});
        return lost != null ? lost : failure;
    }

    private @Nullable RuntimeException attempt() {
        try {
            return act();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new DeviceException(DeviceException.Kind.CANCELLED, "interrupted", e);
        } catch (RuntimeException e) {
            return e;
        }
    }

    private @Nullable RuntimeException act() throws InterruptedException {
        switch (behaviour) {
            case Behaviour.Well _ -> {
                compute();
                return null;
            }
            case Behaviour.Slow s -> {
                long end = System.nanoTime() + s.time().toNanos();
                job.started();
                while (System.nanoTime() < end) {
                    progress++;
                    if (stopped.await(1, TimeUnit.MILLISECONDS)) return cancelled();
                }
                compute();
                return null;
            }
            case Behaviour.Hang _ -> {
                job.started();
                stopped.await();
                return cancelled();
            }
            case Behaviour.Dawdle _ -> {
                stopped.await();
                return cancelled();
            }
            case Behaviour.Fail f -> {
                job.started();
                return new DeviceException(DeviceException.Kind.FAILED, f.message());
            }
            case Behaviour.Refuse r -> throw new IllegalStateException(r.message());
            case Behaviour.Vanish _ -> {
                device.vanish();
                return DeviceException.lost(device.name());
            }
        }
    }

    private static DeviceException cancelled() {
        return new DeviceException(DeviceException.Kind.CANCELLED, "the job was stopped");
    }

    private void compute() {
        job.started();
        MockExecutable executable = (MockExecutable) job.executable();
        List<TensorType> types = executable.graph().inputTypes();
        List<Tensor> inputs = new ArrayList<>();
        for (TensorType t : types) inputs.add(Tensor.wrap(t, memory(inputs.size(), t.bytes())));
        List<Tensor> outputs = Interpreter.run(executable.graph(), inputs);
        for (int i = 0; i < outputs.size(); i++) {
            MemorySegment from = outputs.get(i).data();
            memory(types.size() + i, from.byteSize()).copyFrom(from);
        }
        progress++;
    }

    private MemorySegment memory(int region, long bytes) {
        Buffer b = job.buffer(region);
        Allocation a = Objects.requireNonNull(b.allocation(), "memory of the process");
        return memory.of(a).asSlice(b.offset(), bytes);
    }
}
