package dev.meseta;

import dev.meseta.compiler.Choices;
import dev.meseta.compiler.specialize.Specializer;
import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.Graph;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.KeptPlans;
import dev.meseta.runtime.ModelFiles;
import dev.meseta.runtime.ProgramRunner;
import dev.meseta.runtime.Signature;
import dev.meseta.runtime.scheduler.Schedulers;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A model. Immutable and thread-safe. */
public final class Model {
    private final Meseta meseta;
    private final Signature signature;
    private final Supplier<Program> program;
    private final Optional<ModelFiles> files;
    private final @Nullable Device device;

    /**
     * @param program the model as it was read, or what reads it when it is needed
     * @param files what it was read from, if its plans are to be kept
     */
    Model(
            Meseta meseta,
            Signature signature,
            Supplier<Program> program,
            Optional<ModelFiles> files,
            @Nullable Device device) {
        this.meseta = meseta;
        this.signature = signature;
        this.program = program;
        this.files = files;
        this.device = device;
    }

    public String name() {
        return signature.name();
    }

    /** What the model takes. */
    public List<Port> inputs() {
        return signature.inputs();
    }

    /** The inputs that a caller must give: not optional, and without a value in the model. */
    public List<Port> required() {
        return signature.required();
    }

    /** What the model gives. */
    public List<Port> outputs() {
        return signature.outputs();
    }

    /** The model as its frontend understood it. */
    public Program program() {
        return program.get();
    }

    /** The same model for a named device. Throws {@code InvalidInputException} if there is none of this name. */
    public Model on(String deviceName) {
        return on(meseta.device(deviceName));
    }

    public Model on(Device newDevice) {
        return new Model(meseta, signature, program, files, newDevice);
    }

    /**
     * A session on the chosen device, or the preferred one. Shapes are planned and kernels compiled when they are first seen, by this process
     * or, where the model came from a file, by any before it.
     */
    public Session prepare() {
        Device d = device();
        if (!(d instanceof KernelDevice k)) return prepare(d, Meseta.compilerFor(d, Choices.NONE), null);
        Findings findings = Findings.of(k);
        KeptPlans kept = files.map(f -> Kept.STORE.plans(signature, f, k, findings.identity()))
                .orElse(null);
        return prepare(d, Meseta.compilerFor(d, findings.choices((_, _) -> {})), kept);
    }

    /** The device that {@link #prepare} takes. */
    Device device() {
        return device != null ? device : meseta.preferredDevice();
    }

    /** @param kept plans that such a compiler made; null if there are none */
    Session prepare(Device d, Function<Graph, Executable> compiler, @Nullable KeptPlans kept) {
        return new Session(
                signature,
                d,
                new ProgramRunner(
                        program,
                        new Specializer(Interpreter::evaluate),
                        compiler,
                        Schedulers.of(d).client(signature.name()),
                        kept));
    }
}
