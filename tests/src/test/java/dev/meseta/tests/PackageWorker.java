package dev.meseta.tests;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/** A process of {@link PackageTest} that runs a package, and says what came of it, what it has loaded, and what it makes of a model. */
final class PackageWorker {
    private PackageWorker() {}

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

    static String answer(Session session) {
        float[] x = new float[2 * 64];
        for (int i = 0; i < x.length; i++) x[i] = (i * 37 % 101 - 50) / 64f;
        return Arrays.toString(
                session.run(Map.of("x", Tensor.of(x, 2, 64))).get("y").toFloats());
    }
}
