package dev.meseta.driver;

import java.util.List;
import java.util.Map;

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

    /**
     * What it compiles for without the hardware: names for {@link #target}, each with what it is, in the order in which people see them.
     * Those who write {@code cpu:znver3} mean the target {@code znver3} of the driver {@code cpu}.
     */
    default Map<String, String> targets() {
        return Map.of();
    }

    /**
     * A device that compiles for a target and gives images; it runs nothing. Throws {@link dev.meseta.graph.InvalidInputException} that
     * says what targets there are for a name that is none.
     */
    default KernelDevice target(String name) {
        throw DeviceException.unsupported(name() + " compiles for its devices alone");
    }

    /** Devices that load images: those of {@link #devices}, or more where nothing can be compiled. */
    default List<Device> loaders() {
        return devices();
    }

    /** Why there are no devices and what to do about it; empty where there are some. */
    String unavailable();
}
