package dev.meseta.drivers.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.Tensor;
import dev.meseta.runtime.trace.PerfettoTrace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the Flight Recorder is told of launches, by time stamps of the device. */
class DispatchTraceTest {
    private static final int RUNS = 2;

    @TempDir
    Path folder;

    private final KernelDevice device = KernelRunner.device();
    private final Executable executable = device.load(CommandListTest.list(List.of(
            CommandListTest.increment(CommandListTest.IN, CommandListTest.A),
            new CommandList.Repeat(
                    3,
                    false,
                    List.of(
                            CommandListTest.increment(CommandListTest.A, CommandListTest.B),
                            CommandListTest.increment(CommandListTest.B, CommandListTest.A))),
            new CommandList.Copy(CommandListTest.A, CommandListTest.OUT, 4L * CommandListTest.N))));

    /** Runs it some times. Returns the nanoseconds that took. */
    private long run() {
        long begin = System.nanoTime();
        for (int i = 0; i < RUNS; i++) {
            Tensor y = KernelRunner.run(device, executable, List.of(CommandListTest.numbers(5)))
                    .getFirst();
            assertArrayEquals(CommandListTest.longs(CommandListTest.numbers(12)), CommandListTest.longs(y));
        }
        return System.nanoTime() - begin;
    }

    private static List<RecordedEvent> dispatches(List<RecordedEvent> events) {
        return events.stream()
                .filter(e -> e.getEventType().getName().equals("meseta.Dispatch"))
                .sorted(Comparator.comparing(RecordedEvent::getStartTime))
                .toList();
    }

    @Test
    void launchesAreToldOfWhileSomebodyRecords() throws IOException {
        Assumptions.assumeTrue(device.properties().get("time stamps") != null, "the device makes no time stamps");
        run();
        Path file = folder.resolve("recording.jfr");
        long took;
        try (Recording recording = new Recording()) {
            recording.start();
            took = run();
            recording.stop();
            // Those who do not record this do not pay for it, and what was prepared to tell goes on without.
            try (Recording other = new Recording()) {
                other.disable("meseta.Dispatch");
                other.start();
                run();
                other.stop();
            }
            recording.dump(file);
        }
        run();
        List<RecordedEvent> all = RecordingFile.readAllEvents(file);
        List<RecordedEvent> seen = dispatches(all);
        List<String> once = new ArrayList<>(Collections.nCopies(7, "increment"));
        once.add("copy");
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < RUNS; i++) expected.addAll(once);
        assertEquals(expected, seen.stream().map(e -> e.getString("subject")).toList());
        long sum = 0;
        for (RecordedEvent e : seen) {
            assertEquals(device.name(), e.getString("device"));
            assertTrue(e.getLong("nanoseconds") >= 0 && e.getLong("age") >= 0, e.toString());
            sum += e.getLong("nanoseconds");
        }
        assertTrue(sum > 0 && sum <= took, sum + " ns on the device in " + took);
        for (int i = 0; i + 1 < once.size(); i++)
            assertEquals(
                    seen.get(i).getLong("age"),
                    seen.get(i + 1).getLong("age") + seen.get(i + 1).getLong("nanoseconds"),
                    "the next begins where one ends");
        Path trace = folder.resolve("x.pftrace");
        PerfettoTrace told = PerfettoTrace.of(all);
        boolean jobs = all.stream().anyMatch(e -> e.getEventType().getName().equals("meseta.JobRun"));
        assertEquals(jobs ? 1 : 0, told.queueCount(), "kernels are no queue");
        told.write(trace);
        String bytes = new String(Files.readAllBytes(trace), StandardCharsets.ISO_8859_1);
        assertTrue(bytes.contains("kernels of " + device.name()), "no track");
    }
}
