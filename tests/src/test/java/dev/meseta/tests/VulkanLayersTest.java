package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.conformance.JavaProcess;
import dev.meseta.graph.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The validation layers have nothing to say about what the Vulkan driver calls while suites run, each in a process of its own. */
final class VulkanLayersTest {
    private static final String LAYER = "VK_LAYER_KHRONOS_validation";
    private static final Path INSTALLED = Path.of("/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json");
    private static final Pattern COUNTS = Pattern.compile("onnx pass:(\\d+) skip:\\d+, driver pass:(\\d+) skip:\\d+");

    @TempDir
    Path folder;

    /** What a process printed, and what the layers wrote. */
    private record Said(String printed, String log) {}

    @BeforeEach
    void find() {
        Assumptions.assumeTrue(
                Files.exists(INSTALLED),
                "the layers are not installed; on Debian: apt install vulkan-validationlayers");
        try (Meseta meseta = Meseta.open()) {
            meseta.device("vulkan");
        } catch (InvalidInputException e) {
            Assumptions.abort(e.getMessage());
        }
    }

    private Said run(Map<String, String> environment, List<String> arguments) throws IOException, InterruptedException {
        Path log = folder.resolve("log");
        Path settings = folder.resolve("vk_layer_settings.txt");
        Files.write(
                settings,
                List.of(
                        "khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG",
                        "khronos_validation.report_flags = error,warn,perf",
                        "khronos_validation.log_filename = " + log,
                        "khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT"));
        ProcessBuilder b = JavaProcess.of(
                        VulkanWorker.class.getName(),
                        Map.of("meseta.cache", "off"),
                        folder.resolve("options"),
                        arguments)
                .redirectErrorStream(true);
        b.environment().put("VK_INSTANCE_LAYERS", LAYER);
        b.environment().put("VK_LAYER_SETTINGS_PATH", settings.toString());
        b.environment().putAll(environment);
        Process p = b.start();
        String printed = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), printed);
        // The layer makes this file when it is loaded.
        assertTrue(Files.exists(log), printed);
        return new Said(printed, Files.readString(log));
    }

    private void suites(Map<String, String> environment, int every, int fewest, String... chapters)
            throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of("suites", Integer.toString(every)));
        arguments.addAll(List.of(chapters));
        Said said = run(environment, arguments);
        System.out.println("Under the validation layers: " + said.printed());
        assertEquals("", said.log());
        assertFalse(said.printed().contains("not expected"), said.printed());
        Matcher counts = COUNTS.matcher(said.printed());
        assertTrue(counts.find(), said.printed());
        assertTrue(Integer.parseInt(counts.group(2)) >= fewest, said.printed());
    }

    @Test
    void aWrongCallIsFound() throws IOException, InterruptedException {
        String log = run(Map.of(), List.of("wrong")).log();
        assertTrue(log.contains("VUID-VkInstanceCreateInfo-sType-sType"), log);
    }

    @Test
    void suitesAreCleanUnderTheLayers() throws IOException, InterruptedException {
        suites(Map.of(), 23, 60, "compile*", "submit*", "buffers*", "trace*");
    }

    /** Memory is copied in other ways where the host does not reach the device's. */
    @Test
    void stagingIsCleanUnderTheLayers() throws IOException, InterruptedException {
        suites(Map.of("MESETA_VULKAN_STAGING", "1"), 97, 60, "compile*", "submit*", "buffers*");
    }
}
