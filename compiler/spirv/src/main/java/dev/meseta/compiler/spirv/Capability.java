package dev.meseta.compiler.spirv;

/** What a module may need of a device, with its number in the SPIR-V specification. */
public enum Capability {
    SHADER(1),
    FLOAT16(9),
    FLOAT64(10),
    INT64(11),
    INT16(22),
    INT8(39),
    IMAGE_BUFFER(47),
    GROUP_NON_UNIFORM(61),
    GROUP_NON_UNIFORM_ARITHMETIC(63),
    GROUP_NON_UNIFORM_SHUFFLE(65),
    STORAGE_BUFFER_16_BIT_ACCESS(4433),
    STORAGE_BUFFER_8_BIT_ACCESS(4448),
    DENORM_PRESERVE(4464),
    SIGNED_ZERO_INF_NAN_PRESERVE(4466),
    ROUNDING_MODE_RTE(4467),
    VULKAN_MEMORY_MODEL(5345),
    PHYSICAL_STORAGE_BUFFER_ADDRESSES(5347),
    DOT_PRODUCT_INPUT_4X8_BIT(6017),
    DOT_PRODUCT(6019),
    COOPERATIVE_MATRIX(6022);

    private final int number;

    Capability(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
