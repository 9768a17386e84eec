/** Vulkan driver. */
module dev.meseta.drivers.vulkan {
    requires dev.meseta.driver;
    requires dev.meseta.compiler.spirv;
    requires dev.meseta.linux;
    requires jdk.jfr;
    requires static org.jspecify;

    provides dev.meseta.driver.Driver with
            dev.meseta.drivers.vulkan.VulkanDriver;
}
