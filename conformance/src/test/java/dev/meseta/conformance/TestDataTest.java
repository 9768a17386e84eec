package dev.meseta.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.conformance.TestData.Found;
import dev.meseta.conformance.TestData.Missing;
import dev.meseta.conformance.TestData.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TestDataTest {
    @TempDir
    Path folder;

    private TestData data(Map<String, String> settings) {
        return new TestData(folder.resolve("cache"), Optional.of(folder.resolve("checkout")), settings::get);
    }

    @Test
    void namedFolderThatExistsIsFound() {
        Source source =
                data(Map.of("meseta.testdata.debian", folder.toString())).debianCases();
        assertEquals(folder, assertInstanceOf(Found.class, source).folder());
    }

    @Test
    void namedFolderThatDoesNotExistIsMissingWithItsName() {
        Path absent = folder.resolve("absent");
        Source source =
                data(Map.of("meseta.testdata.debian", absent.toString())).debianCases();
        assertTrue(assertInstanceOf(Missing.class, source).reason().contains(absent.toString()));
    }

    @Test
    void sharedFolderIsLookedForBesideTheCheckout() throws IOException {
        assertInstanceOf(Missing.class, data(Map.of()).shared());
        Path shared = Files.createDirectories(folder.resolve("shared/testdata"));
        assertEquals(
                shared, assertInstanceOf(Found.class, data(Map.of()).shared()).folder());
    }

    @Test
    void archiveIsUnpackedOnceByThreadsThatAskTogether() throws Exception {
        Path shared = Files.createDirectories(folder.resolve("shared/testdata"));
        Path content = Files.createDirectories(folder.resolve("content/node/test_one"));
        Files.writeString(content.resolve("model.onnx"), "model");
        String failure = TestData.run(
                folder,
                Duration.ofMinutes(1),
                "",
                List.of("tar", "-cJf", shared.resolve("onnx-1.23.tar.xz").toString(), "content"));
        Assumptions.assumeTrue(failure == null, () -> "no archive can be made here: " + failure);
        List<Callable<Source>> askers = Stream.<Callable<Source>>generate(
                        () -> () -> data(Map.of()).newerCases())
                .limit(8)
                .toList();
        try (ExecutorService pool = Executors.newFixedThreadPool(8)) {
            for (Future<Source> answer : pool.invokeAll(askers)) {
                Path found = assertInstanceOf(Found.class, answer.get()).folder();
                assertEquals("model", Files.readString(found.resolve("node/test_one/model.onnx")));
            }
        }
        try (Stream<Path> left = Files.list(folder.resolve("cache"))) {
            assertEquals(
                    0, left.filter(file -> file.toString().contains(".draft-")).count(), "drafts left behind");
        }
    }

    @Test
    void damagedArchiveIsMissingWithTheReasonAndLeavesNothing() throws IOException {
        Path shared = Files.createDirectories(folder.resolve("shared/testdata"));
        Files.writeString(shared.resolve("onnx-1.23.tar.xz"), "not an archive");
        Missing missing = assertInstanceOf(Missing.class, data(Map.of()).newerCases());
        assertTrue(missing.reason().contains("tar"), missing.reason());
        assertInstanceOf(Missing.class, data(Map.of()).newerCases());
    }

    @Test
    void programThatHangsIsEnded() throws Exception {
        String failure = TestData.run(folder, Duration.ofMillis(300), "give up", List.of("sleep", "600"));
        assertNotNull(failure);
        assertTrue(failure.contains("did not end") && failure.contains("give up"), failure);
    }
}
