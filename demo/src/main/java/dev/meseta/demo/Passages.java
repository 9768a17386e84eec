package dev.meseta.demo;

import dev.meseta.graph.InvalidInputException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * Reads text files as a stream of passages: memory does not grow with the file. Text is UTF-8; bytes that are not are replaced. A file
 * with zero bytes in its first 8 KiB is taken for a binary one.
 */
final class Passages {
    /** Longest passage in characters; what is longer is cut into pieces (a line of a minified file may be the whole file). */
    private static final int LONGEST = 2000;

    private static final int PROBE = 8192;

    /** How a text is divided. */
    enum Unit {
        LINE,
        PARAGRAPH
    }

    private Passages() {}

    /** Why a file is left out, or an empty string. Throws {@link InvalidInputException} if there is no such file. */
    static String unsuitable(Path file) {
        if (!Files.exists(file)) throw new InvalidInputException("no such file: " + file);
        if (Files.isDirectory(file))
            throw new InvalidInputException(
                    file + " is a folder; name the files in it, such as " + file.resolve("*.txt"));
        if (!Files.isReadable(file)) throw new InvalidInputException("cannot read " + file);
        try (InputStream in = Files.newInputStream(file)) {
            byte[] head = in.readNBytes(PROBE);
            if (head.length == 0) return "it is empty";
            for (byte b : head) if (b == 0) return "it is a binary file";
            return "";
        } catch (IOException e) {
            throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** Gives every passage of a file to the consumer, in order. */
    static void read(Path file, Unit unit, Consumer<Passage> consumer) {
        var decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .onUnmappableCharacter(CodingErrorAction.REPLACE);
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(Files.newInputStream(file), decoder))) {
            new Splitter(file, unit, consumer).all(reader);
        } catch (IOException e) {
            throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** Collects characters into passages. */
    private static final class Splitter {
        private final Path file;
        private final Unit unit;
        private final Consumer<Passage> consumer;
        private final StringBuilder text = new StringBuilder();
        private long line = 1;
        private long start = 1;
        private boolean blankLine = true;

        Splitter(Path file, Unit unit, Consumer<Passage> consumer) {
            this.file = file;
            this.unit = unit;
            this.consumer = consumer;
        }

        /** By characters, not lines: a file may be one line of any length. */
        void all(BufferedReader reader) throws IOException {
            for (int c = reader.read(); c >= 0; c = reader.read()) {
                if (c == '\n') endOfLine();
                else add((char) c);
            }
            flush();
        }

        private void add(char c) {
            if (!Character.isWhitespace(c)) blankLine = false;
            if (text.isEmpty()) {
                if (Character.isWhitespace(c)) return;
                start = line;
            }
            text.append(c);
            if (text.length() >= LONGEST && !Character.isHighSurrogate(c)) flush();
        }

        private void endOfLine() {
            if (unit == Unit.LINE || blankLine) flush();
            else if (!text.isEmpty()) text.append(' ');
            line++;
            blankLine = true;
        }

        private void flush() {
            String passage = text.toString().strip();
            text.setLength(0);
            if (!passage.isEmpty()) consumer.accept(new Passage(file, start, passage));
        }
    }
}
