package dev.meseta.drivers.vulkan;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.SlotPlaces;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The constants of a plan, in the device's memory. Large ones are there once for all plans that have them, small ones lie together. Immutable.
 */
final class Constants {
    /** From here on a constant has a buffer of its own. */
    private static final long LARGE = 1 << 16;

    /** By device, address and size. */
    private static final Map<Key, WeakReference<DeviceBuffer>> RESIDENT = new ConcurrentHashMap<>();

    private record Key(Context context, long address, long bytes) {}

    private final DeviceBuffer.Part[] parts;

    Constants(Context c, List<CommandList.Slot> slots) {
        SlotPlaces small = SlotPlaces.of(slots, s -> s instanceof CommandList.ConstantSlot && s.bytes() < LARGE);
        MemorySegment together = Arena.ofAuto().allocate(Math.max(1, small.bytes()), SlotPlaces.ALIGNMENT);
        for (int i = 0; i < slots.size(); i++)
            if (slots.get(i) instanceof CommandList.ConstantSlot s && s.bytes() < LARGE)
                MemorySegment.copy(s.value().data(), 0, together, small.offset(i), s.bytes());
        DeviceBuffer shared = upload(c, together);
        this.parts = new DeviceBuffer.Part[slots.size()];
        for (int i = 0; i < parts.length; i++)
            parts[i] = slots.get(i) instanceof CommandList.ConstantSlot s && s.bytes() >= LARGE
                    ? new DeviceBuffer.Part(resident(c, s.value().data()), 0)
                    : new DeviceBuffer.Part(shared, small.offset(i));
    }

    /** Where a constant is. */
    DeviceBuffer.Part part(int slot) {
        return parts[slot];
    }

    private static synchronized DeviceBuffer resident(Context c, MemorySegment data) {
        if (!data.isNative()) return upload(c, data);
        Key key = new Key(c, data.address(), data.byteSize());
        WeakReference<DeviceBuffer> known = RESIDENT.get(key);
        DeviceBuffer b = known == null ? null : known.get();
        if (b == null) {
            RESIDENT.values().removeIf(w -> w.get() == null);
            b = upload(c, data);
            b.source = data;
            RESIDENT.put(key, new WeakReference<>(b));
        }
        return b;
    }

    private static DeviceBuffer upload(Context c, MemorySegment data) {
        DeviceBuffer buffer = DeviceBuffer.onDevice(c, data.byteSize());
        MemorySegment view = buffer.mapped;
        if (view != null) {
            view.copyFrom(data);
            return buffer;
        }
        try (DeviceBuffer staging = DeviceBuffer.onHost(c, data.byteSize());
                Handles handles = new Handles(c)) {
            staging.view().copyFrom(data);
            CommandBuffers commands = new CommandBuffers(c, handles);
            commands.begin();
            commands.copy(staging, 0, buffer, 0, data.byteSize());
            c.run(commands.end());
        }
        return buffer;
    }
}
