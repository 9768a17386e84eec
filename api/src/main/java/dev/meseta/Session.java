package dev.meseta;

import dev.meseta.driver.Device;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import dev.meseta.runtime.ProgramRunner;
import dev.meseta.runtime.Signature;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A model on a device, ready to run. Safe to share between threads. Its memory goes when it is closed or no longer reachable: forgetting to close it costs nothing but time. */
public final class Session implements AutoCloseable {
    private final Signature signature;
    private final Device device;
    private volatile @Nullable ProgramRunner runner;

    Session(Signature signature, Device device, ProgramRunner runner) {
        this.signature = signature;
        this.device = device;
        this.runner = runner;
    }

    public Device device() {
        return device;
    }

    public List<Port> inputs() {
        return signature.inputs();
    }

    public List<Port> outputs() {
        return signature.outputs();
    }

    /**
     * Runs the model.
     *
     * @param inputs by name; read only during the call
     * @throws InvalidInputException for a missing, unknown or wrongly typed input
     */
    public Outputs run(Map<String, ? extends Data> inputs) {
        return name(runner().run(order(inputs)));
    }

    /** As {@link #run(Map)}; the observer sees each stage before it runs. */
    public Outputs run(Map<String, ? extends Data> inputs, ProgramRunner.Observer observer) {
        return name(runner().run(order(inputs), observer));
    }

    /**
     * Begins to run the model, beside the caller and other runs. The stage completes with what {@link #run} gives or throws; who cancels it
     * takes back what has not begun. The inputs are read until then; those whose memory only this thread may touch are copied now.
     *
     * @param inputs by name
     * @throws InvalidInputException for a missing or unknown input
     */
    public CompletionStage<Outputs> runAsync(Map<String, ? extends Data> inputs) {
        ProgramRunner r = runner();
        List<@Nullable Data> ordered = order(inputs);
        ordered.replaceAll(Session::reachable);
        CompletableFuture<Outputs> result = new CompletableFuture<>();
        Thread thread = Thread.ofVirtual()
                .name("meseta-run-" + signature.name())
                .unstarted(() -> {
                    try {
                        result.complete(name(r.run(ordered)));
                    } catch (Throwable e) {
                        // Whatever it is, it is the caller's.
                        result.completeExceptionally(e);
                    }
                });
        result.whenComplete((_, _) -> {
            if (result.isCancelled()) thread.interrupt();
        });
        thread.start();
        return result;
    }

    /** The value, where every thread can reach it. */
    private static @Nullable Data reachable(@Nullable Data d) {
        return d instanceof Tensor t && Tensor.isConfined(t.data()) ? t.copy() : d;
    }

    /** Plans and compiles for inputs of these types, so that the first run need not. */
    public void prepare(Map<String, ? extends Data> inputs) {
        runner().prepare(order(inputs));
    }

    /** The first stage for inputs of these types, compiled but not run. */
    public ProgramRunner.Observation inspect(Map<String, ? extends Data> inputs) {
        return runner().inspect(order(inputs));
    }

    private ProgramRunner runner() {
        ProgramRunner r = runner;
        if (r == null) throw new IllegalStateException("the session of '" + signature.name() + "' is closed");
        return r;
    }

    /** Lets go of what the session holds; runs that are under way end as they would have. Later runs throw {@link IllegalStateException}. */
    @Override
    public void close() {
        runner = null;
    }

    private List<@Nullable Data> order(Map<String, ? extends Data> inputs) {
        List<@Nullable Data> ordered = new ArrayList<>();
        for (Port p : signature.inputs()) {
            Data d = inputs.get(p.name());
            if (d == null && !p.optional() && !signature.defaults().contains(p.name())) {
                throw new InvalidInputException("input '" + p.name() + "' (" + p.describe() + ") is missing");
            }
            ordered.add(d);
        }
        for (String name : inputs.keySet()) {
            if (signature.inputs().stream().noneMatch(p -> p.name().equals(name))) {
                throw new InvalidInputException("the model has no input '" + name + "'; it takes "
                        + signature.inputs().stream()
                                .filter(p -> !signature.defaults().contains(p.name()))
                                .map(p -> "'" + p.name() + "' (" + p.describe() + ")")
                                .collect(Collectors.joining(", ")));
            }
        }
        return ordered;
    }

    private Outputs name(List<@Nullable Data> values) {
        Map<String, Data> named = new LinkedHashMap<>();
        for (int i = 0; i < values.size(); i++) {
            Data d = values.get(i);
            // Where extents came from is of no interest to the caller.
            Data plain = d instanceof Tensor t ? t.reshape(t.shape().fixed()) : d;
            if (plain != null) named.put(signature.outputs().get(i).name(), plain);
        }
        return new Outputs(named);
    }
}
