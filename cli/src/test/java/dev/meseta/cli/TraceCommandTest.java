package dev.meseta.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import jdk.jfr.Recording;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole command lines of {@code meseta trace}, on the model of one node that the launcher learns from. */
final class TraceCommandTest {
    private static final Path MODEL = Path.of("src/launcher/training.onnx");

    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int trace(Object... arguments) {
        String[] texts = new String[arguments.length + 1];
        texts[0] = "trace";
        for (int i = 0; i < arguments.length; i++) texts[i + 1] = arguments[i].toString();
        return Main.run(new PrintWriter(out), new PrintWriter(err), texts);
    }

    private static String content(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }

    @Test
    void aRunOnEachKindOfDevice() throws IOException {
        for (String device : new String[] {"reference", "mock"}) {
            Path file = folder.resolve(device + ".pftrace");
            assertEquals(0, trace(MODEL, "--device", device, "--runs", 2, "-o", file), err.toString());
            String content = content(file);
            assertTrue(content.contains("queue of " + device), device);
            assertTrue(content.contains("compile graph"), device);
            assertEquals(device.equals("mock"), content.contains("copy in"), device);
        }
        assertTrue(out.toString().contains("1 device queue"), out.toString());
    }

    @Test
    void aRecordingBecomesATrace() throws IOException {
        Path recorded = folder.resolve("a.jfr");
        try (Recording recording = new Recording()) {
            recording.start();
            assertEquals(
                    0,
                    Main.run(
                            new PrintWriter(out),
                            new PrintWriter(err),
                            "run",
                            MODEL.toString(),
                            "--random",
                            "1",
                            "--device",
                            "reference"),
                    err.toString());
            recording.stop();
            recording.dump(recorded);
        }
        Path file = folder.resolve("a.pftrace");
        assertEquals(0, trace(recorded, "-o", file), err.toString());
        assertTrue(content(file).contains("queue of reference"));
    }

    @Test
    void mistakesAreOneLine() throws IOException {
        refused("folder does not exist", MODEL, "-o", folder.resolve("no/x.pftrace"));
        refused("is a folder", MODEL, "-o", folder);
        refused("is the file to read", MODEL, "-o", MODEL);
        refused("--output", MODEL);
        refused("--runs", MODEL, "--runs", 0, "-o", folder.resolve("x"));
        refused("no file", folder.resolve("none.onnx"), "-o", folder.resolve("x"));
        refused("abacus", MODEL, "--device", "abacus", "-o", folder.resolve("x"));
        Path damaged = Files.write(folder.resolve("damaged.jfr"), new byte[] {'F', 'L', 'R', 0, 1, 2, 3});
        refused("", damaged, "-o", folder.resolve("x"));
        assertFalse(Files.exists(folder.resolve("x")));
    }

    private void refused(String part, Object... arguments) {
        err.getBuffer().setLength(0);
        assertEquals(2, trace(arguments), err.toString());
        assertEquals(1, err.toString().lines().count(), err.toString());
        assertTrue(err.toString().contains(part), err.toString());
        assertEquals("", out.toString());
    }
}
