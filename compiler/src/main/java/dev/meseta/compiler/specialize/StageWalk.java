package dev.meseta.compiler.specialize;

import dev.meseta.graph.ConstraintException;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Folder;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MesetaException;
import dev.meseta.graph.Node;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.differentiate.Gradients;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.program.NeedValueException;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.Stage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Walks calls until the program ends or something must run first. Used once: state is the walk's own, the frames are copies.
 */
final class StageWalk {
    /** An input of at most so many integers may decide shapes by its contents; a plan is made for each. */
    private static final long LARGEST_DECIDING_INTEGERS = 32;

    /** As above for floats, such as the scales of a resize. */
    private static final long LARGEST_DECIDING_FLOATS = 8;

    /** In bytes. Beyond it no machine has an answer; a message that names the node beats one from the allocator. */
    private static final long LARGEST_RESULT = 1L << 40;

    private static final int DEEPEST_INLINING = 256;

    private final Folder folder;
    private final List<Frame> start;
    private final List<Frame> frames;
    private final int firstPlace;
    private final GraphBuilder builder;
    private final Map<Integer, Value> inputs = new LinkedHashMap<>();
    private final Map<Value, Integer> inputPlaces = new IdentityHashMap<>();
    private final Map<Tensor, Value> literals = new IdentityHashMap<>();
    private final Map<Value, Integer> outputs = new LinkedHashMap<>();
    private int nextPlace;

    StageWalk(Folder folder, List<Frame> start, int nextPlace) {
        this.folder = folder;
        this.start = start;
        this.frames = copy(start);
        this.firstPlace = nextPlace;
        this.nextPlace = nextPlace;
        this.builder = new GraphBuilder(start.getFirst().program.name(), folder);
    }

    private static List<Frame> copy(List<Frame> frames) {
        List<Frame> copies = new ArrayList<>();
        for (Frame f : frames) copies.add(f.copy());
        return copies;
    }

    Stage walk() {
        while (true) {
            Frame frame = frames.getLast();
            if (frame.isDone()) {
                if (frames.size() == 1) return finish(frame);
                leave(frame);
                continue;
            }
            Call call = frame.program.calls().get(frame.next);
            builder.origin(call.name());
            Stage cut = step(frame, call);
            if (cut != null) return cut;
        }
    }

    /** Handles one call; a stage if the walk must stop here. */
    private @Nullable Stage step(Frame frame, Call call) {
        List<Binding> operands = new ArrayList<>(call.inputs().size());
        for (String n : call.inputs()) operands.add(lookup(frame, call, n));
        return switch (call.lowering()) {
            case Lowering.Expand expand -> expand(frame, call, expand, operands);
            case Lowering.Host host -> host(frame, call, host, operands);
            case Lowering.ByKind kinds ->
                operands.stream().allMatch(StageWalk::isTensor)
                        ? expand(frame, call, kinds.numbers(), operands)
                        : host(frame, call, kinds.others(), operands);
            case Lowering.Inline inline -> {
                enter(call, inline.body(), operands);
                yield null;
            }
            case Lowering.Branch branch -> branch(call, branch, operands);
            case Lowering.Differentiate d -> differentiate(frame, call, d, operands);
            case Lowering.Loop loop ->
                stop(
                        frame,
                        call,
                        operands,
                        (sources, results, next) -> new Stage.LoopStep(call, loop, sources, results, next));
        };
    }

    private static boolean isTensor(Binding b) {
        return switch (b) {
            case Binding.Known k -> k.data() instanceof Tensor;
            case Binding.Place p -> p.type() != null;
            case Binding.InGraph _, Binding.Absent _ -> true;
        };
    }

    private static Binding lookup(Frame frame, Call call, String name) {
        if (name.isEmpty()) return new Binding.Absent();
        Binding b = frame.names.get(name);
        if (b == null) throw new InvalidInputException(call.where() + ": nothing defines its input '" + name + "'");
        return b;
    }

