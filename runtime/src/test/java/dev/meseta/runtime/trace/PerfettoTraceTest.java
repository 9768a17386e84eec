package dev.meseta.runtime.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Region;
import dev.meseta.driver.Stop;
import dev.meseta.driver.Timeline;
import dev.meseta.drivers.mock.Behaviour;
import dev.meseta.drivers.mock.MockDevice;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.runtime.TensorJobs;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Scheduler;
import dev.meseta.runtime.scheduler.Submission;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Traces of jobs on the mock device, as their bytes tell. */
@Timeout(60)
class PerfettoTraceTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Tensor ONE = Tensor.of(new float[] {1}, 1);

    @TempDir
    Path folder;

    private final MockDevice device = new MockDevice(
            new Limits(2, false, false, 64, Duration.ofSeconds(2), Duration.ofSeconds(20)), Stop.STOPPED);
    private final Executable doubling = doubling();

    private Executable doubling() {
        GraphBuilder b = new GraphBuilder("doubling", Interpreter::evaluate);
        Value x = b.input("x", ONE.type());
        return device.compile(b.build(List.of(b.plus(x, x))));
    }

    private Submission job(Client client) {
        Submission s = client.prepare(doubling);
        int i = 0;
        for (Region r : doubling.regions()) s.bind(i++, Buffer.allocate(device, r.bytes(), false));
        return s;
    }

    private interface Work {
        void run(Client client) throws Exception;
    }

    private List<RecordedEvent> record(Work work) throws Exception {
        Path file = folder.resolve("recording.jfr");
        try (Scheduler scheduler = new Scheduler(device);
                Recording recording = new Recording()) {
            recording.start();
            work.run(scheduler.client("tested"));
            recording.stop();
            recording.dump(file);
        }
        return RecordingFile.readAllEvents(file);
    }

    private static void end(Submission s) throws InterruptedException {
        assertTrue(s.await(LONG));
    }

    private static void fails(Submission s, DeviceException.Kind kind) {
        DeviceException e = assertThrows(DeviceException.class, () -> s.await(LONG));
        assertEquals(kind, e.kind());
    }

    @Test
    void theFiveEventsOfAJobComeInOrder() throws Exception {
        List<String> names = record(client -> {
                    Timeline gate = new Timeline("gate");
                    Submission s = job(client);
                    s.waitFor(gate, 1).submit();
                    gate.signal(1);
                    end(s);
                })
                .stream()
                .filter(e -> e.getEventType().getName().startsWith("meseta.Job"))
                .sorted((a, b) -> a.getStartTime().compareTo(b.getStartTime()))
                .map(e -> e.getEventType().getName())
                .toList();
        assertEquals(
                List.of(
                        "meseta.JobQueued",
                        "meseta.JobDependency",
                        "meseta.JobUnschedulable",
                        "meseta.JobRun",
                        "meseta.JobDone"),
                names);
    }

    // ---- what the bytes of a trace tell ----

    private record Shown(
            String track, long start, long end, String name, Map<String, Object> notes, long flow, boolean endsFlow) {}

    /** Checks the form of all packets, and gives the slices, and the instants with an end that is their start. */
    private List<Shown> shown(List<RecordedEvent> events) throws Exception {
        Path file = folder.resolve("x.pftrace");
        PerfettoTrace.of(events).write(file);
        Map<Long, String> tracks = new HashMap<>();
        Map<Long, Long> times = new HashMap<>();
        Map<Long, List<PacketReader>> open = new HashMap<>();
        Map<PacketReader, Long> starts = new HashMap<>();
        List<Shown> shown = new ArrayList<>();
        List<PacketReader> packets = new PacketReader(Files.readAllBytes(file)).messages(1);
        assertTrue(packets.getFirst().message(60).has(3), "the process comes first");
        for (PacketReader p : packets) {
            assertEquals(1, p.number(10), "one writer");
            if (p.has(60)) {
                PacketReader t = p.message(60);
                String name = t.has(3) ? t.message(3).text(6) : t.text(2);
                assertEquals(null, tracks.put(t.number(1), name), "a track twice");
                if (!t.has(3)) assertEquals("meseta", tracks.get(t.number(5)), "parent");
                continue;
            }
            PacketReader e = p.message(11);
            long track = e.number(11);
            long time = p.number(8);
            assertTrue(tracks.containsKey(track), "a track that nobody described");
            assertTrue(times.getOrDefault(track, 0L) <= time, "time runs backwards on " + tracks.get(track));
            times.put(track, time);
            List<PacketReader> stack = open.computeIfAbsent(track, _ -> new ArrayList<>());
            switch ((int) e.number(9)) {
                case 1 -> {
                    stack.add(e);
                    starts.put(e, time);
                }
                case 2 -> {
                    PacketReader begun = stack.removeLast();
                    shown.add(of(tracks.get(track), starts.get(begun), time, begun));
                }
                case 3 -> shown.add(of(tracks.get(track), time, time, e));
                default -> throw new AssertionError("an event of kind " + e.number(9));
            }
        }
        open.forEach((track, stack) -> assertEquals(0, stack.size(), "left open on " + tracks.get(track)));
        shown.sort((a, b) -> Long.compare(a.start(), b.start()));
        return shown;
    }

    private static Shown of(String track, long start, long end, PacketReader e) {
        Map<String, Object> notes = new HashMap<>();
        for (PacketReader n : e.messages(4)) notes.put(n.text(10), n.has(6) ? n.text(6) : (Object) n.number(4));
        assertTrue(!e.text(22).isEmpty(), "a category");
        return new Shown(
                track,
                start,
                end,
                e.text(23),
                notes,
                e.has(47) ? e.number(47) : e.has(48) ? e.number(48) : 0,
                e.has(48));
    }

    private static List<Shown> onQueues(List<Shown> all) {
        return all.stream().filter(s -> s.track().equals("queue of mock")).toList();
    }

    private static Shown onQueue(List<Shown> all, long sequence) {
        List<Shown> found = onQueues(all).stream()
                .filter(s -> s.notes().get("sequence").equals(sequence))
                .toList();
        assertEquals(1, found.size(), "slices of job " + sequence);
        return found.getFirst();
    }

    private static List<String> named(List<Shown> all, String beginning) {
        return all.stream()
                .map(Shown::name)
                .filter(n -> n.startsWith(beginning))
                .toList();
    }

    /** Every flow goes from a submission, maybe over a device, to a signal. */
    private static void flowsConnect(List<Shown> all) {
        Set<Long> flows = new TreeSet<>();
        for (Shown s : all) if (s.flow() != 0) flows.add(s.flow());
        for (long f : flows) {
            List<Shown> way = all.stream()
                    .filter(s -> s.flow() == f)
                    .sorted((a, b) -> Long.compare(a.start(), b.start()))
                    .toList();
            assertEquals("submit", way.getFirst().name());
            assertTrue(way.getLast().name().startsWith("signal"), way.toString());
            assertTrue(way.getLast().endsFlow());
            for (Shown s : way.subList(0, way.size() - 1)) assertTrue(!s.endsFlow(), way.toString());
        }
    }

    @Test
    void aRunIsShownFromSubmitOverRunToSignal() throws Exception {
        List<Shown> all = shown(record(client -> {
            TensorJobs jobs = new TensorJobs(client, doubling);
            assertEquals(2, jobs.run(List.of(ONE)).getFirst().toFloats()[0]);
        }));
        flowsConnect(all);
        Shown run = onQueue(all, 1);
        assertEquals("tested", run.name());
        assertEquals("mock", run.notes().get("device"));
        assertEquals("tested", run.notes().get("clientName"));
        assertTrue(!run.notes().containsKey("failure"));
        Shown wait = all.stream()
                .filter(s -> s.name().equals("wait for tested"))
                .findFirst()
                .orElseThrow();
        Shown submit =
                all.stream().filter(s -> s.name().equals("submit")).findFirst().orElseThrow();
        assertEquals(wait.track(), submit.track());
        assertTrue(wait.start() <= submit.start() && submit.end() <= wait.end());
        assertTrue(wait.start() <= run.start() && run.end() <= wait.end());
        assertEquals(1L, wait.notes().get("sequence"));
        assertEquals(List.of("copy in"), named(all, "copy in"));
        assertEquals(List.of("copy out"), named(all, "copy out"));
    }

    @Test
    void jobsBesideEachOtherHaveATrackEach() throws Exception {
        List<RecordedEvent> events = record(client -> {
            device.next(new Behaviour.Slow(Duration.ofMillis(50)), new Behaviour.Slow(Duration.ofMillis(50)));
            List<Submission> jobs = List.of(job(client), job(client), job(client), job(client));
            for (Submission s : jobs) s.submit();
            for (Submission s : jobs) end(s);
        });
        // An end is told of after the place is free, so that the next job may seem to begin before it.
        assertTrue(PerfettoTrace.of(events).queueCount() >= 2);
        List<Shown> all = shown(events);
        flowsConnect(all);
        assertEquals(4, onQueues(all).size());
        assertTrue(onQueue(all, 2).start() < onQueue(all, 1).end(), "the first two overlap");
    }

    @Test
    void whatGoesWrongIsShown() throws Exception {
        List<Shown> all = shown(record(client -> {
            device.next(new Behaviour.Fail("on purpose"));
            Submission failing = job(client);
            failing.submit();
            fails(failing, DeviceException.Kind.FAILED);
            Submission cancelled = job(client);
            cancelled.waitFor(new Timeline("never"), 3).submit();
            cancelled.cancel();
            fails(cancelled, DeviceException.Kind.CANCELLED);
            device.next(new Behaviour.Hang());
            Submission hanging = job(client);
            hanging.submit();
            fails(hanging, DeviceException.Kind.HANG);
        }));
        flowsConnect(all);
        assertEquals("FAILED", onQueue(all, 1).notes().get("failure"));
        assertEquals("HANG", onQueue(all, 3).notes().get("failure"));
        assertEquals(2, onQueues(all).size(), "who was cancelled never ran");
        assertEquals(List.of("signal FAILED", "signal CANCELLED", "signal HANG"), named(all, "signal"));
        Shown dependency = all.stream()
                .filter(s -> s.name().equals("dependency"))
                .findFirst()
                .orElseThrow();
        assertEquals("never", dependency.notes().get("timeline"));
        assertEquals(3L, dependency.notes().get("point"));
        assertEquals(List.of("unschedulable"), named(all, "unschedulable"));
    }

    @Test
    void whatHasNotEndedIsClosedWithTheRecording() throws Exception {
        Submission[] left = new Submission[1];
        List<RecordedEvent> events = record(client -> {
            device.next(new Behaviour.Slow(Duration.ofMillis(80)));
            left[0] = job(client);
            left[0].submit();
            job(client).run();
        });
        end(left[0]);
        // A recording that ends too early has no end of the job.
        List<RecordedEvent> cut = events.stream()
                .filter(e -> !e.getEventType().getName().equals("meseta.JobDone"))
                .toList();
        List<Shown> all = shown(cut);
        assertEquals(2, onQueues(all).size());
        for (Shown s : onQueues(all)) assertEquals("unfinished", s.notes().get("failure"));
    }

    @Test
    void slicesNestWhateverTheClocksSay() throws Exception {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            Track track = new Track(2, "t", 0);
            int slices = random.nextInt(30);
            for (int i = 0; i < slices; i++) {
                long start = random.nextInt(40);
                boolean instant = random.nextInt(4) == 0;
                track.add(new Track.Item(
                        start,
                        instant ? start : start + random.nextInt(20),
                        instant,
                        "c",
                        "s",
                        Map.of(),
                        0,
                        Track.FlowEnd.NONE));
            }
            long[] state = new long[3];
            track.emit(new Track.Sink() {
                private void at(long time) {
                    assertTrue(state[0] <= time, "time runs backwards");
                    state[0] = time;
                }

                @Override
                public void begin(long time, Track.Item item) {
                    at(time);
                    state[1]++;
                    state[2]++;
                }

                @Override
                public void end(long time) {
                    at(time);
                    assertTrue(--state[1] >= 0);
                }

                @Override
                public void instant(long time, Track.Item item) {
                    at(time);
                    state[2]++;
                }
            });
            assertEquals(0, state[1], "seed " + seed);
            assertEquals(slices, state[2], "seed " + seed);
        }
    }

    @Test
    void numbersAndTextsComeThrough() {
        for (long n : Stream.of(0L, 1L, 127L, 128L, -1L, Long.MIN_VALUE, Long.MAX_VALUE)
                .toList()) {
            PacketReader read = new PacketReader(new ProtoWriter()
                    .number(1, n)
                    .fixed(47, n)
                    .text(2000, "ä" + n)
                    .toBytes());
            assertEquals(n, read.number(1));
            assertEquals(n, read.number(47));
            assertEquals("ä" + n, read.text(2000));
        }
    }
}
