package dev.meseta.drivers.vulkan;

/** Numbers of the Vulkan specification. */
final class Vk {
    static final int TIMEOUT = 2;
    static final int ERROR_OUT_OF_HOST_MEMORY = -1;
    static final int ERROR_OUT_OF_DEVICE_MEMORY = -2;
    static final int ERROR_DEVICE_LOST = -4;
    static final int ERROR_TOO_MANY_OBJECTS = -10;

    static final int TYPE_APPLICATION_INFO = 0;
    static final int TYPE_INSTANCE_CREATE_INFO = 1;
    static final int TYPE_DEVICE_QUEUE_CREATE_INFO = 2;
    static final int TYPE_DEVICE_CREATE_INFO = 3;
    static final int TYPE_SUBMIT_INFO = 4;
    static final int TYPE_MEMORY_ALLOCATE_INFO = 5;
    static final int TYPE_SEMAPHORE_CREATE_INFO = 9;
    static final int TYPE_QUERY_POOL_CREATE_INFO = 11;
    static final int TYPE_BUFFER_CREATE_INFO = 12;
    static final int TYPE_BUFFER_VIEW_CREATE_INFO = 13;
    static final int TYPE_SHADER_MODULE_CREATE_INFO = 16;
    static final int TYPE_PIPELINE_CACHE_CREATE_INFO = 17;
    static final int TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO = 18;
    static final int TYPE_COMPUTE_PIPELINE_CREATE_INFO = 29;
    static final int TYPE_PIPELINE_LAYOUT_CREATE_INFO = 30;
    static final int TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO = 32;
    static final int TYPE_DESCRIPTOR_POOL_CREATE_INFO = 33;
    static final int TYPE_DESCRIPTOR_SET_ALLOCATE_INFO = 34;
    static final int TYPE_WRITE_DESCRIPTOR_SET = 35;
    static final int TYPE_COMMAND_POOL_CREATE_INFO = 39;
    static final int TYPE_COMMAND_BUFFER_ALLOCATE_INFO = 40;
    static final int TYPE_COMMAND_BUFFER_BEGIN_INFO = 42;
    static final int TYPE_MEMORY_BARRIER = 46;
    static final int TYPE_VULKAN_1_1_FEATURES = 49;
    static final int TYPE_VULKAN_1_1_PROPERTIES = 50;
    static final int TYPE_VULKAN_1_2_FEATURES = 51;
    static final int TYPE_VULKAN_1_2_PROPERTIES = 52;
    static final int TYPE_FEATURES_2 = 1000059000;
    static final int TYPE_PROPERTIES_2 = 1000059001;
    static final int TYPE_MEMORY_ALLOCATE_FLAGS_INFO = 1000060000;
    static final int TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO = 1000072000;
    static final int TYPE_EXPORT_MEMORY_ALLOCATE_INFO = 1000072002;
    static final int TYPE_IMPORT_MEMORY_FD_INFO = 1000074000;
    static final int TYPE_MEMORY_GET_FD_INFO = 1000074002;
    static final int TYPE_SEMAPHORE_TYPE_CREATE_INFO = 1000207002;
    static final int TYPE_INTEGER_DOT_PRODUCT_FEATURES = 1000280000;
    static final int TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO = 1000207003;
    static final int TYPE_SEMAPHORE_WAIT_INFO = 1000207004;
    static final int TYPE_BUFFER_DEVICE_ADDRESS_INFO = 1000244001;

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
