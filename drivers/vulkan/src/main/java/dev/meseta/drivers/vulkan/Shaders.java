package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.graph.Debug;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Kernels as shaders, each written once. Thread-safe. */
record Shaders(ShaderOptions options, Map<Key, Step.Shader> known) {
    /** What a shader is made of. */
    record Key(Kernel kernel, Bounds bounds) {}

    Shaders(ShaderOptions options) {
        this(options, new ConcurrentHashMap<>());
    }

    Step.Shader get(Key key) {
        return known.computeIfAbsent(key, k -> {
            Debug.KERNELS.print(() -> KernelText.of(k.kernel()));
            return new Step.Shader(k.kernel().name(), KernelEmitter.emit(k.kernel(), k.bounds(), options));
        });
    }
}
