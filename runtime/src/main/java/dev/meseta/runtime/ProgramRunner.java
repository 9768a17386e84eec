package dev.meseta.runtime;

import dev.meseta.driver.Executable;
import dev.meseta.graph.Data;
import dev.meseta.graph.Graph;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MesetaException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.trace.Trace;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs a program: stage after stage, each compiled when it is first reached and kept for the next run with equal shapes. Thread-safe;
 * several runs may be under way.
 */
public final class ProgramRunner {
    /** Plans kept for different input shapes. */
    private static final int ROOT_PLANS = 256;

    /** Plans kept behind one stage. */
    private static final int NEXT_PLANS = 64;

    private final Supplier<Program> program;
    private final StageMaker maker;
    private final Function<Graph, Executable> compile;
    private final Client client;
    private final @Nullable Plans kept;
    private final PlanCache roots = new PlanCache(ROOT_PLANS);
    private final Map<Program, ProgramRunner> bodies = Collections.synchronizedMap(new IdentityHashMap<>());

    /**
     * @param maker gives the stages
     * @param compile makes a graph ready to run on the device
     * @param client whose jobs the runs are, on that device
     */
    public ProgramRunner(Program program, StageMaker maker, Function<Graph, Executable> compile, Client client) {
        this(() -> program, maker, compile, client, (Plans) null);
    }

    /**
     * As above, for a program that may have plans already.
     *
     * @param program the program, asked for when there is no plan for something
     * @param kept its plans; null if they are not kept
     */
    public ProgramRunner(
            Supplier<Program> program,
            StageMaker maker,
            Function<Graph, Executable> compile,
            Client client,
            @Nullable KeptPlans kept) {
        this(program, maker, compile, client, (Plans) kept);
    }

    ProgramRunner(
            Supplier<Program> program,
            StageMaker maker,
            Function<Graph, Executable> compile,
            Client client,
            @Nullable Plans kept) {
        this.program = program;
        this.maker = maker;
        this.compile = compile;
        this.client = client;
        this.kept = kept;
    }

    /**
     * Runs the program.
     *
     * @param inputs one for each of the program's inputs, null for one left out
     * @return one for each of its outputs
     */
    public List<@Nullable Data> run(List<@Nullable Data> inputs) {
        return run(inputs, null);
    }

    /** As {@link #run(List)}; the observer sees each stage with its executable before it runs. */
    public List<@Nullable Data> run(List<@Nullable Data> inputs, @Nullable Observer observer) {
        Map<Integer, Data> places = places(inputs);
        Plan plan = first(inputs);
        while (true) {
            if (observer != null) observer.stage(observation(plan));
            runGraph(plan, places);
            switch (plan.compiled().then()) {
                case Compiled.Finish f -> {
                    return fetch(f.outputs(), places);
                }
                case Compiled.Read r -> plan = read(plan, r, places);
                case Compiled.Ask _ -> plan = act(plan, places);
            }
        }
    }

    private static Map<Integer, Data> places(List<@Nullable Data> inputs) {
        Map<Integer, Data> places = new HashMap<>();
        for (int i = 0; i < inputs.size(); i++) {
            Data d = inputs.get(i);
            if (d != null) places.put(i, d);
        }
        return places;
    }

    /** Does what the stage itself says. */
    private Plan act(Plan plan, Map<Integer, Data> places) {
        return switch (plan.stage().action()) {
            case Stage.HostStep h -> {
                List<@Nullable Data> results = runHost(h.call(), h.host(), fetch(h.operands(), places));
                yield follow(plan, h.results(), h.next(), results, places);
            }
            case Stage.LoopStep l -> {
                List<@Nullable Data> results = runLoop(l, fetch(l.operands(), places));
                yield follow(plan, l.results(), l.next(), results, places);
            }
            case Stage.Finish _, Stage.Read _ ->
                throw new IllegalStateException("a plan of '" + program.get().name() + "' does not fit its stage");
        };
    }

