package dev.meseta.driver;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tables of a driver that are a text beside the class that uses them: a row a line, words separated by spaces, comments behind a {@code #}. */
public final class TextTable {
    private TextTable() {}

    /**
     * The rows, each a list of its words.
     *
     * @param text what {@link Class#getResourceAsStream} finds, which is closed
     * @throws IllegalStateException where it found nothing
     */
    public static List<List<String>> rows(@Nullable InputStream text) {
        if (text == null) throw new IllegalStateException("a table is missing beside its class");
        try (text) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(l -> l.replaceFirst("#.*", "").strip())
                    .filter(l -> !l.isEmpty())
                    .map(l -> List.of(l.split(" +")))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
