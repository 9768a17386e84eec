package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.driver.Access;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Job;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Target;
import dev.meseta.driver.plan.LaunchTimes;
import dev.meseta.driver.plan.PlanExecutable;
import dev.meseta.linux.FileStamp;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A device of Vulkan's. It is opened when the first command list is loaded, or memory is asked for. */
final class VulkanDevice implements KernelDevice {
    /** Jobs at once: while one runs, the next one's inputs are copied. */
    private static final int CREDITS = 2;

    /** Invocations of a workgroup, where a subgroup does not say better. */
    static final int LOCAL_SIZE = 64;

    /** Lavapipe ends an invocation's loops after so many rounds in all (LP_MAX_TGSI_LOOP_ITERATIONS), and says nothing. */
    static final long PROCESSOR_ROUNDS = 65_535;

    /** A submission says nothing before its end, and a processor may compile its kernels on the way. */
    private static final Duration TIMEOUT = Duration.ofMinutes(5);

    private static final Limits LIMITS = new Limits(CREDITS, true, true, 64, TIMEOUT, Duration.ofHours(1));

    private final boolean checking;
    private final VulkanLibrary vk;
    private final PhysicalDevice physical;
    private final String name;
    private final Target target;
    private @Nullable Open open;

    /** What there is of a device that is open. */
    private record Open(Context context, Pipelines pipelines, Shaders shaders) {}

    /** @param checking whether kernels test every access */
    VulkanDevice(VulkanLibrary vk, PhysicalDevice physical, String name, boolean checking) {
        this.checking = checking;
        this.vk = vk;
        this.physical = physical;
        this.name = name;
        this.target = target(physical);
    }

    /**
     * Vectors of 16 bytes are what one access moves; a processor has a cache in place of registers, and nothing to gain from teams, which the
     * property {@code meseta.vulkan.teams} gives it nevertheless, for tests.
     */
    private static Target target(PhysicalDevice p) {
        boolean teams = !p.isProcessor() || Boolean.getBoolean("meseta.vulkan.teams");
        boolean shuffles = p.capabilities().contains(Capability.GROUP_NON_UNIFORM_SHUFFLE);
        int subgroup = p.isProcessor() && shuffles && p.subgroup() > 1 ? p.subgroup() : 0;
        int team = teams ? p.invocations() : 0;
        int totals = p.capabilities().contains(Capability.GROUP_NON_UNIFORM_ARITHMETIC) ? team : 0;
        return p.isProcessor()
                ? Target.lockstep(
                        18, 16, false, team, p.sharedBytes(), subgroup, Math.max(totals, subgroup), p.matrices())
                : gpu(p.hasDots(), team, p.sharedBytes(), totals, p.matrices());
    }

    static Target gpu(boolean dots, int team, long sharedBytes, int totals, List<Target.Matrix> matrices) {
        return Target.lockstep(32, 8192, dots, team, sharedBytes, 0, totals, matrices);
    }

    private synchronized Open open() {
        Open o = open;
        if (o == null) {
            Context c = new Context(vk, physical, name);
            long rounds = physical.isProcessor() ? PROCESSOR_ROUNDS : Long.MAX_VALUE;
            ShaderOptions options = new ShaderOptions(
                    localSize(),
                    checking,
                    physical.floats(),
                    physical.hasDots(),
                    physical.isProcessor() && !checking,
                    target.subgroup(),
                    rounds);
            o = new Open(c, new Pipelines(c, rounds), new Shaders(options));
            open = o;
        }
        return o;
    }

    /** On a processor a workgroup is what a thread takes: as small as it can be. */
    private int localSize() {
        return physical.isProcessor() ? physical.subgroup() : Math.max(LOCAL_SIZE, physical.subgroup());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        return physical.name();
    }

    @Override
    public Map<String, String> properties() {
        Map<String, String> p = new LinkedHashMap<>();
        p.put("driver", physical.driver().strip());
        p.put("Vulkan", physical.api() + "." + (physical.version() & 0xfff));
        p.put("kind", physical.isProcessor() ? "a processor, never chosen by itself" : "a GPU");
        if (physical.stampBits() > 0) p.put("time stamps", physical.stampNanoseconds() + " ns");
        p.put("subgroup", Integer.toString(physical.subgroup()));
        long bytes = physical.memory().stream()
                .filter(t -> t.has(Vk.MEMORY_DEVICE_LOCAL))
                .mapToLong(PhysicalDevice.MemoryType::heapBytes)
                .max()
                .orElse(0);
        p.put("memory", (bytes >> 20) + " MiB");
        return p;
    }

    @Override
    public Limits limits() {
        return LIMITS;
    }

    @Override
    public Target target() {
        return target;
    }

    @Override
    public String identity() {
        return String.join(
                "\n",
                physical.identity(),
                target.text(),
                "checking " + checking,
                FileStamp.ofClasses(VulkanDevice.class, ShaderOptions.class));
    }

    @Override
    public Executable load(Image image) {
        return executable(open(), PlanImage.load(image));
    }

    @Override
    public String lacks(String requirements) {
        return VulkanTarget.requirements(physical.api(), physical.capabilities())
                .lacks(requirements, physical.name());
    }

    @Override
    public Executable load(CommandList commands) {
        Open o = open();
        return executable(o, o.shaders().plan(commands));
    }

    private static Executable executable(Open o, VulkanPlan plan) {
        // All at once, by all threads: a driver takes its time for each.
        long[] pipelines =
                plan.shaders().parallelStream().mapToLong(o.pipelines()::get).toArray();
        Constants constants = new Constants(o.context(), plan.launches().slots());
        LaunchTimes times = LaunchTimes.of(plan.launches(), _ -> "", _ -> 0);
        return plan.executable(() -> new RunState(o.context(), plan, constants, pipelines, times));
    }

    @Override
    public void run(Job job) {
        ((PlanExecutable) job.executable()).run(job);
    }

    @Override
    public long progress(Job job) {
        return ((PlanExecutable) job.executable()).progress();
    }

    // Memory

    @Override
    public Allocation allocate(long bytes, boolean shareable) {
        Context c = open().context();
        if (shareable && !c.sharing)
            throw DeviceException.unsupported(name + " cannot share memory: it lacks VK_KHR_external_memory_fd");
        long size = Math.max(1, bytes);
        DeviceBuffer b = shareable ? DeviceBuffer.exportable(c, size) : DeviceBuffer.onHost(c, size);
        b.view().fill((byte) 0);
        return allocation(c, b, bytes, shareable ? Sharing.export(c, b) : -1);
    }

    @Override
    public Allocation importMemory(int descriptor, long bytes, Access access) {
        Context c = open().context();
        if (!c.sharing)
            throw DeviceException.unsupported(name + " cannot import memory: it lacks VK_KHR_external_memory_fd");
        return allocation(c, Sharing.open(c, descriptor, Math.max(1, bytes)), bytes, -1);
    }

    private static Allocation allocation(Context c, DeviceBuffer b, long bytes, int descriptor) {
        c.addresses.put(b.handle, b.address);
        MemorySegment view = b.view().asSlice(0, bytes);
        return new Allocation(view, descriptor, b.handle, () -> {
            c.addresses.remove(b.handle);
            Sharing.close(descriptor);
            b.close();
        });
    }
}
