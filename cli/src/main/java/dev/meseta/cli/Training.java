package dev.meseta.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the launcher lets the JVM's cache of loaded classes learn from: a model whose plan is kept, as most models are that are run, and one
 * that nobody has seen.
 */
final class Training {
    private Training() {}

    /** @param args a model that was run before */
    public static void main(String[] args) throws IOException {
        PrintWriter out = new PrintWriter(System.out, true, System.out.charset());
        PrintWriter err = new PrintWriter(System.err, true, System.err.charset());
        int code = Main.run(out, err, "run", args[0], "--random", "1");
        Path unknown = Files.createTempFile("meseta", ".onnx");
        try {
            Files.write(unknown, Files.readAllBytes(Path.of(args[0])));
            code |= Main.run(out, err, "run", unknown.toString(), "--random", "1");
        } finally {
            Files.deleteIfExists(unknown);
        }
        System.exit(code);
    }
}
