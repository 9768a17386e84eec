package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Port;
import dev.meseta.runtime.ModelPackage;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "compile",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Compiles a model for a target, whose hardware need not be here, into one file.",
            "`meseta run FILE` runs it; that takes neither the model nor a compiler."
        })
final class CompileCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "The model, an ONNX or TFLite file.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Option(
            names = "--target",
            paramLabel = "SPEC",
            required = true,
            description =
                    "What to compile for: DRIVER:NAME, such as cpu:x86-64-v3, cpu:znver3 or cpu:native; for an NPU"
                            + " ethosu:u65-256, with what runs the rest behind a comma (default: cpu:native)."
                            + " A name that there is none of lists those there are.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private String target;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            required = true,
            description = "The file to write, such as model.mpk.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path output;

    @Option(
            names = "--shape",
            paramLabel = "NAME=1,3,224,224",
            description =
                    "The shape of an input, or the size of an extent, that the model leaves open (default: 1 for each"
                            + " open extent). Given more than once for a name, the package runs each of these shapes.")
    private List<String> shapes = new ArrayList<>();

    @Option(
            names = "--input",
            paramLabel = "NAME=FILE",
            description = "An input whose contents shapes follow from. The package runs with these contents alone.")
    private List<String> inputs = new ArrayList<>();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() {
        OutputFile.check(output, file, "the model itself");
        try (Meseta meseta = Meseta.open()) {
            long start = System.nanoTime();
            Model model = meseta.load(file);
            Set<String> assumed = new LinkedHashSet<>();
            Set<String> known = new LinkedHashSet<>();
            List<Map<String, Data>> variants = new ArrayList<>();
            for (List<String> v : variants(shapes)) variants.add(variant(model, v, assumed, known));
            ModelPackage made = model.compile(target, variants, known, output);
            double milliseconds = (System.nanoTime() - start) / 1e6;
            if (!assumed.isEmpty())
                spec.commandLine()
                        .getErr()
                        .println("meseta: open extents taken as " + String.join(", ", assumed) + "; --shape sets them");
            PrintWriter out = spec.commandLine().getOut();
            if (json) Json.print(out, Packages.json(output, made, "ms", milliseconds));
            else {
                Packages.print(out, made);
                out.println("written to " + output + " in " + Text.milliseconds(milliseconds));
            }
        }
        return 0;
    }

    /**
     * The arguments of {@code --shape} for each variant: what is given once for a name holds for all, what is given more often is another
     * one in each.
     */
    static List<List<String>> variants(List<String> shapes) {
        Map<String, List<String>> byName = new LinkedHashMap<>();
        for (String s : shapes)
            byName.computeIfAbsent(s.substring(0, Math.max(0, s.lastIndexOf('='))), _ -> new ArrayList<>())
                    .add(s);
        int count = 1;
        for (Map.Entry<String, List<String>> e : byName.entrySet()) {
            int n = e.getValue().size();
            if (n > 1 && count > 1 && n != count)
                throw new InvalidInputException("--shape is given " + n + " times for '" + e.getKey() + "', and "
                        + count + " times for another name; each name takes one shape, or as many as the others");
            count = Math.max(count, n);
        }
        List<List<String>> variants = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            List<String> variant = new ArrayList<>();
            for (List<String> all : byName.values()) variant.add(all.get(all.size() == 1 ? 0 : i));
            variants.add(variant);
        }
        return variants;
    }

    private Map<String, Data> variant(Model model, List<String> chosen, Set<String> assumed, Set<String> known) {
        Map<String, Data> given =
                new InputFiles(model, new Shapes(model, chosen, Map.of()), InputFiles.Pictures.NONE).read(inputs);
        known.addAll(given.keySet());
        Shapes concrete = new Shapes(model, chosen, given);
        Map<String, Data> all = new LinkedHashMap<>(given);
        for (Port p : model.required()) {
            if (given.containsKey(p.name())) continue;
            Shape shape = concrete.of(p);
            if (p.kind() != Port.Kind.TENSOR || p.dtype() == null || shape == null)
                throw new InvalidInputException(
                        "input '" + p.name() + "' (" + p.describe() + ") has no type to compile for"
                                + (p.kind() == Port.Kind.TENSOR ? "; --shape may give its shape" : ""));
            all.put(p.name(), Tensor.allocate(new TensorType(p.dtype(), shape)));
        }
        assumed.addAll(concrete.assumed());
        return all;
    }
}
