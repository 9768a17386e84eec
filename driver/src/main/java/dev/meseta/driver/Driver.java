package dev.meseta.driver;

import java.util.List;

/** A driver, found by {@link java.util.ServiceLoader}. Thread-safe. */
public interface Driver {
    /** Its name, such as {@code cpu}; the first part of its devices' names. */
    String name();

    /**
     * What it was built for; asked before anything else. Write {@code new Handshake(Contract.MAJOR, Contract.MINOR, Contract.LAYOUTS, …)}, so
     * that the constants are those that the driver was compiled with.
     */
    Handshake handshake();

    /** The devices that can be used, best first; opened on first use, and the same objects each time. */
    List<Device> devices();

    /** Devices that this process models: they are used by who names them, and by nobody else. */
    default List<Device> models() {
        return List.of();
    }

    /** Why there are no devices and what to do about it; empty where there are some. */
    String unavailable();
}
