package dev.meseta.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The numbers and layouts that the kernel knows: by a table, and against what a C compiler makes of the structures. */
final class RequestTest {
    /** Worked out by hand: direction, size, the letter d, number. */
    private static final Map<DeviceRequest, Long> NUMBERS = Map.of(
            DeviceRequest.VERSION, 0xc040_6400L,
            DeviceRequest.GEM_CLOSE, 0x4008_6409L,
            DeviceRequest.PRIME_HANDLE_TO_FD, 0xc00c_642dL,
            EthosuRequests.DEV_QUERY, 0xc010_6440L,
            EthosuRequests.BO_CREATE, 0xc010_6441L,
            EthosuRequests.BO_WAIT, 0xc010_6442L,
            EthosuRequests.BO_MMAP_OFFSET, 0xc010_6443L,
            EthosuRequests.CMDSTREAM_BO_CREATE, 0xc018_6444L,
            EthosuRequests.SUBMIT, 0xc010_6445L);

    /** The structures in C, of which the compiler decides where each field is. Types: w 32 bits, l 64 bits. */
    private static final List<String> STRUCTURES = List.of(
            "VERSION int:major int:minor int:patch size_t:name_len char*:name size_t:date_len char*:date size_t:desc_len char*:desc",
            "GEM_CLOSE w:handle w:pad",
            "PRIME_HANDLE_TO_FD w:handle w:flags int:fd",
            "DEV_QUERY w:type w:size l:pointer",
            "BO_CREATE l:size w:flags w:handle",
            "BO_WAIT w:handle w:pad l:timeout_ns",
            "BO_MMAP_OFFSET w:handle w:pad l:offset",
            "CMDSTREAM_BO_CREATE w:size w:flags l:data w:handle w:pad",
            "SUBMIT l:jobs w:job_count w:pad",
            "NPU_INFO w:id w:config w:sram_size",
            "JOB w:cmd_bo w:sram_size w:region_bo_handles[8]");

    private static final Map<String, String> MACROS = Map.of(
            "GEM_CLOSE", "_IOW('d', 0x09", "VERSION", "_IOWR('d', 0x00", "PRIME_HANDLE_TO_FD", "_IOWR('d', 0x2d");

    @TempDir
    Path folder;

    @Test
    void numbersAreTheKernels() {
        NUMBERS.forEach((r, number) -> assertEquals(number, r.number(), r.name()));
        assertEquals(12, EthosuRequests.NPU_INFO.byteSize());
        assertEquals(40, EthosuRequests.JOB.byteSize());
    }

    private static DeviceRequest request(String name) {
        return NUMBERS.keySet().stream()
                .filter(r -> r.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static StructLayout layout(String name) {
        return switch (name) {
            case "NPU_INFO" -> EthosuRequests.NPU_INFO;
            case "JOB" -> EthosuRequests.JOB;
            default -> request(name).layout();
        };
    }

    @Test
    void agreeWithTheCompiler() throws Exception {
        StringBuilder types = new StringBuilder("#include <stdio.h>\n#include <stddef.h>\n#include <stdint.h>\n"
                + "#include <sys/ioctl.h>\n#include <linux/ioctl.h>\ntypedef uint32_t w; typedef uint64_t l;\n");
        StringBuilder prints = new StringBuilder();
        StringBuilder expected = new StringBuilder();
        int number = 0x40;
        for (String line : STRUCTURES) {
            String[] parts = line.split(" ");
            String name = parts[0];
            types.append("struct ").append(name).append(" {");
            prints.append("printf(\"")
                    .append(name)
                    .append(" %zu\\n\", sizeof(struct ")
                    .append(name)
                    .append("));\n");
            StructLayout layout = layout(name);
            expected.append(name).append(' ').append(layout.byteSize()).append('\n');
            for (int i = 1; i < parts.length; i++) {
                String[] field = parts[i].split(":");
                String plain = field[1].replaceAll("\\[.*", "");
                types.append(field[0]).append(' ').append(field[1]).append(';');
                prints.append("printf(\"")
                        .append(plain)
                        .append(" %zu\\n\", offsetof(struct ")
                        .append(name)
                        .append(", ")
                        .append(plain)
                        .append("));\n");
                expected.append(plain)
                        .append(' ')
                        .append(DeviceRequest.offset(layout, plain))
                        .append('\n');
            }
            types.append("};\n");
            if (name.equals("NPU_INFO") || name.equals("JOB")) continue;
            String macro = MACROS.get(name);
            if (macro == null) macro = "_IOWR('d', " + number++;
            prints.append("printf(\"%lx\\n\", (unsigned long) ")
                    .append(macro)
                    .append(", struct ")
                    .append(name)
                    .append("));\n");
            expected.append(Long.toHexString(request(name).number())).append('\n');
        }
        Path source = Files.writeString(
                folder.resolve("requests.c"), types + "int main(void) {\n" + prints + "return 0; }\n");
        Path binary = folder.resolve("requests");
        Assumptions.assumeTrue(run("cc", source.toString(), "-o", binary.toString()) != null, "there is no C compiler");
        assertEquals(expected.toString(), run(binary.toString()));
    }

    /** Every field of ours is one of theirs. */
    @Test
    void nothingIsLeftOut() {
        for (String line : STRUCTURES) {
            String[] parts = line.split(" ");
            long named = layout(parts[0]).memberLayouts().stream()
                    .map(MemoryLayout::name)
                    .filter(n -> n.isPresent()
                            && !(parts[0].equals("VERSION") && n.get().equals("pad")))
                    .count();
            assertEquals(parts.length - 1, named, parts[0]);
        }
    }

    /** What a command prints; null where it cannot be run, or fails. */
    private static String run(String... command) throws InterruptedException {
        try {
            Process p = new ProcessBuilder(command).start();
            String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return p.waitFor() == 0 ? out : null;
        } catch (IOException e) {
            return null;
        }
    }
}
