package dev.meseta.drivers.ethosu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.DeviceException;
import dev.meseta.drivers.ethosu.commands.StreamWriter;
import dev.meseta.drivers.ethosu.model.ModelKernel;
import dev.meseta.linux.AccelDevice;
import dev.meseta.linux.Descriptor;
import dev.meseta.linux.DeviceKernel;
import dev.meseta.linux.DeviceRequest;
import dev.meseta.linux.EthosuRequests;
import dev.meseta.linux.HostMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** The board's side and the kernel's, by the bytes between them. */
final class ModelKernelTest {
    private static final int ID = 0x1006_1010;
    private static final int CONFIGURATION = 0x1000_3008;
    private static final long FAST = 384 << 10;

    private static final int ENOENT = 2;
    private static final int EINVAL = 22;
    private static final int ENOTTY = 25;
    private static final int EOVERFLOW = 75;

    private static ModelKernel kernel() {
        return new ModelKernel(ID, CONFIGURATION, FAST);
    }

    private static Board board() {
        return Board.of("board", kernel()).orElseThrow();
    }

    /** Copies 64 bytes from region 0 over the fast memory to region 1. */
    private static StreamWriter copies() {
        return new StreamWriter().copy(0, 16, 2, 1024, 64).copy(2, 1024, 1, 128, 64);
    }

    @Test
    void aBoardSaysWhatItIs() {
        try (Board b = board()) {
            assertEquals("U65-256", b.info().model());
            assertEquals("1.0.6, r0p1", new Board.Info(0x1006_1010, 0, 0).version());
            assertEquals(FAST, b.info().fastBytes());
        }
    }

    @Test
    void aJobRuns() {
        try (Board b = board();
                AccelDevice.Memory constants = b.allocate(80);
                AccelDevice.Memory maps = b.allocate(192)) {
            for (int i = 0; i < 80; i++) constants.segment().set(JAVA_BYTE, i, (byte) (i + 1));
            long stream = b.load(copies().words());
            b.submit(stream, FAST, new AccelDevice.Memory[] {constants, maps, null});
            assertTrue(b.await(maps, () -> false));
            for (int i = 0; i < 64; i++) assertEquals(17 + i, maps.segment().get(JAVA_BYTE, 128 + i));
            assertEquals(0, maps.segment().get(JAVA_BYTE, 127));
            b.unload(stream);
        }
    }

    @Test
    void memoryIsShared() {
        try (Board b = board();
                AccelDevice.Memory memory = b.allocate(100);
                Descriptor d = Descriptor.own(memory.export());
                HostMemory other = HostMemory.open(d.number(), 100, true)) {
            memory.segment().fill((byte) 7);
            assertEquals(7, other.segment().get(JAVA_BYTE, 99));
        }
    }

    @Test
    void moreThanThereIsIsRefused() {
        try (Board b = board()) {
            DeviceException e = assertThrows(DeviceException.class, () -> b.allocate(1L << 62));
            assertEquals(DeviceException.Kind.MEMORY, e.kind(), e.getMessage());
        }
    }

    @Test
    void regionsMustBeLargeEnough() {
        try (Board b = board();
                AccelDevice.Memory small = b.allocate(4096);
                AccelDevice.Memory other = b.allocate(4096)) {
            long far = b.load(new StreamWriter().copy(0, 0, 1, 4090, 64).words());
            DeviceException e = assertThrows(
                    DeviceException.class, () -> b.submit(far, 0, new AccelDevice.Memory[] {small, other}));
            assertEquals(DeviceException.Kind.BUFFER, e.kind());
            assertTrue(e.getMessage().contains("EOVERFLOW") && e.getMessage().contains("region 1"), e.getMessage());
        }
    }

    /** One structure a line: fields, and what the kernel answers. */
    @Test
    void requestsThatMakeNoSenseAreRefused() {
        try (ModelKernel k = kernel();
                Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(64);
            assertEquals(EINVAL, ask(k, arena, EthosuRequests.BO_CREATE, "size", 0));
            assertEquals(EINVAL, ask(k, arena, EthosuRequests.BO_CREATE, "size", 64, "flags", 2));
            assertEquals(EINVAL, ask(k, arena, EthosuRequests.DEV_QUERY, "type", 1));
            assertEquals(0, ask(k, arena, EthosuRequests.DEV_QUERY, "type", 0));
            assertEquals(EINVAL, ask(k, arena, EthosuRequests.DEV_QUERY, "pointer", text.address(), "size", 8));
            assertEquals(ENOENT, ask(k, arena, EthosuRequests.BO_MMAP_OFFSET, "handle", 99));
            assertEquals(EINVAL, ask(k, arena, EthosuRequests.BO_MMAP_OFFSET, "handle", 99, "pad", 1));
            assertEquals(EINVAL, ask(k, arena, EthosuRequests.BO_WAIT, "handle", 99));
            assertEquals(EINVAL, ask(k, arena, DeviceRequest.GEM_CLOSE, "handle", 99));
            assertEquals(EINVAL, ask(k, arena, EthosuRequests.CMDSTREAM_BO_CREATE, "size", 0, "data", text.address()));
            assertEquals(
                    EINVAL,
                    ask(k, arena, EthosuRequests.CMDSTREAM_BO_CREATE, "size", 4, "data", text.address(), "flags", 1));
            assertEquals(EINVAL, ask(k, arena, EthosuRequests.SUBMIT, "pad", 1));
            assertEquals(ENOTTY, k.ioctl(0xc010_6446L, text));
        }
    }

