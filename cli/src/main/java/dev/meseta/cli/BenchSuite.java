package dev.meseta.cli;

import dev.meseta.conformance.TestData;
import dev.meseta.demo.ModelFiles;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MesetaException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Models to measure, from a list: a line each, with two spaces or more between its columns: a name, where the model is, and shapes as
 * {@code --shape} takes them. What stands behind a # is for people.
 */
final class BenchSuite {
    private BenchSuite() {}

    /**
     * A line of the list.
     *
     * @param name what the model is called
     * @param file its file; null where it cannot be had
     * @param reason why it cannot be had, else empty
     * @param shapes arguments of {@code --shape}
     */
    record Entry(String name, @Nullable Path file, String reason, List<String> shapes) {}

    /** Throws for a list that cannot be read, and for lines that are none. */
    static List<Entry> read(Path list) {
        List<String> lines;
        try {
            lines = Files.readAllLines(list, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new InvalidInputException("--suite " + list + ": no list of models can be read there", e);
        }
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).replaceFirst("#.*", "").strip();
            if (!line.isEmpty()) entries.add(entry(list, i + 1, List.of(line.split("\\s{2,}"))));
        }
        if (entries.isEmpty()) throw new InvalidInputException("--suite " + list + ": the list is empty");
        return entries;
    }

    private static Entry entry(Path list, int number, List<String> columns) {
        String where = "--suite " + list + ", line " + number + ": ";
        if (columns.size() < 2) {
            throw new InvalidInputException(
                    where + "a line has a name and a place, with two spaces or more between them");
        }
        String place = columns.get(1);
        String name = place.substring(place.indexOf(':') + 1);
        List<String> shapes = columns.subList(2, columns.size());
        if (place.startsWith("jar:")) {
            try {
                return new Entry(columns.getFirst(), ModelFiles.unpack(name), "", shapes);
            } catch (MesetaException e) {
                return new Entry(columns.getFirst(), null, String.valueOf(e.getMessage()), shapes);
            }
        }
        TestData here = TestData.ofThisMachine();
        TestData.Source source = switch (place.substring(0, Math.max(0, place.indexOf(':')))) {
            case "shared" -> here.shared();
            case "cases" -> here.newerCases();
            case "" ->
                new TestData.Found(
                        place, list.toAbsolutePath().resolveSibling("").normalize());
            default ->
                throw new InvalidInputException(
                        where + "'" + place + "' is no place; jar:, shared:, cases: and file names are");
        };
        return switch (source) {
            case TestData.Missing(String _, String reason) -> new Entry(columns.getFirst(), null, reason, shapes);
            case TestData.Found(String _, Path folder) -> {
                Path file = folder.resolve(name);
                yield Files.isRegularFile(file)
                        ? new Entry(columns.getFirst(), file, "", shapes)
                        : new Entry(columns.getFirst(), null, file + " does not exist", shapes);
            }
        };
    }
}
