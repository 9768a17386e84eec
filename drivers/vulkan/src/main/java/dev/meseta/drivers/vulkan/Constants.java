package dev.meseta.drivers.vulkan;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.SlotPlaces;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The constants of a plan, in the device's memory. Large ones are there once for all plans that have them, small ones lie together. Immutable.
 */
final class Constants {
    /** From here on a constant has a buffer of its own. */
    private static final long LARGE = 1 << 16;

    /** By device, address and size. */
    private static final Map<Key, WeakReference<Resident>> RESIDENT = new ConcurrentHashMap<>();

    private record Key(Context context, long address, long bytes) {}

    /** A constant that is there, and what it was made of, whose address stays taken as long as this is. */
    private record Resident(MemorySegment source, DeviceBuffer buffer) {}

    private final DeviceBuffer.@Nullable Part[] parts;
    private final List<Resident> kept = new ArrayList<>();

    Constants(Context c, List<CommandList.Slot> slots) {
        SlotPlaces small = new SlotPlaces(slots).add(s -> s instanceof CommandList.ConstantSlot && s.bytes() < LARGE);
        MemorySegment together = Arena.ofAuto().allocate(Math.max(1, small.bytes()), SlotPlaces.ALIGNMENT);
        this.parts = new DeviceBuffer.Part[slots.size()];
        for (int i = 0; i < parts.length; i++) {
            if (!(slots.get(i) instanceof CommandList.ConstantSlot s)) continue;
            MemorySegment data = s.value().data();
            if (s.bytes() < LARGE) {
                MemorySegment.copy(data, 0, together, small.offset(i), s.bytes());
                continue;
            }
            Resident r = resident(c, data);
            kept.add(r);
            parts[i] = new DeviceBuffer.Part(r.buffer(), 0);
        }
        DeviceBuffer shared = upload(c, together);
        for (int i = 0; i < parts.length; i++)
            if (parts[i] == null) parts[i] = new DeviceBuffer.Part(shared, small.offset(i));
    }

    /** Where a constant is. */
    DeviceBuffer.Part part(int slot) {
        return Objects.requireNonNull(parts[slot]);
    }

    private static synchronized Resident resident(Context c, MemorySegment data) {
        if (!data.isNative()) return new Resident(data, upload(c, data));
        Key key = new Key(c, data.address(), data.byteSize());
        WeakReference<Resident> known = RESIDENT.get(key);
        Resident r = known == null ? null : known.get();
        if (r == null) {
            RESIDENT.values().removeIf(w -> w.get() == null);
            r = new Resident(data, upload(c, data));
            RESIDENT.put(key, new WeakReference<>(r));
        }
        return r;
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
