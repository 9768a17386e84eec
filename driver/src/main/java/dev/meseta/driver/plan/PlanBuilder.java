package dev.meseta.driver.plan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.driver.CommandList;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/** Makes a plan of a command list. Used once. */
final class PlanBuilder {
    private final CommandList commands;
    private final Function<CommandList.Copy, CommandList.Launch> copies;
    private final ToIntFunction<CommandList.Launch> codes;
    private final List<Launch> launches = new ArrayList<>();

    PlanBuilder(
            CommandList commands,
            Function<CommandList.Copy, CommandList.Launch> copies,
            ToIntFunction<CommandList.Launch> codes) {
        this.commands = commands;
        this.copies = copies;
        this.codes = codes;
    }

    LaunchPlan plan() {
        List<Step> steps = steps(commands.commands(), 1);
        CommandList memory = new CommandList(
                commands.slots(), List.of(), commands.inputs(), commands.outputs(), commands.arenaBytes());
        return new LaunchPlan(memory, launches, steps);
    }

    private List<Step> steps(List<CommandList.Command> list, double repetitions) {
        List<Step> steps = new ArrayList<>();
        int first = launches.size();
        for (CommandList.Command c : list) {
            switch (c) {
                case CommandList.Launch l -> launch(l, repetitions);
                case CommandList.Copy k -> launch(copies.apply(k), repetitions);
                case CommandList.Repeat r -> {
                    end(first, steps);
                    steps.add(new Step.Repeat(r.steps(), r.reverse(), steps(r.body(), repetitions * r.steps())));
                    first = launches.size();
                }
                case CommandList.Conditional k -> {
                    end(first, steps);
                    steps.add(new Step.Conditional(
                            Place.of(k.condition()), steps(k.then(), repetitions), steps(k.otherwise(), repetitions)));
                    first = launches.size();
                }
                case CommandList.RepeatWhile w -> {
                    end(first, steps);
                    steps.add(new Step.RepeatWhile(
                            steps(w.test(), repetitions), Place.of(w.condition()), steps(w.body(), repetitions)));
                    first = launches.size();
                }
            }
        }
        end(first, steps);
        return steps;
    }

    /** Makes one step of the launches from a number on. */
    private void end(int first, List<Step> into) {
        if (first < launches.size()) into.add(new Step.Launches(first, launches.size()));
    }

    private void launch(CommandList.Launch l, double repetitions) {
        Kernel k = l.kernel();
        String who = "kernel " + k.name() + " of " + l.origin();
        LaunchPlan.check(
                l.bindings().size() == k.buffers().size(),
                () -> who + " has " + k.buffers().size() + " buffers, bound are "
                        + l.bindings().size());
        LaunchPlan.check(
                l.extents().size() == k.extents(),
                () -> who + " has " + k.extents() + " extents, given are "
                        + l.extents().size());
        long grid = Kernels.evaluate(k.grid(), l.extents());
        if (grid <= 0) return;
        List<Launch.Use> uses = new ArrayList<>();
        for (int i = 0; i < k.buffers().size(); i++) {
            Kernel.Buffer b = k.buffers().get(i);
            uses.add(new Launch.Use(
                    b.name(),
                    b.dtype(),
                    b.access(),
                    Kernels.evaluate(b.elements(), l.extents()),
                    Place.of(l.bindings().get(i))));
        }
        launches.add(new Launch(
                launches.size(), codes.applyAsInt(l), k.name(), uses, l.extents(), grid, repetitions, l.origin()));
    }
}
