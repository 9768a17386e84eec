package dev.meseta.frontends.tflite.operators;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The page on TFLite names every operator. */
class OperatorDocsTest {
    @Test
    void everyOperatorIsOnThePage() throws IOException {
        String page = Files.readString(Path.of("..", "..", "docs", "tflite.md"));
        List<String> missing = Operators.all().names().stream()
                .map(name -> name.replace("custom ", ""))
                .filter(name -> !page.contains("`" + name + "`"))
                .toList();
        assertEquals(List.of(), missing);
    }
}
