package dev.meseta.drivers.ethosu.compiler;

import java.util.List;

/** Copies bytes. */
record Copy(Buffer from, long fromByte, Buffer to, long toByte, long bytes) implements Step {
    @Override
    public List<Buffer> touched() {
        return List.of(from, to);
    }
}
