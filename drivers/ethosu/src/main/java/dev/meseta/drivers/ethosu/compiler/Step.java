package dev.meseta.drivers.ethosu.compiler;

import java.util.List;

/** What the device does at once, before it is known where buffers lie. */
sealed interface Step permits Step.Copy, Work {
    /** What it reads and then what it writes. */
    List<Buffer> touched();

    /** Copies bytes. */
    record Copy(Buffer from, long fromByte, Buffer to, long toByte, long bytes) implements Step {
        @Override
        public List<Buffer> touched() {
            return List.of(from, to);
        }
    }
}
