package dev.meseta.driver;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BufferTest {
    private final TestDevice device = new TestDevice();

    private static DeviceException.Kind kind(org.junit.jupiter.api.function.Executable work) {
        return assertThrows(DeviceException.class, work).kind();
    }

    @Test
    void closingGivesTheMemoryBackAtOnceAndOnce() {
        Buffer b = Buffer.allocate(device, 100, false);
        assertEquals(100, b.bytes());
        assertFalse(b.isClosed());
        b.close();
        b.close();
        assertTrue(b.isClosed());
        assertEquals(1, device.freed.get());
    }

    @Test
    void afterClosingNothingWorksAndNothingCrashes() {
        Buffer b = Buffer.allocate(device, 100, true);
        Buffer part = b.part(0, 50);
        MemorySegment view = b.begin(Access.READ_WRITE);
        b.end();
        b.close();
        assertThrows(IllegalStateException.class, () -> view.set(JAVA_INT, 0, 1));
        assertThrows(IllegalStateException.class, () -> b.memory().get(JAVA_INT, 0));
        assertEquals(DeviceException.Kind.BUFFER, kind(() -> b.begin(Access.READ)));
        assertEquals(DeviceException.Kind.BUFFER, kind(() -> part.begin(Access.READ)));
        assertEquals(DeviceException.Kind.BUFFER, kind(b::export));
        assertFalse(b.hold());
        assertTrue(part.isClosed());
    }

    @Test
    void whoeverHoldsItKeepsTheMemory() {
        Buffer b = Buffer.allocate(device, 100, false);
        assertTrue(b.hold());
        b.close();
        assertEquals(0, device.freed.get());
        assertFalse(b.hold(), "nobody new");
        b.memory().set(JAVA_INT, 0, 1);
        b.release();
        assertEquals(1, device.freed.get());
    }

    @Test
    void anAccessOfTheHostKeepsTheMemoryToo() {
        Buffer b = Buffer.allocate(device, 100, false);
        MemorySegment view = b.begin(Access.WRITE);
        b.close();
        view.set(JAVA_INT, 0, 1);
        b.end();
        assertEquals(1, device.freed.get());
    }

    @Test
    void closingAPartClosesNothing() {
        try (Buffer b = Buffer.allocate(device, 100, false)) {
            b.part(10, 20).close();
            b.readOnly().close();
            assertFalse(b.isClosed());
        }
        assertEquals(1, device.freed.get());
    }

    @Test
    void partsLieWithinTheWhole() {
        try (Buffer b = Buffer.allocate(device, 100, false)) {
            Buffer part = b.part(20, 60).part(20, 20);
            assertEquals(40, part.offset());
            assertEquals(20, part.bytes());
            part.memory().set(JAVA_INT, 0, 7);
            assertEquals(7, b.memory().get(JAVA_INT, 40));
            assertThrows(IndexOutOfBoundsException.class, () -> part.part(0, 21));
            assertThrows(IndexOutOfBoundsException.class, () -> part.part(-1, 1));
            assertThrows(IndexOutOfBoundsException.class, () -> part.part(Long.MAX_VALUE, 1));
            assertThrows(IndexOutOfBoundsException.class, () -> part.part(1, Long.MAX_VALUE));
            assertThrows(IndexOutOfBoundsException.class, () -> part.part(0, -1));
            assertEquals(0, part.part(20, 0).bytes());
        }
    }

    @Test
    void overlaps() {
        try (Buffer b = Buffer.allocate(device, 100, false);
                Buffer other = Buffer.allocate(device, 100, false)) {
            assertTrue(b.overlaps(b));
            assertTrue(b.part(0, 50).overlaps(b.part(49, 10)));
            assertFalse(b.part(0, 50).overlaps(b.part(50, 10)));
            assertFalse(b.overlaps(other));
            Buffer wrapped = Buffer.wrap(device, b.memory().asSlice(90));
            assertTrue(wrapped.overlaps(b));
            assertFalse(wrapped.overlaps(b.part(0, 90)));
        }
    }

    @Test
    void accessesAreToldToTheDriverWithTheirPlace() {
        try (Buffer b = Buffer.allocate(device, 100, false)) {
            Buffer part = b.part(16, 32);
            assertTrue(part.begin(Access.READ).isReadOnly());
            assertThrows(IllegalStateException.class, () -> part.begin(Access.READ));
            part.end();
            assertThrows(IllegalStateException.class, part::end);
            assertEquals("begin 16+32 READ;end 16+32 READ;", device.accesses);
        }
    }

    @Test
    void whatIsReadOnlyIsNotWritten() {
        try (Buffer b = Buffer.allocate(device, 100, false)) {
            Buffer r = b.readOnly();
            assertFalse(r.isWritable());
            assertFalse(r.part(0, 10).isWritable());
            assertEquals(DeviceException.Kind.BUFFER, kind(() -> r.begin(Access.WRITE)));
            assertThrows(IllegalArgumentException.class, () -> r.memory().set(JAVA_INT, 0, 1));
        }
    }

    @Test
    void memoryOfTheProcessCanBeWrapped() {
        try (Arena arena = Arena.ofShared()) {
            Buffer b = Buffer.wrap(device, arena.allocate(64));
            assertEquals(64, b.bytes());
            b.close();
            assertEquals(0, device.freed.get());
            Buffer c = Buffer.wrap(device, arena.allocate(64));
            assertTrue(c.hold());
            c.release();
            arena.close();
            assertFalse(c.hold(), "its owner has freed it");
        } catch (IllegalStateException e) {
            // The arena is closed twice.
        }
        assertEquals(
                DeviceException.Kind.UNSUPPORTED, kind(() -> Buffer.wrap(device, MemorySegment.ofArray(new int[4]))));
        device.hostMemory = false;
        assertEquals(
                DeviceException.Kind.UNSUPPORTED,
                kind(() -> Buffer.wrap(device, Arena.ofAuto().allocate(8))));
    }

    @Test
    void mistakesAreSaid() {
        assertThrows(IllegalArgumentException.class, () -> Buffer.allocate(device, -1, false));
        assertEquals(DeviceException.Kind.MEMORY, kind(() -> Buffer.allocate(device, Long.MAX_VALUE, false)));
        try (Buffer b = Buffer.allocate(device, 8, false)) {
            assertEquals(DeviceException.Kind.UNSUPPORTED, kind(b::export));
        }
        try (Buffer b = Buffer.allocate(device, 8, true)) {
            assertEquals(1_000_000, b.export());
        }
        assertEquals(DeviceException.Kind.UNSUPPORTED, kind(() -> Buffer.importMemory(device, 3, 8, Access.READ)));
        try (Buffer b = Buffer.allocate(device, 0, false)) {
            assertEquals(0, b.bytes());
        }
    }

    @Test
    void whatIsForgottenIsGivenBack() throws Exception {
        for (int i = 0; i < 1000; i++) Buffer.allocate(device, 64, false).part(0, 8);
        for (int i = 0; i < 100 && device.freed.get() < 1000; i++) {
            System.gc();
            Thread.sleep(20);
        }
        assertEquals(1000, device.freed.get());
    }

    @Test
    void aViewKeepsTheMemoryOfAForgottenBuffer() throws Exception {
        MemorySegment view = Buffer.allocate(device, 64, false).part(0, 8).memory();
        for (int i = 0; i < 10; i++) {
            System.gc();
            Thread.sleep(10);
        }
        view.set(JAVA_INT, 0, 1);
        assertEquals(0, device.freed.get());
    }
}
