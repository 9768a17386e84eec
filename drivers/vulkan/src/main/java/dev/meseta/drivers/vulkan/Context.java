package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Bounds;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A device that is open: its queue, the timeline that all submissions share, and what all command buffers have in common. Thread-safe; lives
 * as long as the process.
 */
final class Context {
    static final String ARGUMENTS = "VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC";
    static final String TEXELS = "VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER";

    final VulkanLibrary vk;
    final PhysicalDevice physical;
    final String name;
    final long device;
    final long argumentLayout;
    final long texelLayout;
    final long pipelineLayout;
    final Pipelines pipelines;

    private final long queue;
    private final long timeline;
    private long submitted;

    /** @param rounds of loops that an invocation takes at most */
    Context(PhysicalDevice physical, String name, long rounds) {
        this.vk = physical.vk;
        this.physical = physical;
        this.name = name;
        this.device = open();
        long[] out = new long[1];
        vk.call("vkGetDeviceQueue", device, physical.queueFamily, 0, out);
        this.queue = out[0];
        Struct type = Struct.of("VkSemaphoreTypeCreateInfo semaphoreType=VK_SEMAPHORE_TYPE_TIMELINE");
        this.timeline = create("Semaphore", "pNext", type);
        this.argumentLayout = layout(ARGUMENTS, 1);
        this.texelLayout = physical.isProcessor() ? layout(TEXELS, Bounds.MOST_TEXELS) : 0;
        long[] layouts = {argumentLayout, texelLayout};
        this.pipelineLayout = create("PipelineLayout", "setLayoutCount pSetLayouts", texelLayout == 0 ? 1 : 2, layouts);
        this.pipelines = new Pipelines(this, rounds);
    }

    private long open() {
        Struct queues = Struct.of(
                "VkDeviceQueueCreateInfo queueCount=1 queueFamilyIndex pQueuePriorities",
                physical.queueFamily,
                new int[] {Float.floatToIntBits(1)});
        List<Struct> extensions = physical.extensions.stream()
                .map(e -> Struct.of("Pointer to", Struct.text(e)))
                .toList();
        Struct info = Struct.of(
                "VkDeviceCreateInfo queueCreateInfoCount=1 pQueueCreateInfos enabledExtensionCount ppEnabledExtensionNames pNext",
                queues,
                extensions.size(),
                extensions,
                physical.features());
        return get("vkCreateDevice", physical.handle, info, 0);
    }

    /** A layout of descriptors of one type. */
    private long layout(String type, int count) {
        String fields = "VkDescriptorSetLayoutBinding descriptorCount=1 stageFlags=VK_SHADER_STAGE_COMPUTE_BIT";
        List<Struct> bindings = IntStream.range(0, count)
                .mapToObj(i -> Struct.of(fields + " descriptorType binding", type, i))
                .toList();
        return create("DescriptorSetLayout", "bindingCount pBindings", count, bindings);
    }

    /** Calls a function that returns a VkResult, and throws what that says is wrong. */
    void check(String function, Object... arguments) {
        vk.check(name, function, arguments);
    }

    /** As {@link VulkanLibrary#get}. */
    long get(String function, Object... arguments) {
        return vk.get(name, function, arguments);
    }

    /** Makes an object of a kind, whose function and structure are named after it; fields and values as {@link Struct#of} takes them. */
    long create(String kind, String fields, Object... values) {
        Struct info = Struct.of("Vk" + kind + "CreateInfo " + fields, values);
        return get("vkCreate" + kind, device, info, 0);
    }

    /** Runs a command buffer to its end. */
    void run(long commandBuffer) {
        long[] point = {submit(commandBuffer)};
        Struct info =
                Struct.of("VkSemaphoreWaitInfo semaphoreCount=1 pSemaphores pValues", new long[] {timeline}, point);
        // However long it takes.
        check("vkWaitSemaphores", device, info, -1);
    }

    /** Returns the point of the timeline that it will reach. */
    private synchronized long submit(long commandBuffer) {
        long point = submitted + 1;
        Struct points = Struct.of(
                "VkTimelineSemaphoreSubmitInfo signalSemaphoreValueCount=1 pSignalSemaphoreValues", new long[] {point});
        Struct info = Struct.of(
                "VkSubmitInfo commandBufferCount=1 pCommandBuffers signalSemaphoreCount=1 pSignalSemaphores pNext",
                new long[] {commandBuffer},
                new long[] {timeline},
                points);
        check("vkQueueSubmit", queue, 1, info, 0);
        submitted = point;
        return point;
    }
}
