package dev.meseta.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanFolderTest {
    @TempDir
    Path folder;

    private static List<SectionFile.Section> section(int bytes) {
        return List.of(new SectionFile.Section(1, MemorySegment.ofArray(new byte[bytes])));
    }

    private long files() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.count();
        }
    }

    @Test
    void namesDiffer() {
        assertEquals(PlanFolder.name("a", ".x"), PlanFolder.name("a", ".x"));
        assertNotEquals(PlanFolder.name("a", ".x"), PlanFolder.name("b", ".x"));
        assertEquals(
                10_000,
                Stream.iterate(0, i -> i + 1)
                        .limit(10_000)
                        .map(i -> PlanFolder.name("model " + i, ""))
                        .distinct()
                        .count());
    }

    @Test
    void whatWasUsedLongestAgoGoesFirst() throws IOException {
        PlanFolder plans = new PlanFolder(folder, 3_000);
        for (int i = 0; i < 5; i++) {
            plans.write("f" + i, section(800));
            Files.setLastModifiedTime(
                    folder.resolve("f" + i), FileTime.from(Instant.now().minusSeconds(100_000 - i)));
        }
        plans.read("f0");
        plans.clean();
        assertEquals(3, files());
        plans.read("f0");
        plans.read("f4");
        assertThrows(IOException.class, () -> plans.read("f1"));
        Files.setLastModifiedTime(folder.resolve("f4"), FileTime.from(Instant.EPOCH));
        Files.setLastModifiedTime(
                Files.writeString(folder.resolve("left.part"), "x"),
                FileTime.from(Instant.now().minusSeconds(7_200)));
        Files.writeString(folder.resolve("new.part"), "x");
        plans.clean();
        assertEquals(3, files(), "what is too old goes, and what a process left; not what one writes");
    }

    /** Constants that another plan has are not written again, and what is read is shared. */
    @Test
    void weightsAreWrittenOnce() throws IOException {
        PlanFolder plans = new PlanFolder(folder);
        Tensor a = Tensor.of(new float[] {1, 2, 3});
        Tensor b = Tensor.of(new float[] {4, 5});
        Map<Tensor, WeightFiles.Place> first = new WeightFiles(plans).keep("m", List.of(a, b));
        assertEquals(1, files());
        // Another process: other tensors of equal contents.
        WeightFiles weights = new WeightFiles(plans);
        Tensor c = Tensor.of(new float[] {4, 5});
        Map<Tensor, WeightFiles.Place> second = weights.keep("m", List.of(c));
        assertEquals(1, files());
        assertEquals(first.get(b), second.get(c));
        weights.keep("m", List.of(Tensor.of(new float[] {4, 6})));
        assertEquals(2, files());
        weights.keep("other", List.of(c));
        assertEquals(2, files(), "it is known where it is");
        WeightFiles.Place place = first.get(a);
        WeightFiles.Loaded file = weights.load(place.file());
        assertSame(file, weights.load(place.file()));
        TensorType type = TensorType.of(DType.F32, 3);
        assertEquals(List.of(1f, 2f, 3f), floats(weights.read(file, type, place.section(), place.offset())));
        TensorType large = TensorType.of(DType.F32, 1 << 20);
        assertThrows(
                IOException.class, () -> weights.read(file, large, place.section(), place.offset()), "beyond the end");
    }

    @Test
    void damagedWeightsAreMadeAgain() throws IOException {
        PlanFolder plans = new PlanFolder(folder);
        Tensor a = Tensor.of(new float[] {1, 2, 3});
        WeightFiles.Place place = new WeightFiles(plans).keep("m", List.of(a)).get(a);
        Path file = folder.resolve(place.file());
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 1] ^= 1;
        Files.write(file, bytes);
        WeightFiles weights = new WeightFiles(plans);
        assertThrows(IOException.class, () -> weights.load(place.file()));
        Tensor again = Tensor.of(new float[] {1, 2, 3});
        WeightFiles.Place other = weights.keep("m", List.of(again)).get(again);
        assertNotEquals(place.file(), other.file());
        assertEquals(
                List.of(1f, 2f, 3f),
                floats(weights.read(weights.load(other.file()), a.type(), other.section(), other.offset())));
    }

    @Test
    void whatIsTooMuchIsNotKept() throws IOException {
        PlanFolder plans = new PlanFolder(folder, 1_000);
        assertEquals(
                Map.of(), new WeightFiles(plans).keep("m", List.of(Tensor.allocate(TensorType.of(DType.F32, 100)))));
    }

    @Test
    void aPlanInUseIsShared() {
        PlanStore store = new PlanStore(java.util.Optional.empty(), () -> "1");
        Compiled one = new Compiled(List.of(), List.of(), new Compiled.Ask(), null, List.of());
        Compiled two = new Compiled(List.of(1), List.of(), new Compiled.Ask(), null, List.of());
        assertSame(one, store.share("k", one));
        assertSame(one, store.share("k", two));
        assertSame(one, store.inUse("k"));
        assertNotSame(one, store.share("l", two));
    }

    private static List<Float> floats(Tensor t) {
        List<Float> values = new java.util.ArrayList<>();
        for (float f : t.toFloats()) values.add(f);
        return values;
    }
}