    private @Nullable Stage expand(Frame frame, Call call, Lowering.Expand expand, List<Binding> operands) {
        int mark = builder.mark();
        try {
            List<@Nullable Value> values = new ArrayList<>();
            for (Binding b : operands) values.add(b instanceof Binding.Absent ? null : value(call, b));
            mark = builder.mark();
            List<Value> results = expand.expand(new LoweringContext(
                    builder, call.where(), values, call.outputs().size()));
            if (results.size() < call.outputs().size()) {
                throw new InvalidInputException(call.where() + ": it has "
                        + call.outputs().size() + " outputs, the operator gives " + results.size());
            }
            for (Value v : results) {
                if (v.type().bytes() > LARGEST_RESULT)
                    throw new InvalidInputException(
                            call.where() + ": its result " + v.type() + " is larger than 1 TiB");
            }
            for (int i = 0; i < call.outputs().size(); i++) {
                if (!call.outputs().get(i).isEmpty())
                    frame.names.put(call.outputs().get(i), new Binding.InGraph(results.get(i)));
            }
            frame.next++;
            return null;
        } catch (NeedValueException e) {
            Set<Value> needed = frontier(e.value(), mark);
            builder.rollback(mark);
            return need(call, needed);
        } catch (ConstraintException | ArithmeticException e) {
            throw new InvalidInputException(call.where() + ": " + e.getMessage(), e);
        } catch (InvalidInputException e) {
            String message = String.valueOf(e.getMessage());
            throw message.startsWith(call.where()) ? e : new InvalidInputException(call.where() + ": " + message, e);
        } catch (IndexOutOfBoundsException
                | IllegalArgumentException
                | IllegalStateException
                | NegativeArraySizeException e) {
            // A lowering that trusted a rank or an extent which a broken model does not keep.
            throw new InvalidInputException(
                    call.where() + ": its operands " + describe(operands) + " are not what the operator takes (" + e
                            + ")",
                    e);
        }
    }

    private static String describe(List<Binding> operands) {
        return operands.stream()
                .map(b -> switch (b) {
                    case Binding.Known k -> k.data().describe();
                    case Binding.Place p ->
                        p.type() == null ? "no tensor" : p.type().toString();
                    case Binding.InGraph g -> g.value().type().toString();
                    case Binding.Absent _ -> "none";
                })
                .toList()
                .toString();
    }

    private @Nullable Stage branch(Call call, Lowering.Branch branch, List<Binding> operands) {
        Tensor condition;
        switch (operands.getFirst()) {
            case Binding.Known(Tensor t) -> condition = t;
            case Binding.Known _, Binding.Absent _ ->
                throw new InvalidInputException(call.where() + ": the condition is not a tensor");
            case Binding b -> {
                Value v = value(call, b);
                Tensor known = builder.known(v);
                if (known == null) return need(call, Set.of(v));
                condition = known;
            }
        }
        if (condition.elements() != 1)
            throw new InvalidInputException(
                    call.where() + ": the condition is " + condition.type() + ", expected one element");
        enter(
                call,
                condition.getLong(0) != 0 ? branch.then() : branch.otherwise(),
                operands.subList(1, operands.size()));
        return null;
    }

    private @Nullable Stage host(Frame frame, Call call, Lowering.Host host, List<Binding> operands) {
        List<@Nullable Data> known = new ArrayList<>();
        for (Binding b : operands) {
            switch (b) {
                case Binding.Known(Data d) -> known.add(d);
                case Binding.Absent _ -> known.add(null);
                case Binding.InGraph(Value v) when builder.known(v) instanceof Tensor t -> known.add(t);
                default -> {
                    return stop(
                            frame,
                            call,
                            operands,
                            (sources, results, next) -> new Stage.HostStep(call, host, sources, results, next));
                }
            }
        }
        List<@Nullable Data> results;
        try {
            results = host.run(known);
        } catch (MesetaException e) {
            throw new InvalidInputException(call.where() + ": " + e.getMessage(), e);
        }
        frame.next++;
        for (int i = 0; i < call.outputs().size(); i++) {
            Data d = results.get(i);
            frame.names.put(call.outputs().get(i), d == null ? new Binding.Absent() : new Binding.Known(d));
        }
        return null;
    }

