package dev.meseta.conformance;

import dev.meseta.graph.InvalidInputException;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A case in the layout of ONNX's backend tests.
 *
 * @param name the folder's name, such as {@code test_abs}, or the file's, such as {@code light_resnet50}
 * @param model the model
 * @param sets inputs with their outputs
 * @param tolerance as the case states it
 * @param missing why it cannot run, where data is missing
 */
public record OnnxCase(String name, Path model, List<DataSet> sets, Tolerance tolerance, Optional<String> missing) {
    private static final int DEEPEST = 8;
    private static final Pattern NUMBERED = Pattern.compile("(input|output)_(\\d{1,6})\\.pb");
    private static final Pattern SETTING =
            Pattern.compile("\"(rtol|atol)\"\\s*:\\s*(\\d{1,9}(?:\\.\\d{1,9})?(?:[eE][+-]?\\d{1,3})?)");

    public OnnxCase {
        sets = List.copyOf(sets);
    }

    /**
     * Inputs and the outputs that belong to them, in the model's order.
     *
     * @param inputs files of inputs; none where they are computed
     * @param outputs files of outputs
     * @param light whether the inputs are the computed ones
     */
    public record DataSet(List<Path> inputs, List<Path> outputs, boolean light) {
        public DataSet {
            inputs = List.copyOf(inputs);
            outputs = List.copyOf(outputs);
        }
    }

    /**
     * All cases under a folder, by name.
     *
     * @throws InvalidInputException if there is no such folder or no case in it
     */
    public static List<OnnxCase> find(Path root) {
        if (!Files.isDirectory(root)) throw new InvalidInputException(root + ": no such folder");
        List<OnnxCase> found = new ArrayList<>();
        try (Stream<Path> tree = Files.walk(root, DEEPEST, FileVisitOption.FOLLOW_LINKS)) {
            for (Path p : tree.sorted().toList()) {
                String name = p.getFileName() == null ? "" : p.getFileName().toString();
                if (name.startsWith("test_") && (exists(p, "model.onnx") || exists(p, "data.json"))) {
                    found.add(folder(p, name));
                } else if (name.startsWith("light_") && name.endsWith(".onnx")) {
                    found.add(light(p, name.substring(0, name.length() - ".onnx".length())));
                }
            }
        } catch (IOException | java.io.UncheckedIOException e) {
            throw new InvalidInputException(root + ": cannot be read: " + e.getMessage(), e);
        }
        if (found.isEmpty()) {
            throw new InvalidInputException(
                    root + ": no cases; expected folders test_*/model.onnx, or files light_*.onnx");
        }
        found.sort(Comparator.comparing(OnnxCase::name));
        return found;
    }

    private static boolean exists(Path folder, String file) {
        return Files.isRegularFile(folder.resolve(file));
    }

    private static OnnxCase folder(Path folder, String name) throws IOException {
        Path model = folder.resolve("model.onnx");
        Tolerance tolerance = tolerance(folder.resolve("data.json"));
        if (!Files.isRegularFile(model)) {
            return new OnnxCase(
                    name,
                    model,
                    List.of(),
                    tolerance,
                    Optional.of(
                            Files.exists(folder.resolve("data.json"))
                                    ? "the model is not in the data, only the address where it once was"
                                    : "there is no model.onnx"));
        }
        List<DataSet> sets = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path set : files.filter(p -> p.getFileName().toString().startsWith("test_data_set_"))
                    .sorted()
                    .toList()) {
                sets.add(new DataSet(numbered(set, "input"), numbered(set, "output"), false));
            }
        }
        Optional<String> missing =
                sets.isEmpty() || sets.stream().anyMatch(s -> s.outputs().isEmpty())
                        ? Optional.of("there are no expected outputs")
                        : Optional.empty();
        return new OnnxCase(name, model, sets, tolerance, missing);
    }

    private static OnnxCase light(Path model, String name) throws IOException {
        List<Path> outputs = new ArrayList<>();
        for (int i = 0; ; i++) {
            Path output = model.resolveSibling(name + "_output_" + i + ".pb");
            if (!Files.isRegularFile(output)) break;
            outputs.add(output);
        }
        return new OnnxCase(
                name,
                model,
                List.of(new DataSet(List.of(), outputs, true)),
                Tolerance.ONNX,
                outputs.isEmpty() ? Optional.of("there are no expected outputs") : Optional.empty());
    }

    private static List<Path> numbered(Path folder, String kind) throws IOException {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.filter(p -> {
                        Matcher m = NUMBERED.matcher(p.getFileName().toString());
                        return m.matches() && m.group(1).equals(kind);
                    })
                    .sorted(Comparator.comparingInt(p -> number(p, -1)))
                    .forEach(found::add);
        }
        return found;
    }

    /** The number in a name such as {@code input_12.pb}; for other names the one given. */
    static int number(Path file, int otherwise) {
        Matcher m = NUMBERED.matcher(String.valueOf(file.getFileName()));
        return m.matches() ? Integer.parseInt(m.group(2)) : otherwise;
    }

    private static Tolerance tolerance(Path settings) throws IOException {
        if (!Files.isRegularFile(settings) || Files.size(settings) > 1 << 16) return Tolerance.ONNX;
        double relative = Tolerance.ONNX.relative();
        double absolute = Tolerance.ONNX.absolute();
        Matcher m = SETTING.matcher(Files.readString(settings));
        while (m.find()) {
            double v = Double.parseDouble(m.group(2));
            if (m.group(1).equals("rtol")) relative = v;
            else absolute = v;
        }
        return new Tolerance(relative, absolute);
    }
}
