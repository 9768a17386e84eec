package dev.meseta.drivers.mock;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Feature;
import dev.meseta.driver.Handshake;
import java.util.List;
import java.util.Set;

/** The driver of the device {@code mock}. */
public final class MockDriver implements Driver {
    private static final List<Device> MODELS = List.of(new MockDevice());

    @Override
    public String name() {
        return "mock";
    }

    @Override
    public Handshake handshake() {
        return new Handshake(Contract.MAJOR, Contract.MINOR, Contract.LAYOUTS, Set.of(), Set.of(Feature.RESULTS), 0);
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
        return "the interpreter behind a device with memory of its own, for tests (--device mock)";
    }
}
