package dev.meseta;

import dev.meseta.compiler.Choices;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.CacheFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a search found out about the compiler's choices for one device, kept in a file of the user's cache folder: a line for each question,
 * {@code QUESTION = ANSWER}. Lines that make no sense, and a file that cannot be read, are as good as none. Immutable.
 *
 * @param file where they are kept; empty where nothing is
 * @param answers by question
 */
record Findings(Optional<Path> file, Map<String, String> answers) {
    private static final String FOLDER = "tuned";
    private static final long MOST_BYTES = 1 << 20;

    Findings {
        answers = Map.copyOf(answers);
    }

    /** Those of a device: its processor, and the threads that it uses, are in the file's name. */
    static Findings of(KernelDevice device) {
        String identity = device.name() + "\n" + device.description() + "\n"
                + device.target().text();
        String hash = HexFormat.of().toHexDigits(identity.hashCode());
        String name = device.name() + "-" + device.target().threads() + "-" + hash + ".txt";
        return at(CacheFolder.configured().map(base -> base.resolve(FOLDER).resolve(name)));
    }

    static Findings at(Optional<Path> file) {
        return new Findings(file, file.map(Findings::read).orElse(Map.of()));
    }

    private static Map<String, String> read(Path file) {
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > MOST_BYTES) return Map.of();
            Map<String, String> answers = new TreeMap<>();
            for (String line : new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\n", -1)) {
                int equals = line.indexOf(" = ");
                if (equals > 0) answers.put(line.substring(0, equals), line.substring(equals + 3));
            }
            return answers;
        } catch (IOException e) {
            return Map.of();
        }
    }

    /** Tells these from others. */
    String identity() {
        return new TreeMap<>(answers).toString();
    }

    /** What the compiler is told. */
    Choices choices() {
        return answers.isEmpty() ? Choices.NONE : choices((_, _) -> {});
    }

    /** What the compiler is told; hears of its questions. */
    Choices choices(Choices.Listener listener) {
        return new Choices(answers, listener);
    }

    Findings with(String question, String answer) {
        Map<String, String> more = new TreeMap<>(answers);
        more.put(question, answer);
        return new Findings(file, more);
    }

    /** Keeps more answers in the file, beside those that are in it by now; the file is replaced in one step. */
    static void keep(Path file, Map<String, String> found) throws IOException {
        Files.createDirectories(file.getParent());
        Map<String, String> all = new TreeMap<>(at(Optional.of(file)).answers());
        all.putAll(found);
        List<String> lines = new ArrayList<>();
        all.forEach((question, answer) -> lines.add(question + " = " + answer));
        Path part = Files.createTempFile(file.getParent(), "tuned", ".part");
        try {
            Files.write(part, lines);
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }
}