    /** Expands the body into a graph of its own, and adds that and its gradients to the stage's. */
    private @Nullable Stage differentiate(Frame frame, Call call, Lowering.Differentiate d, List<Binding> operands) {
        int variables = d.variables();
        List<@Nullable Value> values = new ArrayList<>();
        Frame start = new Frame(d.body(), List.of());
        for (int i = 0; i < operands.size(); i++) {
            Binding b = operands.get(i);
            Value v = i < variables || !(b instanceof Binding.Absent) && isTensor(b) ? value(call, b) : null;
            Tensor known = v == null || i < variables ? null : builder.known(v);
            values.add(v);
            Binding inner = known != null ? new Binding.Known(known) : v != null ? new Binding.Place(i, v.type()) : b;
            start.names.put(d.body().inputs().get(i).name(), inner);
        }
        try {
            StageWalk walk = new StageWalk(folder, List.of(start), operands.size());
            // Variables are inputs of the body's graph even if it does not depend on them.
            for (int i = 0; i < variables; i++)
                walk.value(call, lookup(start, call, d.body().inputs().get(i).name()));
            Stage.Action end = walk.walk().action();
            if (end instanceof Stage.Read read
                    && read.places().stream().allMatch(p -> p >= variables && p < operands.size())) {
                // What decides the body's shapes comes from outside of it: it is read before this call.
                Set<Value> needed = new LinkedHashSet<>();
                for (int p : read.places()) needed.add(java.util.Objects.requireNonNull(values.get(p)));
                return need(call, needed);
            }
            if (!(end instanceof Stage.Finish)) throw notOneGraph(call, end);
            Graph body = walk.builder.build(List.of(walk.value(call, output(walk.frames.getLast(), 0))));
            List<Value> inputs = new ArrayList<>();
            for (Value v : body.inputs()) {
                int place = java.util.Objects.requireNonNull(walk.inputPlaces.get(v));
                inputs.add(java.util.Objects.requireNonNull(values.get(place)));
            }
            List<Integer> first = IntStream.range(0, variables).boxed().toList();
            List<Value> gradients = Gradients.add(builder, body, inputs, 0, first);
            for (int i = 0; i < call.outputs().size(); i++)
                frame.names.put(call.outputs().get(i), new Binding.InGraph(gradients.get(i)));
        } catch (MesetaException e) {
            String message = String.valueOf(e.getMessage());
            throw message.startsWith(call.where()) ? e : new InvalidInputException(call.where() + ": " + message, e);
        }
        frame.next++;
        return null;
    }

    private static InvalidInputException notOneGraph(Call call, Stage.Action action) {
        String what = switch (action) {
            case Stage.HostStep s -> s.call().where() + " runs on the host";
            case Stage.LoopStep s -> s.call().where() + " is a loop";
            case Stage.Read s -> s.call().where() + " needs the contents of what depends on its variables";
            case Stage.Finish _ -> throw new IllegalStateException("a finished stage is one graph");
        };
        return new InvalidInputException(call.where() + ": cannot be differentiated: " + what);
    }

    private void enter(Call call, Program body, List<Binding> operands) {
        if (frames.size() > DEEPEST_INLINING)
            throw new InvalidInputException(call.where() + ": bodies are nested deeper than " + DEEPEST_INLINING);
        frames.getLast().next++;
        Frame f = new Frame(body, call.outputs());
        for (int i = 0; i < body.inputs().size(); i++) {
            Binding b = i < operands.size() ? operands.get(i) : new Binding.Absent();
            f.names.put(body.inputs().get(i).name(), b);
        }
        frames.add(f);
    }

