package dev.meseta.conformance.driver;

import static dev.meseta.conformance.driver.Chapter.same;
import static dev.meseta.conformance.driver.Chapter.that;

import dev.meseta.driver.DeviceException.Kind;
import dev.meseta.driver.Timeline;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Submission;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/** What the Flight Recorder is told of jobs. */
final class TraceChapter {
    private TraceChapter() {}

    static List<DriverCase> cases() {
        return new Chapter("trace")
                .add("a job is queued, run and done", s -> {
                    Seen seen = record(s, client -> s.job(client).run());
                    same(List.of("Queued", "Run", "Done"), seen.names(), "events");
                })
                .add("a job that is submitted is queued, run and done", s -> {
                    Seen seen = record(s, client -> {
                        Submission job = s.job(client);
                        job.submit();
                        Subject.end(job);
                    });
                    same(List.of("Queued", "Run", "Done"), seen.names(), "events");
                })
                .add("events are in the order of time", s -> {
                    Seen seen = record(s, client -> s.job(client).run());
                    for (int i = 1; i < seen.events().size(); i++)
                        that(
                                !seen.events()
                                        .get(i)
                                        .getStartTime()
                                        .isBefore(seen.events().get(i - 1).getStartTime()),
                                "event " + i + " is before the one before it");
                })
                .add("events name the device and the client", s -> {
                    Seen seen = record(s, client -> s.job(client).run());
                    for (RecordedEvent e : seen.events()) {
                        same(s.device().name(), e.getString("device"), "device");
                        same("traced", e.getString("clientName"), "client");
                    }
                })
                .add("jobs are numbered", s -> {
                    Seen seen = record(s, client -> {
                        Submission job = s.job(client);
                        for (int i = 0; i < 3; i++) job.run();
                    });
                    same(
                            List.of(1L, 2L, 3L),
                            seen.of("Run").map(e -> e.getLong("sequence")).toList(),
                            "numbers");
                })
                .add("a good end has no failure", s -> {
                    Seen seen = record(s, client -> s.job(client).run());
                    same(
                            List.of(""),
                            seen.of("Done").map(e -> e.getString("failure")).toList(),
                            "failures");
                })
                .add("what a job waits for is named", s -> {
                    Seen seen = record(s, client -> {
                        Timeline gate = new Timeline("the gate");
                        Submission job = s.job(client);
                        job.waitFor(gate, 7).submit();
                        gate.signal(7);
                        Subject.end(job);
                    });
                    same(List.of("Queued", "Dependency", "Unschedulable", "Run", "Done"), seen.names(), "events");
                    RecordedEvent e = seen.of("Dependency").findFirst().orElseThrow();
                    same("the gate", e.getString("timeline"), "timeline");
                    same(7L, e.getLong("point"), "point");
                })
                .add("a point that has come does not keep a job", s -> {
                    Seen seen = record(s, client -> {
                        Timeline gate = new Timeline("gate");
                        gate.signal(1);
                        s.job(client).waitFor(gate, 1).run();
                    });
                    same(List.of("Queued", "Dependency", "Run", "Done"), seen.names(), "events");
                })
                .add("a failed dependency is seen", s -> {
                    Seen seen = record(s, client -> {
                        Timeline gate = new Timeline("gate");
                        Submission job = s.job(client);
                        job.waitFor(gate, 1).submit();
                        gate.fail(1, new IllegalStateException("on purpose"));
                        Subject.fails(job, Kind.DEPENDENCY);
                    });
                    same(List.of("Queued", "Dependency", "Unschedulable", "Done"), seen.names(), "events");
                    same(
                            List.of("DEPENDENCY"),
                            seen.of("Done").map(e -> e.getString("failure")).toList(),
                            "failure");
                })
                .add("a cancelled job is seen", s -> {
                    Seen seen = record(s, client -> {
                        Submission job = s.job(client);
                        job.waitFor(new Timeline("never"), 1).submit();
                        job.cancel();
                        Subject.fails(job, Kind.CANCELLED);
                    });
                    same(
                            List.of("CANCELLED"),
                            seen.of("Done").map(e -> e.getString("failure")).toList(),
                            "failure");
                })
                .add("a refused job is not seen", s -> {
                    Seen seen = record(s, client -> {
                        Submission job = s.job(client);
                        job.unbind();
                        Chapter.throwing(Kind.BUFFER, job::submit);
                    });
                    same(List.of(), seen.names(), "events");
                })
                .cases();
    }

    private record Seen(List<RecordedEvent> events) {
        List<String> names() {
            return events.stream().map(Seen::name).toList();
        }

        Stream<RecordedEvent> of(String name) {
            return events.stream().filter(e -> name(e).equals(name));
        }

        private static String name(RecordedEvent e) {
            return e.getEventType().getName().replace("meseta.Job", "");
        }
    }

    private interface Work {
        void run(Client client) throws Exception;
    }

    private static Seen record(Subject s, Work work) throws Exception {
        Client client = s.scheduler().client("traced");
        Path file = Files.createTempFile("meseta", ".jfr");
        try (Recording recording = new Recording()) {
            recording.start();
            work.run(client);
            // Who waits for a job is told after its end is traced.
            recording.stop();
            recording.dump(file);
            return new Seen(of(client, file));
        } finally {
            Files.delete(file);
        }
    }

    private static List<RecordedEvent> of(Client client, Path file) throws IOException {
        return RecordingFile.readAllEvents(file).stream()
                .filter(e -> e.getEventType().getName().startsWith("meseta.Job"))
                .filter(e -> e.getLong("client") == client.number())
                .sorted((a, b) -> a.getStartTime().compareTo(b.getStartTime()))
                .toList();
    }
}
