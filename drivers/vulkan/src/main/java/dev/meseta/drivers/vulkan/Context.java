package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.Capability;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

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
            Struct out = Struct.plain(arena, 8);
            vk.call(Function.vkGetDeviceQueue, device, physical.queueFamily(), 0, out.address());
            this.queue = out.getLong(0);
            Struct timelineType =
                    Struct.of(arena, Vk.TYPE_SEMAPHORE_TYPE_CREATE_INFO, 32).set(16, Vk.SEMAPHORE_TIMELINE);
            Struct semaphore =
                    Struct.of(arena, Vk.TYPE_SEMAPHORE_CREATE_INFO, 24).next(timelineType);
            this.timeline = create(arena, Function.vkCreateSemaphore, semaphore);
            this.argumentLayout = layout(arena, Vk.DESCRIPTOR_UNIFORM_DYNAMIC, 1);
            this.texelLayout =
                    physical.isProcessor() ? layout(arena, Vk.DESCRIPTOR_STORAGE_TEXEL, Bounds.MOST_TEXELS) : 0;
            Struct pipeline = Struct.of(arena, Vk.TYPE_PIPELINE_LAYOUT_CREATE_INFO, 48)
                    .set(20, texelLayout == 0 ? 1 : 2)
                    .set(
                            24,
                            Struct.plain(arena, 16)
                                    .set(0, argumentLayout)
                                    .set(8, texelLayout)
                                    .memory());
            this.pipelineLayout = create(arena, Function.vkCreatePipelineLayout, pipeline);
        }
    }

    /** A layout of descriptors of one type. */
    private long layout(Arena arena, int type, int count) {
        Struct bindings = Struct.plain(arena, 24L * count);
        for (int i = 0; i < count; i++)
            bindings.set(24L * i, i).set(24L * i + 4, type).set(24L * i + 8, 1).set(24L * i + 12, Vk.STAGE_COMPUTE);
        Struct info = Struct.of(arena, Vk.TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, 32)
                .set(20, count)
                .set(24, bindings.memory());
        return create(arena, Function.vkCreateDescriptorSetLayout, info);
    }

    private long createDevice(Arena arena) {
        var has = physical.capabilities();
        Struct f12 = Struct.of(arena, Vk.TYPE_VULKAN_1_2_FEATURES, 208)
                .set(24, has.contains(Capability.STORAGE_BUFFER_8_BIT_ACCESS) ? 1 : 0)
                .set(44, has.contains(Capability.FLOAT16) ? 1 : 0)
                .set(48, has.contains(Capability.INT8) ? 1 : 0)
                .set(164, 1)
                .set(168, 1)
                .set(180, 1);
        Struct f11 = Struct.of(arena, Vk.TYPE_VULKAN_1_1_FEATURES, 64)
                .set(16, has.contains(Capability.STORAGE_BUFFER_16_BIT_ACCESS) ? 1 : 0)
                .next(f12);
        Struct features = Struct.of(arena, Vk.TYPE_FEATURES_2, 240)
                .set(16 + 156, has.contains(Capability.FLOAT64) ? 1 : 0)
                .set(16 + 160, 1)
                .set(16 + 164, has.contains(Capability.INT16) ? 1 : 0)
                .next(f11);
        MemorySegment priority = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1f);
        Struct queues = Struct.of(arena, Vk.TYPE_DEVICE_QUEUE_CREATE_INFO, 40)
                .set(20, physical.queueFamily())
                .set(24, 1)
                .set(32, priority);
        List<String> extensions = new ArrayList<>();
        if (sharing) extensions.add("VK_KHR_external_memory_fd");
        if (physical.hasDots()) {
            extensions.add(PhysicalDevice.DOT_PRODUCTS);
            f12.next(Struct.of(arena, Vk.TYPE_INTEGER_DOT_PRODUCT_FEATURES, 24).set(16, 1));
        }
        Struct names = Struct.plain(arena, 8L * Math.max(1, extensions.size()));
        for (int i = 0; i < extensions.size(); i++) names.set(8L * i, arena.allocateFrom(extensions.get(i)));
        Struct info = Struct.of(arena, Vk.TYPE_DEVICE_CREATE_INFO, 72)
                .set(20, 1)
                .set(24, queues.memory())
                .set(48, extensions.size())
                .set(56, names.memory())
                .next(features);
        Struct out = Struct.plain(arena, 8);
        vk.check(name, Function.vkCreateDevice, physical.handle(), info.address(), 0, out.address());
        return out.getLong(0);
    }

    /** An object of a function (device, information, allocator, out). */
    long create(Arena arena, Function f, Struct info) {
        Struct out = Struct.plain(arena, 8);
        vk.check(name, f, device, info.address(), 0, out.address());
        return out.getLong(0);
    }

    /** Submits a command buffer. Returns the point of the timeline that it will reach. */
    synchronized long submit(long commandBuffer) {
        try (Arena arena = Arena.ofConfined()) {
            long point = submitted + 1;
            Struct points = Struct.of(arena, Vk.TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO, 48)
                    .set(32, 1)
                    .set(40, Struct.plain(arena, 8).set(0, point).memory());
            Struct info = Struct.of(arena, Vk.TYPE_SUBMIT_INFO, 72)
                    .set(40, 1)
                    .set(48, Struct.plain(arena, 8).set(0, commandBuffer).memory())
                    .set(56, 1)
                    .set(64, Struct.plain(arena, 8).set(0, timeline).memory())
                    .next(points);
            vk.check(name, Function.vkQueueSubmit, queue, 1, info.address(), 0);
            submitted = point;
            return point;
        }
    }

    /** Waits until a point is reached. */
    void await(long point) {
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(arena, Vk.TYPE_SEMAPHORE_WAIT_INFO, 40)
                    .set(20, 1)
                    .set(24, Struct.plain(arena, 8).set(0, timeline).memory())
                    .set(32, Struct.plain(arena, 8).set(0, point).memory());
            int result = Vk.TIMEOUT;
            while (result == Vk.TIMEOUT)
                result = vk.check(name, Function.vkWaitSemaphores, device, info.address(), WAIT_NANOSECONDS);
        }
    }
}
