package dev.meseta.runtime;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Region;
import dev.meseta.driver.Stop;
import dev.meseta.drivers.mock.MockDevice;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Scheduler;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A small package of known contents: its form byte by byte, and what becomes of it when anything is wrong. */
@Timeout(120)
class ModelPackageTest {
    private static final Path NAME = Path.of("some.mpk");
    private static final TensorType PAIR = new TensorType(DType.F32, Shape.of(2));

    @TempDir
    Path folder;

    private byte[] whole = {};

    /** What a compiler would give. */
    private record Doubling(List<Region> regions, List<TensorType> outputs) implements Executable {
        @Override
        public Optional<Image> image() {
            return Optional.of(new Image(new byte[] {10, 20, 30}, List.of(Tensor.of(new float[] {1, 2, 3}, 3))));
        }

        @Override
        public String describe() {
            return "doubles";
        }
    }

    private static Graph graph() {
        GraphBuilder b = new GraphBuilder("doubling", Interpreter::evaluate);
        Value x = b.input("x", PAIR);
        return b.build(List.of(b.plus(x, x)));
    }

    @BeforeEach
    void write() throws IOException {
        MockDevice device = new MockDevice(
                new Limits(1, true, false, 64, Duration.ofSeconds(1), Duration.ofSeconds(10)), Stop.STOPPED);
        Port x = Port.tensor("x", DType.F32, Shape.of(2));
        Program program = new Program("small", List.of(x), List.of(Port.any("y"), Port.any("z")), Map.of(), List.of());
        ModelPackage.Made made = new ModelPackage.Made("some", "thing", "form 1 of something", "a test");
        Path file = folder.resolve("small.mpk");
        try (Scheduler scheduler = new Scheduler(device);
                Client client = scheduler.client("a")) {
            PackageWriter writer = new PackageWriter(Signature.of(program), made, Optional.empty());
            writer.add(
                    () -> program,
                    (_, _) -> new Stage(
                            graph(),
                            List.of(0),
                            List.of(1),
                            new Stage.Finish(List.of(
                                    new Stage.Place(1), new Stage.Fixed(Tensor.of(new float[] {1, 2, 3}, 3))))),
                    _ -> new Doubling(Region.of(List.of(8L), List.of(8L)), List.of(PAIR)),
                    client,
                    List.of(Tensor.of(new float[2], 2)),
                    Set.of());
            writer.write(file);
        }
        assertTrue(ModelPackage.recognizes(file));
        whole = Files.readAllBytes(file);
        try (var all = Files.list(folder)) {
            assertEquals(List.of(file), all.toList(), "nothing is left beside it");
        }
    }

    private static ModelPackage open(byte[] bytes) {
        return ModelPackage.of(NAME, MemorySegment.ofArray(bytes));
    }

    private static String refusal(byte[] bytes) {
        String message =
                assertThrows(InvalidInputException.class, () -> open(bytes)).getMessage();
        String prefix = NAME + " cannot be used as a package: ";
        assertTrue(message.startsWith(prefix) && message.length() > prefix.length() + 10, message);
        return message.substring(prefix.length());
    }

    @Test
    void saysWhatIsInIt() {
        ModelPackage p = open(whole);
        assertEquals(new ModelPackage.Made("some", "thing", "form 1 of something", "a test"), p.made());
        assertEquals("small", p.signature().name());
        assertEquals(List.of("x f32[2]"), p.shapes());
        assertEquals(whole.length, p.bytes());
        assertEquals(12, p.weightBytes(), "equal constants are there once");
    }

