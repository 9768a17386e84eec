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
final class VulkanDevice extends PlanDevice {
    /** Jobs at once: while one runs, the next one's inputs are copied. */
    private static final int CREDITS = 2;

    /** Invocations of a workgroup, where a subgroup does not say better. */
    static final int LOCAL_SIZE = 64;

    /** Lavapipe ends an invocation's loops after so many rounds in all (LP_MAX_TGSI_LOOP_ITERATIONS), and says nothing. */
    static final long PROCESSOR_ROUNDS = 65_535;

    /** A submission says nothing before its end, and a processor may compile its kernels on the way. */
    private static final Limits LIMITS =
            new Limits(CREDITS, true, true, 64, Duration.ofMinutes(5), Duration.ofHours(1));

    private final PhysicalDevice physical;
    private final Shaders shaders;
    private @Nullable Context open;

    /** @param checking whether kernels test every access */
    VulkanDevice(PhysicalDevice physical, String name, boolean checking) {
        super(name, physical.name(), target(physical), LIMITS);
        this.physical = physical;
        boolean processor = physical.isProcessor();
        this.shaders = new Shaders(new ShaderOptions(
                // On a processor a workgroup is what a thread takes: as small as it can be.
                processor ? physical.subgroup() : Math.max(LOCAL_SIZE, physical.subgroup()),
                checking,
                physical.floats,
                physical.has(Capability.DOT_PRODUCT),
                processor && !checking,
                target().subgroup(),
                processor ? PROCESSOR_ROUNDS : Long.MAX_VALUE));
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

    private synchronized Context open() {
        Context c = open;
        if (c == null) {
            c = new Context(physical, name(), shaders.options.rounds());
            open = c;
        }
        return c;
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
        MemoryType own = MemoryType.choose(physical.memory, -1, true);
        p.put("memory", (own.heapBytes() >> 20) + " MiB");
        return p;
    }

    @Override
    public String identity() {
        return String.join(
                "\n",
                physical.identity(),
                target().text(),
                "checking " + shaders.options.checking(),
                FileStamp.ofClasses(VulkanDevice.class, ShaderOptions.class));
    }

    @Override
    public Executable load(Image image) {
        return executable(VulkanPlan.load(image));
    }

    @Override
    public String lacks(String requirements) {
        return VulkanTarget.requirements(physical.api(), physical.capabilities).lacks(requirements, physical.name());
    }

    @Override
    public Executable load(CommandList commands) {
        return executable(shaders.plan(commands));
    }

    private Executable executable(VulkanPlan plan) {
        Context c = open();
        // All at once, by all threads: a driver takes its time for each.
        long[] pipelines =
                plan.shaders().parallelStream().mapToLong(c.pipelines::get).toArray();
        Constants constants = new Constants(c, plan.launches().slots());
        LaunchTimes times = LaunchTimes.of(plan.launches(), _ -> "", _ -> 0);
        return plan.executable(() -> new RunState(c, plan, constants, pipelines, times));
    }

    @Override
    public Allocation allocate(long bytes, boolean shareable) {
        return Sharing.allocate(open(), bytes, shareable);
    }

    @Override
    public Allocation importMemory(int descriptor, long bytes, Access access) {
        return Sharing.open(open(), descriptor, bytes);
    }
}
