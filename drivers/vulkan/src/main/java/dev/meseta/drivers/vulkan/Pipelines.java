package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.DeviceException;
import dev.meseta.graph.CacheFolder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(arena, Vk.TYPE_PIPELINE_CACHE_CREATE_INFO, 40);
            byte[] kept = read();
            if (kept.length > 0)
                info.set(24, (long) kept.length).set(32, arena.allocateFrom(ValueLayout.JAVA_BYTE, kept));
            this.cache = c.create(arena, Function.vkCreatePipelineCache, info);
        }
        if (file != null) Runtime.getRuntime().addShutdownHook(new Thread(this::write, "meseta-vulkan-cache"));
    }

    /** The pipeline of a shader. Throws {@link DeviceException} where the device lacks what it needs. */
    long get(Shader shader) {
        SpirvModule module = shader.module();
        String who = "kernel " + shader.kernel();
        Set<Capability> missing = new TreeSet<>(module.needs());
        missing.removeAll(c.physical.capabilities());
        if (!missing.isEmpty())
            throw DeviceException.unsupported(
                    who + " needs " + missing + ", which " + c.physical.name() + " does not have; use another device");
        if (module.rounds() > rounds)
            throw DeviceException.unsupported(who + " takes up to " + module.rounds() + " rounds of loops, and "
                    + c.physical.name() + " ends after " + rounds + "; use another device");
        return pipelines.computeIfAbsent(IntBuffer.wrap(module.words()), words -> compile(words.array()));
    }

    private long compile(int[] code) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment words = arena.allocateFrom(ValueLayout.JAVA_INT, code);
            Struct module = Struct.of(arena, Vk.TYPE_SHADER_MODULE_CREATE_INFO, 40)
                    .set(24, words.byteSize())
                    .set(32, words);
            long shader = c.create(arena, Function.vkCreateShaderModule, module);
            Struct info = Struct.of(arena, Vk.TYPE_COMPUTE_PIPELINE_CREATE_INFO, 96)
                    .set(24, Vk.TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO)
                    .set(24 + 20, Vk.STAGE_COMPUTE)
                    .set(24 + 24, shader)
                    .set(24 + 32, arena.allocateFrom(SpirvModule.ENTRY))
                    .set(72, c.pipelineLayout)
                    .set(88, -1);
            Struct out = Struct.plain(arena, 8);
            c.vk.check(c.name, Function.vkCreateComputePipelines, c.device, cache, 1, info.address(), 0, out.address());
            c.vk.call(Function.vkDestroyShaderModule, c.device, shader, 0);
            changed.set(true);
            return out.getLong(0);
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
        try (Arena arena = Arena.ofConfined()) {
            Struct size = Struct.plain(arena, 8);
            c.vk.check(c.name, Function.vkGetPipelineCacheData, c.device, cache, size.address(), 0);
            MemorySegment data = arena.allocate(Math.max(1, size.getLong(0)));
            c.vk.check(c.name, Function.vkGetPipelineCacheData, c.device, cache, size.address(), data.address());
            Path folder = file.toAbsolutePath().getParent();
            Files.createDirectories(folder);
            Path part = Files.createTempFile(folder, "part", ".tmp");
            Files.write(part, data.asSlice(0, size.getLong(0)).toArray(ValueLayout.JAVA_BYTE));
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | DeviceException e) {
            LOG.log(System.Logger.Level.DEBUG, "pipelines are not kept: {0}", e);
        }
    }
}
