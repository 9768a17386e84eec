package dev.meseta.compiler.specialize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.Executable;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.ProgramRunner;
import dev.meseta.runtime.Stage;
import dev.meseta.runtime.scheduler.Schedulers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Programs cut into stages, and run. */
class SpecializerTest {
    private static final Lowering.Expand ADD = c -> List.of(c.builder().plus(c.operand(0), c.operand(1)));
    private static final Lowering.Expand RESHAPE =
            c -> List.of(c.builder().reshape(c.operand(0), c.constant(1).toLongs()));

    /** Positions of the elements that are not 0: its shape depends on data. */
    private static final Lowering.Host NON_ZERO = operands -> {
        Tensor t = (Tensor) operands.getFirst();
        List<Long> found = new ArrayList<>();
        for (long i = 0; i < t.elements(); i++) if (t.getDouble(i) != 0) found.add(i);
        return List.of(Tensor.of(found.stream().mapToLong(x -> x).toArray(), found.size()));
    };

    private final InterpretingDevice device = new InterpretingDevice();
    private final AtomicInteger compiled = new AtomicInteger();

    private ProgramRunner runner(Program program) {
        return new ProgramRunner(
                program,
                new Specializer(Interpreter::evaluate),
                this::compile,
                Schedulers.of(device).client("test"));
    }

    private Executable compile(Graph graph) {
        compiled.incrementAndGet();
        return device.compile(graph);
    }

