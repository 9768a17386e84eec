package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Bounds;
import java.lang.foreign.Arena;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The descriptor sets of a run: one of the arguments, and one for each list of images that launches read. */
final class Descriptors {
    private final Context c;
    private final long pool;
    private final long arguments;
    private final Map<List<Long>, Long> images = new HashMap<>();

    /**
     * @param range the most bytes of arguments that a launch has
     * @param lists for each list of images what is at each binding, 0 for nothing
     */
    Descriptors(Context c, DeviceBuffer buffer, long range, Collection<List<Long>> lists) {
        this.c = c;
        try (Arena arena = Arena.ofConfined()) {
            Struct sizes = Struct.plain(arena, 16)
                    .set(0, Vk.DESCRIPTOR_UNIFORM_DYNAMIC)
                    .set(4, 1)
                    .set(8, Vk.DESCRIPTOR_STORAGE_TEXEL)
                    .set(12, Math.max(1, lists.size() * Bounds.MOST_TEXELS));
            Struct info = Struct.of(arena, Vk.TYPE_DESCRIPTOR_POOL_CREATE_INFO, 40)
                    .set(20, 1 + lists.size())
                    .set(24, lists.isEmpty() ? 1 : 2)
                    .set(32, sizes.memory());
            this.pool = c.create(arena, Function.vkCreateDescriptorPool, info);
            this.arguments = allocate(arena, c.argumentLayout);
            Struct bytes = Struct.plain(arena, 24).set(0, buffer.handle).set(16, range);
            write(arena, arguments, 0, Vk.DESCRIPTOR_UNIFORM_DYNAMIC, 48, bytes);
            for (List<Long> views : lists) {
                long set = allocate(arena, c.texelLayout);
                images.put(views, set);
                for (int i = 0; i < views.size(); i++) {
                    if (views.get(i) == 0) continue;
                    Struct view = Struct.plain(arena, 8).set(0, views.get(i));
                    write(arena, set, i, Vk.DESCRIPTOR_STORAGE_TEXEL, 56, view);
                }
            }
        }
    }

    private long allocate(Arena arena, long layout) {
        Struct out = Struct.plain(arena, 8);
        Struct info = Struct.of(arena, Vk.TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, 40)
                .set(16, pool)
                .set(24, 1)
                .set(32, Struct.plain(arena, 8).set(0, layout).memory());
        c.vk.check(c.name, Function.vkAllocateDescriptorSets, c.device, info.address(), out.address());
        return out.getLong(0);
    }

    private void write(Arena arena, long set, int binding, int type, long field, Struct what) {
        Struct write = Struct.of(arena, Vk.TYPE_WRITE_DESCRIPTOR_SET, 64)
                .set(16, set)
                .set(24, binding)
                .set(32, 1)
                .set(36, type)
                .set(field, what.memory());
        c.vk.call(Function.vkUpdateDescriptorSets, c.device, 1, write.address(), 0, 0);
    }

    /** The sets of a launch: that of the arguments, and where it reads images theirs behind it. */
    long[] sets(List<Long> views) {
        return views.isEmpty()
                ? new long[] {arguments}
                : new long[] {arguments, Objects.requireNonNull(images.get(views))};
    }

    void destroy() {
        c.vk.call(Function.vkDestroyDescriptorPool, c.device, pool, 0);
    }
}
