package dev.meseta.drivers.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.driver.Access;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.linux.Descriptor;
import dev.meseta.linux.UnixSocket;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Jobs on buffers, and buffers of two processes. */
@Timeout(60)
class SharingTest {
    static final long ELEMENTS = 1 << 16;
    static final int DONE = 7;

    private final CpuDevice device = new CpuDevice();

    @Test
    void aJobWorksOnWhatIsBoundToIt() {
        Executable e = device.load(CpuExecutableTest.chain(3));
        assertEquals(
                List.of(12L, 12L, 12L, 12L),
                e.regions().stream().map(r -> r.bytes()).toList());
        try (Buffer all = Buffer.allocate(device, 256, false)) {
            for (int i = 0; i < 3; i++) all.memory().setAtIndex(JAVA_FLOAT, i, i);
            List<Buffer> parts = List.of(all.part(0, 12), all.part(64, 12), all.part(128, 12), all.part(192, 12));
            device.run(new TestJob(e, parts));
            float[] plus3 = {3, 4, 5};
            assertArrayEquals(plus3, parts.get(1).memory().toArray(JAVA_FLOAT));
            assertArrayEquals(new float[] {0, 1, 2}, parts.get(2).memory().toArray(JAVA_FLOAT));
            assertArrayEquals(plus3, parts.get(3).memory().toArray(JAVA_FLOAT));
        }
    }

    @Test
    void twoProcessesWorkOnOneTensorWithoutACopy(@TempDir Path folder) throws Exception {
        Path path = folder.resolve("socket");
        Process other = null;
        try (UnixSocket listening = UnixSocket.listen(path);
                Buffer buffer = Buffer.allocate(device, 4 * ELEMENTS, true)) {
            MemorySegment memory = buffer.begin(Access.WRITE);
            for (int i = 0; i < ELEMENTS; i++) memory.setAtIndex(JAVA_FLOAT, i, i);
            buffer.end();
            other = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            String.join(
                                    ":",
                                    System.getProperty("java.class.path", ""),
                                    System.getProperty("jdk.module.path", ""),
                                    tests()),
                            SharingPeer.class.getName(),
                            path.toString())
                    .redirectError(Files.createFile(folder.resolve("errors")).toFile())
                    .start();
            // Nobody else would end the waiting for a process that did not come.
            Process started = other;
            started.onExit().thenRun(() -> connect(path));
            try (UnixSocket socket = listening.accept()) {
                socket.send(new byte[] {1}, buffer.export());
                byte[] answer = socket.receive(1).bytes();
                assertArrayEquals(new byte[] {DONE}, answer, Files.readString(folder.resolve("errors")));
            }
            memory = buffer.begin(Access.READ);
            for (int i = 0; i < ELEMENTS; i++) assertEquals(i + 1000f, memory.getAtIndex(JAVA_FLOAT, i));
            buffer.end();
        } finally {
            if (other != null) other.destroyForcibly();
        }
    }

    @Test
    void whatCannotBeImportedIsRefused(@TempDir Path folder) throws Exception {
        assertEquals(DeviceException.Kind.BUFFER, kind(() -> Buffer.importMemory(device, 9999, 8, Access.READ)));
        try (Buffer b = Buffer.allocate(device, 4096, true);
                Buffer own = Buffer.allocate(device, 4096, false);
                Descriptor copy = Descriptor.duplicate(b.export())) {
            assertEquals(
                    DeviceException.Kind.BUFFER,
                    kind(() -> Buffer.importMemory(device, copy.number(), 1 << 20, Access.READ)));
            assertEquals(DeviceException.Kind.UNSUPPORTED, kind(own::export));
            try (Buffer again = Buffer.importMemory(device, copy.number(), 4096, Access.READ)) {
                b.memory().set(JAVA_FLOAT, 0, 42);
                assertEquals(42, again.memory().get(JAVA_FLOAT, 0));
                assertEquals(DeviceException.Kind.BUFFER, kind(() -> again.begin(Access.WRITE)));
            }
        }
    }

    private static String tests() {
        return Path.of(SharingTest.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .getPath())
                .resolveSibling("test-classes")
                .toString();
    }

    private static void connect(Path path) {
        try {
            UnixSocket.connect(path).close();
        } catch (RuntimeException e) {
            // It is over.
        }
    }

    private static DeviceException.Kind kind(org.junit.jupiter.api.function.Executable work) {
        return assertThrows(DeviceException.class, work).kind();
    }
}
