package dev.meseta;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.runtime.ModelPackage;
import dev.meseta.runtime.scheduler.Schedulers;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Targets that models are compiled for, and devices that run what was compiled. */
final class Packages {
    static final String PRODUCER = "meseta 0.1.0";

    private Packages() {}

    /** A target and the driver that has it. */
    record Chosen(Driver driver, String name, KernelDevice device) {}

    /** The target of a specification such as {@code cpu:znver3}. Throws {@link InvalidInputException} that lists those there are. */
    static Chosen target(Meseta meseta, String spec) {
        int colon = spec.indexOf(':');
        String driver = colon < 0 ? spec : spec.substring(0, colon);
        String name = colon < 0 ? "" : spec.substring(colon + 1);
        for (Driver d : meseta.drivers()) {
            if (!d.name().equals(driver) || !Contract.refuses(d.handshake()).isEmpty()) continue;
            if (!meseta.unavailable(d).isEmpty())
                throw new InvalidInputException(
                        "nothing can be compiled for target '" + spec + "': " + meseta.unavailable(d));
            if (d.targets().isEmpty()) break;
            if (name.isEmpty()) break;
            return new Chosen(d, name, d.target(name));
        }
        throw new InvalidInputException("no target '" + spec + "'; there are " + specs(meseta));
    }

    private static String specs(Meseta meseta) {
        List<String> all = new ArrayList<>();
        for (Driver d : meseta.drivers()) {
            if (!Contract.refuses(d.handshake()).isEmpty()) continue;
            d.targets().keySet().forEach(t -> all.add(d.name() + ":" + t));
        }
        return all.isEmpty() ? "none: no driver compiles for devices that are not here" : String.join(", ", all);
    }

    /** The device that runs a package. Throws {@link InvalidInputException} that says what is missing. */
    static KernelDevice device(Meseta meseta, ModelPackage pack) {
        ModelPackage.Made made = pack.made();
        List<String> reasons = new ArrayList<>();
        for (Driver driver : meseta.drivers()) {
            if (!driver.name().equals(made.driver())
                    || !Contract.refuses(driver.handshake()).isEmpty()) continue;
            for (Device d : driver.loaders()) {
                if (!(d instanceof KernelDevice k)) continue;
                String lacking = k.lacks(made.requirements());
                if (lacking.isEmpty()) return k;
                reasons.add(lacking);
            }
        }
        throw refused(
                made,
                reasons.isEmpty()
                        ? "no driver '" + made.driver() + "' is here that runs packages; there are "
                                + meseta.drivers().stream().map(Driver::name).collect(Collectors.joining(", "))
                        : String.join("; ", reasons));
    }

    /** The device, if it is one that runs the package. */
    static KernelDevice check(Meseta meseta, ModelPackage pack, Device device) {
        for (Driver driver : meseta.drivers()) {
            if (!driver.name().equals(pack.made().driver()) || !driver.loaders().contains(device)) continue;
            if (!(device instanceof KernelDevice k)) continue;
            String lacking = k.lacks(pack.made().requirements());
            if (!lacking.isEmpty()) throw refused(pack.made(), lacking);
            return k;
        }
        throw refused(pack.made(), "the device '" + device.name() + "' was asked for, which is not of that driver");
    }

    private static InvalidInputException refused(ModelPackage.Made made, String reason) {
        return new InvalidInputException(
                "the package was compiled for " + made.driver() + ":" + made.target() + ": " + reason);
    }

    static Session session(ModelPackage pack, KernelDevice device) {
        return new Session(
                pack.signature(),
                device,
                pack.runner(
                        device, Schedulers.of(device).client(pack.signature().name())));
    }
}
