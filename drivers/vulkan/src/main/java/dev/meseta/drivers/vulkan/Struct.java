package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/** A structure of Vulkan in memory; what is not set is 0. */
record Struct(Layout layout, MemorySegment memory) {
    /**
     * The structures of the Vulkan specification that are used, as every 64-bit machine has them: name, type number (- for those that have none),
     * bytes, and fields at their byte offsets. Fields of eight bytes are those whose offset is followed by an L.
     */
    private static final String TABLE = """
            VkApplicationInfo 0 48 pApplicationName=16L apiVersion=44
            VkInstanceCreateInfo 1 64 pApplicationInfo=24L
            VkDeviceQueueCreateInfo 2 40 queueFamilyIndex=20 queueCount=24 pQueuePriorities=32L
            VkDeviceCreateInfo 3 72 queueCreateInfoCount=20 pQueueCreateInfos=24L enabledExtensionCount=48 ppEnabledExtensionNames=56L
            VkSubmitInfo 4 72 commandBufferCount=40 pCommandBuffers=48L signalSemaphoreCount=56 pSignalSemaphores=64L
            VkMemoryAllocateInfo 5 32 allocationSize=16L memoryTypeIndex=24
            VkSemaphoreCreateInfo 9 24
            VkQueryPoolCreateInfo 11 32 queryType=20 queryCount=24
            VkBufferCreateInfo 12 56 size=24L usage=32
            VkBufferViewCreateInfo 13 56 buffer=24L format=32 range=48L
            VkShaderModuleCreateInfo 16 40 codeSize=24L pCode=32L
            VkPipelineCacheCreateInfo 17 40 initialDataSize=24L pInitialData=32L
            VkComputePipelineCreateInfo 29 96 stage.sType=24 stage.stage=44 stage.module=48L stage.pName=56L layout=72L
            VkPipelineLayoutCreateInfo 30 48 setLayoutCount=20 pSetLayouts=24L
            VkDescriptorSetLayoutCreateInfo 32 32 bindingCount=20 pBindings=24L
            VkDescriptorPoolCreateInfo 33 40 maxSets=20 poolSizeCount=24 pPoolSizes=32L
            VkDescriptorSetAllocateInfo 34 40 descriptorPool=16L descriptorSetCount=24 pSetLayouts=32L
            VkWriteDescriptorSet 35 64 dstSet=16L dstBinding=24 descriptorCount=32 descriptorType=36 pBufferInfo=48L pTexelBufferView=56L
            VkCommandPoolCreateInfo 39 24 queueFamilyIndex=20
            VkCommandBufferAllocateInfo 40 32 commandPool=16L commandBufferCount=28
            VkCommandBufferBeginInfo 42 32
            VkMemoryBarrier 46 24 srcAccessMask=16 dstAccessMask=20
            VkPhysicalDeviceVulkan11Features 49 64 storageBuffer16BitAccess=16
            VkPhysicalDeviceVulkan11Properties 50 112 driverUUID=32 subgroupSize=64 subgroupSupportedStages=68 subgroupSupportedOperations=72
            VkPhysicalDeviceVulkan12Features 51 208 storageBuffer8BitAccess=24 shaderFloat16=44 shaderInt8=48 timelineSemaphore=164 bufferDeviceAddress=168 vulkanMemoryModel=180
            VkPhysicalDeviceVulkan12Properties 52 736 driverName=20 driverInfo=276 denormBehaviorIndependence=536 shaderSignedZeroInfNanPreserveFloat16=544 shaderSignedZeroInfNanPreserveFloat32=548 shaderSignedZeroInfNanPreserveFloat64=552 shaderDenormPreserveFloat16=556 shaderDenormPreserveFloat32=560 shaderDenormPreserveFloat64=564 shaderRoundingModeRTEFloat16=580 shaderRoundingModeRTEFloat32=584 shaderRoundingModeRTEFloat64=588
            VkPhysicalDeviceFeatures2 1000059000 240 shaderFloat64=172 shaderInt64=176 shaderInt16=180
            VkPhysicalDeviceProperties2 1000059001 840 apiVersion=16 driverVersion=20 deviceType=32 deviceName=36 pipelineCacheUUID=292 maxComputeSharedMemorySize=528 maxComputeWorkGroupInvocations=544 maxComputeWorkGroupSize=548 timestampPeriod=736
            VkMemoryAllocateFlagsInfo 1000060000 24 flags=16
            VkExternalMemoryBufferCreateInfo 1000072000 24 handleTypes=16
            VkExportMemoryAllocateInfo 1000072002 24 handleTypes=16
            VkImportMemoryFdInfoKHR 1000074000 24 handleType=16 fd=20
            VkMemoryGetFdInfoKHR 1000074002 32 memory=16L handleType=24
            VkSemaphoreTypeCreateInfo 1000207002 32 semaphoreType=16
            VkTimelineSemaphoreSubmitInfo 1000207003 48 signalSemaphoreValueCount=32 pSignalSemaphoreValues=40L
            VkSemaphoreWaitInfo 1000207004 40 semaphoreCount=20 pSemaphores=24L pValues=32L
            VkBufferDeviceAddressInfo 1000244001 24 buffer=16L
            VkPhysicalDeviceShaderIntegerDotProductFeatures 1000280000 24 shaderIntegerDotProduct=16
            VkPhysicalDeviceCooperativeMatrixFeaturesKHR 1000506000 24 cooperativeMatrix=16
            VkBufferCopy - 24 srcOffset=0L dstOffset=8L size=16L
            VkDescriptorBufferInfo - 24 buffer=0L range=16L
            VkMemoryRequirements - 24 size=0L memoryTypeBits=16
            """;

