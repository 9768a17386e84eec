package dev.meseta.drivers.vulkan;

/** Numbers of the Vulkan specification. */
final class Vk {
    static final int TIMEOUT = 2;
    static final int ERROR_OUT_OF_HOST_MEMORY = -1;
    static final int ERROR_OUT_OF_DEVICE_MEMORY = -2;
    static final int ERROR_DEVICE_LOST = -4;
    static final int ERROR_TOO_MANY_OBJECTS = -10;

    static final int TYPE_SHADER_STAGE = 18;
    static final int TYPE_COOPERATIVE_MATRIX_PROPERTIES = 1_000_506_001;
    static final int API_1_2 = 1 << 22 | 2 << 12;

    static final int DEVICE_TYPE_CPU = 4;
    static final int QUEUE_COMPUTE = 2;
    static final int MEMORY_DEVICE_LOCAL = 1;
    static final int MEMORY_HOST_VISIBLE = 2;
    static final int MEMORY_HOST_COHERENT = 4;
    static final int MEMORY_HOST_CACHED = 8;
    static final int MEMORY_USUAL = 15;
    static final int MEMORY_ALLOCATE_DEVICE_ADDRESS = 2;
    static final int HANDLE_OPAQUE_FD = 1;

    static final int USAGE_TRANSFER_SRC = 1;
    static final int USAGE_TRANSFER_DST = 2;
    static final int USAGE_STORAGE_TEXEL = 8;
    static final int USAGE_UNIFORM = 0x10;
    static final int USAGE_STORAGE = 0x20;
    static final int USAGE_DEVICE_ADDRESS = 0x2_0000;

    static final int FORMAT_RGBA32UI = 107;
    static final int DESCRIPTOR_STORAGE_TEXEL = 5;
    static final int DESCRIPTOR_UNIFORM_DYNAMIC = 8;
    static final int STAGE_COMPUTE = 0x20;
    static final int FLOAT_CONTROLS_INDEPENDENT = 1;
    static final int SUBGROUP_ARITHMETIC = 4;
    static final int SUBGROUP_SHUFFLE = 0x10;
    static final int BIND_COMPUTE = 1;
    static final int PIPELINE_TOP = 1;
    static final int PIPELINE_COMPUTE = 0x800;
    static final int PIPELINE_TRANSFER = 0x1000;
    static final int PIPELINE_BOTTOM = 0x2000;
    static final int PIPELINE_HOST = 0x4000;
    static final int ACCESS_SHADER_READ = 0x20;
    static final int ACCESS_SHADER_WRITE = 0x40;
    static final int ACCESS_TRANSFER_READ = 0x800;
    static final int ACCESS_TRANSFER_WRITE = 0x1000;
    static final int ACCESS_HOST_READ = 0x2000;
    static final int SEMAPHORE_TIMELINE = 1;
    static final int QUERY_TIMESTAMP = 2;
    static final int RESULT_64_WAIT = 1 | 2;

    private Vk() {}
}
