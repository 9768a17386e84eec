package dev.meseta.conformance.driver;

import dev.meseta.compiler.GraphCompiler;
import dev.meseta.conformance.Comparison;
import dev.meseta.conformance.Tolerance;
import dev.meseta.driver.Access;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.Device;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Feature;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Region;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Scheduler;
import dev.meseta.runtime.scheduler.Submission;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** A device in one case: what it runs, and what the case made, which goes when the case has ended. Used by the case's thread and those it starts. */
final class Subject implements AutoCloseable {
    /** Longer than anything here takes. */
    static final Duration LONG = Duration.ofSeconds(20);

    private final Driver driver;
    private final Device device;
    private final List<AutoCloseable> made = new ArrayList<>();

    Subject(Driver driver, Device device) {
        this.driver = driver;
        this.device = device;
    }

    Driver driver() {
        return driver;
    }

    Device device() {
        return device;
    }

    boolean has(String feature) {
        return driver.handshake().has(feature);
    }

    /** A graph on the device, inputs, and what the interpreter makes of them. */
    record Sample(Executable executable, List<Tensor> inputs, List<Tensor> expected) {}

    /** The graph on the device, or {@link Skipped} where the device does not take it. */
    Executable compile(Graph graph) {
        return switch (device) {
            case KernelDevice k -> k.load(GraphCompiler.compile(graph, k.target()));
            case GraphDevice g -> {
                for (String reason : g.refusals(graph)) {
                    if (!reason.isEmpty()) throw new Skipped("the device does not take the graph: " + reason);
                }
                yield g.compile(graph);
            }
        };
    }

    Sample sample(Graph graph) {
        List<Tensor> inputs = new ArrayList<>();
        for (TensorType t : graph.inputTypes()) inputs.add(ramp(t, inputs.size()));
        return new Sample(compile(graph), inputs, Interpreter.run(graph, inputs));
    }

    /** Small whole numbers, which every type holds and no sum of two rounds. */
    private static Tensor ramp(TensorType type, int from) {
        Tensor t = Tensor.allocate(type);
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, (i * 7 + from * 3) % 11);
        return t;
    }

    static Graph graph(Function<GraphBuilder, List<Value>> body) {
        GraphBuilder b = new GraphBuilder("case", Interpreter::evaluate);
        return b.build(body.apply(b));
    }

    static TensorType type(DType dtype, long... extents) {
        return new TensorType(dtype, Shape.of(extents));
    }

    /** What most cases run: the simplest of these that the device takes. */
    Sample simple() {
        return simple(256);
    }

    /** Gives n elements from as many, or twice that; one output. */
    Sample simple(long n) {
        List<Graph> simplest = List.of(
                graph(b -> List.of(b.plus(b.input("x", type(DType.F32, n)), b.input("y", type(DType.F32, n))))),
                graph(b -> List.of(b.plus(b.input("x", type(DType.I32, n)), b.input("y", type(DType.I32, n))))),
                graph(b -> List.of(b.input("x", type(DType.I8, n)))));
        for (Graph g : simplest) {
            try {
                return sample(g);
            } catch (Skipped s) {
                // The next is simpler.
            }
        }
        throw new AssertionError("the device takes not even a graph without nodes");
    }

    Scheduler scheduler() {
        return keep(new Scheduler(device));
    }

    Client client() {
        return scheduler().client("case");
    }

    <T extends AutoCloseable> T keep(T t) {
        synchronized (made) {
            made.add(t);
        }
        return t;
    }

    Buffer buffer(long bytes) {
        return keep(Buffer.allocate(device, bytes, false));
    }

    /** A job with buffers of its own, its inputs in place. */
    Submission job(Client client, Sample sample) {
        Submission s = client.prepare(sample.executable());
        List<Region> regions = sample.executable().regions();
        for (int i = 0; i < regions.size(); i++)
            s.bind(
                    i,
                    buffer(Math.max(regions.get(i).bytes(), 1))
                            .part(0, regions.get(i).bytes()));
        for (int i = 0; i < sample.inputs().size(); i++)
            write(s.buffer(i), sample.inputs().get(i));
        return s;
    }

    Submission job(Client client) {
        return job(client, simple());
    }

    static void write(Buffer b, Tensor t) {
        MemorySegment m = b.begin(Access.WRITE);
        try {
            MemorySegment.copy(t.data(), 0, m, 0, t.data().byteSize());
        } finally {
            b.end();
        }
    }

    static Tensor read(Buffer b, TensorType type) {
        Tensor t = Tensor.allocate(type);
        MemorySegment m = b.begin(Access.READ);
        try {
            MemorySegment.copy(m, 0, t.data(), 0, t.data().byteSize());
        } finally {
            b.end();
        }
        return t;
    }

    /** Whether the outputs of a job that has ended are those of the interpreter; nothing to say for a device that computes nothing. */
    void check(Submission s, Sample sample) {
        if (!has(Feature.RESULTS)) return;
        for (int i = 0; i < sample.expected().size(); i++) {
            Tensor e = sample.expected().get(i);
            Tensor a = read(s.buffer(sample.inputs().size() + i), e.type());
            int output = i;
            Comparison.difference(e, a, Tolerance.ONNX, Comparison.Extent.VALUES)
                    .ifPresent(d -> {
                        throw new AssertionError("output " + output + ": " + d);
                    });
        }
    }

    /** Waits for the end of a job, which must be a good one. */
    static void end(Submission s) throws InterruptedException {
        Chapter.that(s.await(LONG), "the job has not ended after " + LONG);
    }

    /** Waits for the end of a job, which must be a failure of a kind. */
    static DeviceException fails(Submission s, DeviceException.Kind kind) {
        return Chapter.throwing(kind, () -> Chapter.that(s.await(LONG), "the job has not ended after " + LONG));
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable c : made.reversed()) c.close();
    }
}
