package dev.meseta.drivers.cpu;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What an image needs of the processor that runs it, as a text: the version of its form, the architecture, instructions by Linux's names. */
final class Requirements {
    private Requirements() {}

    static String of(Instructions.Architecture architecture, Set<String> features) {
        return "form " + PlanImage.FORM + " " + architecture.text() + " " + String.join(" ", new TreeSet<>(features));
    }

    /** What of it is not here; empty if nothing is missing. */
    static String lacking(String requirements) {
        List<String> words = List.of(requirements.strip().split(" +"));
        if (words.size() < 3 || !words.getFirst().equals("form"))
            return "its requirements make no sense: '" + requirements + "'";
        if (!words.get(1).equals(Integer.toString(PlanImage.FORM)))
            return "its code has form " + words.get(1) + ", this version runs form " + PlanImage.FORM
                    + "; compile the model again";
        String here = Instructions.Architecture.here().text();
        if (!words.get(2).equals(here)) return "it is for " + words.get(2) + ", this processor is " + here;
        Set<String> missing = new TreeSet<>(words.subList(3, words.size()));
        missing.removeAll(Instructions.features());
        return missing.isEmpty() ? "" : "this processor lacks " + String.join(" ", missing);
    }
}
