package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.conformance.Report;
import dev.meseta.conformance.driver.DriverSuite;
import dev.meseta.driver.Access;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Feature;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Handshake;
import dev.meseta.driver.HostAllocations;
import dev.meseta.driver.Job;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Region;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.interpreter.Interpreter;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The driver suite finds what is wrong with drivers: each of these makes one mistake, and some case of the suite fails for it. */
final class BadDriversTest {
    private enum Mistake {
        NONE(""),
        FORGETS_THE_LAST_ELEMENT("compile sum*"),
        COMPUTES_NOTHING("submit a job runs*"),
        WRITES_BEHIND_THE_OUTPUT("validation what is behind*"),
        WRITES_THE_INPUT("submit a job can be used*"),
        GIVES_MEMORY_THAT_IS_NOT_ZERO("buffers *zeroed"),
        GIVES_TOO_LITTLE_MEMORY("buffers *zeroed"),
        GIVES_UNALIGNED_MEMORY("buffers begins at*"),
        PROMISES_SMALL_REGIONS("compile regions*"),
        MAKES_LISTS_ANEW("compile regions*"),
        SWALLOWS_FAILURES("submit fifty*"),
        IMPORTS_OTHER_MEMORY("buffers *shared*"),
        CHANGES_ITS_LIMITS("handshake limits*"),
        HAS_NO_DESCRIPTION("handshake device describes*"),
        IS_OF_ANOTHER_VERSION("handshake*"),
        HAS_A_RESERVED_FIELD("handshake*");

        private final String filter;

        Mistake(String filter) {
            this.filter = filter;
        }
    }

    @ParameterizedTest
    @EnumSource(Mistake.class)
    void aMistakeIsFound(Mistake mistake) {
        BadDevice device = new BadDevice(mistake);
        List<Report.Result> failures = new ArrayList<>();
        List<String> filters = mistake.filter.isEmpty()
                ? List.of("handshake*", "compile*", "buffers*", "submit*", "validation*")
                : List.of(mistake.filter);
        Report.Summary summary = new DriverSuite(new BadDriver(device, mistake), device, filters).run(r -> {
            if (!r.outcome().isExpected()) failures.add(r);
        });
        boolean found = summary.fail() > 0;
        assertTrue(found == (mistake != Mistake.NONE), mistake + ": " + failures + " of " + summary);
    }

    private record BadDriver(BadDevice device, Mistake mistake) implements Driver {
        @Override
        public String name() {
            return "bad";
        }

        @Override
        public Handshake handshake() {
            return new Handshake(
                    mistake == Mistake.IS_OF_ANOTHER_VERSION ? Contract.MAJOR + 1 : Contract.MAJOR,
                    Contract.MINOR,
                    Contract.LAYOUTS,
                    Set.of(),
                    Set.of(Feature.RESULTS, Feature.SHARING),
                    mistake == Mistake.HAS_A_RESERVED_FIELD ? 1 : 0);
        }

        @Override
        public List<Device> devices() {
            return List.of(device);
        }

        @Override
        public String unavailable() {
            return "";
        }
    }

    private record Interpreted(Graph graph, List<Region> made, List<TensorType> outputs, boolean anew)
            implements Executable {
        @Override
        public List<Region> regions() {
            return anew ? new ArrayList<>(made) : made;
        }

        @Override
        public String describe() {
            return "interpreted";
        }
    }

    private static final class BadDevice implements GraphDevice {
        private final Mistake mistake;
        private int asked;

        BadDevice(Mistake mistake) {
            this.mistake = mistake;
        }

        private boolean has(Mistake m) {
            return mistake == m;
        }

        @Override
        public String name() {
            return "bad";
        }

        @Override
        public String description() {
            return has(Mistake.HAS_NO_DESCRIPTION) ? "" : "makes a mistake";
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }

        @Override
        public Limits limits() {
            int seconds = has(Mistake.CHANGES_ITS_LIMITS) ? 10 + asked++ : 10;
            return new Limits(1, true, true, 64, Duration.ofSeconds(seconds), Duration.ofHours(1));
        }

        @Override
        public Allocation allocate(long bytes, boolean shareable) {
            Allocation a = HostAllocations.allocate(bytes + 64, shareable);
            if (has(Mistake.GIVES_MEMORY_THAT_IS_NOT_ZERO) && bytes > 0)
                a.memory().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            long begin = has(Mistake.GIVES_UNALIGNED_MEMORY) ? 1 : 0;
            long size = has(Mistake.GIVES_TOO_LITTLE_MEMORY) ? bytes / 2 : bytes;
            return new Allocation(a.memory().asSlice(begin, size), a.descriptor(), a.handle(), a.free());
        }

        @Override
        public Allocation importMemory(int descriptor, long bytes, Access access) {
            if (has(Mistake.IMPORTS_OTHER_MEMORY)) return HostAllocations.allocate(bytes, true);
            Allocation a = HostAllocations.importMemory(descriptor, bytes, access);
            return new Allocation(a.memory().asSlice(0, bytes), a.descriptor(), a.handle(), a.free());
        }

        @Override
        public String refuses(Node node) {
            return "";
        }

        @Override
        public Executable compile(Graph graph) {
            long less = has(Mistake.PROMISES_SMALL_REGIONS) ? 1 : 0;
            List<Region> regions = Region.of(
                    graph.inputTypes().stream()
                            .map(t -> Math.max(0, t.bytes() - less))
                            .toList(),
                    graph.outputTypes().stream().map(TensorType::bytes).toList());
            return new Interpreted(graph, regions, graph.outputTypes(), has(Mistake.MAKES_LISTS_ANEW));
        }

        @Override
        public void run(Job job) {
            try {
                compute(job);
            } catch (RuntimeException e) {
                if (!has(Mistake.SWALLOWS_FAILURES)) throw e;
            }
        }

        private void compute(Job job) {
            if (has(Mistake.COMPUTES_NOTHING)) return;
            if (has(Mistake.SWALLOWS_FAILURES) && asked++ % 10 == 3) throw new IllegalStateException("on purpose");
            Graph graph = ((Interpreted) job.executable()).graph();
            List<Tensor> inputs = new ArrayList<>();
            for (TensorType t : graph.inputTypes())
                inputs.add(Tensor.wrap(t, job.memory(inputs.size()).asSlice(0, t.bytes())));
            List<Tensor> outputs = Interpreter.run(graph, inputs);
            for (int i = 0; i < outputs.size(); i++) {
                var to = job.memory(inputs.size() + i);
                var from = outputs.get(i).data();
                long less = has(Mistake.FORGETS_THE_LAST_ELEMENT) ? Math.min(1, from.byteSize()) : 0;
                java.lang.foreign.MemorySegment.copy(from, 0, to, 0, from.byteSize() - less);
                if (has(Mistake.WRITES_BEHIND_THE_OUTPUT) && to.byteSize() > from.byteSize())
                    to.set(ValueLayout.JAVA_BYTE, from.byteSize(), (byte) 1);
            }
            if (has(Mistake.WRITES_THE_INPUT) && job.memory(0).byteSize() > 0)
                job.memory(0).set(ValueLayout.JAVA_BYTE, 3, (byte) 0x41);
        }
    }
}
