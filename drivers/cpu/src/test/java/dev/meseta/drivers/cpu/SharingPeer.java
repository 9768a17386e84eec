package dev.meseta.drivers.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.meseta.driver.Access;
import dev.meseta.driver.Buffer;
import dev.meseta.linux.UnixSocket;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** The other process of {@link SharingTest}: adds 1000 to each element of the tensor that it is sent. */
final class SharingPeer {
    private SharingPeer() {}

    public static void main(String[] args) {
        try (UnixSocket socket = UnixSocket.connect(Path.of(args[0]))) {
            UnixSocket.Message message = socket.receive(1);
            int descriptor = message.descriptors().getFirst().number();
            try (Buffer buffer =
                    Buffer.importMemory(new CpuDevice(), descriptor, 4 * SharingTest.ELEMENTS, Access.READ_WRITE)) {
                MemorySegment memory = buffer.begin(Access.READ_WRITE);
                for (int i = 0; i < SharingTest.ELEMENTS; i++)
                    memory.setAtIndex(JAVA_FLOAT, i, memory.getAtIndex(JAVA_FLOAT, i) + 1000);
                buffer.end();
            }
            socket.send(new byte[] {SharingTest.DONE});
        }
    }
}
