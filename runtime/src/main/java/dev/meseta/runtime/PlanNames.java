package dev.meseta.runtime;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Names of plans: a word for each input, then the contents that decided. Packages hold them: they are part of their form. */
final class PlanNames {
    private static final String ABSENT = "absent";
    private static final String NEXT = "; ";

    /** Contents of more bytes than this name no plan. */
    private static final int LONGEST_CONTENT = 512;

    private static final Pattern WORD = Pattern.compile("absent|[^ \\[]+\\[[^]]*]");

    private static final Pattern CONTENTS = Pattern.compile("([a-z0-9]+)\\[[0-9, ]*]=((?:[0-9a-f]{2})*)");

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

    /** Whether a plan is a step on the way to another one: what it was made for decides nothing yet. */
    static boolean leadsTo(String name, String other) {
        return other.startsWith(name + NEXT);
    }

    /** A name for people: each input that is given with its type, and the contents that shapes follow from. */
    static String describe(String name, Signature signature) {
        String[] parts = name.split(NEXT, -1);
        Matcher words = WORD.matcher(parts[0]);
        List<String> inputs = new ArrayList<>();
        for (int i = 0; i < signature.inputs().size() && words.find(); i++) {
            if (words.group().equals(ABSENT)) continue;
            inputs.add(signature.inputs().get(i).name() + " " + words.group().replace(", ", ","));
        }
        StringBuilder all = new StringBuilder(inputs.isEmpty() ? "no inputs" : String.join(", ", inputs));
        for (int i = 1; i < parts.length; i++)
            all.append(i == 1 ? " with contents " : ", ").append(contents(parts[i]));
        return all.toString();
    }

    /** Contents as numbers; as they are where a damaged name does not hold what it claims. */
    private static String contents(String part) {
        Matcher m = CONTENTS.matcher(part);
        if (!m.matches()) return part;
        for (DType t : DType.values()) {
            if (!t.text().equals(m.group(1)) || m.group(2).length() % (2 * t.bytes()) != 0) continue;
            byte[] bytes = HexFormat.of().parseHex(m.group(2));
            Tensor values = Tensor.allocate(t, Shape.of(bytes.length / t.bytes()));
            values.data().copyFrom(MemorySegment.ofArray(bytes));
            return IntStream.range(0, bytes.length / t.bytes())
                    .mapToObj(i ->
                            t.isInteger() ? Long.toString(values.getLong(i)) : Double.toString(values.getDouble(i)))
                    .collect(Collectors.joining(",", "[", "]"));
        }
        return part;
    }
}
