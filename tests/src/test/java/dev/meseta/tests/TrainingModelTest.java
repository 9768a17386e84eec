package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.google.protobuf.TextFormat;
import dev.meseta.frontends.onnx.format.ModelProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * The model that the launcher runs once, so that Java's cache of classes holds what a model needs, is what its text says. The text is what people
 * change; {@code -Dmeseta.update=true} then writes the model.
 */
final class TrainingModelTest {
    private static final Path FOLDER = Path.of("../cli/src/launcher");

    @Test
    void theModelIsWhatItsTextSays() throws IOException {
        ModelProto.Builder model = ModelProto.newBuilder();
        TextFormat.merge(Files.readString(FOLDER.resolve("training.textproto")), model);
        byte[] bytes = model.build().toByteArray();
        Path file = FOLDER.resolve("training.onnx");
        if (Boolean.getBoolean("meseta.update")) Files.write(file, bytes);
        assertArrayEquals(bytes, Files.readAllBytes(file), file + " is not what training.textproto says");
    }
}
