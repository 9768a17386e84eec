package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Target;
import dev.meseta.graph.InvalidInputException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A GPU that need not be here, with the least that a version of Vulkan promises: it compiles, and runs nothing. */
final class TargetDevice implements KernelDevice {
    private static final int TEAM = 128;
    private static final int SHARED_BYTES = 16384;
    private static final List<Capability> DOTS =
            List.of(Capability.INT8, Capability.DOT_PRODUCT, Capability.DOT_PRODUCT_INPUT_4X8_BIT);

    private final String version;
    private final boolean dots;
    private final Shaders shaders;

    /** @param version one of {@link #names} */
    TargetDevice(String version) {
        if (!names().containsKey(version))
            throw new InvalidInputException(
                    "no target '" + version + "' of vulkan; there are " + String.join(", ", names().keySet()));
        this.version = version;
        this.dots = !version.equals("1.2");
        // Loops that a processor would end are written so that it does not.
        this.shaders = new Shaders(new ShaderOptions(
                VulkanDevice.LOCAL_SIZE,
                false,
                false,
                false,
                false,
                false,
                dots,
                false,
                VulkanDevice.PROCESSOR_ROUNDS));
    }

    static Map<String, String> names() {
        Map<String, String> names = new LinkedHashMap<>();
        names.put("1.2", "any GPU with Vulkan 1.2");
        names.put("1.3", "any GPU with Vulkan 1.3, and its sums of products of bytes");
        return names;
    }

    @Override
    public String name() {
        return "vulkan:" + version;
    }

    @Override
    public String description() {
        return names().getOrDefault(version, version);
    }

    @Override
    public Map<String, String> properties() {
        return Map.of("Vulkan", version);
    }

    @Override
    public Target target() {
        return VulkanDevice.gpu(dots, TEAM, SHARED_BYTES);
    }

    @Override
    public String identity() {
        return name() + "\n" + requirements();
    }

    @Override
    public String requirements() {
        Stream<String> needs = dots ? DOTS.stream().map(Capability::name) : Stream.of();
        return Stream.concat(Stream.of("form", Integer.toString(PlanImage.FORM), "vulkan", version), needs)
                .collect(Collectors.joining(" "));
    }

    /** What of such requirements a device does not have; empty if nothing is missing. */
    static String lacking(String requirements, PhysicalDevice p) {
        List<String> words = Arrays.asList(requirements.strip().split(" +"));
        if (words.size() < 4 || !words.getFirst().equals("form") || !names().containsKey(words.get(3)))
            return "its requirements make no sense: '" + requirements + "'";
        if (!words.get(1).equals(Integer.toString(PlanImage.FORM)))
            return "its code has form " + words.get(1) + ", this version runs form " + PlanImage.FORM
                    + "; compile the model again";
        if (words.get(3).compareTo(p.api()) > 0)
            return "it is for Vulkan " + words.get(3) + ", " + p.name() + " has Vulkan " + p.api();
        List<String> here = p.capabilities().stream().map(Capability::name).toList();
        List<String> missing = words.subList(4, words.size()).stream()
                .filter(w -> !here.contains(w))
                .toList();
        return missing.isEmpty() ? "" : p.name() + " lacks " + String.join(" ", missing);
    }

    @Override
    public Executable load(CommandList commands) {
        return PlanBuilder.plan(commands, shaders);
    }
}
