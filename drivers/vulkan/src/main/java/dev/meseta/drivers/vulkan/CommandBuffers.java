package dev.meseta.drivers.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/** A pool of command buffers, and what is recorded into them. Used by one thread at a time. */
final class CommandBuffers {
    private final Context c;
    private final long pool;
    private long open;

    CommandBuffers(Context c) {
        this.c = c;
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(arena, Vk.TYPE_COMMAND_POOL_CREATE_INFO, 24).set(20, c.physical.queueFamily());
            this.pool = c.create(arena, Function.vkCreateCommandPool, info);
        }
    }

    long pool() {
        return pool;
    }

    /** Begins a new one. */
    void begin() {
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(arena, Vk.TYPE_COMMAND_BUFFER_ALLOCATE_INFO, 32)
                    .set(16, pool)
                    .set(28, 1);
            Struct out = Struct.plain(arena, 8);
            c.vk.check(c.name, Function.vkAllocateCommandBuffers, c.device, info.address(), out.address());
            open = out.getLong(0);
            Struct begin = Struct.of(arena, Vk.TYPE_COMMAND_BUFFER_BEGIN_INFO, 32);
            c.vk.check(c.name, Function.vkBeginCommandBuffer, open, begin.address());
        }
    }

    long end() {
        c.vk.check(c.name, Function.vkEndCommandBuffer, open);
        return open;
    }

    void pipeline(long pipeline) {
        c.vk.call(Function.vkCmdBindPipeline, open, Vk.BIND_COMPUTE, pipeline);
    }

    /** Binds descriptor sets, of which the first holds arguments at a place. */
    void arguments(long[] sets, long at) {
        try (Arena arena = Arena.ofConfined()) {
            c.vk.call(
                    Function.vkCmdBindDescriptorSets,
                    open,
                    Vk.BIND_COMPUTE,
                    c.pipelineLayout,
                    0,
                    sets.length,
                    arena.allocateFrom(ValueLayout.JAVA_LONG, sets).address(),
                    1,
                    arena.allocateFrom(ValueLayout.JAVA_INT, Math.toIntExact(at))
                            .address());
        }
    }

    void dispatch(long x, long y) {
        c.vk.call(Function.vkCmdDispatch, open, x, y, 1);
    }

    /** Writes the time to a place of a pool when everything before has reached a stage. */
    void stamp(int stage, long queries, int at) {
        c.vk.call(Function.vkCmdWriteTimestamp, open, stage, queries, at);
    }

    /** Makes places of a pool ready to be written. */
    void reset(long queries, int first, int count) {
        c.vk.call(Function.vkCmdResetQueryPool, open, queries, first, count);
    }

    /** Everything before is done, and seen, before anything that follows. */
    void barrier(int fromStages, int fromAccess, int toStages, int toAccess) {
        try (Arena arena = Arena.ofConfined()) {
            Struct b = Struct.of(arena, Vk.TYPE_MEMORY_BARRIER, 24)
                    .set(16, fromAccess)
                    .set(20, toAccess);
            c.vk.call(Function.vkCmdPipelineBarrier, open, fromStages, toStages, 0, 1, b.address(), 0, 0, 0, 0);
        }
    }

    void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            Struct region =
                    Struct.plain(arena, 24).set(0, fromOffset).set(8, toOffset).set(16, bytes);
            c.vk.call(Function.vkCmdCopyBuffer, open, from.handle, to.handle, 1, region.address());
        }
    }

    void destroy() {
        c.vk.call(Function.vkDestroyCommandPool, c.device, pool, 0);
    }
}
