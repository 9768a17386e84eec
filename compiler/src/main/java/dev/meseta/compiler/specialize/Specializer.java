package dev.meseta.compiler.specialize;

import dev.meseta.graph.Dim;
import dev.meseta.graph.Folder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.Input;
import dev.meseta.runtime.Stage;
import dev.meseta.runtime.StageMaker;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes stages of a program for concrete input types. Extents that follow from the inputs carry symbols, so that kernels take them as
 * arguments. Where a shape depends on the contents of a small input, the program is specialised to these contents; where it depends on
 * what must first be computed, a stage ends. Thread-safe.
 */
public final class Specializer implements StageMaker {
    private final Folder folder;

    /** One that folds constants with the interpreter. */
    public Specializer() {
        this(Interpreter::evaluate);
    }

    /** @param folder evaluates what is constant */
    public Specializer(Folder folder) {
        this.folder = folder;
    }

    @Override
    public Stage begin(Program program, List<Input> inputs) {
        Frame frame = new Frame(program, List.of());
        for (int i = 0; i < program.inputs().size(); i++) {
            Port port = program.inputs().get(i);
            Input in = i < inputs.size() ? inputs.get(i) : new Input(false, null);
            TensorType type = in.type();
            if (in.given()) frame.names.put(port.name(), new Binding.Place(i, type == null ? null : typed(port, type)));
            else if (!frame.names.containsKey(port.name())) frame.names.put(port.name(), new Binding.Absent());
        }
        return new StageWalk(folder, List.of(frame), program.inputs().size()).walk();
    }

    /** The type of an input with symbols where the program leaves an extent open. Throws {@link InvalidInputException} for a type that the port does not take. */
    private static TensorType typed(Port port, TensorType t) {
        String expected = "input '" + port.name() + "' is " + t + ", expected " + port.describe();
        if (port.dtype() != null && port.kind() == Port.Kind.TENSOR && port.dtype() != t.dtype())
            throw new InvalidInputException(expected);
        Shape shape = port.kind() == Port.Kind.TENSOR ? port.shape() : null;
        if (shape != null && shape.rank() != t.rank()) throw new InvalidInputException(expected);
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < t.rank(); i++) {
            Dim stated = shape == null ? new Dim(Dim.UNKNOWN, null) : shape.dim(i);
            if (stated.isKnown() && stated.extent() != t.shape().extent(i)) throw new InvalidInputException(expected);
            if (stated.isKnown() && !stated.isDynamic()) dims.add(stated);
            else
                dims.add(Dim.symbolic(
                        stated.symbol() != null ? stated.symbol() : port.name() + "." + i,
                        t.shape().extent(i)));
        }
        return t.with(Shape.of(dims));
    }
}
