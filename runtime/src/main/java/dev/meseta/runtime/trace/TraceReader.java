package dev.meseta.runtime.trace;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedThread;
import org.jspecify.annotations.Nullable;

/** Makes tracks of events. Used by one thread. */
final class TraceReader {
    private static final String OURS = "meseta.";

    private final Map<Long, Track> threads = new LinkedHashMap<>();
    /** Jobs that a device has at the same time cannot share a track: it has as many as there were at most. */
    private final Map<String, List<Track>> queues = new LinkedHashMap<>();

    private final Map<Key, Job> jobs = new LinkedHashMap<>();
    private long process = ProcessHandle.current().pid();
    /** The number 1 is the process's own. */
    private long tracks = 1;

    private long flows;

    private record Key(long client, long sequence) {}

    private static final class Job {
        final long flow;

        @Nullable
        RecordedEvent began;

        @Nullable
        Track queue;

        Job(long flow) {
            this.flow = flow;
        }
    }

    TraceReader(Collection<RecordedEvent> events) {
        List<RecordedEvent> ordered = new ArrayList<>();
        long last = 0;
        for (RecordedEvent e : events) {
            if (e.getEventType().getName().equals("jdk.JVMInformation")) process = e.getLong("pid");
            if (!e.getEventType().getName().startsWith(OURS)) continue;
            ordered.add(e);
            last = Math.max(last, time(e.getEndTime()));
        }
        ordered.sort(Comparator.comparing(RecordedEvent::getStartTime));
        for (RecordedEvent e : ordered) take(e);
        for (Job j : jobs.values()) leave(j, last, "unfinished");
    }

    Collection<Track> threads() {
        return threads.values();
    }

    List<Track> queues() {
        return queues.values().stream().flatMap(List::stream).toList();
    }

    long process() {
        return process;
    }

    private static long time(Instant t) {
        return Math.addExact(Math.multiplyExact(t.getEpochSecond(), 1_000_000_000L), t.getNano());
    }

    private void take(RecordedEvent e) {
        switch (e.getEventType().getName()) {
            case "meseta.JobQueued" -> instant(e, "submit", job(e), Track.FlowEnd.PASSES);
            case "meseta.JobDependency" -> instant(e, "dependency", null, Track.FlowEnd.NONE);
            case "meseta.JobUnschedulable" -> instant(e, "unschedulable", null, Track.FlowEnd.NONE);
            case "meseta.JobRun" -> begin(job(e), e);
            case "meseta.JobDone" -> {
                Job j = job(e);
                String failure = text(e, "failure");
                leave(j, time(e.getStartTime()), failure);
                instant(e, failure.isEmpty() ? "signal" : "signal " + failure, j, Track.FlowEnd.ENDS);
                jobs.remove(key(e));
            }
            case "meseta.Dispatch" -> dispatch(e);
            case "meseta.Wait" -> slice(e, "job", "wait for " + text(e, "clientName"));
            case "meseta.Compile" -> slice(e, "compile", "compile " + text(e, "step"));
            case "meseta.Load" -> slice(e, "load", "load " + text(e, "what"));
            case "meseta.Copy" -> slice(e, "copy", "copy " + text(e, "direction"));
            default -> {}
        }
    }

    private static String text(RecordedEvent e, String field) {
        String s = e.getString(field);
        return s == null ? "" : s;
    }

    private static Key key(RecordedEvent e) {
        return new Key(e.getLong("client"), e.getLong("sequence"));
    }

    private Job job(RecordedEvent e) {
        return jobs.computeIfAbsent(key(e), _ -> new Job(++flows));
    }

    /** What a device did before it was told of. */
    private void dispatch(RecordedEvent e) {
        long end = time(e.getStartTime()) - e.getLong("age");
        long start = end - e.getLong("nanoseconds");
        Track kernels = free("kernels of " + text(e, "device"), start);
        kernels.takenUntil(end);
        kernels.add(
                new Track.Item(start, end, false, "kernel", text(e, "kernel"), arguments(e), 0, Track.FlowEnd.NONE));
    }

    /** The device takes a job; if it has had it before, it was reset in between. */
    private void begin(Job j, RecordedEvent e) {
        long start = time(e.getStartTime());
        leave(j, start, "queued again");
        Track free = free(PerfettoTrace.QUEUE + text(e, "device"), start);
        free.takenUntil(Long.MAX_VALUE);
        j.began = e;
        j.queue = free;
    }

    /** A track of this name that has room from a time on. */
    private Track free(String name, long start) {
        List<Track> all = queues.computeIfAbsent(name, _ -> new ArrayList<>());
        for (Track t : all) if (t.isFree(start)) return t;
        all.add(new Track(++tracks, name, 0));
        return all.getLast();
    }

    /** The device has a job no more, if it had it. */
    private void leave(Job j, long end, String failure) {
        RecordedEvent e = j.began;
        Track queue = j.queue;
        if (e == null || queue == null) return;
        Map<String, Object> arguments = arguments(e);
        if (!failure.isEmpty()) arguments.put("failure", failure);
        long start = time(e.getStartTime());
        queue.add(new Track.Item(
                start,
                Math.max(start, end),
                false,
                "job",
                text(e, "clientName"),
                arguments,
                j.flow,
                Track.FlowEnd.PASSES));
        queue.takenUntil(end);
        j.began = null;
        j.queue = null;
    }

    private void instant(RecordedEvent e, String name, @Nullable Job j, Track.FlowEnd flowEnd) {
        long t = time(e.getStartTime());
        thread(e).add(new Track.Item(t, t, true, "job", name, arguments(e), j == null ? 0 : j.flow, flowEnd));
    }

    private void slice(RecordedEvent e, String category, String name) {
        thread(e)
                .add(new Track.Item(
                        time(e.getStartTime()),
                        time(e.getEndTime()),
                        false,
                        category,
                        name,
                        arguments(e),
                        0,
                        Track.FlowEnd.NONE));
    }

    private static Map<String, Object> arguments(RecordedEvent e) {
        Map<String, Object> all = new LinkedHashMap<>();
        for (String f : List.of(
                "clientName",
                "client",
                "sequence",
                "device",
                "timeline",
                "point",
                "failure",
                "step",
                "what",
                "subject",
                "direction",
                "bytes")) {
            if (!e.hasField(f)) continue;
            Object v = e.getValue(f);
            if (v instanceof Long || (v instanceof String s && !s.isEmpty())) all.put(f, v);
        }
        return all;
    }

    private Track thread(RecordedEvent e) {
        RecordedThread t = e.getThread();
        return threads.computeIfAbsent(t == null ? -1 : t.getJavaThreadId(), id -> {
            String name = t == null ? null : t.getJavaName();
            return new Track(
                    ++tracks,
                    name == null || name.isEmpty() ? "thread " + id : name,
                    t == null || t.isVirtual() ? 0 : Math.max(0, t.getOSThreadId()));
        });
    }
}
