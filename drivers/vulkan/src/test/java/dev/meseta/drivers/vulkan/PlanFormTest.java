package dev.meseta.drivers.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderArguments;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Image;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchPlan;
import dev.meseta.driver.plan.Place;
import dev.meseta.driver.plan.Step;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/**
 * Packages hold plans, and outlive the version that wrote them. A change of a plan's form, or of what shaders and the host agree on, is found
 * here; nobody needs to remember that the number must rise.
 */
class PlanFormTest {
    /** Each form that there was, with what {@link #fingerprint} gave. */
    private static final Map<Integer, Long> HISTORY = Map.of(1, 0xbb621afaL, 2, 0x8d5a28bbL);

    private static final TensorType TYPE = new TensorType(DType.I32, Shape.of(4));

    /** One with every kind of slot and step. */
    private static VulkanPlan plan() {
        CommandList memory = new CommandList(
                List.of(
                        new CommandList.InputSlot(16),
                        new CommandList.OutputSlot(16),
                        new CommandList.ConstantSlot(Tensor.allocate(TYPE)),
                        new CommandList.TemporarySlot(16, 64)),
                List.of(),
                List.of(0),
                List.of(new CommandList.Output(1, TYPE)),
                128);
        Launch.Use written = new Launch.Use("b", DType.I32, Kernel.Access.WRITE, 4, new Place(3, 0, new long[0]));
        Place condition = new Place(3, 1, new long[0]);
        List<Launch> launches = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            long[] strides = i == 0 ? new long[] {4} : new long[0];
            Launch.Use read = new Launch.Use("a", DType.I32, Kernel.Access.READ, 2, new Place(2, 4, strides));
            List<Launch.Use> uses = List.of(read, written);
            launches.add(new Launch(i, 0, "kernel", uses, List.of(5L, 6L), 90, i == 0 ? 2 : 1, "node " + i));
        }
        Step repeat = new Step.Repeat(2, true, List.of(new Step.Launches(0, 1)));
        List<Step> steps = List.of(
                repeat,
                new Step.Conditional(condition, List.of(new Step.Launches(1, 2)), List.of()),
                new Step.RepeatWhile(List.of(new Step.Launches(2, 3)), condition, List.of(new Step.Launches(3, 5))));
        SpirvModule module = new SpirvModule(new int[] {1, -2}, Set.of(Capability.SHADER, Capability.INT8), 12);
        return new VulkanPlan(new LaunchPlan(memory, launches, steps), List.of(new Shader("kernel", module, 64, 1)));
    }

    private static long fingerprint() {
        CRC32C sum = new CRC32C();
        sum.update(plan().image().program());
        ShaderArguments layout = new ShaderArguments(3, 2);
        List<Object> agreed = new ArrayList<>(List.of(
                layout.buffer(1),
                layout.extent(1),
                layout.size(1),
                layout.status(),
                layout.launch(),
                layout.grid(),
                layout.count(),
                ShaderArguments.POSITION_OUTSIDE,
                ShaderArguments.LOCAL_ARRAY,
                ShaderArguments.BUFFER,
                ShaderArguments.CODES,
                ShaderArguments.STATUS_BYTES,
                KernelEmitter.ROW,
                SpirvModule.ENTRY));
        // Numbers stand for these: their order is part of the form.
        agreed.addAll(List.of(DType.values()));
        agreed.addAll(List.of(Kernel.Access.values()));
        sum.update(agreed.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8));
        return sum.getValue();
    }

    @Test
    void aChangedFormHasANewNumber() {
        long found = fingerprint();
        assertEquals(
                HISTORY.get(VulkanPlan.FORM),
                found,
                () -> "plans in packages have another form than form " + VulkanPlan.FORM
                        + " had: raise VulkanPlan.FORM, and add the new form to HISTORY with 0x"
                        + Long.toHexString(found)
                        + "L");
    }

    @Test
    void whatIsReadIsWhatWasWritten() {
        Image image = plan().image();
        VulkanPlan read = VulkanPlan.load(image);
        assertArrayEquals(image.program(), read.image().program());
        assertEquals(plan().describe(), read.describe());
    }

    @Test
    void whatIsDamagedIsRefusedOrAPlan() {
        Image image = plan().image();
        for (int length = 0; length < image.program().length; length++) {
            Image cut = new Image(Arrays.copyOf(image.program(), length), image.constants());
            assertThrows(IllegalArgumentException.class, () -> VulkanPlan.load(cut));
        }
        for (int i = 0; i < image.program().length; i++) {
            byte[] bytes = image.program().clone();
            bytes[i] ^= (byte) 0x80;
            try {
                VulkanPlan.load(new Image(bytes, image.constants()));
            } catch (IllegalArgumentException e) {
                // Refused.
            }
        }
        ByteBuffer other = ByteBuffer.wrap(image.program().clone()).putInt(0, VulkanPlan.FORM + 1);
        assertTrue(String.valueOf(assertThrows(
                                IllegalArgumentException.class,
                                () -> VulkanPlan.load(new Image(other.array(), image.constants())))
                        .getMessage())
                .contains("form"));
    }

    @Test
    void whatADeviceLacksIsNamed() {
        String plain = VulkanTarget.device("1.2").requirements();
        String dots = VulkanTarget.device("1.3").requirements();
        assertEquals("", lacks("1.2", plain));
        assertEquals("", lacks("1.3", plain));
        assertEquals("a card lacks DOT_PRODUCT DOT_PRODUCT_INPUT_4X8_BIT Vulkan1.3", lacks("1.2", dots));
        assertEquals("a card lacks DOT_PRODUCT DOT_PRODUCT_INPUT_4X8_BIT", lacks("1.3", dots));
        assertTrue(lacks("1.2", "form 99 vulkan Vulkan1.2").contains("form 99"));
        assertTrue(lacks("1.2", "form " + VulkanPlan.FORM + " x86_64 avx2").contains("it is for x86_64"));
        for (String nonsense : List.of("", "form", "form 1", "x 1 vulkan"))
            assertTrue(lacks("1.2", nonsense).contains("make no sense"), nonsense);
    }

    /** What a card with a version of Vulkan, and with bytes, lacks. */
    private static String lacks(String version, String requirements) {
        return VulkanTarget.requirements(version, Set.of(Capability.INT8)).lacks(requirements, "a card");
    }
}
