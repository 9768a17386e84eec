package dev.meseta.driver.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Status;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.Image;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import java.util.List;
import org.junit.jupiter.api.Test;

class LaunchPlanTest {
    /** Writes so many I32 as its extent says. */
    private static final Kernel FILL = new Kernel(
            "fill",
            List.of(new Kernel.Buffer("to", DType.I32, Kernel.Access.WRITE, Kernels.extent(0))),
            1,
            Kernels.extent(0),
            Kernels.store(0, Kernel.GRID_VARIABLE, new Expr.Int(Type.of(DType.I32), 7)));

    private static CommandList.Launch fill(Binding to, long elements) {
        return new CommandList.Launch(FILL, List.of(to), List.of(elements), "node");
    }

    /** The plan of commands over an output of 16 bytes (slot 0) and a byte (slot 1). */
    private static LaunchPlan plan(CommandList.Command... commands) {
        CommandList list = new CommandList(
                List.of(new CommandList.OutputSlot(16), new CommandList.TemporarySlot(1, 0)),
                List.of(commands),
                List.of(),
                List.of(new CommandList.Output(0, new TensorType(DType.I32, Shape.of(4)))),
                64);
        return LaunchPlan.of(list, c -> fill(c.to(), c.bytes() / 4), _ -> 5);
    }

    private static CommandList.Repeat repeat(long steps, CommandList.Command body) {
        return new CommandList.Repeat(steps, false, List.of(body));
    }

    private static void refused(String part, CommandList.Command command) {
        String message = String.valueOf(assertThrows(IllegalArgumentException.class, () -> plan(command))
                .getMessage());
        assertTrue(message.contains(part), message);
    }

    @Test
    void placesAreCheckedInEveryRound() {
        Binding up = new Binding(0, 0, List.of(8L));
        Binding down = new Binding(0, 8, List.of(-8L));
        for (Binding b : List.of(up, down)) {
            assertEquals(2, plan(repeat(2, fill(b, 2))).launches().getFirst().repetitions());
            refused("touches bytes", repeat(3, fill(b, 2)));
            refused("more loops", fill(b, 2));
        }
        refused("slot 9", fill(Binding.of(9), 1));
        refused("touches bytes 0 to 20", fill(Binding.of(0), 5));
        refused("lies between elements", fill(Binding.of(0, 2), 1));
        refused("lies between elements", repeat(2, fill(new Binding(0, 0, List.of(2L)), 1)));
        refused("a condition touches", new CommandList.Conditional(Binding.of(1, 1), List.of(), List.of()));
        CommandList.Command nest = fill(Binding.of(0), 1);
        for (int i = 0; i < LaunchPlan.DEEPEST; i++) nest = repeat(1, nest);
        assertEquals(1, plan(nest).launches().size());
        refused("nested loops", repeat(1, nest));
    }

    @Test
    void launchesThatDoNothingAreGone() {
        LaunchPlan p = plan(fill(Binding.of(0), 0), new CommandList.Copy(Binding.of(1), Binding.of(0), 8));
        assertEquals(1, p.launches().size());
        assertEquals(2, p.launches().getFirst().grid());
        assertEquals(5, p.launches().getFirst().code());
    }

    @Test
    void launchesAreThoseOfTheStepsInTheirOrder() {
        LaunchPlan p = plan(fill(Binding.of(0), 1), fill(Binding.of(0), 2));
        for (List<Step> steps : List.of(
                List.<Step>of(),
                List.<Step>of(new Step.Launches(0, 1)),
                List.<Step>of(new Step.Launches(0, 3)),
                List.<Step>of(new Step.Launches(1, 2), new Step.Launches(0, 1)),
                List.<Step>of(new Step.Launches(0, 2), new Step.Launches(1, 2))))
            assertThrows(
                    IllegalArgumentException.class, () -> new LaunchPlan(p.memory(), p.launches(), steps), "" + steps);
    }

    @Test
    void whatIsReadIsWhatWasWritten() {
        LaunchPlan p = plan(
                repeat(2, fill(new Binding(0, 0, List.of(4L)), 3)),
                new CommandList.Conditional(Binding.of(1), List.of(fill(Binding.of(0), 1)), List.of()),
                new CommandList.RepeatWhile(List.of(), Binding.of(1), List.of(fill(Binding.of(0), 4))));
        Image image = PlanForm.image(7, p, out -> out.writeInt(8));
        LaunchPlan read = PlanForm.load(image, 7, (plan, in) -> in.getInt() == 8 ? plan : plan());
        assertArrayEquals(
                image.program(), PlanForm.image(7, read, out -> out.writeInt(8)).program());
        assertThrows(IllegalArgumentException.class, () -> PlanForm.load(image, 6, (plan, _) -> plan));
        assertEquals(p.describe(l -> " by " + l.number()), read.describe(l -> " by " + l.number()));
        assertTrue(p.describe(_ -> "").contains("repeat 2\n  launch fill grid 3  node\nif\n"), p.describe(_ -> ""));
    }

    @Test
    void aStatusNamesTheBuffer() {
        Launch l = plan(fill(Binding.of(0), 3)).launches().getFirst();
        String message = String.valueOf(l.failure(Status.BUFFER, 77).getMessage());
        assertEquals("kernel fill of node leaves buffer #0 (to, i32) of 3 elements at index 77", message);
    }
}
