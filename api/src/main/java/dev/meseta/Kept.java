package dev.meseta;

import dev.meseta.compiler.GraphCompiler;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.KernelDevice;
import dev.meseta.frontends.onnx.OnnxReader;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.CacheFolder;
import dev.meseta.graph.Debug;
import dev.meseta.graph.program.Program;
import dev.meseta.linux.FileStamp;
import dev.meseta.runtime.ModelFiles;
import dev.meseta.runtime.PlanStore;
import dev.meseta.runtime.ProgramRunner;
import dev.meseta.runtime.Signature;
import dev.meseta.runtime.trace.Trace;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The plans that are kept, one store a process, and the models that have some. */
final class Kept {
    /** Who wants to see how something is compiled must have it compiled. */
    private static final Set<Debug> COMPILING =
            EnumSet.of(Debug.GRAPH, Debug.FUSED, Debug.PLAN, Debug.KERNELS, Debug.LLVM, Debug.ASM);

    static final PlanStore STORE = new PlanStore(
            COMPILING.stream().anyMatch(Debug::isOn)
                    ? Optional.empty()
                    : CacheFolder.configured().map(base -> base.resolve("plans")),
            once(Kept::version));

    private Kept() {}

    /** What tells the code that makes plans from other versions of it; a driver adds its own. */
    private static String version() {
        return FileStamp.ofClasses(
                Meseta.class,
                OnnxReader.class,
                TfliteReader.class,
                Program.class,
                GraphCompiler.class,
                Kernel.class,
                KernelDevice.class,
                ProgramRunner.class);
    }

    /** A model from a file; it is read now if it is not known. */
    static Model load(Meseta meseta, Path file) {
        Trace.Work loading = Trace.load("description", file.toString());
        Optional<PlanStore.Known> known = STORE.model(file);
        if (known.isPresent()) {
            loading.close();
            Supplier<Program> program = once(() -> Compiling.read(file));
            return new Model(
                    meseta,
                    known.get().signature(),
                    program,
                    Optional.of(known.get().files()),
                    null);
        }
        Instant before = Instant.now();
        Program program = Compiling.read(file);
        return new Model(meseta, Signature.of(program), () -> program, ModelFiles.of(program, before), null);
    }

    private static <T> Supplier<T> once(Supplier<T> make) {
        return new Supplier<>() {
            private @Nullable T value;

            @Override
            public synchronized T get() {
                T v = value;
                if (v == null) {
                    v = make.get();
                    value = v;
                }
                return v;
            }
        };
    }
}
