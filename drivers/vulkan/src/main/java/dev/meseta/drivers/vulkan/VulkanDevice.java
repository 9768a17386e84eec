package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.driver.Access;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Target;
import dev.meseta.driver.plan.LaunchTimes;
import dev.meseta.driver.plan.PlanDevice;
import dev.meseta.linux.FileStamp;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A device of Vulkan's. It is opened when the first command list is loaded, or memory is asked for. */
final class VulkanDevice implements PlanDevice {
    /** Jobs at once: while one runs, the next one's inputs are copied. */
    private static final int CREDITS = 2;

    /** Invocations of a workgroup, where a subgroup does not say better. */
    static final int LOCAL_SIZE = 64;

    /** Lavapipe ends an invocation's loops after so many rounds in all (LP_MAX_TGSI_LOOP_ITERATIONS), and says nothing. */
    static final long PROCESSOR_ROUNDS = 65_535;

    /** A submission says nothing before its end, and a processor may compile its kernels on the way. */
    private static final Duration TIMEOUT = Duration.ofMinutes(5);

    private static final Limits LIMITS = new Limits(CREDITS, true, true, 64, TIMEOUT, Duration.ofHours(1));

    private final VulkanLibrary vk;
    private final PhysicalDevice physical;
    private final String name;
    private final Target target;
    private final ShaderOptions options;
    private @Nullable Open open;

    /** What there is of a device that is open. */
    private record Open(Context context, Pipelines pipelines, Shaders shaders) {}

    /** @param checking whether kernels test every access */
    VulkanDevice(VulkanLibrary vk, PhysicalDevice physical, String name, boolean checking) {
        this.vk = vk;
        this.physical = physical;
        this.name = name;
        this.target = target(physical);
        boolean processor = physical.isProcessor();
        this.options = new ShaderOptions(
                // On a processor a workgroup is what a thread takes: as small as it can be.
                processor ? physical.subgroup() : Math.max(LOCAL_SIZE, physical.subgroup()),
                checking,
                physical.floats,
                physical.has(Capability.DOT_PRODUCT),
                processor && !checking,
                target.subgroup(),
                processor ? PROCESSOR_ROUNDS : Long.MAX_VALUE);
    }

    /**
     * Vectors of 16 bytes are what one access moves; a processor has a cache in place of registers, and nothing to gain from teams, which the
     * property {@code meseta.vulkan.teams} gives it nevertheless, for tests.
     */
    private static Target target(PhysicalDevice p) {
        Struct limits = p.properties;
        long shared = limits.get("maxComputeSharedMemorySize");
        boolean teams = !p.isProcessor() || Boolean.getBoolean("meseta.vulkan.teams");
        int team = teams
                ? (int) Math.min(limits.get("maxComputeWorkGroupInvocations"), limits.get("maxComputeWorkGroupSize"))
                : 0;
        int totals = p.has(Capability.GROUP_NON_UNIFORM_ARITHMETIC) ? team : 0;
        if (!p.isProcessor()) return gpu(p.has(Capability.DOT_PRODUCT), team, shared, totals, p.matrices);
        int subgroup = p.has(Capability.GROUP_NON_UNIFORM_SHUFFLE) && p.subgroup() > 1 ? p.subgroup() : 0;
        return Target.lockstep(18, 16, false, team, shared, subgroup, Math.max(totals, subgroup), p.matrices);
    }

    static Target gpu(boolean dots, int team, long sharedBytes, int totals, List<Target.Matrix> matrices) {
        return Target.lockstep(32, 8192, dots, team, sharedBytes, 0, totals, matrices);
    }

    private synchronized Open open() {
        Open o = open;
        if (o == null) {
            Context c = new Context(vk, physical, name);
            o = new Open(c, new Pipelines(c, options.rounds()), new Shaders(options));
            open = o;
        }
        return o;
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
        Struct all = physical.properties;
        Map<String, String> p = new LinkedHashMap<>();
        p.put("driver", (all.getText("driverName") + " " + all.getText("driverInfo")).strip());
        p.put("Vulkan", physical.api() + "." + (all.get("apiVersion") & 0xfff));
        p.put("kind", physical.isProcessor() ? "a processor, never chosen by itself" : "a GPU");
        if (physical.stampBits > 0) p.put("time stamps", physical.stampNanoseconds() + " ns");
        p.put("subgroup", Integer.toString(physical.subgroup()));
        long bytes = physical.memory.stream()
                .filter(t -> t.has(MemoryType.LOCAL))
                .mapToLong(MemoryType::heapBytes)
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
                "checking " + options.checking(),
                FileStamp.ofClasses(VulkanDevice.class, ShaderOptions.class));
    }

    @Override
    public Executable load(Image image) {
        return executable(open(), PlanImage.load(image));
    }

    @Override
    public String lacks(String requirements) {
        return VulkanTarget.requirements(physical.api(), physical.capabilities).lacks(requirements, physical.name());
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
    public Allocation allocate(long bytes, boolean shareable) {
        return Sharing.allocate(open().context(), bytes, shareable);
    }

    @Override
    public Allocation importMemory(int descriptor, long bytes, Access access) {
        return Sharing.open(open().context(), descriptor, bytes);
    }
}
