package dev.meseta.tests;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import java.io.File;
import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** A process that has nothing but what runs packages; it runs one, and says what came of it, what it has loaded, and what it makes of a model. */
final class PackageWorker {
    /** All that a package needs, but for drivers. */
    private static final Set<String> RUNNING = Set.of(
            "dev.meseta",
            "dev.meseta.graph",
            "dev.meseta.linux",
            "dev.meseta.compiler.kernel",
            "dev.meseta.driver",
            "dev.meseta.runtime");

    private static final long OPEN_EXTENT = 2;

    private PackageWorker() {}

    /**
     * What such a process says, line by line. Its module path has what runs packages, and neither compiler nor frontends; its class path has
     * the classes of tests alone.
     *
     * @param more modules beside those that every package needs
     */
    static List<String> run(Set<String> more, String threads, Path pack, Path model)
            throws IOException, InterruptedException {
        Set<String> modules = modules(more);
        List<String> path = new ArrayList<>();
        String own = "";
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path p = Path.of(entry);
            if (Files.exists(p.resolve(PackageWorker.class.getName().replace('.', '/') + ".class"))) own = entry;
            else if (entry.contains("meseta") || entry.contains("target"))
                for (var m : ModuleFinder.of(p).findAll())
                    if (modules.contains(m.descriptor().name())) path.add(entry);
        }
        if (path.size() != modules.size()) throw new AssertionError(modules + " in " + path);
        Process p = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dmeseta.cache=off",
                        "-Dmeseta.threads=" + threads,
                        "--enable-native-access=ALL-UNNAMED," + String.join(",", modules),
                        "-p",
                        String.join(File.pathSeparator, path),
                        "--add-modules",
                        "dev.meseta",
                        "-cp",
                        own,
                        PackageWorker.class.getName(),
                        pack.toString(),
                        model.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<String> said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        if (p.waitFor() != 0) throw new AssertionError("it ended with " + p.exitValue());
        return said;
    }

    /** Names of all modules of such a process, in order. */
    static Set<String> modules(Set<String> more) {
        Set<String> all = new TreeSet<>(RUNNING);
        all.addAll(more);
        return all;
    }

    /** @param arguments a package, a model */
    public static void main(String[] arguments) throws IOException {
        try (Meseta meseta = Meseta.open();
                Session session = meseta.load(Path.of(arguments[0])).prepare()) {
            System.out.println(answer(session));
            String maps = Files.readString(Path.of("/proc/self/maps"));
            System.out.println("LLVM " + maps.contains("libLLVM") + ", mapped " + maps.contains(arguments[0]));
            System.out.println(ModuleLayer.boot().modules().stream()
                    .map(Module::getName)
                    .filter(m -> m.startsWith("dev.meseta"))
                    .sorted()
                    .collect(Collectors.joining(" ")));
            meseta.load(Path.of(arguments[1]));
        } catch (InvalidInputException e) {
            System.out.println(e.getMessage());
        }
    }

    /** All outputs for inputs that look random and are the same each time. */
    static String answer(Session session) {
        return session.run(inputs(session.inputs())).all().values().stream()
                .map(t -> Arrays.toString(((Tensor) t).toDoubles()))
                .collect(Collectors.joining(" "));
    }

    /** Tensors for these, by name. */
    static Map<String, Data> inputs(List<Port> ports) {
        Map<String, Data> inputs = new HashMap<>();
        for (Port p : ports) {
            Shape open = Objects.requireNonNull(p.shape());
            DType dtype = Objects.requireNonNull(p.dtype());
            long[] extents = open.dims().stream()
                    .mapToLong((Dim d) -> d.isKnown() ? d.extent() : OPEN_EXTENT)
                    .toArray();
            Tensor x = Tensor.allocate(dtype, Shape.of(extents));
            for (long i = 0; i < x.elements(); i++) {
                long value = i * 37 % 101 - 50;
                if (dtype == DType.F32) x.setDouble(i, value / 64.0);
                else x.setLong(i, value);
            }
            inputs.put(p.name(), x);
        }
        return inputs;
    }
}
