package dev.meseta.tests;

import dev.meseta.compiler.specialize.Specializer;
import dev.meseta.graph.Data;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.Verifier;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.Input;
import dev.meseta.runtime.Stage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How far a program comes that somebody may have damaged: specialised to small inputs, verified, and, where it is little work, run by the
 * interpreter, which is what the device {@code reference} does. All methods throw {@link dev.meseta.graph.InvalidInputException} for what a
 * model must not say; anything else that is thrown is a defect.
 */
public final class ModelAttempt {
    /** The extent of a dim that the model leaves open. */
    private static final long OPEN = 2;

    /** Inputs beyond this size are not made: the model may ask for them, a test need not. */
    private static final long LARGEST_INPUT = 1 << 16;

    /** Stages of one program that are run. */
    private static final int MOST_STAGES = 8;

    private ModelAttempt() {}

    /** Zeros for what the program asks for, nothing for what may be left out; null where that is no tensor, or too large. */
    private static List<Data> inputs(Program program) {
        List<Data> inputs = new ArrayList<>();
        for (Port port : program.inputs()) {
            Tensor input = input(port);
            if (input == null && !port.optional()) return null;
            inputs.add(port.optional() ? null : input);
        }
        return inputs;
    }

    private static Tensor input(Port port) {
        if (port.kind() != Port.Kind.TENSOR || port.dtype() == null) return null;
        Shape stated = port.shape() == null ? Shape.SCALAR : port.shape();
        long[] extents = stated.dims().stream()
                .mapToLong(d -> d.isKnown() ? d.extent() : OPEN)
                .toArray();
        try {
            TensorType type = TensorType.of(port.dtype(), extents);
            return type.bytes() > LARGEST_INPUT ? null : Tensor.allocate(type);
        } catch (ArithmeticException e) {
            return null;
        }
    }

    /** Specialises a program and verifies its first graph. Nothing is done where its inputs are not to be made here. */
    public static void verify(Program program) {
        run(program, -1);
    }

    /**
     * As {@link #verify}, and runs its stages as long as each of them is no more work than that, in elements read.
     *
     * @return whether it ran to its end
     */
    public static boolean run(Program program, double work) {
        List<Data> given = inputs(program);
        if (given == null) return false;
        Map<Integer, Data> places = new HashMap<>();
        for (int i = 0; i < given.size(); i++) places.put(i, given.get(i));
        Stage stage = new Specializer().begin(program, Input.of(given));
        for (int i = 0; i < MOST_STAGES; i++) {
            Graph graph = stage.graph();
            Verifier.verify(graph);
            if (work(graph) > work) return false;
            List<Tensor> operands = new ArrayList<>();
            for (int p : stage.inputs()) operands.add((Tensor) places.get(p));
            List<Tensor> results = Interpreter.run(graph, operands);
            for (int k = 0; k < results.size(); k++) places.put(stage.outputs().get(k), results.get(k));
            switch (stage.action()) {
                case Stage.Finish _ -> {
                    return true;
                }
                case Stage.HostStep s -> {
                    List<Data> produced = s.host()
                            .run(s.operands().stream().map(o -> data(o, places)).toList());
                    for (int k = 0; k < s.results().size(); k++)
                        places.put(s.results().get(k), produced.get(k));
                    stage = s.next().resume(produced);
                }
                case Stage.Read r ->
                    stage = r.next().resume(r.places().stream().map(places::get).toList());
                // How often it goes round is nothing that a test could wait for.
                case Stage.LoopStep _ -> {
                    return false;
                }
            }
        }
        return false;
    }

    private static Data data(Stage.Source source, Map<Integer, Data> places) {
        return switch (source) {
            case Stage.Place p -> places.get(p.number());
            case Stage.Fixed f -> f.value();
            case Stage.Absent _ -> null;
        };
    }

    /** Elements that the interpreter reads and writes, about. */
    private static double work(Graph graph) {
        double sum = 0;
        for (Node n : graph.nodes()) sum += work(n);
        return sum;
    }

    private static double work(Node n) {
        double written = elements(n.results());
        double all = written + elements(n.operands());
        return switch (n.op()) {
            case Op.WindowReduce w ->
                all + written * w.window().stream().mapToDouble(d -> d).reduce(1, (a, b) -> a * b);
            // Each result is a sum of no more products than an operand has elements.
            case Op.Contraction _, Op.Convolution _ ->
                all
                        + written
                                * Math.min(
                                        n.operand(0).shape().elements(),
                                        n.operand(1).shape().elements());
            case Op.Composite c -> all + work(c.body());
            case Op.Scan s -> all + s.steps() * work(s.body());
            case Op.If i -> all + Math.max(work(i.then()), work(i.otherwise()));
            case Op.While _ -> Double.POSITIVE_INFINITY;
            default -> all;
        };
    }

    private static double elements(List<Value> values) {
        return values.stream().mapToDouble(v -> v.shape().elements()).sum();
    }
}
