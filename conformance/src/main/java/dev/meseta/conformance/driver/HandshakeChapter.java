package dev.meseta.conformance.driver;

import static dev.meseta.conformance.driver.Chapter.same;
import static dev.meseta.conformance.driver.Chapter.that;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Feature;
import dev.meseta.driver.Handshake;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Target;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Who a driver is, and which devices it has. */
final class HandshakeChapter {
    private HandshakeChapter() {}

    static List<DriverCase> cases() {
        return new Chapter("handshake")
                .add("is accepted", s -> same("", Contract.refuses(handshake(s)), "refusal"))
                .add(
                        "has the major version",
                        s -> same(Contract.MAJOR, handshake(s).major(), "major"))
                .add("has a minor version", s -> that(handshake(s).minor() >= 0, "minor version 0 or more"))
                .add(
                        "has zero in its reserved field",
                        s -> same(0L, handshake(s).reserved() + 0L, "reserved"))
                .add(
                        "requires what the stack has",
                        s -> that(
                                Feature.STACK.containsAll(handshake(s).requires()),
                                "requires " + handshake(s).requires()))
                .add("is the same each time", s -> same(handshake(s), handshake(s), "handshake"))
                .add(
                        "name is lower case",
                        s -> that(
                                s.driver().name().matches("[a-z][a-z0-9-]*"),
                                "name '" + s.driver().name() + "'"))
                .add("devices have the driver's name", s -> {
                    for (Device d : all(s)) {
                        String first = d.name().replaceFirst(":.*", "");
                        same(s.driver().name(), first, "first part of " + d.name());
                    }
                })
                .add("devices have names of their own", s -> {
                    Set<String> names = new HashSet<>();
                    for (Device d : all(s)) that(names.add(d.name()), "two devices are called " + d.name());
                })
                .add("devices are the same objects each time", s -> {
                    List<Device> first = all(s);
                    List<Device> second = all(s);
                    same(first.size(), second.size(), "devices");
                    for (int i = 0; i < first.size(); i++)
                        that(first.get(i) == second.get(i), first.get(i).name() + " is another object each time");
                })
                .add(
                        "says why it has no devices",
                        s -> same(
                                s.driver().devices().isEmpty(),
                                !s.driver().unavailable().isBlank(),
                                "a reason is given"))
                .add(
                        "device describes itself",
                        s -> that(!s.device().description().isBlank(), "description"))
                .add(
                        "properties have names and values",
                        s -> s.device()
                                .properties()
                                .forEach((k, v) ->
                                        that(!k.isBlank() && !v.isBlank(), "property '" + k + "' = '" + v + "'")))
                .add(
                        "properties are the same each time",
                        s -> same(s.device().properties(), s.device().properties(), "properties"))
                .add(
                        "limits are the same each time",
                        s -> same(s.device().limits(), s.device().limits(), "limits"))
                .add("limits have credits and time-outs", s -> {
                    Limits l = s.device().limits();
                    that(l.credits() >= 1 && l.timeout().isPositive(), "limits " + l);
                })
                .add(
                        "alignment is a page or less",
                        s -> that(
                                s.device().limits().alignment() <= 65536,
                                "alignment " + s.device().limits().alignment()))
                .add("kernel devices say what schedules need", s -> {
                    if (!(s.device() instanceof KernelDevice k)) throw new Skipped("the device compiles graphs");
                    Target t = k.target();
                    that(t.threads() >= 1 && t.vectorBytes() >= 4, "target " + t.text());
                    same(t, k.target(), "target");
                })
                .add("devices whose executables can be kept have an identity", s -> {
                    if (s.simple().executable().image().isEmpty()) throw new Skipped("its executables cannot be kept");
                    that(!s.device().identity().isBlank(), "identity");
                    same(s.device().identity(), s.device().identity(), "identity");
                })
                .cases();
    }

    private static Handshake handshake(Subject s) {
        return s.driver().handshake();
    }

    private static List<Device> all(Subject s) {
        Driver d = s.driver();
        List<Device> all = new ArrayList<>(d.devices());
        all.addAll(d.models());
        return all;
    }
}
