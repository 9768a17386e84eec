package dev.meseta.frontends.tflite.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.meseta.frontends.tflite.operators.Operators;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The page on TFLite says of every operator of the format whether it is supported. */
class OperatorNamesTest {
    private static final String PREFIX = "STABLEHLO_";

    @Test
    void numbersAreTheFormats() {
        assertEquals(0, OperatorNames.number("ADD"));
        assertEquals(46, OperatorNames.number("BIDIRECTIONAL_SEQUENCE_RNN"));
        assertEquals(OperatorNames.PLACEHOLDER, OperatorNames.number("PLACEHOLDER"));
        assertEquals(206, OperatorNames.number("STABLEHLO_COMPOSITE"));
        assertEquals(209, OperatorNames.number("STABLEHLO_CASE"));
    }

    @Test
    void everyOperatorIsSupportedOrSaidNotToBe() throws IOException {
        String page = Files.readString(Path.of("..", "..", "docs", "tflite.md"));
        int begin = page.indexOf("## Operators");
        int middle = page.indexOf("### Not supported");
        int end = page.indexOf("## Where it is");
        String supported = page.substring(begin, middle);
        String refused = page.substring(middle, end);
        List<String> unnamed = OperatorNames.NAMES.stream()
                .filter(n -> !List.of("CUSTOM", "PLACEHOLDER").contains(n))
                .filter(n -> !supported.contains("`" + n + "`"))
                .filter(n -> !refused.contains("`" + (n.startsWith(PREFIX) ? PREFIX : n) + "`"))
                .toList();
        assertEquals(List.of(), unnamed);
        for (String n : OperatorNames.NAMES) {
            if (!supported.contains("`" + n + "`")) assertNull(Operators.all().find(n, false), n);
        }
    }
}
