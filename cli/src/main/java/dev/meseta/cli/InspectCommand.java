package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.Session;
import dev.meseta.graph.Data;
import dev.meseta.graph.Graph;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.ModelPackage;
import dev.meseta.runtime.ProgramRunner.Observation;
import dev.meseta.runtime.Segmented;
import dev.meseta.runtime.Stage;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Shows what a model takes, gives and does, and how it would run on a device.",
            "A model with parts whose shapes depend on data is run once on random values, to see them all."
        })
final class InspectCommand implements Callable<Integer> {
    private static final int LONGEST_PLAN = 40;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "The model, an ONNX or TFLite file, or a package.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Option(
            names = "--shape",
            paramLabel = "NAME=1,3,224,224",
            description = "The shape of an input that the model leaves open (default: 1 for each open extent).")
    private List<String> shapes = new ArrayList<>();

    @Option(
            names = "--input",
            paramLabel = "NAME=FILE",
            description = "An input, where the plan depends on what it holds (default: random values).")
    private List<String> inputs = new ArrayList<>();

    @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
    private @Nullable String device;

    @Option(
            names = "--all",
            description = "Show every step of the plan, uncut (default: the first " + LONGEST_PLAN + ").")
    private boolean all;

    @Option(
            names = "--commands",
            description =
                    "Print the command streams that the model holds, or that it is compiled to, checked against their"
                            + " memory, with the cycles that they may take.")
    private boolean commands;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    /** A part of the plan: a graph on the device, then what the host does. */
    private record Part(
            Map<String, Integer> ops,
            int nodes,
            Optional<Segmented> split,
            List<String> steps,
            List<String> listing,
            String then,
            String why) {}

    /** The parts, and why they may not be all. */
    private record Plan(List<Part> parts, @Nullable String incomplete) {}

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (commands && CommandStreams.print(out, file)) return 0;
        try (Meseta meseta = Meseta.open()) {
            Model model = meseta.load(file);
            if (device != null) model = model.on(device);
            if (model.compiled().isPresent()) {
                inspect(out, model, model.compiled().get());
                return 0;
            }
            Map<String, Data> given =
                    new InputFiles(model, new Shapes(model, shapes, Map.of()), InputFiles.Pictures.NONE).read(inputs);
            Shapes concrete = new Shapes(model, shapes, given);
            Session session = model.prepare();
            Plan plan = plan(session, model, concrete, given);
            if (commands) {
                printCommands(out, session, plan);
            } else if (json) {
                Json.print(out, json(model, session, concrete, plan));
            } else {
                facts(out, model);
                print(out, session, concrete, plan);
            }
        }
        return 0;
    }

    /** What is in a package, and whether it runs here. */
    private void inspect(PrintWriter out, Model model, ModelPackage pack) {
        String missing = "";
        try {
            model.load();
        } catch (InvalidInputException e) {
            missing = String.valueOf(e.getMessage());
        }
        if (json) {
            Json.print(out, Packages.json(file, pack, "runs_here", missing.isEmpty() ? "yes" : missing));
            return;
        }
        Packages.print(out, pack);
        out.println("here    " + (missing.isEmpty() ? "it runs" : "it does not run: " + missing));
    }

    // ---- what the model is ----

    private static Map<String, Integer> operators(Program program) {
        Map<String, Integer> counts = new TreeMap<>();
        count(program, counts);
        return counts;
    }

    private static void count(Program program, Map<String, Integer> counts) {
        for (Call c : program.calls()) {
            counts.merge(c.operator(), 1, Integer::sum);
            switch (c.lowering()) {
                case Lowering.Inline i -> count(i.body(), counts);
                case Lowering.Branch b -> {
                    count(b.then(), counts);
                    count(b.otherwise(), counts);
                }
                case Lowering.Loop l -> count(l.body(), counts);
                case Lowering.Differentiate d -> count(d.body(), counts);
                default -> {
                    // An operator that contains no others.
                }
            }
        }
    }

    /** Number and bytes of the constants of a program and of the bodies in it. */
    private static long[] weights(Program program) {
        long[] total = {0, 0};
        addWeights(program, total, Collections.newSetFromMap(new IdentityHashMap<>()));
        return total;
    }

    private static void addWeights(Program program, long[] total, Set<Program> seen) {
        if (!seen.add(program)) return;
        total[0] += program.constants().size();
        for (Data d : program.constants().values()) {
            if (d instanceof Tensor t) total[1] += t.type().bytes();
        }
        for (Call c : program.calls()) {
            switch (c.lowering()) {
                case Lowering.Inline i -> addWeights(i.body(), total, seen);
                case Lowering.Branch b -> {
                    addWeights(b.then(), total, seen);
                    addWeights(b.otherwise(), total, seen);
                }
                case Lowering.Loop l -> addWeights(l.body(), total, seen);
                case Lowering.Differentiate d -> addWeights(d.body(), total, seen);
                default -> {
                    // An operator that contains no others.
                }
            }
        }
    }

    private static void facts(PrintWriter out, Model model) {
        Program p = model.program();
        out.println("model   " + (model.name().isEmpty() ? "(unnamed)" : model.name()));
        int defaults = 0;
        for (Port port : model.inputs()) {
            if (p.constants().containsKey(port.name())) defaults++;
            else out.println("input   " + port.name() + " " + port.describe() + (port.optional() ? " (optional)" : ""));
        }
        if (defaults > 0) out.println("        and " + Text.count(defaults, "input") + " with a default in the model");
        for (Port port : model.outputs()) out.println("output  " + port.name() + " " + port.describe());
        long[] weights = weights(p);
        out.println("weights " + Text.count(weights[0], "constant") + ", " + Text.bytes(weights[1]));
        Map<String, Integer> operators = operators(p);
        out.println("operators "
                + Text.count(
                        operators.values().stream().mapToInt(Integer::intValue).sum(), "call") + " of "
                + Text.count(operators.size(), "operator"));
        Text.wrapped(out, "  ", counts(operators));
    }

    static List<String> counts(Map<String, Integer> operators) {
        return operators.entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue()
                        .reversed()
                        .thenComparing(Map.Entry.comparingByKey()))
                .map(e -> e.getKey() + (e.getValue() > 1 ? " x" + e.getValue() : "") + " ")
                .toList();
    }

    private static String cut(String step) {
        return step.length() <= 76 ? step : step.substring(0, 75) + "…";
    }

    private static List<String> words(String text) {
        return List.of(text.split(" "));
    }

    // ---- how it runs ----

    private static Plan plan(Session session, Model model, Shapes shapes, Map<String, Data> given) {
        Map<String, Data> inputs = new LinkedHashMap<>(given);
        for (Port p : model.required()) {
            if (given.containsKey(p.name())) continue;
            Shape shape = shapes.of(p);
            if (p.kind() != Port.Kind.TENSOR || p.dtype() == null || shape == null) {
                return new Plan(
                        List.of(),
                        "input '" + p.name() + "' (" + p.describe() + ") has no type to plan for"
                                + (p.kind() == Port.Kind.TENSOR ? "; --shape may give its shape" : ""));
            }
            inputs.put(p.name(), RandomInputs.fill(0, p.name(), new TensorType(p.dtype(), shape)));
        }
        Observation first = session.inspect(inputs);
        if (first.stage().action() instanceof Stage.Finish) return new Plan(List.of(part(first)), null);
        List<Part> parts = new ArrayList<>();
        try {
            session.run(inputs, o -> parts.add(part(o)));
            return new Plan(parts, null);
        } catch (InvalidInputException e) {
            return new Plan(parts, "the rest depends on data, and random values do not reach it: " + e.getMessage());
        }
    }

    private static Part part(Observation observation) {
        Graph graph = observation.stage().graph();
        Map<String, Integer> ops = new TreeMap<>();
        for (Node n : graph.nodes())
            ops.merge(n.op() instanceof Op.Composite c ? c.name() : n.op().mnemonic(), 1, Integer::sum);
        List<String> steps = observation.executable() == null
                ? List.of()
                : observation.executable().describe().lines().toList();
        String then = switch (observation.stage().action()) {
            case Stage.Finish _ -> "";
            case Stage.HostStep h -> "host " + h.call().where();
            case Stage.LoopStep l -> "loop " + l.call().where();
            case Stage.Read r -> "read for " + r.call().where();
        };
        String why = switch (observation.stage().action()) {
            case Stage.Finish _ -> "";
            case Stage.HostStep _ ->
                "it handles data that devices do not know, or gives a shape that depends on values";
            case Stage.LoopStep _ -> "its length depends on data";
            case Stage.Read _ -> "a shape depends on these values";
        };
        Optional<Segmented> split = observation.executable() instanceof Segmented s ? Optional.of(s) : Optional.empty();
        List<String> listing = observation.executable() == null
                ? List.of()
                : observation.executable().listing();
        return new Part(ops, graph.nodes().size(), split, steps, listing, then, why);
    }

    private void printCommands(PrintWriter out, Session session, Plan plan) {
        List<String> lines =
                plan.parts().stream().flatMap(p -> p.listing().stream()).toList();
        if (lines.isEmpty()) {
            throw new InvalidInputException("'" + file + "' holds no command stream of a device that is known, and on "
                    + session.device().name() + " it becomes none; --device may name another one");
        }
        lines.forEach(out::println);
    }

    private void print(PrintWriter out, Session session, Shapes shapes, Plan plan) {
        out.println("plan    on " + session.device().name());
        if (!shapes.assumed().isEmpty()) {
            Text.wrapped(
                    out, "  ", words("for " + String.join(", ", shapes.assumed()) + " (assumed; --shape sets them)"));
        }
        int number = 0;
        for (Part p : plan.parts()) {
            number++;
            out.println("  part " + number + ": " + Text.count(p.nodes(), "node"));
            Text.wrapped(out, "    ", counts(p.ops()));
            p.split().ifPresent(split -> Split.print(out, split, session.device(), all));
            int shown =
                    all ? p.steps().size() : Math.min(LONGEST_PLAN, p.steps().size());
            for (String s : p.steps().subList(0, shown)) out.println("    " + (all ? s : cut(s)));
            if (shown < p.steps().size()) {
                out.println("    … " + (p.steps().size() - shown) + " more (--all shows them)");
            }
            if (!p.then().isEmpty()) {
                out.println("  then " + p.then());
                out.println("    because " + p.why());
            }
        }
        if (plan.incomplete() != null) Text.wrapped(out, "  ", words("incomplete: " + plan.incomplete()));
        long host = plan.parts().stream().filter(p -> !p.then().isEmpty()).count();
        out.println("  in all " + Text.count(plan.parts().size(), "part") + ", " + Text.count(host, "host step"));
    }

    private static Map<String, Object> json(Model model, Session session, Shapes shapes, Plan plan) {
        List<Object> parts = new ArrayList<>();
        for (Part p : plan.parts()) {
            parts.add(Json.object(
                    "nodes",
                    p.nodes(),
                    "ops",
                    p.ops(),
                    "split",
                    p.split().map(Split::json).orElse(null),
                    "steps",
                    p.steps(),
                    "then",
                    p.then().isEmpty() ? null : p.then(),
                    "because",
                    p.why().isEmpty() ? null : p.why()));
        }
        return Json.object(
                "name",
                model.name(),
                "inputs",
                ports(model.inputs(), model.program().constants().keySet()),
                "outputs",
                ports(model.outputs(), Set.of()),
                "constants",
                weights(model.program())[0],
                "weight_bytes",
                weights(model.program())[1],
                "operators",
                operators(model.program()),
                "device",
                session.device().name(),
                "assumed",
                List.copyOf(shapes.assumed()),
                "parts",
                parts,
                "incomplete",
                plan.incomplete());
    }

    private static List<Object> ports(List<Port> ports, Set<String> defaults) {
        return ports.stream()
                .filter(p -> !defaults.contains(p.name()))
                .map(p -> (Object) Json.object(
                        "name",
                        p.name(),
                        "type",
                        p.describe(),
                        "dtype",
                        p.dtype() == null ? null : p.dtype().text(),
                        "shape",
                        p.shape() == null
                                ? null
                                : p.shape().dims().stream()
                                        .map(d -> d.isKnown()
                                                ? (Object) d.extent()
                                                : d.symbol() == null ? "?" : d.symbol())
                                        .toList(),
                        "optional",
                        p.optional()))
                .collect(Collectors.toList());
    }
}
