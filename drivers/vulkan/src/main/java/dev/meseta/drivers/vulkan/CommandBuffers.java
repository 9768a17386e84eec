package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;

/** A pool of command buffers, and what is recorded into them. Used by one thread at a time. */
final class CommandBuffers {
    private final Context c;
    private final long pool;
    private long open;

    CommandBuffers(Context c, Handles handles) {
        this.c = c;
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(arena, "VkCommandPoolCreateInfo queueFamilyIndex", c.physical.queueFamily());
            this.pool = handles.create("vkCreateCommandPool", info, "vkDestroyCommandPool");
        }
    }

    /** Begins a new one. */
    void begin() {
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(arena, "VkCommandBufferAllocateInfo commandPool commandBufferCount", pool, 1);
            open = c.get("vkAllocateCommandBuffers", c.device, info);
            c.check("vkBeginCommandBuffer", open, Struct.of(arena, "VkCommandBufferBeginInfo"));
        }
    }

    long end() {
        c.check("vkEndCommandBuffer", open);
        return open;
    }

    void pipeline(long pipeline) {
        c.vk.call("vkCmdBindPipeline", open, Vk.BIND_COMPUTE, pipeline);
    }

    /** Binds descriptor sets, of which the first holds arguments at a place. */
    void arguments(long[] sets, long at) {
        try (Arena arena = Arena.ofConfined()) {
            var all = arena.allocateFrom(JAVA_LONG, sets);
            var offset = arena.allocateFrom(JAVA_INT, Math.toIntExact(at));
            c.vk.call(
                    "vkCmdBindDescriptorSets", open, Vk.BIND_COMPUTE, c.pipelineLayout, 0, sets.length, all, 1, offset);
        }
    }

    void dispatch(long x, long y) {
        c.vk.call("vkCmdDispatch", open, x, y, 1);
    }

    /** Writes the time to a place of a pool when everything before has reached a stage. */
    void stamp(int stage, long queries, int at) {
        c.vk.call("vkCmdWriteTimestamp", open, stage, queries, at);
    }

    /** Makes places of a pool ready to be written. */
    void reset(long queries, int first, int count) {
        c.vk.call("vkCmdResetQueryPool", open, queries, first, count);
    }

    /** Everything before is done, and seen, before anything that follows. */
    void barrier(int fromStages, int fromAccess, int toStages, int toAccess) {
        try (Arena arena = Arena.ofConfined()) {
            Struct b = Struct.of(arena, "VkMemoryBarrier srcAccessMask dstAccessMask", fromAccess, toAccess);
            c.vk.call("vkCmdPipelineBarrier", open, fromStages, toStages, 0, 1, b, 0, 0, 0, 0);
        }
    }

    void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            Struct region = Struct.of(arena, "VkBufferCopy srcOffset dstOffset size", fromOffset, toOffset, bytes);
            c.vk.call("vkCmdCopyBuffer", open, from.handle, to.handle, 1, region);
        }
    }
}