    /**
     * The form of version 1, as {@code package-form.txt} describes it: lines of an offset, bytes, and what they are. Whoever has to change
     * that file changes what a version means: files that people have are no longer read.
     */
    @Test
    void theFormIsTheOneThatIsWrittenDown() throws IOException {
        byte[] described = new byte[whole.length];
        try (InputStream in = Objects.requireNonNull(getClass().getResourceAsStream("package-form.txt"))) {
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(l -> !l.isBlank() && !l.startsWith("#"))
                    .toList()) {
                String[] words = line.strip().split("\\s+", 3);
                byte[] bytes = HexFormat.of().parseHex(words[1]);
                int at = Integer.parseInt(words[0]);
                System.arraycopy(bytes, 0, described, at, bytes.length);
            }
        }
        int different = Arrays.mismatch(described, whole);
        assertEquals(
                -1,
                different,
                () -> "byte " + different + " is another than described; around it is "
                        + HexFormat.of()
                                .formatHex(whole, Math.max(0, different - 8), Math.min(whole.length, different + 24)));
    }

    /** Numbers in a package stand for types by their order. */
    @Test
    void elementTypesHaveTheNumbersThatAreWrittenDown() {
        assertEquals(
                "[f64, f32, f16, bf16, f8e4m3fn, f8e4m3fnuz, f8e5m2, f8e5m2fnuz, f8e8m0, f4e2m1, i64, i32, i16, i8, i4, i2, u64, u32, u16, u8,"
                        + " u4, u2, bool, c64, c128]",
                Arrays.toString(DType.values()));
    }

    @Test
    void whatIsCutOffIsRefused() {
        for (int length = 0; length < whole.length; length++) refusal(Arrays.copyOf(whole, length));
        refusal(Arrays.copyOf(whole, whole.length + 1));
        refusal(Arrays.copyOf(whole, whole.length + 4096));
    }

    @Test
    void everyBitIsLookedAt() {
        for (int bit = 0; bit < 8 * whole.length; bit++) {
            byte[] flipped = whole.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            refusal(flipped);
        }
    }

    @Test
    void otherVersionsAndKindsAreNamed() throws IOException {
        byte[] other = whole.clone();
        other[8] = 77;
        assertTrue(refusal(other).contains("version 77"), refusal(other));
        String kind = refusal(sections(0, target()));
        assertTrue(kind.contains("kind 0"), kind);
        String contents =
                refusal(sections(1, new SectionFile.Section(ModelPackage.TARGET, Form.write(out -> out.writeInt(9)))));
        assertTrue(contents.contains("version 9"), contents);
    }

    private byte[] sections(int kind, SectionFile.Section... sections) throws IOException {
        Path file = folder.resolve("other");
        SectionFile.write(file, kind, List.of(sections));
        return Files.readAllBytes(file);
    }

    private static SectionFile.Section target() {
        return new SectionFile.Section(ModelPackage.TARGET, Form.write(out -> {
            out.writeInt(ModelPackage.VERSION);
            for (int i = 0; i < 4; i++) ByteForm.text(out, "x");
        }));
    }

    /** Where things are is as much a claim as how many there are. */
    @Test
    void sectionsThatOverlapOrLieOutsideAreRefused() {
        for (long offset : new long[] {-1, 0, 64, Long.MAX_VALUE, whole.length, whole.length - 1}) {
            for (int section = 0; section < 4; section++) {
                byte[] moved = whole.clone();
                MemorySegment m = MemorySegment.ofArray(moved);
                m.set(JAVA_LONG_UNALIGNED, 32 + 32L * section + 8, offset);
                refusal(sealed(moved));
                byte[] longer = whole.clone();
                MemorySegment.ofArray(longer).set(JAVA_LONG_UNALIGNED, 32 + 32L * section + 16, offset);
                refusal(sealed(longer));
            }
        }
    }

    /** With the checksum of its table made right. */
    private static byte[] sealed(byte[] file) {
        MemorySegment m = MemorySegment.ofArray(file);
        int count = m.get(JAVA_INT_UNALIGNED, 12);
        CRC32C crc = new CRC32C();
        crc.update(file, 0, 28);
        crc.update(file, 32, 32 * count);
        m.set(JAVA_INT_UNALIGNED, 28, (int) crc.getValue());
        return file;
    }
}
