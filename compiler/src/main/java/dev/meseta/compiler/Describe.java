package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Command;
import java.util.ArrayList;
import java.util.List;

/** Text about a compilation, for people. */
final class Describe {
    private Describe() {}

    /** A line a group: what its root gives, and the ops in it. */
    static String groups(String name, Flow flow, List<Group> groups) {
        StringBuilder s = new StringBuilder("fused graph " + name + "\n");
        for (Group g : groups) {
            List<String> ops = new ArrayList<>();
            for (N n : flow.nodes) if (g.holds(n)) ops.add(n.op.mnemonic());
            s.append("  ")
                    .append(g.root.result().type)
                    .append(" = ")
                    .append(String.join(" ", ops))
                    .append('\n');
        }
        return s.toString();
    }

    /** The slots and commands of a list. */
    static String plan(CommandList list) {
        StringBuilder s = new StringBuilder("plan, " + list.arenaBytes() + " bytes\n");
        for (int i = 0; i < list.slots().size(); i++) {
            s.append("  slot ")
                    .append(i)
                    .append(": ")
                    .append(slot(list.slots().get(i)))
                    .append('\n');
        }
        commands(list.commands(), "  ", s);
        return s.toString();
    }

    private static String slot(CommandList.Slot slot) {
        return switch (slot) {
            case CommandList.InputSlot x -> "input, " + x.bytes();
            case CommandList.OutputSlot x -> "output, " + x.bytes();
            case CommandList.ConstantSlot x -> "constant " + x.value().type();
            case CommandList.TemporarySlot x -> "temporary, " + x.bytes() + " at " + x.offset();
        };
    }

    private static void commands(List<Command> commands, String indent, StringBuilder s) {
        for (Command c : commands) {
            switch (c) {
                case CommandList.Launch l ->
                    s.append(indent)
                            .append(l.kernel().name())
                            .append(' ')
                            .append(bindings(l.bindings()))
                            .append(" extents ")
                            .append(l.extents())
                            .append("  ")
                            .append(l.origin())
                            .append('\n');
                case CommandList.Copy x ->
                    s.append(indent)
                            .append("copy ")
                            .append(bindings(List.of(x.from(), x.to())))
                            .append(", ")
                            .append(x.bytes())
                            .append('\n');
                case CommandList.Repeat r -> {
                    s.append(indent).append("repeat ").append(r.steps()).append('\n');
                    commands(r.body(), indent + "  ", s);
                }
                case CommandList.Conditional x -> {
                    s.append(indent)
                            .append("if ")
                            .append(bindings(List.of(x.condition())))
                            .append('\n');
                    commands(x.then(), indent + "  ", s);
                    s.append(indent).append("else\n");
                    commands(x.otherwise(), indent + "  ", s);
                }
                case CommandList.RepeatWhile w -> {
                    s.append(indent)
                            .append("while ")
                            .append(bindings(List.of(w.condition())))
                            .append('\n');
                    commands(w.test(), indent + "  ", s);
                    s.append(indent).append("do\n");
                    commands(w.body(), indent + "  ", s);
                }
            }
        }
    }

    private static String bindings(List<CommandList.Binding> bindings) {
        List<String> l = new ArrayList<>();
        for (CommandList.Binding b : bindings)
            l.add(b.slot()
                    + (b.offset() == 0 ? "" : "+" + b.offset())
                    + (b.strides().isEmpty() ? "" : "*" + b.strides()));
        return String.join(" ", l);
    }
}
