package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.cli.Main;
import dev.meseta.graph.DType;
import dev.meseta.tests.tflite.OneOperator.Scale;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code inspect} says of a device that takes parts of graphs. */
final class InspectSplitTest {
    private static final Draws DRAWS = new Draws(new Random(1));

    @TempDir
    Path folder;

    private String inspect(OneOperator model, String... options) throws IOException {
        Path file = Files.write(folder.resolve("model.tflite"), model.bytes());
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] words = new String[options.length + 4];
        words[0] = "inspect";
        words[1] = file.toString();
        words[2] = "--device";
        words[3] = "ethosu";
        System.arraycopy(options, 0, words, 4, options.length);
        int code = Main.run(new PrintWriter(out, true), new PrintWriter(err, true), words);
        assertEquals(0, code, err.toString());
        return out.toString();
    }

    private static OneOperator product() {
        return new OneOperator("FULLY_CONNECTED", 4)
                .with(0, (byte) 0)
                .with(2, false)
                .input(DRAWS.tensor(DType.I8, 1, 12), Scale.of(0.1, 3))
                .constant(DRAWS.tensor(DType.I8, 5, 12), Scale.of(0.01, 0))
                .missing()
                .output(DType.I8, Scale.of(0.2, -1), 1, 5);
    }

    @Test
    void aProductIsOneSubmission() throws IOException {
        String text = inspect(product());
        assertTrue(text.contains("    segment 1 on ethosu: 1 node\n      quantized_fully_connected\n"), text);
        assertTrue(text.contains("    100.0 % of 60 multiply-accumulates on ethosu, in 1 submission\n"), text);
        assertTrue(!text.contains("not on ethosu"), text);
    }

    @Test
    void asJson() throws IOException {
        String text = inspect(product(), "--json").replaceAll("\\s+", "");
        assertTrue(
                text.contains("\"split\":{\"segments\":[{\"device\":\"ethosu\",\"nodes\":1,"
                        + "\"ops\":{\"quantized_fully_connected\":1}}],\"refusals\":[],"
                        + "\"macs\":60,\"macs_on_device\":60,\"submissions\":1}"),
                text);
    }

    @Test
    void floatsAreRefusedWithTheReason() throws IOException {
        String text = inspect(
                new OneOperator("EXP", 1).input(DRAWS.tensor(DType.F32, 2, 3)).output(DType.F32, null, 2, 3));
        assertTrue(text.contains("    segment 1 on cpu: 1 node\n      exp\n"), text);
        assertTrue(text.matches("(?s).*not on ethosu:\n      1 node of exp: \\S.*"), text);
        assertTrue(text.contains("in 0 submissions"), text);
    }
}
