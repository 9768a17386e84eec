package dev.meseta.runtime.scheduler;

import dev.meseta.driver.Device;
import java.util.IdentityHashMap;
import java.util.Map;

/** The scheduler of each device of this process. Thread-safe. */
public final class Schedulers {
    private static final Map<Device, Scheduler> ALL = new IdentityHashMap<>();

    private Schedulers() {}

    /** The one through which everybody in this process uses a device. */
    public static Scheduler of(Device device) {
        synchronized (ALL) {
            return ALL.computeIfAbsent(device, Scheduler::new);
        }
    }
}