    private void leave(Frame done) {
        frames.removeLast();
        Frame caller = frames.getLast();
        for (int i = 0; i < done.results.size(); i++) {
            if (done.results.get(i).isEmpty()) continue;
            if (i >= done.program.outputs().size())
                throw new InvalidInputException("body '" + done.program.name() + "' has "
                        + done.program.outputs().size() + " outputs, its caller wants " + done.results.size());
            caller.names.put(done.results.get(i), output(done, i));
        }
    }

    private static Binding output(Frame frame, int i) {
        String name = frame.program.outputs().get(i).name();
        Binding b = name.isEmpty() ? new Binding.Absent() : frame.names.get(name);
        if (b == null)
            throw new InvalidInputException("nothing defines output '" + name + "' of '" + frame.program.name() + "'");
        return b;
    }

    private Value value(Call call, Binding b) {
        return switch (b) {
            case Binding.InGraph g -> g.value();
            case Binding.Known(Tensor t) -> literals.computeIfAbsent(t, builder::constant);
            case Binding.Place(int number, TensorType type)
            when type != null ->
                inputs.computeIfAbsent(number, n -> {
                    Value v = builder.input("place" + n, type);
                    inputPlaces.put(v, n);
                    return v;
                });
            case Binding.Known(Data d) ->
                throw new InvalidInputException(
                        call.where() + ": an operand is " + d.describe() + ", expected a tensor");
            case Binding.Place _, Binding.Absent _ ->
                throw new InvalidInputException(call.where() + ": an operand is not a tensor");
        };
    }

