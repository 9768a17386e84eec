package dev.meseta.cli;

import dev.meseta.graph.program.Port;
import dev.meseta.runtime.ModelPackage;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What is in a package, for people and programs. */
final class Packages {
    private Packages() {}

    static void print(PrintWriter out, ModelPackage p) {
        String name = p.signature().name();
        out.println("package " + (name.isEmpty() ? "(unnamed)" : name));
        out.println("target  " + target(p));
        for (ModelPackage.Made m : targets(p))
            Text.wrapped(out, "needs   ", "        ", List.of(m.requirements().split(" ")));
        for (Port port : p.signature().required()) out.println("input   " + port.name() + " " + port.describe());
        for (Port port : p.signature().outputs()) out.println("output  " + port.name() + " " + port.describe());
        for (String shapes : p.shapes()) Text.wrapped(out, "runs    ", "        ", List.of(shapes.split(" ")));
        out.println("weights " + Text.bytes(p.weightBytes()) + " of " + Text.bytes(p.bytes()) + " in all");
        out.println("made by " + p.made().producer());
    }

    /** The same as an object, with one more entry. */
    static Map<String, Object> json(Path file, ModelPackage p, String key, Object value) {
        return Json.object(
                "file",
                file.toString(),
                "name",
                p.signature().name(),
                "target",
                target(p),
                "requirements",
                targets(p).stream().map(ModelPackage.Made::requirements).collect(Collectors.joining(", ")),
                "producer",
                p.made().producer(),
                "inputs",
                ports(p.signature().required()),
                "outputs",
                ports(p.signature().outputs()),
                "shapes",
                p.shapes(),
                "weight_bytes",
                p.weightBytes(),
                "bytes",
                p.bytes(),
                key,
                value);
    }

    private static String target(ModelPackage p) {
        return targets(p).stream().map(m -> m.driver() + ":" + m.target()).collect(Collectors.joining(","));
    }

    /** The device that runs it, and the one that runs the rest. */
    private static List<ModelPackage.Made> targets(ModelPackage p) {
        List<ModelPackage.Made> all = new ArrayList<>(List.of(p.made()));
        p.rest().ifPresent(all::add);
        return all;
    }

    private static List<Object> ports(List<Port> ports) {
        List<Object> all = new ArrayList<>();
        for (Port p : ports) all.add(Json.object("name", p.name(), "type", p.describe()));
        return all;
    }
}
