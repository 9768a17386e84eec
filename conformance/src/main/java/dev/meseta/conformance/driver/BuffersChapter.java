package dev.meseta.conformance.driver;

import static dev.meseta.conformance.driver.Chapter.same;
import static dev.meseta.conformance.driver.Chapter.that;
import static dev.meseta.conformance.driver.Chapter.throwing;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.driver.Access;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.Device;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.DeviceException.Kind;
import dev.meseta.driver.Feature;
import dev.meseta.runtime.scheduler.Submission;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Memory: given, seen by the host, shared, and given back. */
final class BuffersChapter {
    private BuffersChapter() {}

    static List<DriverCase> cases() {
        Chapter c = new Chapter("buffers");
        for (long bytes : new long[] {0, 1, 63, 64, 4095, 4096, 1 << 20})
            c.add(bytes + " bytes, zeroed", s -> {
                Buffer b = s.buffer(bytes);
                same(bytes, b.bytes(), "bytes");
                MemorySegment m = b.begin(Access.READ);
                for (long i = 0; i < bytes; i += Math.max(1, bytes / 5000))
                    same((byte) 0, m.get(JAVA_BYTE, i), "byte " + i);
                b.end();
            });
        c.add("begins at the device's alignment", s -> {
            long alignment = s.device().limits().alignment();
            for (int i = 1; i < 20; i++)
                same(0L, s.buffer(i * 7).memory().address() % alignment, "address modulo " + alignment);
        });
        c.add("keeps what the host writes", s -> {
            Buffer b = s.buffer(1000);
            fill(b, 0, 1000, 42);
            same(42, first(b.part(999, 1)), "last byte");
        });
        c.add("keeps what is around a part", s -> {
            Buffer b = s.buffer(300);
            fill(b, 0, 300, 1);
            fill(b.part(100, 100), 0, 100, 2);
            same(1, first(b.part(99, 1)), "byte before the part");
            same(2, first(b.part(100, 1)), "first byte of the part");
            same(2, first(b.part(199, 1)), "last byte of the part");
            same(1, first(b.part(200, 1)), "byte behind the part");
        });
        c.add("a part of a part", s -> {
            Buffer b = s.buffer(300);
            fill(b.part(100, 100).part(50, 10), 0, 10, 5);
            same(5, first(b.part(150, 1)), "byte 150");
            same(150L, b.part(100, 100).part(50, 10).offset(), "offset");
        });
        for (long[] bad : new long[][] {{-1, 4}, {0, 101}, {100, 1}, {50, Long.MAX_VALUE}, {0, -1}})
            c.add("no part " + bad[0] + " + " + bad[1], s -> {
                Buffer b = s.buffer(100);
                throwing(IndexOutOfBoundsException.class, () -> b.part(bad[0], bad[1]));
            });
        c.add("says which parts overlap", s -> {
            Buffer b = s.buffer(100);
            that(b.part(0, 50).overlaps(b.part(49, 10)), "49 is in both");
            that(!b.part(0, 50).overlaps(b.part(50, 10)), "50 is not");
        });
        c.add("an access ends before the next", s -> {
            Buffer b = s.buffer(10);
            b.begin(Access.READ);
            throwing(IllegalStateException.class, () -> b.begin(Access.READ));
            b.end();
            throwing(IllegalStateException.class, b::end);
        });
        c.add("an access to read cannot write", s -> {
            Buffer b = s.buffer(10);
            MemorySegment m = b.begin(Access.READ);
            throwing(RuntimeException.class, () -> m.set(JAVA_BYTE, 0, (byte) 1));
            b.end();
        });
        c.add("read-only refuses writing", s -> {
            Buffer b = s.buffer(10).readOnly();
            that(!b.isWritable(), "isWritable");
            throwing(Kind.BUFFER, () -> b.begin(Access.WRITE));
            b.begin(Access.READ);
            b.end();
        });
        c.add("read and write in one access", s -> {
            Buffer b = s.buffer(10);
            fill(b, 0, 10, 3);
            MemorySegment m = b.begin(Access.READ_WRITE);
            same((byte) 3, m.get(JAVA_BYTE, 9), "byte that was written before");
            m.set(JAVA_BYTE, 9, (byte) 4);
            b.end();
            same(4, first(b.part(9, 1)), "byte that was written now");
        });
        c.add("closing twice does nothing", s -> {
            Buffer b = Buffer.allocate(s.device(), 10, false);
            b.close();
            b.close();
            that(b.isClosed(), "isClosed");
        });
        c.add("closing a part closes nothing", s -> {
            Buffer b = s.buffer(10);
            b.part(0, 5).close();
            that(!b.isClosed(), "isClosed");
            fill(b, 0, 10, 1);
        });
        c.add("a closed buffer refuses the host", s -> {
            Buffer b = Buffer.allocate(s.device(), 10, false);
            Buffer part = b.part(2, 3);
            MemorySegment m = b.memory();
            b.close();
            throwing(Kind.BUFFER, () -> b.begin(Access.READ));
            throwing(Kind.BUFFER, () -> part.begin(Access.READ));
            throwing(Kind.BUFFER, b::export);
            throwing(IllegalStateException.class, () -> m.get(JAVA_BYTE, 0));
        });
        c.add("closing during an access ends with it", s -> {
            Buffer b = Buffer.allocate(s.device(), 10, false);
            MemorySegment m = b.begin(Access.WRITE);
            b.close();
            m.set(JAVA_BYTE, 9, (byte) 1);
            b.end();
            throwing(IllegalStateException.class, () -> m.get(JAVA_BYTE, 0));
        });
        c.add("closing during a job ends with it", s -> {
            Subject.Sample x = s.simple(100_000);
            Submission job = s.job(s.client(), x);
            Buffer[] all = new Buffer[x.executable().regions().size()];
            for (int i = 0; i < all.length; i++)
                all[i] = Buffer.allocate(
                        s.device(), x.executable().regions().get(i).bytes(), false);
            for (int i = 0; i < all.length; i++) job.bind(i, all[i]);
            job.submit();
            for (Buffer b : all) b.close();
            Subject.end(job);
            throwing(Kind.BUFFER, () -> all[0].begin(Access.READ));
        });
        c.add(
                "more than there is",
                s -> throwing(
                        DeviceException.class,
                        () -> Buffer.allocate(s.device(), 1L << 60, false).close()));
        c.add(
                "fewer than none",
                s -> throwing(
                        IllegalArgumentException.class,
                        () -> Buffer.allocate(s.device(), -1, false).close()));
        c.add("many at once", s -> {
            for (int i = 0; i < 500; i++) fill(s.buffer(100 + i), 0, 100, i % 100);
        });
        c.add("memory of the process", s -> {
            try (Arena arena = Arena.ofShared()) {
                MemorySegment m = arena.allocate(64, 64);
                if (!s.device().limits().hostMemory()) {
                    throwing(Kind.UNSUPPORTED, () -> Buffer.wrap(s.device(), m).close());
                    return;
                }
                Buffer b = Buffer.wrap(s.device(), m);
                that(b.isBorrowed() && !b.isConfined(), "borrowed, of any thread");
                fill(b, 0, 64, 7);
                same((byte) 7, m.get(JAVA_BYTE, 63), "byte 63");
                b.close();
                same((byte) 7, m.get(JAVA_BYTE, 0), "byte 0 after closing");
            }
        });
        c.add(
                "no arrays of Java's",
                s -> throwing(
                        Kind.UNSUPPORTED,
                        () -> Buffer.wrap(s.device(), MemorySegment.ofArray(new byte[4]))
                                .close()));
        c.add("memory of the process that is gone", s -> {
            if (!s.device().limits().hostMemory()) throw new Skipped("it does not work on memory of the process");
            Buffer b;
            try (Arena arena = Arena.ofShared()) {
                b = Buffer.wrap(s.device(), arena.allocate(64));
            }
            throwing(Kind.BUFFER, () -> b.begin(Access.READ));
        });
        c.add("one that is not to be shared is not exported", s -> throwing(Kind.UNSUPPORTED, s.buffer(10)::export));
        c.add("is shared by descriptor", s -> {
            Buffer b = shareable(s, 5000);
            fill(b, 0, 5000, 9);
            Buffer again = s.keep(Buffer.importMemory(s.device(), b.export(), 5000, Access.READ_WRITE));
            same(9, first(again.part(4999, 1)), "byte that the exporter wrote");
            fill(again, 0, 10, 8);
            same(8, first(b), "byte that the importer wrote");
        });
        c.add("an import outlives its exporter", s -> {
            Buffer b = shareable(s, 100);
            fill(b, 0, 100, 9);
            Buffer again = s.keep(Buffer.importMemory(s.device(), b.export(), 100, Access.READ));
            b.close();
            same(9, first(again), "first byte");
        });
        c.add("an import to read cannot be written", s -> {
            Buffer b = shareable(s, 100);
            Buffer again = s.keep(Buffer.importMemory(s.device(), b.export(), 100, Access.READ));
            throwing(Kind.BUFFER, () -> again.begin(Access.WRITE));
        });
        c.add("no import of more than there is", s -> {
            Buffer b = shareable(s, 100);
            throwing(
                    Kind.BUFFER,
                    () -> Buffer.importMemory(s.device(), b.export(), 1 << 24, Access.READ)
                            .close());
        });
        c.add(
                "no import of what is no descriptor",
                s -> throwing(
                        DeviceException.class,
                        () -> Buffer.importMemory(s.device(), 1_000_000, 100, Access.READ)
                                .close()));
        c.add("a job works on an import", s -> {
            Subject.Sample x = s.simple();
            long bytes = x.inputs().getFirst().type().bytes();
            Buffer b = shareable(s, bytes);
            Buffer again = s.keep(Buffer.importMemory(s.device(), b.export(), bytes, Access.READ_WRITE));
            Submission job = s.job(s.client(), x);
            Subject.write(b, x.inputs().getFirst());
            job.bind(0, again);
            job.run();
            s.check(job, x);
        });
        return c.cases();
    }

    private static Buffer shareable(Subject s, long bytes) {
        Device d = s.device();
        if (!s.has(Feature.SHARING)) {
            throwing(Kind.UNSUPPORTED, () -> Buffer.allocate(d, bytes, true).close());
            throw new Skipped("its buffers cannot be shared");
        }
        return s.keep(Buffer.allocate(d, bytes, true));
    }

    private static void fill(Buffer b, long from, long bytes, int value) {
        b.begin(Access.WRITE).asSlice(from, bytes).fill((byte) value);
        b.end();
    }

    private static int first(Buffer b) {
        byte v = b.begin(Access.READ).get(JAVA_BYTE, 0);
        b.end();
        return v;
    }
}
