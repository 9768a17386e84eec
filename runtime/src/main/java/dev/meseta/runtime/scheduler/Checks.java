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
     * @param waits whether the thread that asks waits for the end of the job, and so keeps what only it can close
     */
    static void check(Client client, Region[] regions, @Nullable Buffer[] buffers, boolean waits) {
        Device device = client.scheduler.device();
        for (int i = 0; i < regions.length; i++) {
            String wrong = wrong(device, regions[i], buffers[i]);
            if (wrong == null && !waits && isConfined(buffers[i]))
                wrong = "its memory is of a confined arena, which may be closed before the job ends; use another arena";
            if (wrong == null && overlaps(regions, buffers, i)) wrong = overlap(regions, buffers, i);
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

    private static @Nullable String wrong(Device device, Region r, @Nullable Buffer b) {
        if (b == null) return "no buffer is bound";
        if (b.device() != device)
            return "its buffer is of " + b.device().name() + ", the job runs on " + device.name()
                    + (b.device().name().equals(device.name()) ? " as it was opened another time" : "");
        if (b.bytes() < r.bytes()) return "its buffer has " + b.bytes() + " bytes, " + r.bytes() + " are needed";
        if (r.access().writes() && !b.isWritable()) return "it is written, and its buffer is read-only";
        if (r.bytes() > 0 && (b.memory().address() & (r.alignment() - 1)) != 0)
            return "its first byte is not aligned to " + r.alignment();
        return null;
    }

    /** Whether a region shares bytes with one before it, and one of the two is written. */
    private static boolean overlaps(Region[] regions, @Nullable Buffer[] buffers, int i) {
        Buffer b = buffers[i];
        if (b == null || regions[i].bytes() == 0) return false;
        boolean writes = regions[i].access().writes();
        long begin = b.memory().address();
        long end = begin + regions[i].bytes();
        for (int k = 0; k < i; k++) {
            Buffer other = buffers[k];
            if (other == null || !writes && !regions[k].access().writes()) continue;
            long from = other.memory().address();
            if (begin < from + regions[k].bytes() && from < end) return true;
        }
        return false;
    }

    private static String overlap(Region[] regions, @Nullable Buffer[] buffers, int i) {
        for (int k = 0; k < i; k++) {
            Region[] two = {regions[k], regions[i]};
            @Nullable Buffer[] bound = {buffers[k], buffers[i]};
            if (overlaps(two, bound, 1))
                return "it has bytes in common with region '" + regions[k].name() + "', and one of the two is written";
        }
        return "it overlaps another region";
    }
}
