package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

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
    Descriptors(Context c, Handles handles, DeviceBuffer buffer, long range, Collection<List<Long>> lists) {
        this.c = c;
        try (Arena arena = Arena.ofConfined()) {
            int texels = Math.max(1, lists.size() * Bounds.MOST_TEXELS);
            var sizes =
                    arena.allocateFrom(JAVA_INT, Vk.DESCRIPTOR_UNIFORM_DYNAMIC, 1, Vk.DESCRIPTOR_STORAGE_TEXEL, texels);
            String fields = "VkDescriptorPoolCreateInfo maxSets poolSizeCount pPoolSizes";
            Struct info = Struct.of(arena, fields, 1 + lists.size(), lists.isEmpty() ? 1 : 2, sizes);
            this.pool = handles.create("vkCreateDescriptorPool", info, "vkDestroyDescriptorPool");
            this.arguments = allocate(arena, c.argumentLayout);
            Struct bytes = Struct.of(arena, "VkDescriptorBufferInfo buffer range", buffer.handle, range);
            write(arena, arguments, 0, Vk.DESCRIPTOR_UNIFORM_DYNAMIC, "pBufferInfo", bytes);
            for (List<Long> views : lists) {
                long set = allocate(arena, c.texelLayout);
                images.put(views, set);
                for (int i = 0; i < views.size(); i++) {
                    if (views.get(i) == 0) continue;
                    var view = arena.allocateFrom(JAVA_LONG, views.get(i));
                    write(arena, set, i, Vk.DESCRIPTOR_STORAGE_TEXEL, "pTexelBufferView", view);
                }
            }
        }
    }

    private long allocate(Arena arena, long layout) {
        String fields = "VkDescriptorSetAllocateInfo descriptorPool descriptorSetCount pSetLayouts";
        Struct info = Struct.of(arena, fields, pool, 1, arena.allocateFrom(JAVA_LONG, layout));
        return c.get("vkAllocateDescriptorSets", c.device, info);
    }

    private void write(Arena arena, long set, int binding, int type, String field, Object what) {
        String fields = "VkWriteDescriptorSet dstSet dstBinding descriptorCount descriptorType " + field;
        Struct write = Struct.of(arena, fields, set, binding, 1, type, what);
        c.vk.call("vkUpdateDescriptorSets", c.device, 1, write, 0, 0);
    }

    /** The sets of a launch: that of the arguments, and where it reads images theirs behind it. */
    long[] sets(List<Long> views) {
        return views.isEmpty()
                ? new long[] {arguments}
                : new long[] {arguments, Objects.requireNonNull(images.get(views))};
    }
}
