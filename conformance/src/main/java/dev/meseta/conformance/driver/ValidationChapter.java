package dev.meseta.conformance.driver;

import static dev.meseta.conformance.driver.Chapter.same;
import static dev.meseta.conformance.driver.Chapter.that;
import static dev.meseta.conformance.driver.Chapter.throwing;

import dev.meseta.driver.Access;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.DeviceException.Kind;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.HostAllocations;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.runtime.scheduler.Submission;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;

/** A job whose buffers are not what it declares is refused, says why, and never reaches the device. */
final class ValidationChapter {
    private ValidationChapter() {}

    static List<DriverCase> cases() {
        Chapter c = new Chapter("validation");
        c.add("an input that is not bound", s -> refused(s, "no buffer is bound", (job, x) -> job.unbind()));
        c.add(
                "only some are bound",
                s -> refused(s, "no buffer is bound", (job, x) -> {
                    job.unbind();
                    job.bind(0, s.buffer(bytes(x, 0)));
                }));
        c.add(
                "an input that is too small",
                s -> refused(
                        s,
                        "bytes",
                        (job, x) -> job.bind(0, s.buffer(bytes(x, 0)).part(0, bytes(x, 0) - 1))));
        c.add(
                "an output that is too small",
                s -> refused(s, "bytes", (job, x) -> job.bind(last(x), s.buffer(bytes(x, last(x)) - 1))));
        c.add("an output without a byte", s -> refused(s, "bytes", (job, x) -> job.bind(last(x), s.buffer(0))));
        c.add(
                "an output that is read-only",
                s -> refused(
                        s,
                        "read-only",
                        (job, x) ->
                                job.bind(last(x), s.buffer(bytes(x, last(x))).readOnly())));
        c.add(
                "an output in a part of what is read-only",
                s -> refused(
                        s,
                        "read-only",
                        (job, x) -> job.bind(
                                last(x),
                                s.buffer(bytes(x, last(x)) + 64).readOnly().part(64, bytes(x, last(x))))));
        c.add(
                "an input that is closed",
                s -> refused(s, "closed", (job, x) -> {
                    Buffer b = Buffer.allocate(s.device(), bytes(x, 0), false);
                    job.bind(0, b);
                    b.close();
                }));
        c.add(
                "a part of what is closed",
                s -> refused(s, "closed", (job, x) -> {
                    Buffer b = Buffer.allocate(s.device(), bytes(x, 0) + 64, false);
                    job.bind(0, b.part(64, bytes(x, 0)));
                    b.close();
                }));
        c.add(
                "an output that is closed",
                s -> refused(s, "closed", (job, x) -> {
                    Buffer b = Buffer.allocate(s.device(), bytes(x, last(x)), false);
                    job.bind(last(x), b);
                    b.close();
                }));
        c.add(
                "a buffer of another device",
                s -> refused(
                        s,
                        "is of other",
                        (job, x) -> job.bind(0, s.keep(Buffer.allocate(new Other(), bytes(x, 0), false)))));
        c.add("an output that is an input", s -> refused(s, "in common", (job, x) -> job.bind(last(x), job.buffer(0))));
        c.add(
                "an output that has a byte of an input",
                s -> refused(s, "in common", (job, x) -> {
                    long n = bytes(x, 0);
                    Buffer all = s.buffer(4 * n);
                    long alignment = x.executable().regions().get(last(x)).alignment();
                    long begin = Math.max(0, (n - 1) / alignment * alignment);
                    job.bind(0, all.part(0, n)).bind(last(x), all.part(begin, bytes(x, last(x))));
                }));
        c.add("inputs may be the same", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            if (x.inputs().size() < 2) throw new Skipped("it has one input");
            job.bind(1, job.buffer(0));
            job.run();
        });
        c.add("an input may be read-only", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            job.bind(0, job.buffer(0).readOnly());
            job.run();
            s.check(job, x);
        });
        c.add("a buffer may be larger", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            job.bind(last(x), s.buffer(bytes(x, last(x)) + 4096));
            job.run();
            s.check(job, x);
        });
        c.add("what is behind the region stays as it is", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            long n = bytes(x, last(x));
            Buffer b = s.buffer(n + 4096);
            b.begin(Access.WRITE).fill((byte) 77);
            b.end();
            job.bind(last(x), b);
            job.run();
            var m = b.begin(Access.READ);
            for (long i = n; i < n + 4096; i++)
                same((byte) 77, m.get(java.lang.foreign.ValueLayout.JAVA_BYTE, i), "byte " + (i - n) + " behind it");
            b.end();
        });
        c.add(
                "no region before the first",
                s -> throwing(
                        IndexOutOfBoundsException.class, () -> s.job(s.client()).bind(-1, s.buffer(4))));
        c.add("no region behind the last", s -> {
            Subject.Sample x = s.simple();
            throwing(IndexOutOfBoundsException.class, () -> s.job(s.client(), x).bind(last(x) + 1, s.buffer(4)));
        });
        c.add("a region that is not aligned", s -> {
            Subject.Sample x = s.simple();
            long alignment = x.executable().regions().get(0).alignment();
            if (alignment == 1) throw new Skipped("its regions may begin anywhere");
            refused(
                    s,
                    "aligned",
                    (job, y) -> job.bind(0, s.buffer(bytes(y, 0) + 1).part(1, bytes(y, 0))));
        });
        c.add("memory that only one thread may touch", s -> {
            if (!s.device().limits().hostMemory()) throw new Skipped("it does not work on memory of the process");
            try (Arena arena = Arena.ofConfined()) {
                Subject.Sample x = s.simple();
                Submission job = s.job(s.client(), x);
                job.bind(0, Buffer.wrap(s.device(), arena.allocate(bytes(x, 0), 64)));
                throwing(Kind.BUFFER, job::submit);
                job.run();
            }
        });
        c.add("a refused job can be put right", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            Buffer good = job.buffer(last(x));
            job.bind(last(x), s.buffer(0));
            throwing(Kind.BUFFER, job::submit);
            job.bind(last(x), good);
            same(1L, job.submit(), "point");
            Subject.end(job);
            s.check(job, x);
        });
        c.add("a refused job holds nothing", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.client().prepare(x.executable());
            Buffer b = Buffer.allocate(s.device(), bytes(x, 0), false);
            job.bind(0, b);
            throwing(Kind.BUFFER, job::submit);
            var m = b.memory();
            b.close();
            throwing(IllegalStateException.class, () -> m.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0));
        });
        c.add("a refusal names the client and the region", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            job.bind(0, s.buffer(0));
            DeviceException e = throwing(Kind.BUFFER, job::run);
            that(e.getMessage().contains("'case'"), e.getMessage());
            that(e.getMessage().contains(x.executable().regions().getFirst().name()), e.getMessage());
        });
        c.add("regions of no bytes and of odd alignments are errors of the driver", s -> {
            throwing(IllegalArgumentException.class, () -> new Region("x", Access.READ, -1, 1));
            throwing(IllegalArgumentException.class, () -> new Region("x", Access.READ, 1, 3));
        });
        return c.cases();
    }

    private interface Mistake {
        void in(Submission job, Subject.Sample sample);
    }

    private static void refused(Subject s, String says, Mistake mistake) {
        Subject.Sample x = s.simple();
        Submission job = s.job(s.client(), x);
        mistake.in(job, x);
        for (int i = 0; i < 2; i++) {
            DeviceException e = i == 0 ? throwing(Kind.BUFFER, job::submit) : throwing(Kind.BUFFER, job::run);
            that(e.getMessage().contains(says), "'" + says + "' is not in: " + e.getMessage());
        }
        same(Submission.State.IDLE, job.state(), "state");
        same(0L, job.completion().value(), "completion");
    }

    private static int last(Subject.Sample x) {
        return x.executable().regions().size() - 1;
    }

    private static long bytes(Subject.Sample x, int region) {
        return x.executable().regions().get(region).bytes();
    }

    /** A device that has memory and nothing else. */
    private static final class Other implements GraphDevice {
        @Override
        public String name() {
            return "other";
        }

        @Override
        public String description() {
            return "memory";
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }

        @Override
        public Allocation allocate(long bytes, boolean shareable) {
            return HostAllocations.allocate(bytes, shareable);
        }

        @Override
        public String refuses(Node node) {
            return "it has memory and nothing else";
        }

        @Override
        public Executable compile(Graph graph) {
            throw DeviceException.unsupported("it has memory and nothing else");
        }

        @Override
        public void run(Job job) {
            throw DeviceException.unsupported("it has memory and nothing else");
        }
    }
}
