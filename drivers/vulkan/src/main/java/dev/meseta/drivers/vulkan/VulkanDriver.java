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
    /** The devices, once they are asked for, and why there are not more. */
    private static final class Found {
        static final List<String> REASONS = new ArrayList<>();
        static final List<Device> DEVICES = find(REASONS);
    }

    @Override
    public String name() {
        return "vulkan";
    }

    @Override
    public Handshake handshake() {
        Set<String> offers = Set.of(Feature.RESULTS, Feature.SHARING);
        return new Handshake(Contract.MAJOR, Contract.MINOR, Contract.LAYOUTS, Set.of(), offers, 0);
    }

    @Override
    public List<Device> devices() {
        return Found.DEVICES;
    }

    @Override
    public Map<String, String> targets() {
        return VulkanTarget.NAMES;
    }

    @Override
    public Device target(String name) {
        return VulkanTarget.NAMES.containsKey(name) ? VulkanTarget.device(name) : Driver.super.target(name);
    }

    @Override
    public String unavailable() {
        return Found.DEVICES.isEmpty() ? String.join("; ", Found.REASONS) : "";
    }

    private static List<Device> find(List<String> reasons) {
        String wanted = System.getenv().getOrDefault("MESETA_VULKAN_DEVICE", "");
        boolean checking = Boolean.getBoolean("meseta.check") || "1".equals(System.getenv("MESETA_CHECK"));
        try {
            if (wanted.equals("off")) throw new IllegalArgumentException("MESETA_VULKAN_DEVICE is off");
            boolean staging = "1".equals(System.getenv("MESETA_VULKAN_STAGING"));
            return open(new VulkanLibrary(VulkanLibrary.symbols()), wanted, checking, staging, reasons);
        } catch (RuntimeException e) {
            reasons.add(String.valueOf(e.getMessage()));
            return List.of();
        }
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
            if (matches) devices.add(new VulkanDevice(p, name, checking));
            else reasons.add("MESETA_VULKAN_DEVICE=" + wanted + " is not " + p.name());
        }
        return List.copyOf(devices);
    }
}
