package dev.meseta.driver;

import java.util.Map;

/** Something that computes. Thread-safe. */
public sealed interface Device permits KernelDevice, GraphDevice {
    /** Its name among all devices, such as {@code cpu} or {@code vulkan:0}. */
    String name();

    /** What it is, for people: the processor's name. */
    String description();

    /** Facts for people, such as instruction set, threads and caches, in a fixed order. */
    Map<String, String> properties();
}
