package dev.meseta.drivers.vulkan;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Feature;
import dev.meseta.driver.Handshake;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The driver of what Vulkan finds: devices {@code vulkan:0}, {@code vulkan:1}, …, GPUs before processors. MESETA_VULKAN_DEVICE names one of
 * them, by its number or by a part of its name, or is {@code off}. With MESETA_VULKAN_STAGING=1 the host is taken not to reach their memory.
 */
public final class VulkanDriver implements Driver {
    /** @param unavailable why there are none; empty where there are some */
    private record Found(List<Device> devices, String unavailable) {}

    private static final class Holder {
        static final Found FOUND = find();
    }

    @Override
    public String name() {
        return "vulkan";
    }

    @Override
    public Handshake handshake() {
        return new Handshake(
                Contract.MAJOR,
                Contract.MINOR,
                Contract.LAYOUTS,
                Set.of(),
                Set.of(Feature.RESULTS, Feature.SHARING),
                0);
    }

    @Override
    public List<Device> devices() {
        return Holder.FOUND.devices();
    }

    @Override
    public Map<String, String> targets() {
        return VulkanTarget.NAMES;
    }

    @Override
    public Device target(String name) {
        return VulkanTarget.device(name);
    }

    @Override
    public String unavailable() {
        return Holder.FOUND.unavailable();
    }

    private static boolean isSet(String variable) {
        return System.getenv().getOrDefault(variable, "0").equals("1");
    }

    private static Found find() {
        String wanted = System.getenv().getOrDefault("MESETA_VULKAN_DEVICE", "");
        if (wanted.equals("off")) return new Found(List.of(), "MESETA_VULKAN_DEVICE is off");
        boolean checking = Boolean.getBoolean("meseta.check") || isSet("MESETA_CHECK");
        List<String> reasons = new ArrayList<>();
        List<Device> devices = List.of();
        try {
            VulkanLibrary vk = new VulkanLibrary(VulkanLibrary.symbols());
            devices = open(vk, wanted, checking, isSet("MESETA_VULKAN_STAGING"), reasons);
        } catch (RuntimeException e) {
            reasons.add(String.valueOf(e.getMessage()));
        }
        return new Found(devices, devices.isEmpty() ? String.join("; ", reasons) : "");
    }

    /**
     * The devices.
     *
     * @param wanted which, as MESETA_VULKAN_DEVICE says; empty for all
     * @param checking whether kernels test every access
     * @param staging whether their memory is taken for one that the host does not reach
     * @param reasons where it is said why there are not more
     */
    static List<Device> open(VulkanLibrary vk, String wanted, boolean checking, boolean staging, List<String> reasons) {
        List<PhysicalDevice> all = vk.list("vkEnumeratePhysicalDevices", "Pointer", vk.instance).stream()
                .map(d -> new PhysicalDevice(vk, d.get("to"), staging))
                .sorted(Comparator.comparing(PhysicalDevice::isProcessor))
                .toList();
        if (all.isEmpty()) reasons.add("Vulkan finds no device; " + VulkanLibrary.INSTALL);
        List<Device> devices = new ArrayList<>();
        int number = 0;
        for (PhysicalDevice p : all) {
            if (!p.lacking.isEmpty()) {
                reasons.add(p.name() + " lacks " + p.lacking);
                continue;
            }
            String name = "vulkan:" + number++;
            boolean matches = wanted.isEmpty()
                    || name.endsWith(":" + wanted)
                    || p.name().toLowerCase(Locale.ROOT).contains(wanted.toLowerCase(Locale.ROOT));
            if (matches) devices.add(new VulkanDevice(vk, p, name, checking));
            else reasons.add("MESETA_VULKAN_DEVICE=" + wanted + " is not " + p.name());
        }
        return List.copyOf(devices);
    }
}
