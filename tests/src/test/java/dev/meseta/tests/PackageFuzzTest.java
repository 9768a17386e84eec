package dev.meseta.tests;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.meseta.Meseta;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.runtime.Loader;
import dev.meseta.runtime.ModelPackage;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;

/**
 * As {@link ModelFuzzTest}, of packages: bytes as they are, and with the checksums made right, so that what they guard is reached; all the
 * way to code that is loaded, and not run.
 */
@Tag("fuzz")
final class PackageFuzzTest {
    private static final Meseta MESETA = Meseta.open();

    @FuzzTest(maxDuration = "20m")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        read(bytes);
        read(PackageBytes.sealed(bytes.clone()));
    }

    private static void read(byte[] bytes) {
        try {
            ModelPackage pack = ModelPackage.of(Path.of("a package"), MemorySegment.ofArray(bytes));
            pack.load(Loader.of(MESETA.device("cpu")));
        } catch (InvalidInputException e) {
            Assertions.assertFalse(e.getMessage().isBlank());
        }
    }
}
