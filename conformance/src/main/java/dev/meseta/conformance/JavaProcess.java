package dev.meseta.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A JVM like this one, for what must not see, or be charged for, what this one has loaded, compiled and allocated. */
public final class JavaProcess {
    private JavaProcess() {}

    /**
     * A process with this JVM's options and class path, not started yet.
     *
     * @param main the class to run
     * @param settings system properties beside those of this JVM's command line
     * @param options a file to write the options to; it must stay until the process has started
     * @param arguments of the program
     */
    public static ProcessBuilder of(String main, Map<String, String> settings, Path options, List<String> arguments) {
        List<String> all = new ArrayList<>(ManagementFactory.getRuntimeMXBean().getInputArguments());
        settings.forEach((key, value) -> all.add("-D" + key + "=" + value));
        all.addAll(List.of("-cp", System.getProperty("java.class.path")));
        try {
            Files.write(options, all.stream().map(JavaProcess::quoted).toList());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + options + ": " + e.getMessage(), e);
        }
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // In a file, because ONNX Runtime 1.29 crashes in a process whose command line is as long as our class path.
        command.add("@" + options);
        command.add(main);
        command.addAll(arguments);
        return new ProcessBuilder(command);
    }

    private static String quoted(String option) {
        return '"' + option.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
