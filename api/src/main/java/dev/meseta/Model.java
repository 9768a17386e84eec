package dev.meseta;

import dev.meseta.compiler.specialize.Specializer;
import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.graph.Graph;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.ProgramRunner;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A model that was read. Immutable and thread-safe. */
public final class Model {
    private final Meseta meseta;
    private final Program program;
    private final @Nullable Device device;

    Model(Meseta meseta, Program program, @Nullable Device device) {
        this.meseta = meseta;
        this.program = program;
        this.device = device;
    }

    public String name() {
        return program.name();
    }

    /** What the model takes. */
    public List<Port> inputs() {
        return program.inputs();
    }

    /** What the model gives. */
    public List<Port> outputs() {
        return program.outputs();
    }

    /** The model as its frontend understood it. */
    public Program program() {
        return program;
    }

    /** The same model for a named device. Throws {@code InvalidInputException} if there is none of this name. */
    public Model on(String deviceName) {
        return on(meseta.device(deviceName));
    }

    public Model on(Device newDevice) {
        return new Model(meseta, program, newDevice);
    }

    /** A session on the chosen device, or the preferred one. Shapes are planned and kernels compiled when they are first seen. */
    public Session prepare() {
        Device d = device();
        return prepare(d, Meseta.compilerFor(d));
    }

    /** The device that {@link #prepare} takes. */
    Device device() {
        return device != null ? device : meseta.preferredDevice();
    }

    Session prepare(Device d, Function<Graph, Executable> compiler) {
        return new Session(program, d, new ProgramRunner(program, new Specializer(Interpreter::evaluate), compiler));
    }
}
