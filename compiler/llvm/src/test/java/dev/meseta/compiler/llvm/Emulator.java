package dev.meseta.compiler.llvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.graph.Tensor;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * Runs kernels that were compiled for Arm on a machine that is none, where QEMU and a C compiler for Arm are (Debian's packages {@code
 * qemu-user}, {@code gcc-aarch64-linux-gnu} and {@code libc6-dev-arm64-cross}).
 */
final class Emulator {
    private static final String QEMU = "qemu-aarch64";
    private static final String GCC = "aarch64-linux-gnu-gcc";

    /** Numbers are of 64 bits, least significant byte first, as both sides have them. */
    private static final String PROGRAM = """
            #include <stdint.h>
            #include <stdio.h>
            #include <stdlib.h>
            void kernel(void *arguments, int64_t begin, int64_t end);
            static int64_t number(FILE *f) {
                int64_t n;
                if (fread(&n, 8, 1, f) != 1) exit(2);
                return n;
            }
            int main(int count, char **names) {
                FILE *f = fopen(names[1], "rb");
                int64_t buffers = number(f), extents = number(f), grid = number(f);
                int64_t *block = calloc(2 * buffers + extents + 1, 8), *bytes = calloc(buffers + 1, 8);
                int64_t *status = calloc(2, 8);
                for (int64_t i = 0; i < buffers; i++) {
                    bytes[i] = number(f);
                    void *p = malloc(bytes[i] + 1);
                    if (bytes[i] > 0 && fread(p, bytes[i], 1, f) != 1) exit(2);
                    block[i] = (int64_t) p;
                }
                for (int64_t i = 0; i < extents; i++) block[buffers + i] = number(f);
                for (int64_t i = 0; i < buffers; i++) block[buffers + extents + i] = number(f);
                block[2 * buffers + extents] = (int64_t) status;
                kernel(block, 0, grid);
                f = fopen(names[2], "wb");
                fwrite(status, 8, 2, f);
                for (int64_t i = 0; i < buffers; i++) fwrite((void *) block[i], 1, bytes[i], f);
                return fclose(f);
            }
            """;

    private Emulator() {}

    /** Skips the test where the programs are missing. */
    static void assume() {
        for (String program : List.of(QEMU, GCC))
            Assumptions.assumeTrue(
                    List.of(System.getenv("PATH").split(File.pathSeparator)).stream()
                            .anyMatch(p -> Files.isExecutable(Path.of(p, program))),
                    "there is no " + program + " to run code for Arm with");
    }

    /** Runs a kernel on buffers, which get their new contents, and sets the status' code and index. */
    static void run(
            LlvmTarget target,
            KernelCompiler compiler,
            Kernel kernel,
            List<Tensor> buffers,
            List<Long> extents,
            long[] status) {
        try {
            Path folder = Files.createTempDirectory("emulator");
            try {
                run(folder, target, compiler, kernel, buffers, extents, status);
            } finally {
                for (String name : List.of("main.c", "kernel.o", "main", "in", "out"))
                    Files.deleteIfExists(folder.resolve(name));
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static void run(
            Path folder,
            LlvmTarget target,
            KernelCompiler compiler,
            Kernel kernel,
            List<Tensor> buffers,
            List<Long> extents,
            long[] status)
            throws IOException, InterruptedException {
        Files.writeString(folder.resolve("main.c"), PROGRAM);
        Files.write(folder.resolve("kernel.o"), compiler.object(kernel));
        try (DataOutputStream out = new DataOutputStream(Files.newOutputStream(folder.resolve("in")))) {
            number(out, buffers.size());
            number(out, extents.size());
            number(out, Kernels.evaluate(kernel.grid(), extents));
            for (Tensor b : buffers) {
                number(out, b.data().byteSize());
                out.write(b.data().toArray(JAVA_BYTE));
            }
            for (long e : extents) number(out, e);
            for (Kernel.Buffer b : kernel.buffers()) number(out, Kernels.evaluate(b.elements(), extents));
        }
        String defined = "-Wl,--defsym=kernel=" + compiler.symbol(kernel);
        execute(folder, GCC, "-O1", "-static", defined, "-o", "main", "main.c", "kernel.o", "-lm");
        int bits = target.sveBits();
        String cpu = bits == 0 ? "max" : "max,sve" + bits + "=on,sve-default-vector-length=" + bits / 8;
        execute(folder, QEMU, "-cpu", cpu, "main", "in", "out");
        try (DataInputStream in = new DataInputStream(Files.newInputStream(folder.resolve("out")))) {
            for (int i = 0; i < 2; i++) status[i] = Long.reverseBytes(in.readLong());
            for (Tensor b : buffers)
                b.data()
                        .copyFrom(MemorySegment.ofArray(
                                in.readNBytes(Math.toIntExact(b.data().byteSize()))));
        }
    }

    private static void number(DataOutputStream out, long n) throws IOException {
        out.writeLong(Long.reverseBytes(n));
    }

    private static void execute(Path folder, String... command) throws IOException, InterruptedException {
        List<String> words = List.of(command);
        Process p = new ProcessBuilder(words)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(p.getInputStream().readAllBytes());
        if (p.waitFor() != 0) throw new AssertionError(words + " ended with " + p.exitValue() + ": " + said);
    }
}
