package dev.meseta.runtime;

import dev.meseta.driver.Executable;
import dev.meseta.graph.Data;
import dev.meseta.graph.Graph;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MesetaException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
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

    private final Program program;
    private final StageMaker maker;
    private final Function<Graph, Executable> compile;
    private final PlanCache roots = new PlanCache(ROOT_PLANS);
    private final Map<Program, ProgramRunner> bodies = Collections.synchronizedMap(new IdentityHashMap<>());

    /**
     * @param maker gives the stages
     * @param compile makes a graph ready to run on the device
     */
    public ProgramRunner(Program program, StageMaker maker, Function<Graph, Executable> compile) {
        this.program = program;
        this.maker = maker;
        this.compile = compile;
    }

    /**
     * Runs the program.
     *
     * @param inputs one for each of the program's inputs, null for one left out
     * @return one for each of its outputs
     */
    public List<@Nullable Data> run(List<@Nullable Data> inputs) {
        return run(inputs, _ -> {});
    }

    /** As {@link #run(List)}; the observer sees each stage with its executable before it runs. */
    public List<@Nullable Data> run(List<@Nullable Data> inputs, Observer observer) {
        Map<Integer, Data> places = new HashMap<>();
        for (int i = 0; i < inputs.size(); i++) {
            Data d = inputs.get(i);
            if (d != null) places.put(i, d);
        }
        Plan plan = first(inputs);
        while (true) {
            observer.stage(new Observation(plan.stage(), plan.executable()));
            runGraph(plan, places);
            switch (plan.stage().action()) {
                case Stage.Finish f -> {
                    return fetch(f.outputs(), places);
                }
                case Stage.HostStep h -> {
                    List<@Nullable Data> results = runHost(h.call(), h.host(), fetch(h.operands(), places));
                    plan = follow(plan, h.results(), h.next(), results, typeKey(results), places);
                }
                case Stage.LoopStep l -> {
                    List<@Nullable Data> results = runLoop(l, fetch(l.operands(), places));
                    plan = follow(plan, l.results(), l.next(), results, typeKey(results), places);
                }
                case Stage.Read r -> {
                    List<@Nullable Data> contents = new ArrayList<>();
                    for (int p : r.places()) contents.add(copy(place(places, p)));
                    plan = follow(plan, List.of(), r.next(), contents, contentKey(contents), places);
                }
            }
        }
    }

    /** Prepares the first stage for inputs of these types, so that the first run need not. */
    public void prepare(List<@Nullable Data> inputs) {
        first(inputs);
    }

    /** The stages that are known without running: the first one, for inputs of these types. */
    public Observation inspect(List<@Nullable Data> inputs) {
        Plan plan = first(inputs);
        return new Observation(plan.stage(), plan.executable());
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
        return roots.get(typeKey(inputs), () -> plan(maker.begin(program, inputs)));
    }

    private Plan plan(Stage stage) {
        Graph g = stage.graph();
        return new Plan(stage, g.nodes().isEmpty() ? null : compile.apply(g), new PlanCache(NEXT_PLANS));
    }

    private Plan follow(
            Plan plan,
            List<Integer> results,
            Stage.Continuation next,
            List<@Nullable Data> produced,
            Object key,
            Map<Integer, Data> places) {
        for (int i = 0; i < results.size(); i++) {
            Data d = produced.get(i);
            if (d != null) places.put(results.get(i), d);
        }
        return plan.next().get(key, () -> plan(next.resume(produced)));
    }

    private static void runGraph(Plan plan, Map<Integer, Data> places) {
        Stage s = plan.stage();
        List<Tensor> inputs = new ArrayList<>();
        for (int p : s.inputs()) inputs.add((Tensor) place(places, p));
        Executable executable = plan.executable();
        if (executable == null) {
            List<Value> in = s.graph().inputs();
            for (int i = 0; i < s.outputs().size(); i++) {
                places.put(
                        s.outputs().get(i),
                        inputs.get(in.indexOf(s.graph().outputs().get(i))));
            }
            return;
        }
        List<Tensor> outputs = executable.run(inputs);
        for (int i = 0; i < outputs.size(); i++) places.put(s.outputs().get(i), outputs.get(i));
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
        ProgramRunner runner = bodies.computeIfAbsent(body, b -> new ProgramRunner(b, maker, compile));
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

    private static Tensor copy(Data d) {
        Tensor t = (Tensor) d;
        Tensor c = Tensor.allocate(t.type());
        c.data().copyFrom(t.data());
        return c;
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
            Tensor t = (Tensor) java.util.Objects.requireNonNull(d);
            key.add(t.type());
            key.add(t.data().asByteBuffer());
        }
        return key;
    }
}