    /** Prepares what can be prepared without running anything, so that the first run need not. */
    public void prepare(List<@Nullable Data> inputs) {
        Map<Integer, Data> places = places(inputs);
        Plan plan = first(inputs);
        while (plan.compiled().executable() == null
                && plan.compiled().then() instanceof Compiled.Read r
                && places.keySet().containsAll(r.places())) plan = read(plan, r, places);
    }

    /**
     * Prepares all that a run needs, without running anything.
     *
     * @param known says of the place of an input whether its contents are what they will be
     * @throws InvalidInputException if more is needed than the device does: a step of the host, or a shape that must be computed
     */
    void complete(List<@Nullable Data> inputs, IntPredicate known) {
        Map<Integer, Data> places = places(inputs);
        Plan plan = first(inputs);
        while (true) {
            switch (plan.compiled().then()) {
                case Compiled.Finish _ -> {
                    return;
                }
                case Compiled.Read r -> {
                    boolean given = plan.compiled().executable() == null
                            && r.places().stream().allMatch(p -> places.containsKey(p) && known.test(p));
                    if (!given) throw notComplete(plan);
                    plan = read(plan, r, places);
                }
                case Compiled.Ask _ -> throw notComplete(plan);
            }
        }
    }

    private InvalidInputException notComplete(Plan plan) {
        String reason = switch (plan.stage().action()) {
            case Stage.HostStep h -> h.call().where() + " runs on the host";
            case Stage.LoopStep l -> l.call().where() + " is a loop whose length depends on data";
            case Stage.Read r -> r.call().where() + " has a shape that depends on values" + inputsOf(r.places());
            case Stage.Finish _ -> "it is finished";
        };
        return new InvalidInputException(
                "'" + program.get().name() + "' cannot be compiled ahead for these inputs: " + reason);
    }

    /** What to do where these are inputs. */
    private String inputsOf(List<Integer> places) {
        List<Port> inputs = program.get().inputs();
        if (!places.stream().allMatch(p -> p < inputs.size())) return "";
        return " of "
                + places.stream()
                        .map(p -> "input '" + inputs.get(p).name() + "'")
                        .collect(Collectors.joining(", ")) + ", which must be given (compile --input NAME=FILE)";
    }

    /** The stages that are known without running: the first one, for inputs of these types. */
    public Observation inspect(List<@Nullable Data> inputs) {
        return observation(first(inputs));
    }

    private static Observation observation(Plan plan) {
        return new Observation(plan.stage(), plan.compiled().executable());
    }

    /** Sees stages go by. */
    @FunctionalInterface
    public interface Observer {
        void stage(Observation observation);
    }

    /**
     * A stage and what runs its graph.
     *
     * @param stage the stage
     * @param executable null if the stage's graph has no nodes
     */
    public record Observation(Stage stage, @Nullable Executable executable) {}

    private Plan first(List<@Nullable Data> inputs) {
        return roots.get(typeKey(inputs), () -> {
            List<Input> known = Input.of(inputs);
            return plan(PlanNames.first(known), () -> maker.begin(program.get(), known));
        });
    }

    /** A plan that is kept, or a new one. */
    private Plan plan(@Nullable String name, Supplier<Stage> make) {
        Compiled known = kept == null || name == null ? null : kept.find(name);
        if (known != null) return new Plan(known, client, new PlanCache(NEXT_PLANS), name, null, make);
        Stage stage;
        try (Trace.Work _ = Trace.compile("program to graph", client.name(), "")) {
            stage = make.get();
        }
        Graph g = stage.graph();
        Compiled made = Compiled.of(stage, g.nodes().isEmpty() ? null : compile.apply(g));
        if (kept != null && name != null) made = kept.keep(name, made);
        // Of a stage that ends the program nobody will ask for more; its graph holds what was computed of constants.
        boolean last = stage.action() instanceof Stage.Finish;
        return new Plan(made, client, new PlanCache(NEXT_PLANS), name, last ? null : stage, make);
    }