    private static final Map<String, Layout> LAYOUTS = parse();

    /** A line of the table; {@code type} is negative where there is none. */
    record Layout(int type, long bytes, Map<String, Field> fields) {
        Field field(String name) {
            Field f = fields.get(name);
            if (f == null) throw new IllegalArgumentException("no field " + name + " in " + this);
            return f;
        }
    }

    record Field(long offset, boolean isLong) {}

    private static Map<String, Layout> parse() {
        Map<String, Layout> all = new HashMap<>();
        for (String line : TABLE.lines().toList()) {
            String[] words = line.split(" ");
            Map<String, Field> fields = new HashMap<>();
            fields.put("pNext", new Field(8, true));
            for (int i = 3; i < words.length; i++) {
                String[] field = words[i].split("=");
                boolean isLong = field[1].endsWith("L");
                fields.put(field[0], new Field(Long.parseLong(field[1].replace("L", "")), isLong));
            }
            int type = words[1].equals("-") ? -1 : Integer.parseInt(words[1]);
            all.put(words[0], new Layout(type, Long.parseLong(words[2]), fields));
        }
        return all;
    }

    /** A structure, and values of some of its fields: {@code of(arena, "VkBufferCreateInfo size usage", 100, 3)}. */
    static Struct of(Arena arena, String nameAndFields, Object... values) {
        String[] words = nameAndFields.split(" ");
        Layout layout = LAYOUTS.get(words[0]);
        if (layout == null || words.length != values.length + 1) throw new IllegalArgumentException(nameAndFields);
        Struct s = new Struct(layout, arena.allocate(layout.bytes, 8));
        if (layout.type >= 0) s.memory.set(JAVA_INT, 0, layout.type);
        for (int i = 0; i < values.length; i++) s.set(words[i + 1], number(values[i]));
        return s;
    }

    /** A number, an address, or what lies at one. */
    static long number(Object value) {
        return switch (value) {
            case Integer i -> i;
            case Long l -> l;
            case MemorySegment m -> m.address();
            case Struct s -> s.memory.address();
            default -> throw new IllegalArgumentException("no number: " + value);
        };
    }

    Struct set(String name, long value) {
        Field f = layout.field(name);
        if (f.isLong) memory.set(JAVA_LONG, f.offset, value);
        else memory.set(JAVA_INT, f.offset, (int) value);
        return this;
    }

    long get(String name) {
        Field f = layout.field(name);
        return f.isLong ? memory.get(JAVA_LONG, f.offset) : memory.get(JAVA_INT, f.offset);
    }

    boolean is(String name) {
        return get(name) != 0;
    }

    /** Field number {@code i} of an array of ints. */
    int getInt(String array, int i) {
        return memory.get(JAVA_INT, layout.field(array).offset + 4L * i);
    }

    String getString(String name) {
        return memory.getString(layout.field(name).offset);
    }
}