    private static Port open(String name, DType dtype, int rank) {
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < rank; i++) dims.add(new Dim(Dim.UNKNOWN, null));
        return Port.tensor(name, dtype, Shape.of(dims));
    }

    private static Program program(List<Port> inputs, List<String> outputs, Call... calls) {
        return new Program("test", inputs, outputs.stream().map(Port::any).toList(), Map.of(), List.of(calls));
    }

    private static Call call(String name, Lowering lowering, List<String> inputs, List<String> outputs) {
        return new Call(name, "test." + name, inputs, outputs, lowering);
    }

    private static Tensor only(List<Data> outputs) {
        assertEquals(1, outputs.size());
        return (Tensor) outputs.getFirst();
    }

    @Test
    void oneGraphForEachSetOfShapes() {
        Program p = program(
                List.of(open("x", DType.F32, 1)), List.of("y"), call("add", ADD, List.of("x", "x"), List.of("y")));
        ProgramRunner r = runner(p);
        for (int n : new int[] {3, 5, 3, 5, 3}) {
            Tensor y = only(r.run(List.of(Tensor.of(new float[n], n))));
            assertEquals(Shape.of(n), y.shape());
        }
        assertEquals(2, compiled.get());
        Stage stage = r.inspect(List.of(Tensor.of(new float[7], 7))).stage();
        assertEquals("x.0", stage.graph().inputs().getFirst().shape().dim(0).symbol());
        assertEquals("x.0", stage.graph().outputs().getFirst().shape().dim(0).symbol());
    }

    @Test
    void smallInputsThatDecideShapesAreSpecialised() {
        Program p = program(
                List.of(open("x", DType.F32, 1), open("shape", DType.I64, 1)),
                List.of("y"),
                call("twice", ADD, List.of("shape", "shape"), List.of("s")),
                call("reshape", RESHAPE, List.of("x", "s"), List.of("y")));
        ProgramRunner r = runner(p);
        Tensor x = Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 8);
        assertEquals(
                Shape.of(4, 2),
                only(r.run(List.of(x, Tensor.of(new long[] {2, 1}, 2)))).shape());
        assertEquals(
                Shape.of(2, 4),
                only(r.run(List.of(x, Tensor.of(new long[] {1, 2}, 2)))).shape());
        int before = compiled.get();
        assertEquals(
                Shape.of(4, 2),
                only(r.run(List.of(x, Tensor.of(new long[] {2, 1}, 2)))).shape());
        assertEquals(before, compiled.get(), "a plan that was made is found again");
    }

    @Test
    void aSmallInputThatTheCallerChangesLaterDoesNotChangeThePlan() {
        Program p = program(
                List.of(open("x", DType.F32, 1), open("shape", DType.I64, 1)),
                List.of("y"),
                call("reshape", RESHAPE, List.of("x", "shape"), List.of("y")));
        ProgramRunner r = runner(p);
        Tensor x = Tensor.of(new float[8], 8);
        Tensor shape = Tensor.of(new long[] {4, 2}, 2);
        assertEquals(Shape.of(4, 2), only(r.run(List.of(x, shape))).shape());
        shape.setLong(0, 2);
        shape.setLong(1, 4);
        assertEquals(Shape.of(2, 4), only(r.run(List.of(x, shape))).shape());
    }

    @Test
    void hostStepsCutAndResume() {
        Program p = program(
                List.of(open("x", DType.F32, 1)),
                List.of("z"),
                call("double", ADD, List.of("x", "x"), List.of("d")),
                call("nonzero", NON_ZERO, List.of("d"), List.of("n")),
                call("again", ADD, List.of("n", "n"), List.of("z")));
        ProgramRunner r = runner(p);
        List<Stage> stages = new ArrayList<>();
        Tensor z = only(r.run(List.of(Tensor.of(new float[] {0, 1, 0, 2}, 4)), o -> stages.add(o.stage())));
        assertArrayEquals(new long[] {2, 6}, z.toLongs());
        assertEquals(2, stages.size());
        assertTrue(stages.getFirst().action() instanceof Stage.HostStep h
                && h.call().name().equals("nonzero"));
        assertArrayEquals(
                new long[] {0},
                only(r.run(List.of(Tensor.of(new float[] {5, 0, 0, 0}, 4)))).toLongs());
    }

    @Test
    void hostStepsOnConstantsRunWhenTheProgramIsSpecialised() {
        Tensor x = Tensor.of(new float[] {0, 1, 0, 2}, 4);
        Program p = new Program(
                "test",
                List.of(),
                List.of(Port.any("n")),
                Map.of("x", x),
                List.of(call("nonzero", NON_ZERO, List.of("x"), List.of("n"))));
        assertArrayEquals(new long[] {1, 3}, only(runner(p).run(List.of())).toLongs());
        assertEquals(0, compiled.get());
    }

    @Test
    void branchesFollowTheirCondition() {
        Port x = open("x", DType.F32, 1);
        Program plus = program(List.of(x), List.of("y"), call("add", ADD, List.of("x", "x"), List.of("y")));
        Program same = program(List.of(x), List.of("x"));
        Lowering.Expand positive = c -> {
            var b = c.builder();
            var sum = b.reduce(dev.meseta.graph.ReduceKind.SUM, c.operand(0), List.of(0), false);
            return List.of(b.map(MapFunction.GT, sum, b.scalar(DType.F32, 0.0)));
        };
        Program p = program(
                List.of(open("x", DType.F32, 1)),
                List.of("y"),
                call("positive", positive, List.of("x"), List.of("c")),
                call("if", new Lowering.Branch(plus, same), List.of("c", "x"), List.of("y")));
        ProgramRunner r = runner(p);
        float[] big = new float[100];
        big[0] = 1;
        assertEquals(2f, only(r.run(List.of(Tensor.of(big, 100)))).getDouble(0));
        big[0] = -1;
        assertEquals(-1f, only(r.run(List.of(Tensor.of(big, 100)))).getDouble(0));
    }

    @Test
    void loopsCarryAndStack() {
        Program body = program(
                List.of(
                        open("i", DType.I64, 0),
                        open("c", DType.BOOL, 0),
                        open("a", DType.F32, 1),
                        open("w", DType.F32, 1)),
                List.of("c", "b", "b"),
                call("add", ADD, List.of("a", "w"), List.of("b")));
        Program p = program(
                List.of(open("n", DType.I64, 0), open("a", DType.F32, 1), open("w", DType.F32, 1)),
                List.of("last", "all"),
                call("loop", new Lowering.Loop(body, 1), List.of("n", "", "a", "w"), List.of("last", "all")));
        List<Data> out = runner(p)
                .run(List.of(
                        Tensor.of(new long[] {3}),
                        Tensor.of(new float[] {1, 2}, 2),
                        Tensor.of(new float[] {10, 20}, 2)));
        assertArrayEquals(new float[] {31, 62}, ((Tensor) out.get(0)).toFloats());
        assertEquals(Shape.of(3, 2), ((Tensor) out.get(1)).shape());
        assertArrayEquals(new float[] {11, 22, 21, 42, 31, 62}, ((Tensor) out.get(1)).toFloats());
    }

    @Test
    void inputsThatPassThroughNeedNoDevice() {
        Program p = program(List.of(open("x", DType.F32, 1)), List.of("x"));
        Tensor x = Tensor.of(new float[] {1, 2}, 2);
        assertSame(x, only(runner(p).run(List.of(x))));
        assertEquals(0, compiled.get());
    }

    @Test
    void wrongTypesAreNamed() {
        Program p = program(List.of(Port.tensor("x", DType.F32, Shape.of(2, 3))), List.of("x"));
        String message = assertThrows(
                        InvalidInputException.class, () -> runner(p).run(List.of(Tensor.of(new float[4], 2, 2))))
                .getMessage();
        assertEquals("input 'x' is f32[2,2], expected f32[2,3]", message);
    }

    @Test
    void operandsThatALoweringTrustsTooMuchAreNamed() {
        Lowering.Expand trusting = c ->
                List.of(c.builder().slice(c.operand(0), 0, 0, c.type(0).shape().dim(5)));
        Program p = program(
                List.of(open("x", DType.F32, 1)), List.of("y"), call("op", trusting, List.of("x"), List.of("y")));
        String message = assertThrows(
                        InvalidInputException.class, () -> runner(p).run(List.of(Tensor.of(new float[4], 4))))
                .getMessage();
        assertTrue(
                message.startsWith("node 'op' (test.op): its operands [f32[x.0=4]] are not what the operator takes"),
                message);
    }
}
