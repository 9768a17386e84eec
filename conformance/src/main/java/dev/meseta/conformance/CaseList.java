package dev.meseta.conformance;

import dev.meseta.graph.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Names of cases with a reason for each, from a text file: a line holds a pattern of names ({@code *} and {@code ?}), perhaps {@code @} and
 * an operator that the model must call ({@code ai.onnx.Cast-13}: cases of one name exist for several versions), perhaps {@code /} and one
 * of the ways in which cases run, then spaces, then the reason. Lines that begin with {@code #} are comments.
 */
public final class CaseList {
    private record Line(Glob name, Optional<String> operator, Optional<String> way, String reason) {
        boolean matches(String caseName, String caseWay, Set<String> operators) {
            return name.matches(caseName)
                    && operator.map(operators::contains).orElse(true)
                    && way.map(caseWay::equals).orElse(true);
        }
    }

    private final List<Line> lines;

    private CaseList(List<Line> lines) {
        this.lines = lines;
    }

    /** A list without an entry. */
    public static CaseList empty() {
        return new CaseList(List.of());
    }

    /**
     * Reads a list.
     *
     * @throws InvalidInputException for a line without a reason
     */
    public static CaseList parse(String text, String where) {
        List<Line> lines = new ArrayList<>();
        int number = 0;
        for (String raw : text.lines().toList()) {
            number++;
            String line = raw.strip();
            if (line.isEmpty() || line.startsWith("#")) continue;
            String[] parts = line.split("\\s+", 2);
            if (parts.length < 2) {
                throw new InvalidInputException(where + ", line " + number + ": '" + line + "' has no reason");
            }
            String[] way = parts[0].split("/", 2);
            String[] operator = way[0].split("@", 2);
            lines.add(new Line(
                    new Glob(operator[0]),
                    operator.length == 2 ? Optional.of(operator[1]) : Optional.empty(),
                    way.length == 2 ? Optional.of(way[1]) : Optional.empty(),
                    parts[1]));
        }
        return new CaseList(lines);
    }

    /** The list in a file of this package; an empty one where there is no such file. */
    public static CaseList resource(String name) {
        try (InputStream in = CaseList.class.getResourceAsStream(name)) {
            return in == null ? empty() : parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The reason for a case, where it is listed.
     *
     * @param way the way in which it ran
     * @param operators what its model calls
     */
    public Optional<String> reason(String name, String way, Set<String> operators) {
        return lines.stream()
                .filter(l -> l.matches(name, way, operators))
                .map(Line::reason)
                .findFirst();
    }

    /** The patterns that match none of these names. */
    public Set<String> unused(Set<String> names) {
        Set<String> unused = new TreeSet<>();
        for (Line l : lines) {
            if (names.stream().noneMatch(l.name()::matches)) unused.add(l.name().toString());
        }
        return unused;
    }
}
