package dev.meseta.drivers.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Structures by name, and the table of names: it has those that the driver's sources have, and no others. */
class StructTest {
    private static final Pattern TEXT = Pattern.compile("\"([^\"]*)\"");
    /** Objects of kinds, and fields of what they are made by. */
    private static final Pattern CREATE = Pattern.compile("create\\(\\s*\"(\\w+)\", \"([^\"]*)\"");

    private static final Pattern NUMBER = Pattern.compile("(?<!\")VK_\\w+|(?<=\")VK_(?!KHR_|EXT_)\\w+");

    /** The sources, with texts that go on in the next line whole. */
    private static String sources() throws IOException {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.list(Path.of("src/main/java/dev/meseta/drivers/vulkan"))) {
            for (Path f : files.toList())
                all.append(Files.readString(f)
                        .replaceAll("(?s)/\\*.*?\\*/|//[^\n]*", "")
                        .replaceAll("\"\\s*\\+\\s*\"", ""));
        }
        return all.toString();
    }

    @Test
    void theTableHasTheNamesOfTheSources() throws IOException {
        String sources = sources();
        Set<String> names = NUMBER.matcher(sources)
                .results()
                .map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
        names.forEach(Struct::number);
        List<String> texts = new ArrayList<>(
                TEXT.matcher(sources).results().map(m -> m.group(1)).toList());
        CREATE.matcher(sources)
                .results()
                .map(m -> "Vk" + m.group(1) + "CreateInfo " + m.group(2))
                .forEach(texts::add);
        for (String text : texts) {
            if (!text.matches("(Vk[A-Z]|Pointer).*")) continue;
            String[] words = text.split(" ");
            names.add(words[0]);
            long open =
                    Arrays.stream(words).skip(1).filter(w -> !w.contains("=")).count();
            Struct.of(text, Stream.generate(() -> 1).limit(open).toArray());
        }
        Set<String> table =
                Files.readAllLines(Path.of("src/main/resources/dev/meseta/drivers/vulkan/specification.txt")).stream()
                        .filter(l -> !l.isEmpty() && !l.startsWith("#"))
                        .map(l -> l.split(" ")[0])
                        .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(table, names);
    }

    @Test
    void namesThatAreNoneAreRefused() {
        for (String text : List.of("VkNothing", "VkBufferCreateInfo colour=1", "VkBufferCreateInfo usage=VK_NOTHING"))
            assertThrows(IllegalArgumentException.class, () -> Struct.of(text), text);
        assertThrows(IllegalArgumentException.class, () -> Struct.of("VkBufferCreateInfo size", 1, 2));
        assertThrows(
                IllegalArgumentException.class,
                () -> Struct.of("VkBufferCreateInfo").get("fd"));
    }

    @Test
    void fieldsOfWhatExtendsAStructureAreItsOwn() {
        Struct more =
                Struct.of("VkPhysicalDeviceVulkan11Features pNext", Struct.of("VkPhysicalDeviceVulkan12Features"));
        Struct all = Struct.of("VkPhysicalDeviceFeatures2 shaderInt64=1 pNext", more);
        all.set("shaderInt8", 1);
        assertTrue(all.is("shaderInt64") && all.is("shaderInt8") && !all.is("storageBuffer16BitAccess"));
        assertFalse(all.knows("cooperativeMatrix"));
    }

    /** As a function of Vulkan's finds it, and leaves something there. */
    @Test
    void whatIsPassedIsInMemoryForTheTimeOfACall() {
        int[] listed = {7, 8};
        Struct part = Struct.of("VkMemoryRequirements");
        Struct whole = Struct.of("VkDeviceCreateInfo queueCreateInfoCount=1 pQueueCreateInfos pNext", listed, part);
        try (Passing passing = new Passing()) {
            MemorySegment there = MemorySegment.ofAddress(passing.number(whole)).reinterpret(72);
            assertEquals(3, there.get(ValueLayout.JAVA_INT, 0));
            MemorySegment array = MemorySegment.ofAddress(there.get(ValueLayout.JAVA_LONG, 24))
                    .reinterpret(8);
            assertArrayEquals(listed, array.toArray(ValueLayout.JAVA_INT));
            array.set(ValueLayout.JAVA_INT, 4, 9);
            MemorySegment.ofAddress(there.get(ValueLayout.JAVA_LONG, 8))
                    .reinterpret(24)
                    .set(ValueLayout.JAVA_LONG, 0, 1L << 40);
        }
        assertArrayEquals(new int[] {7, 9}, listed);
        assertEquals(1L << 40, part.get("size"));
    }
}
