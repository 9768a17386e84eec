package dev.meseta.compiler.llvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnCodeTest {
    @TempDir
    Path folder;

    @Test
    void coversTheEmitter() throws IOException, URISyntaxException {
        Path place = Path.of(IrEmitter.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Map<String, Long> all = OwnCode.checksums(place);
        assertTrue(all.containsKey("dev/meseta/compiler/llvm/IrEmitter.class"), all.toString());
        assertTrue(all.containsKey("dev/meseta/compiler/llvm/KernelCompiler.class"), all.toString());
        assertEquals(all.toString(), OwnCode.checksum());
    }

    @Test
    void isTheSameInAJarAndAFolderAndChangesWithAClass() throws IOException {
        Path classes = Files.createDirectories(folder.resolve("classes/a"));
        Files.write(classes.resolve("One.class"), new byte[] {1, 2, 3});
        Files.write(classes.resolve("Two.class"), new byte[] {4});
        Files.write(classes.resolve("notes.txt"), new byte[] {5});
        Path jar = folder.resolve("a.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (String name : new String[] {"Two.class", "One.class", "notes.txt"}) {
                out.putNextEntry(new JarEntry("a/" + name));
                out.write(Files.readAllBytes(classes.resolve(name)));
            }
        }
        Map<String, Long> before = OwnCode.checksums(folder.resolve("classes"));
        assertEquals(2, before.size());
        assertEquals(before, OwnCode.checksums(jar));
        Files.write(classes.resolve("One.class"), new byte[] {1, 2, 7});
        assertNotEquals(before, OwnCode.checksums(folder.resolve("classes")));
    }
}
