package dev.meseta.drivers.ethosu.compiler;

import java.util.List;

/** What the device does at once, before it is known where buffers lie. */
sealed interface Step permits Copy, Work {
    /** What it reads and then what it writes. */
    List<Buffer> touched();
}
