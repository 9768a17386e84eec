package dev.meseta.cli;

import dev.meseta.Model;
import dev.meseta.graph.InvalidInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What {@code --shape} asks to be measured: {@code NAME=1x16/1x128} is two sets of shapes, of which the first has 1x16 and the second 1x128.
 * Arguments with as many shapes go together, the first with the first; one with a single shape is in every set.
 */
final class BenchShapes {
    private BenchShapes() {}

    /** The sets, each in the form that {@link Shapes} takes. Throws if the arguments do not go together. */
    static List<List<String>> sets(List<String> arguments) {
        int most = 1;
        String longest = "";
        for (String a : arguments) {
            int n = alternatives(a).size();
            if (n > 1 && most > 1 && n != most) {
                throw new InvalidInputException("--shape " + a + " has " + n + " shapes and " + longest + " has " + most
                        + "; give as many, or one for all");
            }
            if (n > most) {
                most = n;
                longest = a;
            }
        }
        List<List<String>> sets = new ArrayList<>();
        for (int i = 0; i < most; i++) {
            List<String> set = new ArrayList<>();
            for (String a : arguments) {
                List<String> choices = alternatives(a);
                set.add(a.substring(0, a.lastIndexOf('=') + 1) + choices.get(Math.min(i, choices.size() - 1)));
            }
            sets.add(set);
        }
        return sets;
    }

    private static List<String> alternatives(String argument) {
        return List.of(argument.substring(argument.lastIndexOf('=') + 1).split("/", -1));
    }

    private static String name(String argument) {
        return argument.substring(0, Math.max(0, argument.lastIndexOf('=')));
    }

    private static boolean concerns(Model model, String argument) {
        String name = name(argument);
        return name.isEmpty()
                ? model.required().size() == 1
                : Shapes.hasInput(model, name) || Shapes.hasSymbol(model, name);
    }

    /** The arguments that name something of a model; others are for other models of the same command line. */
    static List<String> of(Model model, List<String> set) {
        return set.stream().filter(a -> concerns(model, a)).toList();
    }

    /** Throws for an argument that concerns none of the models. */
    static void check(List<String> arguments, List<Model> models) {
        for (String a : arguments) {
            if (models.stream().noneMatch(m -> concerns(m, a))) {
                throw new InvalidInputException("--shape " + a + ": "
                        + (name(a).isEmpty()
                                ? "which input? write NAME=" + a
                                : "no model has an input or an open extent '" + name(a) + "'")
                        + "; "
                        + models.stream()
                                .map(m -> "'" + m.name() + "' takes " + Text.inputs(m))
                                .limit(3)
                                .collect(Collectors.joining("; ")));
            }
        }
    }
}
