package dev.meseta.drivers.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The validation layers find nothing to say about what the driver calls: command lists of all kinds run under them in a process of their own. */
class LayersTest {
    private static final String LAYER = "VK_LAYER_KHRONOS_validation";
    private static final Path INSTALLED = Path.of("/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json");

    /** Runs {@link CommandListTest}'s cases. */
    public static void main(String[] arguments) {
        CommandListTest t = new CommandListTest();
        t.repeatsAreWrittenOut();
        t.stridesFollowTheIteration();
        t.conditionsChoose();
        t.whileLoopsEnd();
        t.buffersOfTheDeviceAreNotCopied();
        t.outputsMayBeInputsConstantsAndTemporary();
        t.aFailedCheckNamesTheNode();
        System.out.println("all ran");
    }

    @Test
    void layersFindNothing() throws IOException, InterruptedException {
        Assumptions.assumeTrue(
                Files.exists(INSTALLED),
                "the layers are not installed; on Debian: apt install vulkan-validationlayers");
        KernelRunner.device();
        String path = System.getProperty("java.class.path") + ":" + System.getProperty("jdk.module.path", "");
        ProcessBuilder b = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        path,
                        LayersTest.class.getName()))
                .redirectErrorStream(true);
        b.environment().put("VK_INSTANCE_LAYERS", LAYER);
        b.environment().put("VK_LOADER_DEBUG", "layer");
        b.environment().put("MESETA_CACHE", "off");
        Process p = b.start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), said);
        assertTrue(said.contains("all ran"), said);
        assertTrue(said.contains(LAYER), "the layer was not loaded: " + said);
        assertTrue(!said.contains("VUID") && !said.contains("Validation"), said);
    }
}
