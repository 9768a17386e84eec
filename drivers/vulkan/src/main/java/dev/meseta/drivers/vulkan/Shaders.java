package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.LaunchPlan;
import dev.meseta.graph.Debug;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Makes plans of command lists. Kernels are shaders, each of which is written once. Thread-safe. */
final class Shaders {
    final ShaderOptions options;
    private final Map<Key, Shader> known = new ConcurrentHashMap<>();

    /** What a shader is made of. */
    private record Key(Kernel kernel, Bounds bounds) {}

    Shaders(ShaderOptions options) {
        this.options = options;
    }

    /** Throws as {@link VulkanPlan}'s constructor. */
    VulkanPlan plan(CommandList commands) {
        Map<Key, Integer> numbers = new LinkedHashMap<>();
        LaunchPlan plan = LaunchPlan.of(
                commands,
                CopyKernels::of,
                l -> numbers.computeIfAbsent(new Key(l.kernel(), bounds(commands, l)), _ -> numbers.size()));
        // All kernels at once, by all threads.
        return new VulkanPlan(
                plan,
                List.copyOf(numbers.keySet()).parallelStream().map(this::get).toList());
    }

    private Shader get(Key key) {
        return known.computeIfAbsent(key, k -> {
            Debug.KERNELS.print(() -> KernelText.of(k.kernel()));
            long each = k.kernel().team() > 1 ? 1 : options.localSize();
            SpirvModule module = KernelEmitter.emit(k.kernel(), k.bounds(), options);
            return new Shader(k.kernel().name(), module, each, k.bounds().texels());
        });
    }

    private Bounds bounds(CommandList commands, CommandList.Launch l) {
        List<Long> alignments = new ArrayList<>();
        long texels = 0;
        for (int i = 0; i < l.bindings().size(); i++) {
            CommandList.Binding b = l.bindings().get(i);
            // Slots are aligned to this much at least, and so is what is bound without a copy.
            alignments.add(Long.lowestOneBit(bits(b) | Bounds.MOST_ALIGNED));
            if (options.texels() && Bounds.mayBeTexels(l.kernel(), i) && isImage(commands, b.slot())) texels |= 1L << i;
        }
        return Bounds.of(l.kernel(), l.extents(), alignments, texels);
    }

    /** The bits that are set in some place of a binding, in any round. */
    static long bits(CommandList.Binding b) {
        return b.strides().stream().reduce(b.offset(), (x, y) -> x | y);
    }

    /** Whether what lies in a slot can be read as an image: where it lies is known when commands are recorded. */
    private static boolean isImage(CommandList commands, int slot) {
        long whole = switch (commands.slots().get(slot)) {
            case CommandList.ConstantSlot s -> s.bytes();
            case CommandList.TemporarySlot _ -> commands.arenaBytes();
            case CommandList.InputSlot _ -> RunState.places(commands.slots()).bytes();
            case CommandList.OutputSlot _ -> Long.MAX_VALUE;
        };
        return whole <= DeviceBuffer.MOST_TEXEL_BYTES;
    }
}
