package dev.meseta.driver;

import dev.meseta.graph.InvalidInputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
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
     * Those who write {@code cpu:znver3} mean the target {@code znver3} of the driver {@code cpu}. By default, its models that are named so.
     */
    default Map<String, String> targets() {
        Map<String, String> targets = new LinkedHashMap<>();
        String prefix = name() + ":";
        for (Device d : models())
            if (d.name().startsWith(prefix)) targets.put(d.name().substring(prefix.length()), d.description());
        return targets;
    }

    /**
     * A device that compiles for a target and gives images; it need not run anything. Throws {@link InvalidInputException} that says what
     * targets there are for a name that is none.
     */
    default Device target(String name) {
        for (Device d : models()) if (d.name().equals(name() + ":" + name)) return d;
        throw new InvalidInputException("no target '" + name + "' of " + name() + "; there are "
                + String.join(", ", targets().keySet()));
    }

    /** Devices that load images, best first: by default, those of {@link #devices}, and models where there is none of these for an image. */
    default List<Device> loaders() {
        List<Device> all = new ArrayList<>(devices());
        all.addAll(models());
        return all;
    }

    /** Why there are no devices and what to do about it; empty where there are some. */
    String unavailable();
}
