package dev.meseta;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Feature;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.ModelPackage;
import dev.meseta.runtime.Signature;
import dev.meseta.runtime.trace.Trace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/**
 * The way in: the drivers and devices of this machine, and the models that run on them.
 *
 * <pre>{@code
 * try (var meseta = Meseta.open();
 *         var session = meseta.load(Path.of("model.onnx")).prepare()) {
 *     Tensor scores = session.run(Map.of("input", Tensor.of(pixels, 1, 3, 240, 320))).get("scores");
 * }
 * }</pre>
 *
 * Thread-safe. Nothing leaks if it is not closed: what it holds goes when it is no longer reachable.
 */
public final class Meseta implements AutoCloseable {
    /** Devices in the order in which they are chosen when nobody names one. */
    private static final List<String> PREFERENCE = List.of("cpu", "reference");

    private final List<Driver> drivers;

    private Meseta(List<Driver> drivers) {
        this.drivers = drivers;
    }

    /** Finds the drivers. Opens no device yet. */
    public static Meseta open() {
        List<Driver> found = new ArrayList<>();
        for (Driver d : ServiceLoader.load(Driver.class)) found.add(d);
        found.sort((a, b) -> Integer.compare(rank(a.name()), rank(b.name())));
        return new Meseta(List.copyOf(found));
    }

    private static int rank(String name) {
        int i = PREFERENCE.indexOf(name);
        return i < 0 ? PREFERENCE.size() : i;
    }

    /** Every driver, whether it has devices or not. */
    public List<Driver> drivers() {
        return drivers;
    }

    /** Every device that can be used, the preferred one first. */
    public List<Device> devices() {
        return drivers.stream().flatMap(d -> devices(d).stream()).toList();
    }

    /** The devices of a driver that can be used: none where its handshake is refused. */
    public List<Device> devices(Driver driver) {
        return Contract.refuses(driver.handshake()).isEmpty() ? driver.devices() : List.of();
    }

    /** Why a driver has no devices, and what to do about it; empty where it has some. */
    public String unavailable(Driver driver) {
        String refusal = Contract.refuses(driver.handshake());
        return refusal.isEmpty() ? driver.unavailable() : refusal;
    }

    /**
     * The device of this name; of a driver's name, its first one. Throws {@link InvalidInputException} that lists the devices there are.
     */
    public Device device(String name) {
        // Other drivers are not asked: finding their devices may take long.
        for (Driver driver : drivers) {
            if (!name.equals(driver.name()) && !name.startsWith(driver.name() + ":")) continue;
            for (Device d : devices(driver))
                if (d.name().equals(name) || driver.name().equals(name)) return d;
            if (!Contract.refuses(driver.handshake()).isEmpty()) continue;
            for (Device d : driver.models()) if (d.name().equals(name)) return d;
        }
        List<Device> all = devices();
        String reasons = drivers.stream()
                .filter(d -> d.name().equals(name) && !unavailable(d).isEmpty())
                .map(d -> ": " + unavailable(d))
                .collect(Collectors.joining());
        throw new InvalidInputException("no device '" + name + "'" + reasons + "; there are "
                + all.stream().map(Device::name).collect(Collectors.joining(", ")));
    }

    /** The driver that a device of this process belongs to. */
    public Driver driver(Device device) {
        for (Driver d : drivers) if (devices(d).contains(device) || d.models().contains(device)) return d;
        throw new InvalidInputException("no driver has the device '" + device.name() + "'");
    }

    /** The device that is used when nobody names one. */
    public Device preferredDevice() {
        // Drivers behind the first that has one are not asked: finding their devices may take long.
        for (Driver d : drivers) {
            if (!d.handshake().has(Feature.RESULTS)) continue;
            List<Device> found = devices(d);
            if (!found.isEmpty()) return found.getFirst();
        }
        throw new InvalidInputException("no device can be used: "
                + drivers.stream().map(d -> d.name() + ": " + unavailable(d)).collect(Collectors.joining("; ")));
    }

    /** The device that runs what a device for parts of graphs does not: the first that compiles kernels, by preference. */
    KernelDevice kernelDevice() {
        for (Driver d : drivers) {
            if (!d.handshake().has(Feature.RESULTS)) continue;
            for (Device device : devices(d)) if (device instanceof KernelDevice k) return k;
        }
        throw new InvalidInputException("no device here runs whole graphs");
    }

    /**
     * Reads a model file: ONNX, TFLite, or a package that {@link Model#compile} wrote, by its first bytes. Throws {@link
     * InvalidInputException} for a file that is no model, or has operators that are not supported: it lists them all; and for a package that
     * is damaged, or of another version.
     */
    public Model load(Path file) {
        if (ModelPackage.recognizes(file)) {
            try (Trace.Work _ = Trace.load("package", file.toString())) {
                return new Model(this, ModelPackage.open(file), null);
            }
        }
        try {
            return Kept.load(this, file);
        } catch (NoClassDefFoundError e) {
            throw new InvalidInputException(
                    file + " is no package, and without Meseta's compiler and frontends only packages run", e);
        }
    }

    /** A model from a program that a frontend made. */
    public Model load(Program program) {
        return new Model(this, Signature.of(program), () -> program, Optional.empty(), null);
    }

    @Override
    public void close() {}
}
