package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.compiler.spirv.Bounds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A device that is open: its queue, the timeline that all submissions share, and what all command buffers have in common. Thread-safe; lives
 * as long as the process.
 */
final class Context {
    private static final long WAIT_NANOSECONDS = 1_000_000_000L;

    final VulkanLibrary vk;
    final PhysicalDevice physical;
    final String name;
    final long device;
    final long argumentLayout;
    final long texelLayout;
    final long pipelineLayout;
    final boolean sharing;
    /** By handle, where the device finds what was allocated on it for jobs. */
    final Map<Long, Long> addresses = new ConcurrentHashMap<>();

    private final long queue;
    private final long timeline;
    private long submitted;

    Context(VulkanLibrary vk, PhysicalDevice physical, String name) {
        this.vk = vk;
        this.physical = physical;
        this.name = name;
        this.sharing = physical.extensions().contains("VK_KHR_external_memory_fd");
        try (Arena arena = Arena.ofConfined()) {
            this.device = createDevice(arena);
            MemorySegment out = arena.allocate(JAVA_LONG);
            vk.call("vkGetDeviceQueue", device, physical.queueFamily(), 0, out);
            this.queue = out.get(JAVA_LONG, 0);
            Struct type = Struct.of(arena, "VkSemaphoreTypeCreateInfo semaphoreType", Vk.SEMAPHORE_TIMELINE);
            this.timeline = create("vkCreateSemaphore", Struct.of(arena, "VkSemaphoreCreateInfo pNext", type));
            this.argumentLayout = layout(arena, Vk.DESCRIPTOR_UNIFORM_DYNAMIC, 1);
            this.texelLayout =
                    physical.isProcessor() ? layout(arena, Vk.DESCRIPTOR_STORAGE_TEXEL, Bounds.MOST_TEXELS) : 0;
            MemorySegment layouts = arena.allocateFrom(JAVA_LONG, argumentLayout, texelLayout);
            String fields = "VkPipelineLayoutCreateInfo setLayoutCount pSetLayouts";
            this.pipelineLayout =
                    create("vkCreatePipelineLayout", Struct.of(arena, fields, texelLayout == 0 ? 1 : 2, layouts));
        }
    }

    /** A layout of descriptors of one type. */
    private long layout(Arena arena, int type, int count) {
        MemorySegment bindings = arena.allocate(24L * count, 8);
        for (int i = 0; i < count; i++)
            MemorySegment.copy(new int[] {i, type, 1, Vk.STAGE_COMPUTE}, 0, bindings, JAVA_INT, 24L * i, 4);
        String fields = "VkDescriptorSetLayoutCreateInfo bindingCount pBindings";
        return create("vkCreateDescriptorSetLayout", Struct.of(arena, fields, count, bindings));
    }

    private long createDevice(Arena arena) {
        Struct queues = Struct.of(
                arena,
                "VkDeviceQueueCreateInfo queueFamilyIndex queueCount pQueuePriorities",
                physical.queueFamily(),
                1,
                arena.allocateFrom(JAVA_FLOAT, 1f));
        List<String> extensions = new ArrayList<>();
        if (sharing) extensions.add("VK_KHR_external_memory_fd");
        if (physical.hasDots()) extensions.add(Features.DOT_PRODUCTS);
        if (!physical.matrices().isEmpty()) extensions.add(Features.MATRICES);
        MemorySegment names = arena.allocate(JAVA_LONG, Math.max(1, extensions.size()));
        for (int i = 0; i < extensions.size(); i++)
            names.setAtIndex(JAVA_LONG, i, arena.allocateFrom(extensions.get(i)).address());
        Struct info = Struct.of(
                arena,
                "VkDeviceCreateInfo queueCreateInfoCount pQueueCreateInfos enabledExtensionCount ppEnabledExtensionNames pNext",
                1,
                queues,
                extensions.size(),
                names,
                new Features(arena, extensions).set(physical.capabilities()).chain());
        return get("vkCreateDevice", physical.handle(), info, 0);
    }

    /** Calls a function that returns a VkResult, and throws what that says is wrong. */
    int check(String function, Object... arguments) {
        return VulkanLibrary.check(name, function, vk.call(function, arguments));
    }

    /** As {@link #check}, of a function whose last argument, which is not given, is where it leaves what is returned. */
    long get(String function, Object... arguments) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            Object[] all = Arrays.copyOf(arguments, arguments.length + 1);
            all[arguments.length] = out;
            check(function, all);
            return out.get(JAVA_LONG, 0);
        }
    }

    /** An object of a function (device, information, allocator, out). */
    long create(String function, Struct info) {
        return get(function, device, info, 0);
    }

    /** Submits a command buffer. Returns the point of the timeline that it will reach. */
    synchronized long submit(long commandBuffer) {
        try (Arena arena = Arena.ofConfined()) {
            long point = submitted + 1;
            Struct points = Struct.of(
                    arena,
                    "VkTimelineSemaphoreSubmitInfo signalSemaphoreValueCount pSignalSemaphoreValues",
                    1,
                    arena.allocateFrom(JAVA_LONG, point));
            Struct info = Struct.of(
                    arena,
                    "VkSubmitInfo commandBufferCount pCommandBuffers signalSemaphoreCount pSignalSemaphores pNext",
                    1,
                    arena.allocateFrom(JAVA_LONG, commandBuffer),
                    1,
                    arena.allocateFrom(JAVA_LONG, timeline),
                    points);
            check("vkQueueSubmit", queue, 1, info, 0);
            submitted = point;
            return point;
        }
    }

    /** Waits until a point is reached. */
    void await(long point) {
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(
                    arena,
                    "VkSemaphoreWaitInfo semaphoreCount pSemaphores pValues",
                    1,
                    arena.allocateFrom(JAVA_LONG, timeline),
                    arena.allocateFrom(JAVA_LONG, point));
            int result = Vk.TIMEOUT;
            while (result == Vk.TIMEOUT) result = check("vkWaitSemaphores", device, info, WAIT_NANOSECONDS);
        }
    }
}
