package dev.meseta.drivers.vulkan;

/** A pool of command buffers, and what is recorded into them. Used by one thread at a time. */
final class CommandBuffers {
    private static final String BY_KERNELS = "VK_ACCESS_SHADER_READ_BIT|VK_ACCESS_SHADER_WRITE_BIT";
    private static final String BY_COPIES = "VK_ACCESS_TRANSFER_READ_BIT|VK_ACCESS_TRANSFER_WRITE_BIT";
    private static final String BOTH = "VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT|VK_PIPELINE_STAGE_TRANSFER_BIT";

    private final Context c;
    private final long pool;
    private long open;

    CommandBuffers(Context c, Handles handles) {
        this.c = c;
        this.pool = handles.create("CommandPool", "queueFamilyIndex", c.physical.queueFamily);
    }

    /** Begins a new one. */
    void begin() {
        Struct info = Struct.of("VkCommandBufferAllocateInfo commandBufferCount=1 commandPool", pool);
        open = c.get("vkAllocateCommandBuffers", c.device, info);
        c.check("vkBeginCommandBuffer", open, Struct.of("VkCommandBufferBeginInfo"));
    }

    /** Ends it: what it does is seen by the host, and by those that follow. */
    long end() {
        String access = BY_KERNELS + "|" + BY_COPIES + "|VK_ACCESS_HOST_READ_BIT";
        barrier(BOTH + "|VK_PIPELINE_STAGE_HOST_BIT", access);
        c.check("vkEndCommandBuffer", open);
        return open;
    }

    /** Records a command by its function, whose first argument, which is not given, is the command buffer. */
    void add(String function, Object... arguments) {
        c.vk.call(function, VulkanLibrary.with(new Object[] {open}, arguments));
    }

    void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long bytes) {
        Struct region = Struct.of("VkBufferCopy srcOffset dstOffset size", fromOffset, toOffset, bytes);
        add("vkCmdCopyBuffer", from.handle, to.handle, 1, region);
    }

    void beforeKernels() {
        barrier("VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT", BY_KERNELS);
    }

    void beforeCopies() {
        barrier("VK_PIPELINE_STAGE_TRANSFER_BIT", BY_COPIES);
    }

    /** What kernels and copies do before is done, and seen, before stages that follow touch memory. */
    private void barrier(String stages, String access) {
        Struct b = Struct.of(
                "VkMemoryBarrier dstAccessMask srcAccessMask=VK_ACCESS_SHADER_WRITE_BIT|VK_ACCESS_TRANSFER_WRITE_BIT",
                access);
        add("vkCmdPipelineBarrier", BOTH, stages, 0, 1, b, 0, 0, 0, 0);
    }
}
