package dev.meseta.driver;

import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Gives memory and counts what comes back. */
final class TestDevice implements GraphDevice {
    final AtomicLong allocated = new AtomicLong();
    final AtomicLong freed = new AtomicLong();
    String accesses = "";
    boolean hostMemory = true;

    @Override
    public String name() {
        return "test";
    }

    @Override
    public String description() {
        return "";
    }

    @Override
    public Map<String, String> properties() {
        return Map.of();
    }

    @Override
    public Limits limits() {
        return new Limits(1, true, hostMemory, 64, Duration.ofSeconds(1), Duration.ofSeconds(1));
    }

    @Override
    public Allocation allocate(long bytes, boolean shareable) {
        if (bytes > 1L << 40) throw new DeviceException(DeviceException.Kind.MEMORY, "no more");
        allocated.incrementAndGet();
        Arena arena = Arena.ofShared();
        MemorySegment memory = arena.allocate(Math.max(1, bytes), 64);
        return new Allocation(memory.asSlice(0, bytes), shareable ? 1_000_000 : -1, 0, () -> {
            freed.incrementAndGet();
            arena.close();
        });
    }

    @Override
    public void beginAccess(Allocation allocation, long offset, long bytes, Access access) {
        accesses += "begin " + offset + "+" + bytes + " " + access + ";";
    }

    @Override
    public void endAccess(Allocation allocation, long offset, long bytes, Access access) {
        accesses += "end " + offset + "+" + bytes + " " + access + ";";
    }

    @Override
    public String refuses(Node node) {
        return "";
    }

    @Override
    public Executable compile(Graph graph) {
        throw new UnsupportedOperationException();
    }
}
