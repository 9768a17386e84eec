package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.DeviceException;
import dev.meseta.graph.CacheFolder;
import java.io.IOException;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The shaders of a device that were compiled, and the file that keeps what its driver made of them. Thread-safe. */
final class Pipelines {
    private static final System.Logger LOG = System.getLogger(Pipelines.class.getName());

    private final Context c;
    private final long rounds;
    private final long cache;
    private final @Nullable Path file;
    /** By their words. */
    private final Map<IntBuffer, Long> pipelines = new ConcurrentHashMap<>();

    private final AtomicBoolean changed = new AtomicBoolean();

    /** @param rounds of loops that an invocation takes at most */
    Pipelines(Context c, long rounds) {
        this.c = c;
        this.rounds = rounds;
        this.file = CacheFolder.configured()
                .map(f -> f.resolve("vulkan")
                        .resolve(Integer.toHexString(c.physical.identity().hashCode()) + ".cache"))
                .orElse(null);
        byte[] kept = read();
        Struct info = Struct.of("VkPipelineCacheCreateInfo initialDataSize pInitialData", kept.length, kept);
        this.cache = c.create("vkCreatePipelineCache", info);
        if (file != null) Runtime.getRuntime().addShutdownHook(new Thread(this::write, "meseta-vulkan-cache"));
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

    private long compile(int[] code) {
        try (Handles handles = new Handles(c)) {
            Struct module = Struct.of("VkShaderModuleCreateInfo codeSize pCode", 4 * code.length, code);
            Struct info = Struct.of(
                    "VkComputePipelineCreateInfo stage.sType=VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO"
                            + " stage.stage=VK_SHADER_STAGE_COMPUTE_BIT stage.module stage.pName layout",
                    handles.create("vkCreateShaderModule", module, "vkDestroyShaderModule"),
                    Struct.text(SpirvModule.ENTRY),
                    c.pipelineLayout);
            long pipeline = c.get("vkCreateComputePipelines", c.device, cache, 1, info, 0);
            changed.set(true);
            return pipeline;
        }
    }

    private byte[] read() {
        if (file == null || !Files.isReadable(file)) return new byte[0];
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "pipelines are compiled anew: {0}", e);
            return new byte[0];
        }
    }

    /** The file appears whole; a driver tests what it reads from it. */
    private void write() {
        if (file == null || !changed.get()) return;
        try {
            long[] size = new long[1];
            c.check("vkGetPipelineCacheData", c.device, cache, size, 0);
            byte[] data = new byte[Math.toIntExact(size[0])];
            c.check("vkGetPipelineCacheData", c.device, cache, size, data);
            Path folder = file.toAbsolutePath().getParent();
            Files.createDirectories(folder);
            Path part = Files.createTempFile(folder, "part", ".tmp");
            Files.write(part, Arrays.copyOf(data, Math.toIntExact(size[0])));
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | DeviceException e) {
            LOG.log(System.Logger.Level.DEBUG, "pipelines are not kept: {0}", e);
        }
    }
}