    private Plan read(Plan plan, Compiled.Read read, Map<Integer, Data> places) {
        List<@Nullable Data> contents = new ArrayList<>();
        for (int p : read.places()) contents.add(((Tensor) place(places, p)).copy());
        return plan.next()
                .get(
                        contentKey(contents),
                        () -> plan(
                                PlanNames.next(plan.key(), contents),
                                () -> ((Stage.Read) plan.stage().action())
                                        .next()
                                        .resume(contents)));
    }

    private Plan follow(
            Plan plan,
            List<Integer> results,
            Stage.Continuation next,
            List<@Nullable Data> produced,
            Map<Integer, Data> places) {
        for (int i = 0; i < results.size(); i++) {
            Data d = produced.get(i);
            if (d != null) places.put(results.get(i), d);
        }
        List<Object> key = typeKey(produced);
        return plan.next().get(key, () -> {
            String name = plan.key() == null ? null : plan.key() + "; " + key;
            return plan(name, () -> next.resume(produced));
        });
    }

    private static void runGraph(Plan plan, Map<Integer, Data> places) {
        GraphJobs jobs = plan.jobs();
        if (jobs == null) return;
        Compiled c = plan.compiled();
        List<Tensor> inputs = new ArrayList<>(c.inputs().size());
        for (int p : c.inputs()) inputs.add((Tensor) place(places, p));
        List<Tensor> outputs = jobs.run(inputs);
        for (int i = 0; i < outputs.size(); i++) places.put(c.outputs().get(i), outputs.get(i));
    }

    private static List<@Nullable Data> runHost(Call call, Lowering.Host host, List<@Nullable Data> operands) {
        List<@Nullable Data> results;
        try {
            results = host.run(operands);
        } catch (MesetaException e) {
            throw new InvalidInputException(call.where() + ": " + e.getMessage(), e);
        }
        if (results.size() < call.outputs().size()) {
            throw new IllegalStateException(call.where() + " gave " + results.size() + " results of "
                    + call.outputs().size());
        }
        return results.subList(0, call.outputs().size());
    }

    private List<@Nullable Data> runLoop(Stage.LoopStep step, List<@Nullable Data> operands) {
        Program body = step.loop().body();
        ProgramRunner runner = bodies.computeIfAbsent(body, b -> new ProgramRunner(b, maker, compile, client));
        int carriedCount = step.loop().carried();
        Data trips = operands.get(0);
        Data start = operands.get(1);
        long limit = trips == null
                ? Long.MAX_VALUE
                : scalar(step.call(), trips, "trip count").getLong(0);
        boolean go = start == null || scalar(step.call(), start, "condition").getLong(0) != 0;
        List<@Nullable Data> carried = new ArrayList<>(operands.subList(2, 2 + carriedCount));
        List<@Nullable Data> captured = operands.subList(2 + carriedCount, operands.size());
        int stackedCount = body.outputs().size() - 1 - carriedCount;
        List<List<Tensor>> stacked = new ArrayList<>();
        for (int i = 0; i < stackedCount; i++) stacked.add(new ArrayList<>());
        boolean endless = trips == null && !conditionVaries(step.loop());
        for (long i = 0; i < limit && go; i++) {
            if (endless && i > 0)
                throw new InvalidInputException(step.call().where()
                        + ": the loop never ends: it has no trip count, and its condition depends neither on the iteration nor"
                        + " on a carried value");
            if (Thread.currentThread().isInterrupted())
                throw new IllegalStateException(step.call().where() + ": interrupted in iteration " + i);
            List<@Nullable Data> in = new ArrayList<>();
            in.add(Tensor.of(new long[] {i}));
            in.add(Tensor.scalar(dev.meseta.graph.DType.BOOL, 1L));
            in.addAll(carried);
            in.addAll(captured);
            List<@Nullable Data> out = runner.run(in);
            Data condition = out.get(0);
            go = condition == null
                    || scalar(step.call(), condition, "condition").getLong(0) != 0;
            carried = new ArrayList<>(out.subList(1, 1 + carriedCount));
            for (int k = 0; k < stackedCount; k++) {
                if (!(out.get(1 + carriedCount + k) instanceof Tensor t))
                    throw new InvalidInputException(step.call().where() + ": only tensors can be stacked");
                stacked.get(k).add(t);
            }
        }
        List<@Nullable Data> results = new ArrayList<>(carried);
        for (int k = 0; k < stackedCount; k++) {
            results.add(stack(step.call(), stacked.get(k), body.outputs().get(1 + carriedCount + k)));
        }
        return results.subList(0, Math.min(results.size(), step.results().size()));
    }

