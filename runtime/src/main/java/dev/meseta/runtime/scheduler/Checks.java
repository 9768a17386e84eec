package dev.meseta.runtime.scheduler;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.Device;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Region;
import org.jspecify.annotations.Nullable;

/** Whether what is bound to a job is what it declares to touch: nothing that leaves its buffers reaches a device. */
final class Checks {
    private Checks() {}

    /**
     * Checks, and holds every buffer. Throws {@link DeviceException} of kind BUFFER, and holds none, if one does not fit.
     *
     * @param buffers one for each region
     * @param begins where each of them begins in memory
     * @param waits whether the thread that asks waits for the end of the job, and so keeps what only it can close
     */
    static void check(Client client, Region[] regions, @Nullable Buffer[] buffers, long[] begins, boolean waits) {
        Device device = client.scheduler.device();
        for (int i = 0; i < regions.length; i++) {
            String wrong = wrong(device, regions[i], buffers[i], begins[i]);
            if (wrong == null && !waits && isConfined(buffers[i]))
                wrong = "its memory is of a confined arena, which may be closed before the job ends; use another arena";
            int other = wrong == null ? overlapped(regions, begins, i) : -1;
            if (other >= 0)
                wrong = "it has bytes in common with region '" + regions[other].name()
                        + "', and one of the two is written";
            if (wrong != null) throw refusal(client, regions[i], wrong);
        }
        for (int i = 0; i < regions.length; i++) {
            Buffer b = buffers[i];
            if (b == null || b.hold()) continue;
            for (int k = 0; k < i; k++) release(buffers[k]);
            throw refusal(client, regions[i], "its buffer is closed");
        }
    }

    private static boolean isConfined(@Nullable Buffer b) {
        return b != null && b.isConfined();
    }

    private static void release(@Nullable Buffer b) {
        if (b != null) b.release();
    }

    private static DeviceException refusal(Client client, Region region, String wrong) {
        return new DeviceException(
                DeviceException.Kind.BUFFER,
                "a job of '" + client.name() + "' is refused: region '" + region.name() + "': " + wrong);
    }

    private static @Nullable String wrong(Device device, Region r, @Nullable Buffer b, long begin) {
        if (b == null) return "no buffer is bound";
        if (b.device() != device)
            return "its buffer is of " + b.device().name() + ", the job runs on " + device.name()
                    + (b.device().name().equals(device.name()) ? " as it was opened another time" : "");
        if (b.bytes() < r.bytes()) return "its buffer has " + b.bytes() + " bytes, " + r.bytes() + " are needed";
        if (r.access().writes() && !b.isWritable()) return "it is written, and its buffer is read-only";
        if (r.bytes() > 0 && (begin & (r.alignment() - 1)) != 0)
            return "its first byte is not aligned to " + r.alignment();
        return null;
    }

    /** The first of the regions before one that shares bytes with it, where one of the two is written; -1 if there is none. */
    private static int overlapped(Region[] regions, long[] begins, int i) {
        boolean writes = regions[i].access().writes();
        long begin = begins[i];
        long end = begin + regions[i].bytes();
        for (int k = 0; k < i; k++) {
            if (begin >= begins[k] + regions[k].bytes() || begins[k] >= end) continue;
            if (begin < end
                    && regions[k].bytes() > 0
                    && (writes || regions[k].access().writes())) return k;
        }
        return -1;
    }
}
