package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.KernelDevice;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "devices",
        mixinStandardHelpOptions = true,
        description = "Shows each driver with its devices, or why it has none.")
final class DevicesCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        try (Meseta meseta = Meseta.open()) {
            if (json) {
                List<Object> drivers = new ArrayList<>();
                for (Driver d : meseta.drivers()) drivers.add(describe(meseta, d));
                Json.print(out, drivers);
                return 0;
            }
            boolean first = true;
            for (Driver d : meseta.drivers()) {
                List<Device> devices = meseta.devices(d);
                if (devices.isEmpty()) {
                    String why = d.models().isEmpty() ? "cannot be used: " : "only by its name: ";
                    out.println(d.name() + "  " + why + meseta.unavailable(d));
                    line(out, "contract", version(d));
                }
                for (Device device : devices) {
                    out.println(device.name() + (first ? "  (the default)" : ""));
                    first = false;
                    line(out, "contract", version(d));
                    line(out, "what", device.description());
                    line(out, "compiles", kind(device));
                    device.properties().forEach((k, v) -> line(out, k, v));
                }
            }
        }
        return 0;
    }

    private static void line(PrintWriter out, String key, String value) {
        out.println("  " + Text.format("%-14s", key) + " " + value);
    }

    /** The version of the driver contract that a driver was built for. */
    private static String version(Driver d) {
        return d.handshake().major() + "." + d.handshake().minor();
    }

    private static String kind(Device device) {
        return switch (device) {
            case KernelDevice _ -> "kernels";
            case GraphDevice _ -> "graphs";
        };
    }

    private static Map<String, Object> describe(Meseta meseta, Driver driver) {
        List<Object> devices = new ArrayList<>();
        for (Device d : meseta.devices(driver)) {
            devices.add(Json.object(
                    "name",
                    d.name(),
                    "description",
                    d.description(),
                    "compiles",
                    kind(d),
                    "properties",
                    d.properties()));
        }
        return Json.object(
                "driver",
                driver.name(),
                "contract",
                version(driver),
                "features",
                driver.handshake().offers().stream().sorted().toList(),
                "devices",
                devices,
                "unavailable",
                devices.isEmpty() ? meseta.unavailable(driver) : null);
    }
}
