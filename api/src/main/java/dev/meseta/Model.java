package dev.meseta;

import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.graph.Data;
import dev.meseta.graph.Graph;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.ModelFiles;
import dev.meseta.runtime.ModelPackage;
import dev.meseta.runtime.Signature;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
    private final @Nullable ModelPackage pack;

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
        this.pack = null;
    }

    /** One that was compiled. */
    Model(Meseta meseta, ModelPackage pack, @Nullable Device device) {
        this.meseta = meseta;
        this.signature = pack.signature();
        this.program = () -> {
            throw new InvalidInputException(
                    "a package holds what '" + pack.signature().name() + "' was compiled to, and not the model");
        };
        this.files = Optional.empty();
        this.device = device;
        this.pack = pack;
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

    /** The package that it is; empty for a model that is still to be compiled. */
    public Optional<ModelPackage> compiled() {
        return Optional.ofNullable(pack);
    }

    /** The model as its frontend understood it. Throws {@link InvalidInputException} for a package, which does not hold it. */
    public Program program() {
        return program.get();
    }

    /** The same model for a named device. Throws {@code InvalidInputException} if there is none of this name. */
    public Model on(String deviceName) {
        return on(meseta.device(deviceName));
    }

    public Model on(Device newDevice) {
        if (pack != null) return new Model(meseta, pack, newDevice);
        return new Model(meseta, signature, program, files, newDevice);
    }

    /**
     * A session on the chosen device, or the preferred one. Shapes are planned and kernels compiled when they are first seen, by this process
     * or, where the model came from a file, by any before it. Throws {@link InvalidInputException} for a package that the device cannot run,
     * with what is missing.
     */
    public Session prepare() {
        if (pack != null) return Packages.session(pack, Packages.loader(meseta, pack, device));
        return Compiling.session(meseta, signature, program, files, device());
    }

    /**
     * Loads all that a package holds, as runs would. Throws {@link InvalidInputException} where that fails, with the reason; a model that is no
     * package has nothing to load.
     */
    public void load() {
        if (pack != null) pack.load(Packages.loader(meseta, pack, device));
    }

    /** The device that {@link #prepare} takes. */
    Device device() {
        return device != null ? device : meseta.preferredDevice();
    }

    /** A session with a compiler of the caller's own, which keeps nothing. */
    Session session(Device d, Function<Graph, Executable> compiler) {
        return Compiling.session(signature, program, d, compiler, null);
    }

    /**
     * Compiles the model for a target, and writes a package that runs where neither the compiler nor the model is, on inputs of these types.
     *
     * @param target such as {@code cpu:x86-64-v3}, or {@code ethosu:u65-256,cpu:armv8-a}: one for parts of models, and one for the rest; hardware of that kind need not be here
     * @param variants the model's inputs, by name, once for each combination of shapes that the package is to run; contents do not matter
     * @param known names of inputs whose contents do matter, because shapes follow from them: they are what the package will be given
     * @param file appears whole, or not at all
     * @return the package, opened and checked
     * @throws InvalidInputException for a target that there is none of; a model that needs the host between two parts, or does not take the
     *     inputs; a file that cannot be written
     */
    public ModelPackage compile(String target, List<Map<String, Data>> variants, Set<String> known, Path file) {
        if (pack != null) throw new InvalidInputException("'" + name() + "' is a package already");
        Packages.Chosen chosen = Packages.target(meseta, target);
        Compiling.write(signature, program, chosen, variants, known, file);
        return ModelPackage.open(file);
    }
}
