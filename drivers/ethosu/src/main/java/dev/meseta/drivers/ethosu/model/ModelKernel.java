package dev.meseta.drivers.ethosu.model;

import static dev.meseta.linux.SystemCallException.*;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.linux.Descriptor;
import dev.meseta.linux.DeviceKernel;
import dev.meseta.linux.DeviceRequest;
import dev.meseta.linux.EthosuRequests;
import dev.meseta.linux.HostMemory;
import dev.meseta.linux.SystemCallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel's driver does with the bytes of each request, without the system call: the same checks, the same answers, and behind them
 * {@link DeviceModel} on a thread of its own, one job after the other. Thread-safe.
 *
 * <p>Pointers in structures are followed as they are: whoever makes a request answers for them, as the kernel's callers do not have to.
 */
public final class ModelKernel implements DeviceKernel {

    private static final String NAME = "ethosu";
    private static final int NO_MMAP = 1;
    private static final int OFFSET_SHIFT = 32;
    private static final int MOST_JOBS = 1 << 16;

    private final int id;
    private final int configuration;
    private final MemorySegment fast;
    private final Map<Integer, Bo> objects = new HashMap<>();
    private final Map<Long, Bo> mapped = new HashMap<>();
    private final ThreadPoolExecutor jobs;
    private final Map<Long, Answering> answers = answers();
    private int handles;
    private volatile String log = "the model did not say why";

    /** Memory or a stream. It goes when no handle, no mapping and no job has it. */
    private static final class Bo {
        private final @Nullable HostMemory memory;
        private final MemorySegment bytes;
        private final int flags;
        private final @Nullable StreamUse use;
        private int holders = 1;
        private CompletableFuture<Void> lastWrite = CompletableFuture.completedFuture(null);

        Bo(@Nullable HostMemory memory, MemorySegment bytes, int flags, @Nullable StreamUse use) {
            this.memory = memory;
            this.bytes = bytes;
            this.flags = flags;
            this.use = use;
        }
    }

