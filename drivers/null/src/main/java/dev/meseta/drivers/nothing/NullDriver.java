package dev.meseta.drivers.nothing;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Feature;
import dev.meseta.driver.Handshake;
import java.util.List;
import java.util.Set;

/** The driver of the device {@code null}. */
public final class NullDriver implements Driver {
    private static final List<Device> MODELS = List.of(new NullDevice());

    @Override
    public String name() {
        return "null";
    }

    @Override
    public Handshake handshake() {
        // Without Feature.RESULTS: nobody gets this device who has not named it.
        return new Handshake(Contract.MAJOR, Contract.MINOR, Contract.LAYOUTS, Set.of(), Set.of(Feature.SHARING), 0);
    }

    @Override
    public List<Device> devices() {
        return List.of();
    }

    @Override
    public List<Device> models() {
        return MODELS;
    }

    @Override
    public String unavailable() {
        return "does nothing, and shows what all the rest costs (--device null)";
    }
}
