package dev.meseta.driver.plan;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What an image needs of the machine that loads it, or what a machine has for images.
 *
 * @param form version of the image's form
 * @param machine the kind of machine, a word
 * @param features what else it must have, words
 */
public record Requirements(int form, String machine, Set<String> features) {
    /** As {@link dev.meseta.driver.Device#requirements} gives them. */
    public String text() {
        return String.join(" ", "form", Integer.toString(form), machine, String.join(" ", new TreeSet<>(features)));
    }

    /**
     * What a machine that has these lacks; empty if nothing.
     *
     * @param needed the {@link #text} of an image's
     * @param who the machine, for people
     */
    public String lacks(String needed, String who) {
        List<String> words = List.of(needed.strip().split(" +"));
        if (words.size() < 3 || !words.getFirst().equals("form"))
            return "its requirements make no sense: '" + needed + "'";
        if (!words.get(1).equals(Integer.toString(form)))
            return "its code has form " + words.get(1) + ", this version runs form " + form
                    + "; compile the model again";
        if (!words.get(2).equals(machine)) return "it is for " + words.get(2) + ", " + who + " is " + machine;
        Set<String> missing = new TreeSet<>(words.subList(3, words.size()));
        missing.removeAll(features);
        return missing.isEmpty() ? "" : who + " lacks " + String.join(" ", missing);
    }
}