    /** The values before the mark on which a value after it depends. */
    private Set<Value> frontier(Value v, int mark) {
        Set<Value> after = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Node n : builder.nodesFrom(mark)) after.addAll(n.results());
        Set<Value> result = new LinkedHashSet<>();
        Set<Value> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Value> work = new ArrayDeque<>(List.of(v));
        while (!work.isEmpty()) {
            Value x = work.pop();
            if (!seen.add(x)) continue;
            Node n = builder.producer(x);
            if (after.contains(x) && n != null) work.addAll(n.operands());
            else if (builder.known(x) == null) result.add(x);
        }
        return result;
    }

    /** Stops the walk until the contents of values are known: at the stage's start if small inputs decide them, else here. */
    private Stage need(Call call, Set<Value> values) {
        Set<Integer> deciding = new LinkedHashSet<>();
        boolean small = true;
        Set<Value> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Value> work = new ArrayDeque<>(values);
        while (!work.isEmpty()) {
            Value x = work.pop();
            if (!seen.add(x)) continue;
            Node n = builder.producer(x);
            if (n != null) {
                work.addAll(n.operands());
                continue;
            }
            DType t = x.dtype();
            small &= x.shape().elements() <= (t.isFloat() ? LARGEST_DECIDING_FLOATS : LARGEST_DECIDING_INTEGERS);
            deciding.add(java.util.Objects.requireNonNull(inputPlaces.get(x)));
        }
        if (small) {
            List<Integer> places = List.copyOf(deciding);
            Graph nothing = new Graph(start.getFirst().program.name(), List.of(), List.of(), List.of());
            Stage.Read read =
                    new Stage.Read(call, places, contents -> resumeWithContents(start, firstPlace, places, contents));
            return new Stage(nothing, List.of(), List.of(), read);
        }
        List<Integer> places = values.stream().map(this::placeOf).toList();
        List<Frame> rest = freeze();
        int next = nextPlace;
        return stage(new Stage.Read(call, places, contents -> resumeWithContents(rest, next, places, contents)));
    }

    private Stage resumeWithContents(List<Frame> from, int next, List<Integer> places, List<@Nullable Data> contents) {
        List<Frame> resumed = copy(from);
        for (Frame f : resumed) {
            f.names.replaceAll((_, b) -> {
                int i = b instanceof Binding.Place p ? places.indexOf(p.number()) : -1;
                return i < 0 ? b : new Binding.Known(java.util.Objects.requireNonNull(contents.get(i)));
            });
        }
        return new StageWalk(folder, resumed, next).walk();
    }

    /** Ends the stage before a step on the host; its results get places. */
    private Stage stop(Frame frame, Call call, List<Binding> operands, StepMaker step) {
        List<Stage.Source> sources = operands.stream().map(this::source).toList();
        List<Integer> results = new ArrayList<>();
        for (int i = 0; i < call.outputs().size(); i++) results.add(nextPlace++);
        frame.next++;
        List<Frame> rest = freeze();
        int next = nextPlace;
        return stage(step.make(sources, results, produced -> resumeWithResults(rest, next, call, results, produced)));
    }

    @FunctionalInterface
    private interface StepMaker {
        Stage.Action make(List<Stage.Source> operands, List<Integer> results, Stage.Continuation next);
    }

    private Stage resumeWithResults(
            List<Frame> rest, int next, Call call, List<Integer> results, List<@Nullable Data> produced) {
        List<Frame> resumed = copy(rest);
        Frame frame = resumed.getLast();
        for (int i = 0; i < call.outputs().size(); i++) {
            String name = call.outputs().get(i);
            if (!name.isEmpty())
                frame.names.put(name, produced(results.get(i), i < produced.size() ? produced.get(i) : null));
        }
        return new StageWalk(folder, resumed, next).walk();
    }

    private static Binding produced(int place, @Nullable Data d) {
        if (d == null) return new Binding.Absent();
        if (!(d instanceof Tensor t)) return new Binding.Place(place, null);
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < t.type().rank(); i++)
            dims.add(Dim.symbolic("p" + place + "." + i, t.shape().extent(i)));
        return new Binding.Place(place, t.type().with(Shape.of(dims)));
    }

    private Stage finish(Frame frame) {
        List<Stage.Source> results = new ArrayList<>();
        for (int i = 0; i < frame.program.outputs().size(); i++) results.add(source(output(frame, i)));
        return stage(new Stage.Finish(results));
    }

    private Stage stage(Stage.Action action) {
        Graph graph = builder.build(List.copyOf(outputs.keySet()));
        return new Stage(graph, List.copyOf(inputs.keySet()), List.copyOf(outputs.values()), action);
    }

    private Stage.Source source(Binding b) {
        return switch (b) {
            case Binding.Absent _ -> new Stage.Absent();
            case Binding.Known k -> new Stage.Fixed(k.data());
            case Binding.Place p -> new Stage.Place(p.number());
            case Binding.InGraph g -> {
                Tensor t = builder.known(g.value());
                yield t != null ? new Stage.Fixed(t) : new Stage.Place(placeOf(g.value()));
            }
        };
    }

    /** The place of a value of the graph, which becomes an output of the stage unless it is one of its inputs. */
    private int placeOf(Value v) {
        Integer input = inputPlaces.get(v);
        return input != null ? input : outputs.computeIfAbsent(v, _ -> nextPlace++);
    }

    /** Copies of the frames for later stages: names that nothing reads any more are dropped, values of the graph get places. */
    private List<Frame> freeze() {
        List<Frame> result = new ArrayList<>();
        for (Frame f : frames) {
            Frame c = f.copy();
            c.names.keySet().retainAll(f.live());
            c.names.replaceAll((_, b) -> {
                if (!(b instanceof Binding.InGraph g)) return b;
                return switch (source(g)) {
                    case Stage.Fixed fixed -> new Binding.Known(fixed.value());
                    case Stage.Place p ->
                        new Binding.Place(p.number(), g.value().type());
                    case Stage.Absent _ -> throw new IllegalStateException("a value of the graph has no source");
                };
            });
            result.add(c);
        }
        return result;
    }
}
