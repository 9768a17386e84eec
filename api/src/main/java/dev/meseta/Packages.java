package dev.meseta;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.runtime.Loader;
import dev.meseta.runtime.ModelPackage;
import dev.meseta.runtime.scheduler.Schedulers;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Targets that models are compiled for, and devices that run what was compiled. */
final class Packages {
    static final String PRODUCER = "meseta 0.1.0";

    private Packages() {}

    /** What the rest of a model runs on where the target is a device for parts of graphs, and nobody says another. */
    private static final String REST = "cpu:native";

    /**
     * A target, opened.
     *
     * @param device compiles for it
     * @param rest where that is a device for parts of graphs: what runs the rest
     */
    record Chosen(Device device, ModelPackage.Made made, Optional<Chosen> rest) {}

    /**
     * The target of a specification such as {@code cpu:znver3}, or {@code ethosu:u65-256,cpu:armv8-a}: a device for parts of graphs, and one for
     * the rest of them. Throws {@link InvalidInputException} that lists those there are.
     */
    static Chosen target(Meseta meseta, String spec) {
        int comma = spec.indexOf(',');
        Chosen first = single(meseta, comma < 0 ? spec : spec.substring(0, comma));
        if (!(first.device instanceof GraphDevice g && g.isPartial())) {
            if (comma >= 0)
                throw new InvalidInputException("target '" + first.made.driver() + "' runs whole models: '"
                        + spec.substring(comma + 1) + "' would have nothing to run");
            return first;
        }
        Chosen rest = single(meseta, comma < 0 ? REST : spec.substring(comma + 1));
        if (!(rest.device instanceof KernelDevice))
            throw new InvalidInputException("target '" + spec + "': '" + rest.made.driver() + "' does not run what '"
                    + first.made.driver() + "' leaves; name one that runs whole models, such as " + REST);
        return new Chosen(first.device, first.made, Optional.of(rest));
    }

    private static Chosen single(Meseta meseta, String spec) {
        int colon = spec.indexOf(':');
        String driver = colon < 0 ? spec : spec.substring(0, colon);
        String name = colon < 0 ? "" : spec.substring(colon + 1);
        for (Driver d : meseta.drivers()) {
            if (!d.name().equals(driver) || !Contract.refuses(d.handshake()).isEmpty()) continue;
            if (d.targets().isEmpty() || name.isEmpty()) break;
            Device device = d.target(name);
            return new Chosen(
                    device, new ModelPackage.Made(driver, name, device.requirements(), PRODUCER), Optional.empty());
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

    /**
     * What loads a package. Throws {@link InvalidInputException} that says what is missing.
     *
     * @param asked the device that it is to run on; null for any that can
     */
    static Loader loader(Meseta meseta, ModelPackage pack, @Nullable Device asked) {
        Device device = asked == null ? device(meseta, pack.made()) : check(meseta, pack.made(), asked);
        return new Loader(device, pack.rest().map(r -> device(meseta, r)).orElse(null));
    }

    private static Device device(Meseta meseta, ModelPackage.Made made) {
        List<String> reasons = new ArrayList<>();
        for (Driver driver : meseta.drivers()) {
            if (!driver.name().equals(made.driver())
                    || !Contract.refuses(driver.handshake()).isEmpty()) continue;
            for (Device d : driver.loaders()) {
                String lacking = d.lacks(made.requirements());
                if (lacking.isEmpty()) return d;
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

    /** The device, if it is one that runs what was made so. */
    private static Device check(Meseta meseta, ModelPackage.Made made, Device device) {
        for (Driver driver : meseta.drivers()) {
            if (!driver.name().equals(made.driver()) || !driver.loaders().contains(device)) continue;
            String lacking = device.lacks(made.requirements());
            if (!lacking.isEmpty()) throw refused(made, lacking);
            return device;
        }
        throw refused(made, "the device '" + device.name() + "' was asked for, which is not of that driver");
    }

    private static InvalidInputException refused(ModelPackage.Made made, String reason) {
        return new InvalidInputException(
                "the package was compiled for " + made.driver() + ":" + made.target() + ": " + reason);
    }

    static Session session(ModelPackage pack, Loader loader) {
        return new Session(
                pack.signature(),
                loader.device(),
                pack.runner(
                        loader,
                        Schedulers.of(loader.device()).client(pack.signature().name())));
    }
}
