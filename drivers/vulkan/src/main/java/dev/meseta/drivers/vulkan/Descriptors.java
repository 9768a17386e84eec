package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.spirv.Bounds;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The descriptor sets of a run: one of the arguments, and one for each list of images that launches read. */
final class Descriptors {
    private final Context c;
    private final long pool;
    private final Map<List<Long>, long[]> sets = new HashMap<>();

    /**
     * @param range the most bytes of arguments that a launch has
     * @param lists for each list of images what is at each binding, 0 for nothing
     */
    Descriptors(Context c, Handles handles, DeviceBuffer buffer, long range, Collection<List<Long>> lists) {
        this.c = c;
        String size = "VkDescriptorPoolSize type descriptorCount";
        List<Struct> sizes = List.of(
                Struct.of(size, Context.ARGUMENTS, 1),
                Struct.of(size, Context.TEXELS, Math.max(1, lists.size() * Bounds.MOST_TEXELS)));
        this.pool = handles.create("DescriptorPool", "maxSets poolSizeCount=2 pPoolSizes", 1 + lists.size(), sizes);
        Struct bytes = Struct.of("VkDescriptorBufferInfo buffer range", buffer.handle, range);
        long arguments = allocate(c.argumentLayout);
        write("pBufferInfo", bytes, arguments, 0, Context.ARGUMENTS);
        sets.put(List.of(), new long[] {arguments});
        for (List<Long> views : lists) {
            long set = allocate(c.texelLayout);
            sets.put(views, new long[] {arguments, set});
            for (int i = 0; i < views.size(); i++)
                if (views.get(i) != 0) write("pTexelBufferView", new long[] {views.get(i)}, set, i, Context.TEXELS);
        }
    }

    private long allocate(long layout) {
        String fields = "VkDescriptorSetAllocateInfo descriptorSetCount=1 descriptorPool pSetLayouts";
        return c.get("vkAllocateDescriptorSets", c.device, Struct.of(fields, pool, new long[] {layout}));
    }

    private void write(String field, Object what, long set, int binding, String type) {
        String fields = "VkWriteDescriptorSet descriptorCount=1 dstSet dstBinding descriptorType " + field;
        c.vk.call("vkUpdateDescriptorSets", c.device, 1, Struct.of(fields, set, binding, type, what), 0, 0);
    }

    /** The sets of a launch: that of the arguments, and where it reads images theirs behind it. */
    long[] sets(List<Long> views) {
        return Objects.requireNonNull(sets.get(views));
    }
}
