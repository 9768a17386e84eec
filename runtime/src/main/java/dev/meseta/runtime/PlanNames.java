package dev.meseta.runtime;

import dev.meseta.graph.Data;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Names of plans: a word for each input, then the contents that decided. Packages hold them: they are part of their form. */
final class PlanNames {
    private static final String ABSENT = "absent";
    private static final String NEXT = "; ";

    /** Contents of more bytes than this name no plan. */
    private static final int LONGEST_CONTENT = 512;

    private static final Pattern WORD = Pattern.compile("absent|[^ \\[]+\\[[^]]*]");

    private PlanNames() {}

    /** What a plan depends on at first; null where that cannot be said in a text. */
    static @Nullable String first(List<Input> inputs) {
        StringBuilder name = new StringBuilder();
        for (Input i : inputs) {
            if (i.given() && i.type() == null) return null;
            name.append(i.type() == null ? ABSENT : describe(i.type())).append(' ');
        }
        return name.toString();
    }

    /** The name of what follows a plan for some contents; null where that is none. */
    static @Nullable String next(@Nullable String before, List<@Nullable Data> contents) {
        if (before == null) return null;
        StringBuilder name = new StringBuilder(before);
        for (Data d : contents) {
            Tensor t = (Tensor) Objects.requireNonNull(d);
            if (t.type().bytes() > LONGEST_CONTENT) return null;
            name.append(NEXT).append(describe(t.type())).append('=');
            name.append(HexFormat.of().formatHex(t.data().toArray(ValueLayout.JAVA_BYTE)));
        }
        return name.toString();
    }

    private static String describe(TensorType t) {
        return t.dtype().text() + Arrays.toString(t.shape().extents());
    }

    /** A name for people: each input that is given with its type, and what shapes follow from. */
    static String describe(String name, Signature signature) {
        int end = name.indexOf(NEXT);
        Matcher words = WORD.matcher(end < 0 ? name : name.substring(0, end));
        List<String> inputs = new ArrayList<>();
        for (int i = 0; i < signature.inputs().size() && words.find(); i++) {
            if (words.group().equals(ABSENT)) continue;
            inputs.add(signature.inputs().get(i).name() + " " + words.group().replace(", ", ","));
        }
        String all = inputs.isEmpty() ? "no inputs" : String.join(", ", inputs);
        return end < 0 ? all : all + " with contents " + name.substring(end + NEXT.length());
    }
}
