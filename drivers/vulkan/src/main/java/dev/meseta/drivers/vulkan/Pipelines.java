package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.plan.ObjectCache;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** The shaders of a device that were compiled, and what is kept on disk of what its driver made of them. Thread-safe. */
final class Pipelines {
    private final Context c;
    private final long rounds;
    private final ObjectCache kept = ObjectCache.configured("vulkan");
    private final String key;
    private final int keptBytes;
    private final long cache;
    /** By their words. */
    private final Map<IntBuffer, Long> pipelines = new ConcurrentHashMap<>();

    /** @param rounds of loops that an invocation takes at most */
    Pipelines(Context c, long rounds) {
        this.c = c;
        this.rounds = rounds;
        this.key = Integer.toHexString(c.physical.identity().hashCode()) + ".cache";
        byte[] known = kept.find(key).orElse(new byte[0]);
        this.keptBytes = known.length;
        this.cache = c.create("PipelineCache", "initialDataSize pInitialData", known.length, known);
        Runtime.getRuntime().addShutdownHook(new Thread(this::write, "meseta-vulkan-cache"));
    }

    /** The pipeline of a shader. Throws {@link DeviceException} where the device lacks what it needs. */
    long get(Shader shader) {
        SpirvModule module = shader.module();
        String who = "kernel " + shader.kernel();
        Set<Capability> missing = new TreeSet<>(module.needs());
        missing.removeAll(c.physical.capabilities);
        if (!missing.isEmpty())
            throw DeviceException.unsupported(
                    who + " needs " + missing + ", which " + c.physical.name() + " does not have; use another device");
        if (module.rounds() > rounds)
            throw DeviceException.unsupported(who + " takes up to " + module.rounds() + " rounds of loops, and "
                    + c.physical.name() + " ends after " + rounds + "; use another device");
        return pipelines.computeIfAbsent(IntBuffer.wrap(module.words()), words -> compile(words.array()));
    }

    private long compile(int[] words) {
        try (Handles handles = new Handles(c)) {
            Struct info = Struct.of(
                    "VkComputePipelineCreateInfo stage.sType=VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO"
                            + " stage.stage=VK_SHADER_STAGE_COMPUTE_BIT stage.module stage.pName layout",
                    handles.create("ShaderModule", "codeSize pCode", 4 * words.length, words),
                    Struct.text(SpirvModule.ENTRY),
                    c.pipelineLayout);
            return c.get("vkCreateComputePipelines", c.device, cache, 1, info, 0);
        }
    }

    /** What is kept grows with every pipeline that is new. A driver tests what it reads. */
    private void write() {
        try {
            long[] size = new long[1];
            c.check("vkGetPipelineCacheData", c.device, cache, size, 0);
            if (size[0] == keptBytes) return;
            byte[] data = new byte[Math.toIntExact(size[0])];
            c.check("vkGetPipelineCacheData", c.device, cache, size, data);
            kept.put(key, Arrays.copyOf(data, Math.toIntExact(size[0])));
        } catch (DeviceException e) {
            System.getLogger(Pipelines.class.getName())
                    .log(System.Logger.Level.DEBUG, "pipelines are not kept: {0}", e);
        }
    }
}
