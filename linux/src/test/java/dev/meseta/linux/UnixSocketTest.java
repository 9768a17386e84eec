package dev.meseta.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTest {
    @TempDir
    Path folder;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void messagesStayApart() {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (UnixSocket a = pair.one();
                UnixSocket b = pair.other()) {
            a.send(bytes("one"));
            a.send(bytes("two"));
            assertArrayEquals(bytes("one"), b.receive(100).bytes());
            assertArrayEquals(bytes("two"), b.receive(100).bytes());
            a.close();
            assertEquals(0, b.receive(100).bytes().length, "the other end is closed");
        }
    }

    @Test
    void memoryGoesOverASocket() {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (UnixSocket a = pair.one();
                UnixSocket b = pair.other();
                HostMemory first = HostMemory.shareable("first", 8);
                HostMemory second = HostMemory.shareable("second", 8)) {
            first.segment().set(JAVA_LONG, 0, 11);
            second.segment().set(JAVA_LONG, 0, 22);
            a.send(bytes("x"), first.descriptor(), second.descriptor());
            UnixSocket.Message m = b.receive(1);
            assertEquals(2, m.descriptors().size());
            for (int i = 0; i < 2; i++) {
                Descriptor d = m.descriptors().get(i);
                try (HostMemory mapped = HostMemory.open(d.number(), 8, true)) {
                    assertEquals(i == 0 ? 11 : 22, mapped.segment().get(JAVA_LONG, 0));
                    mapped.segment().set(JAVA_LONG, 0, 33);
                }
                d.close();
            }
            assertEquals(33, first.segment().get(JAVA_LONG, 0));
        }
    }

    @Test
    void asManyDescriptorsAsTheSystemAllows() {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (UnixSocket a = pair.one();
                UnixSocket b = pair.other();
                HostMemory m = HostMemory.shareable("test", 8)) {
            int[] many = new int[UnixSocket.MOST_DESCRIPTORS];
            java.util.Arrays.fill(many, m.descriptor());
            a.send(bytes("x"), many);
            UnixSocket.Message got = b.receive(10);
            assertEquals(many.length, got.descriptors().size());
            got.descriptors().forEach(Descriptor::close);
            assertThrows(IllegalArgumentException.class, () -> a.send(bytes("x"), new int[many.length + 1]));
        }
    }

    @Test
    void aLongerMessageThanExpectedIsRefused() {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (UnixSocket a = pair.one();
                UnixSocket b = pair.other()) {
            a.send(new byte[100]);
            assertThrows(IllegalStateException.class, () -> b.receive(99));
            a.send(new byte[99]);
            assertEquals(99, b.receive(99).bytes().length);
        }
    }

    @Test
    void aPathConnectsTwo() {
        Path path = folder.resolve("socket");
        try (UnixSocket server = UnixSocket.listen(path)) {
            CompletableFuture<byte[]> answer = CompletableFuture.supplyAsync(() -> {
                try (UnixSocket s = UnixSocket.connect(path)) {
                    s.send(bytes("question"));
                    return s.receive(100).bytes();
                }
            });
            try (UnixSocket s = server.accept()) {
                assertArrayEquals(bytes("question"), s.receive(100).bytes());
                s.send(bytes("answer"));
            }
            assertArrayEquals(bytes("answer"), answer.join());
        }
    }

    @Test
    void mistakesAreSaid() {
        SystemCallException e =
                assertThrows(SystemCallException.class, () -> UnixSocket.connect(folder.resolve("nothing")));
        assertTrue(e.getMessage().contains("nothing") && e.getMessage().contains("ENOENT"), e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> UnixSocket.connect(Path.of("/" + "x".repeat(108))));
        UnixSocket.Pair pair = UnixSocket.pair();
        pair.other().close();
        assertThrows(SystemCallException.class, () -> pair.one().send(bytes("x")));
        pair.one().close();
        assertThrows(IllegalStateException.class, () -> pair.one().send(bytes("x")));
    }
}
