package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The launcher {@code meseta} and the script that finds a JDK, run as a user runs them. */
final class LauncherTest {
    private static final Path ROOT = checkout();

    @TempDir
    Path folder;

    private record Answer(int status, String out, String err) {}

    private static Path checkout() {
        Path here = Path.of("").toAbsolutePath();
        while (!Files.isRegularFile(here.resolve(".mvn/jdk.sh"))) {
            here = here.getParent();
        }
        return here;
    }

    private Answer run(Map<String, String> environment, String... command) throws IOException, InterruptedException {
        Path out = Files.createTempFile(folder, "out", "");
        Path err = Files.createTempFile(folder, "err", "");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().putAll(environment);
        // A repository chosen on Maven's command line holds for the launcher's own build too.
        String repository = System.getProperty("localRepository");
        if (repository != null) {
            builder.environment().put("MAVEN_ARGS", "-Dmaven.repo.local=" + repository);
        }
        Process process = builder.start();
        if (!process.waitFor(8, TimeUnit.MINUTES)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            throw new AssertionError(String.join(" ", command) + " did not end; stderr: " + Files.readString(err));
        }
        return new Answer(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    @Test
    @Timeout(value = 20, unit = TimeUnit.MINUTES)
    void startsThroughALinkFromAnyFolderAndPrintsNoWarning() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("a link"), ROOT.resolve("meseta"));
        Answer first = run(Map.of(), link.toString(), "--version");
        assertEquals(0, first.status(), first.err());
        Answer second = run(Map.of(), link.toString(), "--version");
        assertEquals("", second.err(), "the second start prints nothing but the answer");
        assertTrue(second.out().startsWith("meseta "), second.out());
        Files.delete(link);
    }

    @Test
    @Timeout(value = 20, unit = TimeUnit.MINUTES)
    void fetchesAPeerWhenOneIsAskedFor() throws Exception {
        String launcher = ROOT.resolve("meseta").toString();
        String model = ROOT.resolve("cli/src/launcher/training.onnx").toString();
        Answer first = run(Map.of(), launcher, "bench", model, "--peer", "abacus");
        assertEquals(2, first.status(), first.err());
        assertTrue(first.err().contains("there are onnxruntime"), first.err());
        Answer second =
                run(Map.of(), launcher, "bench", model, "--peer=onnxruntime", "--seconds", "0", "--settle", "0");
        assertEquals(0, second.status(), second.err());
        assertTrue(second.out().contains("onnxruntime") && second.out().contains("ratio"), second.out());
    }

    private Path jdk(String name, String version) throws IOException {
        Path home = folder.resolve(name);
        Files.createDirectories(home.resolve("bin"));
        for (String tool : List.of("java", "javac")) {
            Path file = Files.writeString(home.resolve("bin").resolve(tool), "#!/bin/sh\n");
            assertTrue(file.toFile().setExecutable(true));
        }
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
        return home;
    }

    private Answer find(String javaHome, String minimum) throws Exception {
        String script = Files.readString(ROOT.resolve(".mvn/jdk.sh"));
        String changed = script.replace("meseta_java_minimum=25", "meseta_java_minimum=" + minimum);
        Path file = Files.writeString(folder.resolve("jdk.sh"), changed);
        return run(
                Map.of("JAVA_HOME", javaHome, "HOME", folder.toString()),
                "/bin/sh",
                "-c",
                ". '" + file + "' || exit 2; echo \"$JAVA_HOME\"");
    }

    @Test
    void javaHomeWinsWhereItIsNewEnough() throws Exception {
        Path home = jdk("my jdk", "900.0.1");
        Answer answer = find(home.toString(), "900");
        assertEquals(home + "\n", answer.out(), answer.err());
    }

    @Test
    void oldJavaHomeGivesWayToAnInstalledJdk() throws Exception {
        Path old = jdk("old", "899.0.1+7");
        Path found = jdk(".jdks/new", "900");
        Answer answer = find(old.toString(), "900");
        assertEquals(found + "\n", answer.out(), answer.err());
    }

    @Test
    void withoutAnyJdkOneLineSaysWhatToInstall() throws Exception {
        Answer answer = find(jdk("old", "899").toString(), "900");
        assertEquals(2, answer.status());
        assertEquals("", answer.out());
        assertEquals(1, answer.err().lines().count(), answer.err());
        assertTrue(answer.err().contains("JDK 900") && answer.err().contains("JAVA_HOME"), answer.err());
    }
}
