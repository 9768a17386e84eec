package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Feature;
import dev.meseta.driver.Handshake;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The driver of what Vulkan finds: devices {@code vulkan:0}, {@code vulkan:1}, …, GPUs before processors. MESETA_VULKAN_DEVICE names one of
 * them, by its number or by a part of its name, or is {@code off}. With MESETA_VULKAN_STAGING=1 the host is taken not to reach their memory.
 */
public final class VulkanDriver implements Driver {
    private static final String INSTALL = "on Debian: apt install libvulkan1 mesa-vulkan-drivers";

    private record Found(List<Device> devices, String unavailable) {}

    private static final class Holder {
        static final Found FOUND = find(
                VulkanLibrary::open,
                System.getenv().getOrDefault("MESETA_VULKAN_DEVICE", ""),
                Boolean.getBoolean("meseta.check") || isSet("MESETA_CHECK"),
                isSet("MESETA_VULKAN_STAGING"));
    }

    private static boolean isSet(String variable) {
        return System.getenv().getOrDefault(variable, "0").equals("1");
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

    /** The devices, with kernels that test every access or without, and with memory that the host does not reach or does. */
    static List<Device> open(VulkanLibrary vk, boolean checking, boolean staging) {
        return find(() -> Optional.of(vk), "", checking, staging).devices();
    }

    private static Found find(
            Supplier<Optional<VulkanLibrary>> opening, String wanted, boolean checking, boolean staging) {
        if (wanted.equals("off")) return none("MESETA_VULKAN_DEVICE is off");
        try {
            Optional<VulkanLibrary> library = opening.get();
            if (library.isEmpty()) return none("there is no Vulkan loader (libvulkan.so.1); " + INSTALL);
            VulkanLibrary vk = library.get();
            List<PhysicalDevice> all = physical(vk, staging);
            if (all.isEmpty()) return none("Vulkan finds no device; " + INSTALL);
            return choose(vk, all, wanted, checking);
        } catch (RuntimeException e) {
            return none(String.valueOf(e.getMessage()));
        }
    }

    private static Found none(String reason) {
        return new Found(List.of(), reason);
    }

    private static Found choose(VulkanLibrary vk, List<PhysicalDevice> all, String wanted, boolean checking) {
        List<Device> devices = new ArrayList<>();
        List<String> reasons = new ArrayList<>();
        int number = 0;
        for (PhysicalDevice p : all) {
            if (!p.lacking().isEmpty()) {
                reasons.add(p.name() + " lacks " + p.lacking());
                continue;
            }
            String name = "vulkan:" + number++;
            boolean matches = wanted.isEmpty()
                    || name.endsWith(":" + wanted)
                    || p.name().toLowerCase(Locale.ROOT).contains(wanted.toLowerCase(Locale.ROOT));
            if (matches) devices.add(new VulkanDevice(vk, p, name, checking));
            else reasons.add("MESETA_VULKAN_DEVICE=" + wanted + " is not " + p.name());
        }
        return new Found(List.copyOf(devices), devices.isEmpty() ? String.join("; ", reasons) : "");
    }

    private static List<PhysicalDevice> physical(VulkanLibrary vk, boolean staging) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom("meseta");
            Struct application = Struct.of(arena, "VkApplicationInfo pApplicationName apiVersion", name, Vk.API_1_2);
            Struct info = Struct.of(arena, "VkInstanceCreateInfo pApplicationInfo", application);
            MemorySegment instance = arena.allocate(JAVA_LONG);
            VulkanLibrary.check("Vulkan", "vkCreateInstance", vk.call("vkCreateInstance", info, 0, instance));
            long[] handles = vk.list(arena, "vkEnumeratePhysicalDevices", 8, instance.get(JAVA_LONG, 0))
                    .toArray(JAVA_LONG);
            List<PhysicalDevice> all = new ArrayList<>();
            for (long h : handles) all.add(PhysicalDevice.of(vk, instance.get(JAVA_LONG, 0), h, staging));
            all.sort((a, b) -> Boolean.compare(a.isProcessor(), b.isProcessor()));
            return all;
        }
    }
}
