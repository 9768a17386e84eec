package dev.meseta.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Structures against what a C compiler makes of the system's headers. */
class LayoutsTest {
    private static final Map<String, StructLayout> STRUCTURES = new TreeMap<>(Map.of(
            "iovec", Layouts.IOVEC,
            "msghdr", Layouts.MSGHDR,
            "cmsghdr", Layouts.CMSGHDR,
            "sockaddr_un", Layouts.SOCKADDR_UN));

    @TempDir
    Path folder;

    @Test
    void agreeWithTheCompiler() throws Exception {
        StringBuilder program = new StringBuilder(
                "#include <stdio.h>\n#include <stddef.h>\n#include <sys/socket.h>\n#include <sys/un.h>\nint main(void) {\n");
        StringBuilder expected = new StringBuilder();
        STRUCTURES.forEach((name, layout) -> {
            program.append("printf(\"%s %zu\\n\", \"" + name + "\", sizeof(struct " + name + "));\n");
            expected.append(name + " " + layout.byteSize() + "\n");
            for (MemoryLayout field : layout.memberLayouts()) {
                if (field.name().isEmpty()) continue;
                String f = field.name().get();
                program.append("printf(\"%s %zu\\n\", \"" + f + "\", offsetof(struct " + name + ", " + f + "));\n");
                expected.append(f + " " + Layouts.offset(layout, f) + "\n");
            }
        });
        Path source = Files.writeString(folder.resolve("layouts.c"), program + "return 0; }\n");
        Path binary = folder.resolve("layouts");
        Assumptions.assumeTrue(run("cc", source.toString(), "-o", binary.toString()) != null, "there is no C compiler");
        assertEquals(expected.toString(), run(binary.toString()));
    }

    /** What a command prints; null where it cannot be run, or fails. */
    private static String run(String... command) throws InterruptedException {
        try {
            Process p = new ProcessBuilder(command).start();
            String out = new String(p.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            return p.waitFor() == 0 ? out : null;
        } catch (IOException e) {
            return null;
        }
    }
}
