package dev.meseta;

import dev.meseta.compiler.Choices;
import dev.meseta.compiler.GraphCompiler;
import dev.meseta.compiler.partition.Partition;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Loading;
import dev.meseta.frontends.onnx.OnnxFrontend;
import dev.meseta.graph.Data;
import dev.meseta.graph.Debug;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphText;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Node;
import dev.meseta.graph.program.Frontend;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.Input;
import dev.meseta.runtime.KeptPlans;
import dev.meseta.runtime.Loader;
import dev.meseta.runtime.ModelFiles;
import dev.meseta.runtime.PackageWriter;
import dev.meseta.runtime.ProgramRunner;
import dev.meseta.runtime.Signature;
import dev.meseta.runtime.Stage;
import dev.meseta.runtime.StageMaker;
import dev.meseta.runtime.scheduler.Schedulers;
import dev.meseta.runtime.trace.Trace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** All that needs frontends and a compiler, which are not there where packages alone run: no other class names them but those that this one uses. */
final class Compiling {
    private Compiling() {}

    /** A model from a file that a frontend knows. */
    static Program read(Path file) {
        List<Frontend> frontends = new ArrayList<>();
        try (Trace.Work _ = Trace.load("model", file.toString())) {
            for (Frontend f : ServiceLoader.load(Frontend.class)) frontends.add(f);
            return frontends.stream()
                    .filter(f -> f.recognizes(file))
                    .findFirst()
                    .orElseGet(OnnxFrontend::new)
                    .read(file);
        }
    }

    /** The compiler's, looked for when there is something to compile. */
    private static final class Stages {
        static final StageMaker MAKER = ServiceLoader.load(StageMaker.class)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no module provides " + StageMaker.class.getName()));
    }

    private static Stage begin(Program program, List<Input> inputs) {
        return Stages.MAKER.begin(program, inputs);
    }

    /** A session that compiles what it has no plan for. */
    static Session session(
            Meseta meseta, Signature signature, Supplier<Program> program, Optional<ModelFiles> files, Device device) {
        Loader loader = new Loader(device, isPartial(device) ? meseta.kernelDevice() : null);
        Findings findings = findings(loader);
        KeptPlans kept = device.identity().isEmpty()
                ? null
                : files.map(f -> Kept.STORE.plans(signature, f, loader, findings.identity()))
                        .orElse(null);
        return session(signature, program, device, compilerFor(loader, findings), kept);
    }

    private static boolean isPartial(Device device) {
        return device instanceof GraphDevice g && g.isPartial();
    }

    /** What is known of choices for the device that compiles kernels, if there is one. */
    private static Findings findings(Loader loader) {
        Device kernels = loader.rest() == null ? loader.device() : loader.rest();
        return kernels instanceof KernelDevice k ? Findings.of(k) : Findings.at(Optional.empty());
    }

    /** What makes a graph ready to run on a device, or divided between two. */
    private static Function<Graph, Executable> compilerFor(Loader loader, Findings findings) {
        Choices choices = findings.choices();
        return loader.device() instanceof GraphDevice g && loader.rest() instanceof KernelDevice rest
                ? partsFor(g, rest, choices)
                : compilerFor(loader.device(), choices);
    }

    /** @param kept plans that such a compiler made; null if there are none */
    static Session session(
            Signature signature,
            Supplier<Program> program,
            Device device,
            Function<Graph, Executable> compiler,
            @Nullable KeptPlans kept) {
        return new Session(
                signature,
                device,
                new ProgramRunner(
                        program,
                        Compiling::begin,
                        compiler,
                        Schedulers.of(device).client(signature.name()),
                        kept));
    }

    /** What makes a graph ready to run on a device, with the compiler's choices answered so. */
    static Function<Graph, Executable> compilerFor(Device device, Choices choices) {
        return graph -> {
            Debug.GRAPH.print(() -> GraphText.print(graph));
            return switch (device) {
                case KernelDevice k -> load(k, graph, choices);
                case GraphDevice g -> compile(g, accepted(g, graph));
            };
        };
    }

    private static Executable compile(GraphDevice device, Graph graph) {
        try (Trace.Work _ = Trace.compile("graph", graph.name(), device.name())) {
            return device.compile(graph);
        }
    }

    /** What divides a graph between a device for parts of it and another one, which runs the rest. */
    private static Function<Graph, Executable> partsFor(GraphDevice device, KernelDevice rest, Choices choices) {
        return graph -> {
            Debug.GRAPH.print(() -> GraphText.print(graph));
            return Partition.of(graph, device)
                    .compile(graph, device, g -> compile(device, g), rest, g -> load(rest, g, choices));
        };
    }

    private static Executable load(KernelDevice device, Graph graph, Choices choices) {
        Loading loading = device.loading();
        CommandList commands;
        try (Trace.Work _ = Trace.compile("graph to kernels", graph.name(), device.name())) {
            commands = GraphCompiler.compile(graph, device.target(), choices, loading::expect);
        }
        try (Trace.Work _ = Trace.compile("kernels to code", graph.name(), device.name())) {
            return loading.load(commands);
        }
    }

    /** The graph, if the device takes each of its nodes: nothing falls back to another device. */
    private static Graph accepted(GraphDevice device, Graph graph) {
        List<String> reasons = device.refusals(graph);
        for (int i = 0; i < reasons.size(); i++) {
            Node n = graph.nodes().get(i);
            String reason = reasons.get(i);
            if (!reason.isEmpty()) {
                throw new InvalidInputException(device.name() + " cannot run " + n.op().mnemonic() + " of node '"
                        + n.origin() + "': " + reason);
            }
        }
        return graph;
    }

    /** Writes a package. */
    static void write(
            Signature signature,
            Supplier<Program> program,
            Packages.Chosen target,
            List<Map<String, Data>> variants,
            Set<String> known,
            Path file) {
        Loader devices = new Loader(
                target.device(), target.rest().map(Packages.Chosen::device).orElse(null));
        PackageWriter writer =
                new PackageWriter(signature, target.made(), target.rest().map(Packages.Chosen::made));
        for (Map<String, Data> v : variants) {
            List<@Nullable Data> inputs = new ArrayList<>();
            signature.inputs().forEach(p -> inputs.add(v.get(p.name())));
            writer.add(
                    program,
                    Compiling::begin,
                    compilerFor(devices, findings(devices)),
                    Schedulers.of(devices.device()).client(signature.name()),
                    inputs,
                    known);
        }
        writer.write(file);
    }
}