    private static int ask(ModelKernel k, Arena arena, DeviceRequest r, Object... fields) {
        MemorySegment s = arena.allocate(r.layout());
        for (int i = 0; i < fields.length; i += 2) r.set(s, (String) fields[i], ((Number) fields[i + 1]).longValue());
        return k.ioctl(r.number(), s);
    }

    /** Jobs that the kernel refuses before it queues them. */
    @Test
    void jobsThatMakeNoSenseAreRefused() {
        try (ModelKernel k = kernel();
                Board b = Board.of("board", k).orElseThrow();
                AccelDevice.Memory constants = b.allocate(4096);
                AccelDevice.Memory maps = b.allocate(4096);
                Arena arena = Arena.ofConfined()) {
            int stream = (int) b.load(copies().words());
            int c = (int) constants.handle();
            int m = (int) maps.handle();
            assertEquals(0, submit(k, arena, stream, FAST, c, m, 0));
            assertEquals(0, submit(k, arena, stream, 0, c, m, 0), "the fast memory may go without saying");
            assertEquals(0, submit(k, arena, stream, 0, c, m, c), "or be other memory");
            assertEquals(EINVAL, submit(k, arena, stream, FAST, c, m, c), "but not both");
            assertEquals(EINVAL, submit(k, arena, stream, FAST + 1, c, m, 0));
            assertEquals(EINVAL, submit(k, arena, m, 0, c, m, 0), "no stream");
            assertEquals(ENOENT, submit(k, arena, 99, 0, c, m, 0));
            assertEquals(ENOENT, submit(k, arena, stream, 0, c, 0, 0), "a region without memory");
            assertEquals(EINVAL, submit(k, arena, stream, 0, c, m, 0, m), "memory for a region that is not used");
            assertEquals(EINVAL, submit(k, arena, stream, 0, c, stream, 0), "a stream as memory");
            int far = (int) b.load(copies().copy(0, 4090, 1, 0, 16).words());
            assertEquals(EOVERFLOW, submit(k, arena, far, 0, c, m, 0));
            int fast = (int) b.load(copies().copy(2, FAST, 1, 0, 16).words());
            assertEquals(EINVAL, submit(k, arena, fast, 0, c, m, 0), "more fast memory than there is");
        }
    }

    private static int submit(ModelKernel k, Arena arena, int stream, long fast, int... handles) {
        MemorySegment job = arena.allocate(EthosuRequests.JOB);
        job.set(JAVA_INT, 0, stream);
        job.set(JAVA_INT, 4, (int) fast);
        for (int i = 0; i < handles.length; i++) job.set(JAVA_INT, 8 + 4L * i, handles[i]);
        return ask(k, arena, EthosuRequests.SUBMIT, "jobs", job.address(), "job_count", 1);
    }

    /** The kernel wants a second operand's registers where it is a number, and scales for a pool that has none. */
    @Test
    void theKernelWantsRegistersThatTheDeviceDoesNotRead() {
        StreamWriter.Map map = new StreamWriter.Map(1, 0, 2, 2, 4, -1);
        StreamWriter pool = new StreamWriter()
                .first(map)
                .result(map, 0)
                .window(1, 1, 1, 1, 0, 0, 0, 0)
                .set("OP_POOL", 0);
        StreamWriter number = new StreamWriter()
                .first(map)
                .result(map, 0x100)
                .set("IFM2_BROADCAST", 1 << 7)
                .set("IFM2_SCALAR", 1)
                .set("IFM2_ZERO_POINT", 0)
                .set("OFM_SCALE", 1, 0)
                .set("OP_ELEMENTWISE", 3);
        try (Board b = board()) {
            for (StreamWriter s : new StreamWriter[] {pool, number}) {
                DeviceException e = assertThrows(DeviceException.class, () -> b.load(s.words()));
                assertTrue(e.getMessage().contains("is not set"), e.getMessage());
            }
        }
    }

    @Test
    void anotherDriversFileIsNone() {
        DeviceKernel other = new DeviceKernel() {
            @Override
            public int ioctl(long request, MemorySegment structure) {
                return ENOTTY;
            }

            @Override
            public MemorySegment map(long offset, long bytes) {
                throw new IllegalStateException();
            }

            @Override
            public void unmap(MemorySegment memory) {}

            @Override
            public String log() {
                return "";
            }

            @Override
            public void close() {}
        };
        assertFalse(Board.of("other", other).isPresent());
    }
}