    /** Whether the condition that a loop's body gives may differ from one iteration to the next. */
    private static boolean conditionVaries(Lowering.Loop loop) {
        Program body = loop.body();
        Set<String> reads = new HashSet<>(Set.of(body.outputs().getFirst().name()));
        // Calls stand in an order in which they can run: backwards, who makes a value comes after all who read it.
        for (Call c : body.calls().reversed()) {
            if (!Collections.disjoint(c.outputs(), reads)) reads.addAll(c.inputs());
        }
        List<String> inputs = body.inputs().stream().map(Port::name).toList();
        return reads.contains(inputs.getFirst()) || !Collections.disjoint(inputs.subList(2, 2 + loop.carried()), reads);
    }

    private static Tensor scalar(Call call, Data d, String what) {
        if (d instanceof Tensor t && t.elements() == 1) return t;
        throw new InvalidInputException(
                call.where() + ": the " + what + " is " + d.describe() + ", expected one element");
    }

    private static Tensor stack(Call call, List<Tensor> parts, Port port) {
        if (parts.isEmpty()) {
            if (port.dtype() == null)
                throw new InvalidInputException(call.where()
                        + ": no iteration ran, and the model does not state the type of '" + port.name() + "'");
            Shape s = port.shape() == null ? Shape.SCALAR : port.shape();
            long[] extents = new long[s.rank() + 1];
            for (int i = 0; i < s.rank(); i++) extents[i + 1] = Math.max(0, s.extent(i));
            return Tensor.allocate(port.dtype(), Shape.of(extents));
        }
        TensorType t = parts.getFirst().type();
        Tensor result = Tensor.allocate(t.with(t.shape().fixed().insert(0, dev.meseta.graph.Dim.of(parts.size()))));
        long bytes = t.bytes();
        for (int i = 0; i < parts.size(); i++) {
            if (!parts.get(i).type().equals(t))
                throw new InvalidInputException(call.where() + ": iteration " + i + " gave "
                        + parts.get(i).type() + ", the first " + t);
            MemorySegment.copy(parts.get(i).data(), 0, result.data(), i * bytes, bytes);
        }
        return result;
    }

    private static Data place(Map<Integer, Data> places, int number) {
        Data d = places.get(number);
        if (d == null) throw new IllegalStateException("place " + number + " is empty");
        return d;
    }

    private static List<@Nullable Data> fetch(List<Stage.Source> sources, Map<Integer, Data> places) {
        List<@Nullable Data> result = new ArrayList<>();
        for (Stage.Source s : sources) {
            result.add(
                    switch (s) {
                        case Stage.Place p -> place(places, p.number());
                        case Stage.Fixed f -> f.value();
                        case Stage.Absent _ -> null;
                    });
        }
        return result;
    }

    /** What a plan depends on where only types matter. */
    private static List<Object> typeKey(List<@Nullable Data> data) {
        List<Object> key = new ArrayList<>();
        for (Data d : data) {
            if (d == null) key.add("absent");
            else key.add(d instanceof Tensor t ? t.type() : d.getClass());
        }
        return key;
    }

    private static List<Object> contentKey(List<@Nullable Data> data) {
        List<Object> key = new ArrayList<>();
        for (Data d : data) {
            Tensor t = (Tensor) Objects.requireNonNull(d);
            key.add(t.type());
            key.add(t.data().asByteBuffer());
        }
        return key;
    }
}
