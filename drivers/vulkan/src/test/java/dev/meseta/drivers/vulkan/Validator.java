package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.spirv.SpirvModule;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The program {@code spirv-val}, which knows SPIR-V's rules. */
record Validator(Path program) {
    /** Skips the test where it is not installed. */
    static Validator find() {
        Path found = Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .map(folder -> Path.of(folder, "spirv-val"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        Assumptions.assumeTrue(found != null, "spirv-val is not installed; on Debian: apt install spirv-tools");
        return new Validator(found);
    }

    /** Skips the test where the program is older than a version. */
    Validator since(int year, int number) throws IOException {
        Process p = new ProcessBuilder(program.toString(), "--version").start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Matcher m = Pattern.compile("v(\\d{4})\\.(\\d+)").matcher(said);
        boolean found = m.find();
        int have = found ? 100 * Integer.parseInt(m.group(1)) + Integer.parseInt(m.group(2)) : 0;
        Assumptions.assumeTrue(
                have >= 100 * year + number,
                "spirv-val is too old; wanted is " + year + "." + number + ", here is " + said);
        return this;
    }

    void check(SpirvModule module, String what, Kernel kernel) throws IOException, InterruptedException {
        int[] words = module.words();
        ByteBuffer bytes = ByteBuffer.allocate(4 * words.length).order(ByteOrder.nativeOrder());
        for (int w : words) bytes.putInt(w);
        Path file = Files.createTempFile("meseta", ".spv");
        try {
            Files.write(file, bytes.array());
            Process p = new ProcessBuilder(program.toString(), "--target-env", "vulkan1.2", file.toString())
                    .redirectErrorStream(true)
                    .start();
            String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (p.waitFor() != 0) throw new AssertionError(what + ": " + said + "\n" + KernelText.of(kernel));
        } finally {
            Files.delete(file);
        }
    }
}