    /**
     * @param id as the device's register {@code ID} says
     * @param configuration as its register {@code CONFIG} says
     * @param fastBytes of its fast memory
     */
    public ModelKernel(int id, int configuration, long fastBytes) {
        this.id = id;
        this.configuration = configuration;
        this.fast = Arena.ofAuto().allocate(fastBytes, 16);
        this.jobs = new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), r -> {
            Thread t = new Thread(r, "meseta-ethosu-model");
            t.setDaemon(true);
            return t;
        });
        jobs.allowCoreThreadTimeOut(true);
    }

    /** What answers a request, with its structure. */
    private interface Answer {
        int to(DeviceRequest r, MemorySegment structure);
    }

    private record Answering(DeviceRequest request, Answer answer) {}

    private Map<Long, Answering> answers() {
        Map<Long, Answering> all = new HashMap<>();
        answers(all, DeviceRequest.VERSION, ModelKernel::version);
        answers(all, DeviceRequest.GEM_CLOSE, this::closeHandle);
        answers(all, DeviceRequest.PRIME_HANDLE_TO_FD, this::export);
        answers(all, EthosuRequests.DEV_QUERY, this::query);
        answers(all, EthosuRequests.BO_CREATE, this::create);
        answers(all, EthosuRequests.BO_MMAP_OFFSET, this::offset);
        answers(all, EthosuRequests.CMDSTREAM_BO_CREATE, this::createStream);
        answers(all, EthosuRequests.SUBMIT, this::submit);
        return all;
    }

    private static void answers(Map<Long, Answering> all, DeviceRequest request, Answer answer) {
        all.put(request.number(), new Answering(request, answer));
    }

    @Override
    public int ioctl(long request, MemorySegment s) {
        // Nobody else is kept from asking by one who waits.
        if (request == EthosuRequests.BO_WAIT.number()) return await(s);
        Answering a = answers.get(request);
        if (a == null) return ENOTTY;
        try {
            synchronized (this) {
                return a.answer.to(a.request, s);
            }
        } catch (SystemCallException e) {
            return e.errno();
        } catch (IllegalArgumentException e) {
            return refuse(String.valueOf(e.getMessage()));
        }
    }

    private int offset(DeviceRequest r, MemorySegment s) {
        if (r.get(s, "pad") != 0) return EINVAL;
        if (!objects.containsKey((int) r.get(s, "handle"))) return ENOENT;
        r.set(s, "offset", r.get(s, "handle") << OFFSET_SHIFT);
        return 0;
    }

    private int closeHandle(DeviceRequest r, MemorySegment s) {
        Bo bo = objects.remove((int) r.get(s, "handle"));
        if (bo == null) return EINVAL;
        release(bo);
        return 0;
    }

    private int export(DeviceRequest r, MemorySegment s) {
        Bo bo = objects.get((int) r.get(s, "handle"));
        if (bo == null) return ENOENT;
        if (bo.memory == null) return EINVAL;
        // Whoever asked closes it.
        r.set(s, "fd", Descriptor.duplicate(bo.memory.descriptor()).number());
        return 0;
    }

    private int add(Bo bo) {
        objects.put(++handles, bo);
        return handles;
    }

    private void release(Bo bo) {
        if (--bo.holders == 0 && bo.memory != null) bo.memory.close();
    }

    private static int version(DeviceRequest r, MemorySegment s) {
        byte[] name = NAME.getBytes(StandardCharsets.US_ASCII);
        long room = r.get(s, "name_len");
        if (r.get(s, "name") != 0) {
            long n = Math.min(room, name.length);
            MemorySegment.copy(MemorySegment.ofArray(name), 0, DeviceKernel.at(r.get(s, "name"), n), 0, n);
        }
        r.set(s, "name_len", name.length);
        r.set(s, "major", 1);
        return 0;
    }

    private int query(DeviceRequest r, MemorySegment s) {
        if (r.get(s, "type") != 0) return EINVAL;
        long bytes = EthosuRequests.NPU_INFO.byteSize();
        if (r.get(s, "pointer") == 0) {
            r.set(s, "size", bytes);
            return 0;
        }
        if (r.get(s, "size") < bytes) return EINVAL;
        MemorySegment facts = DeviceKernel.at(r.get(s, "pointer"), bytes);
        facts.set(JAVA_INT, DeviceRequest.offset(EthosuRequests.NPU_INFO, "id"), id);
        facts.set(JAVA_INT, DeviceRequest.offset(EthosuRequests.NPU_INFO, "config"), configuration);
        facts.set(JAVA_INT, DeviceRequest.offset(EthosuRequests.NPU_INFO, "sram_size"), (int) fast.byteSize());
        return 0;
    }

    private int create(DeviceRequest r, MemorySegment s) {
        long size = r.get(s, "size");
        long flags = r.get(s, "flags");
        if (size == 0 || (flags & ~NO_MMAP) != 0) return EINVAL;
        if (size < 0 || size > Long.MAX_VALUE - HostMemory.PAGE_BYTES) return ENOMEM;
        long pages = (size + HostMemory.PAGE_BYTES - 1) / HostMemory.PAGE_BYTES * HostMemory.PAGE_BYTES;
        try {
            HostMemory memory = HostMemory.shareable("ethosu model", pages);
            r.set(s, "handle", add(new Bo(memory, memory.segment(), (int) flags, null)));
            r.set(s, "size", pages);
            return 0;
        } catch (SystemCallException e) {
            return ENOMEM;
        }
    }

    private int createStream(DeviceRequest r, MemorySegment s) {
        long size = r.get(s, "size");
        if (size == 0 || r.get(s, "data") == 0 || r.get(s, "pad") != 0 || r.get(s, "flags") != 0) return EINVAL;
        MemorySegment words =
                MemorySegment.ofArray(DeviceKernel.at(r.get(s, "data"), size).toArray(JAVA_BYTE));
        try {
            r.set(s, "handle", add(new Bo(null, words, NO_MMAP, StreamUse.of(words))));
            return 0;
        } catch (InvalidInputException e) {
            log = String.valueOf(e.getMessage());
            return EINVAL;
        }
    }

    private int submit(DeviceRequest r, MemorySegment s) {
        long count = r.get(s, "job_count");
        if (r.get(s, "pad") != 0) return EINVAL;
        if (count > MOST_JOBS) return ENOMEM;
        if (r.get(s, "jobs") == 0) return EFAULT;
        MemorySegment all = DeviceKernel.at(r.get(s, "jobs"), count * EthosuRequests.JOB.byteSize());
        for (long i = 0; i < count; i++) {
            int errno = submit(all.asSlice(i * EthosuRequests.JOB.byteSize(), EthosuRequests.JOB.byteSize()));
            if (errno != 0) return errno;
        }
        return 0;
    }

    private int submit(MemorySegment job) {
        long fastBytes = DeviceRequest.get(EthosuRequests.JOB, job, "sram_size");
        long handlesAt = DeviceRequest.offset(EthosuRequests.JOB, "region_bo_handles");
        int[] handle = new int[EthosuRequests.REGIONS];
        for (int i = 0; i < handle.length; i++) handle[i] = job.get(JAVA_INT, handlesAt + 4L * i);
        if (handle[EthosuRequests.FAST_REGION] != 0 && fastBytes != 0)
            return refuse("region 2 has memory, and is the fast memory");
        if (fastBytes > fast.byteSize()) return refuse("the job wants " + fastBytes + " bytes of fast memory");
        Bo stream = objects.get((int) DeviceRequest.get(EthosuRequests.JOB, job, "cmd_bo"));
        if (stream == null) return ENOENT;
        StreamUse use = stream.use;
        if (use == null) return refuse("the job's command stream is none");
        MemorySegment[] regions = new MemorySegment[EthosuRequests.REGIONS];
        List<Bo> held = new ArrayList<>();
        List<Bo> written = new ArrayList<>();
        for (int i = 0; i < regions.length; i++) {
            regions[i] = MemorySegment.NULL;
            if (handle[i] == 0 && use.bytes()[i] == 0) continue;
            if (handle[i] == 0 && i == EthosuRequests.FAST_REGION) {
                if (use.bytes()[i] > fast.byteSize())
                    return refuse("the stream uses " + use.bytes()[i] + " bytes of fast memory, there are "
                            + fast.byteSize());
                regions[i] = fast;
                continue;
            }
            if (use.bytes()[i] == 0) return refuse("region " + i + " has memory and is not used");
            Bo bo = objects.get(handle[i]);
            if (bo == null) return ENOENT;
            if (bo.use != null) return refuse("region " + i + " is a command stream");
            if (use.bytes()[i] > bo.bytes.byteSize()) {
                log = "region " + i + " has " + bo.bytes.byteSize() + " bytes, the stream uses " + use.bytes()[i];
                return EOVERFLOW;
            }
            regions[i] = bo.bytes;
            held.add(bo);
            if (use.written()[i]) written.add(bo);
        }
        queue(stream.bytes, regions, held, written);
        return 0;
    }

    private int refuse(String why) {
        log = why;
        return EINVAL;
    }

    private void queue(MemorySegment words, MemorySegment[] regions, List<Bo> held, List<Bo> written) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        for (Bo bo : held) bo.holders++;
        for (Bo bo : written) bo.lastWrite = end;
        jobs.execute(() -> {
            try {
                DeviceModel.run(CommandStream.ofWords(words), regions);
            } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
                // As the device, which stops at a command that it does not know: the job ends, and nobody is told.
                log = "the model stopped: " + e.getMessage();
            } finally {
                synchronized (this) {
                    for (Bo bo : held) release(bo);
                }
                end.complete(null);
            }
        });
    }

    private int await(MemorySegment s) {
        DeviceRequest r = EthosuRequests.BO_WAIT;
        if (r.get(s, "pad") != 0) return EINVAL;
        CompletableFuture<Void> last;
        synchronized (this) {
            Bo bo = objects.get((int) r.get(s, "handle"));
            // What the kernel's helper answers for a handle that is none.
            if (bo == null) return EINVAL;
            last = bo.lastWrite;
        }
        try {
            last.get(Math.max(0, r.get(s, "timeout_ns") - System.nanoTime()), TimeUnit.NANOSECONDS);
            return 0;
        } catch (java.util.concurrent.TimeoutException e) {
            return ETIME;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ETIME;
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException("jobs end well", e);
        }
    }

    @Override
    public synchronized MemorySegment map(long offset, long bytes) {
        Bo bo = objects.get((int) (offset >>> OFFSET_SHIFT));
        if (bo == null || bo.memory == null || (bo.flags & NO_MMAP) != 0 || bytes > bo.bytes.byteSize()) {
            throw new IllegalArgumentException("there are no " + bytes + " bytes to map");
        }
        bo.holders++;
        MemorySegment view = bo.bytes.asSlice(0, bytes);
        mapped.put(view.address(), bo);
        return view;
    }

    @Override
    public synchronized void unmap(MemorySegment memory) {
        Bo bo = mapped.get(memory.address());
        if (bo == null) throw new IllegalArgumentException("this was not mapped");
        release(bo);
        if (bo.holders == 0) mapped.remove(memory.address());
    }

    @Override
    public String log() {
        return log;
    }

    @Override
    public synchronized void close() {
        objects.values().forEach(this::release);
        objects.clear();
        jobs.shutdown();
    }
}
