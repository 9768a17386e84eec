package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Drivers are small. The table of {@code docs/drivers.md} holds each driver's lines of code and its budget; this test prints the lines as
 * they are, and fails where they leave the budget, or where the table is not true any more ({@code -Dmeseta.update=true} writes it).
 */
final class DriverSizeTest {
    private static final Pattern ROW = Pattern.compile("\\| `([a-z0-9/ -]+)` \\| ([0-9,]+) \\| ([0-9,]+) \\|(.*)");

    /** How far the table may be from the tree, so that not every commit has to write it. */
    private static final double SLACK = 0.1;

    private static Path root() {
        Path p = Path.of("").toAbsolutePath();
        while (!Files.exists(p.resolve("docs/architecture.md"))) p = p.getParent();
        return p;
    }

    /** Lines with something on them that is no comment. */
    static long codeLines(String source) {
        long lines = 0;
        boolean comment = false;
        for (String raw : source.lines().toList()) {
            String line = raw.strip();
            boolean code = false;
            for (int i = 0; i < line.length(); i++) {
                if (comment) {
                    if (!line.startsWith("*/", i)) continue;
                    comment = false;
                    i++;
                } else if (line.startsWith("//", i)) {
                    break;
                } else if (line.startsWith("/*", i)) {
                    comment = true;
                    i++;
                } else if (line.charAt(i) != ' ') {
                    code = true;
                    if (line.charAt(i) == '"') i = endOfString(line, i);
                }
            }
            if (code) lines++;
        }
        return lines;
    }

    private static int endOfString(String line, int begin) {
        for (int i = begin + 1; i < line.length(); i++) {
            if (line.charAt(i) == '\\') i++;
            else if (line.charAt(i) == '"') return i;
        }
        return line.length();
    }

    private static long count(Path folder) throws IOException {
        long lines = 0;
        List<Path> files;
        try (Stream<Path> all = Files.walk(folder)) {
            files = all.filter(f -> f.toString().endsWith(".java")).toList();
        }
        for (Path f : files) lines += codeLines(Files.readString(f));
        return lines;
    }

    /** By name: the drivers' folders, and under them what a driver's budget leaves out, such as {@code ethosu model}. */
    private static Map<String, Long> counted() throws IOException {
        Map<String, Long> lines = new TreeMap<>();
        Path drivers = root().resolve("drivers");
        try (Stream<Path> all = Files.list(drivers)) {
            for (Path d : all.filter(d -> Files.isDirectory(d.resolve("src/main/java")))
                    .sorted()
                    .toList()) lines.put(d.getFileName().toString(), count(d.resolve("src/main/java")));
        }
        Path model = drivers.resolve("ethosu/src/main/java/dev/meseta/drivers/ethosu/model");
        if (Files.isDirectory(model)) {
            long n = count(model);
            lines.put("ethosu model", n);
            lines.merge("ethosu", -n, Long::sum);
        }
        return lines;
    }

    private static long number(String text) {
        return Long.parseLong(text.replace(",", ""));
    }

    @Test
    void driversKeepToTheirBudgets() throws IOException {
        Path page = root().resolve("docs/drivers.md");
        Map<String, Long> counted = counted();
        List<String> text = new ArrayList<>();
        List<String> over = new ArrayList<>();
        List<String> stale = new ArrayList<>();
        Map<String, Long> missing = new TreeMap<>(counted);
        for (String line : Files.readAllLines(page)) {
            Matcher m = ROW.matcher(line);
            if (!m.matches()) {
                text.add(line);
                continue;
            }
            Long lines = missing.remove(m.group(1));
            if (lines == null) {
                over.add(m.group(1) + " is in the table and not in the tree");
                continue;
            }
            text.add(String.format(Locale.ROOT, "| `%s` | %,d | %s |%s", m.group(1), lines, m.group(3), m.group(4)));
            System.out.println("Lines of code of driver " + m.group(1) + ": " + lines + " of " + m.group(3));
            if (Math.abs(lines - number(m.group(2))) > SLACK * lines) stale.add(m.group(1));
            if (lines > number(m.group(3)))
                over.add(m.group(1) + " has " + lines + " lines of code, its budget is " + m.group(3));
        }
        missing.keySet().forEach(d -> over.add(d + " has no row in docs/drivers.md"));
        assertEquals(List.of(), over);
        if (Boolean.getBoolean("meseta.update")) Files.write(page, text);
        else assertEquals(List.of(), stale, "docs/drivers.md is not true any more; -Dmeseta.update=true writes it");
    }

    @Test
    void commentsAndBlanksAreNoCode() {
        assertEquals(0, codeLines("\n  \n// x\n/* a\n * b\n */\n"));
        assertEquals(3, codeLines("int a; // x\n/* y */ int b;\nString c = \"// /* \"; // z\n"));
        assertTrue(codeLines("/* a */ b\n") == 1);
    }
}
