package dev.meseta.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory of this process that is in RAM, as Linux counts it: heap, native memory and the pages of mapped files that were touched. */
final class ProcessMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CLEAR = Path.of("/proc/self/clear_refs");

    private final long before;

    private ProcessMemory(long before) {
        this.before = before;
    }

    /** Begins to watch: the peak is from now on. */
    static ProcessMemory watch() {
        try {
            // The kernel forgets the peak so far.
            Files.writeString(CLEAR, "5");
            return new ProcessMemory(read("VmRSS:"));
        } catch (IOException e) {
            // A kernel without that: only what goes beyond the old peak is seen.
            return new ProcessMemory(read("VmHWM:"));
        }
    }

    /** The peak since the beginning, less what there was then, in bytes; negative where Linux does not tell. */
    long growth() {
        long peak = read("VmHWM:");
        return before < 0 || peak < 0 ? -1 : peak - before;
    }

    /** The most that Java's heap has held since the process began, garbage and all, in bytes. */
    static long heapPeak() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(p -> p.getType() == MemoryType.HEAP)
                .mapToLong(p -> p.getPeakUsage().getUsed())
                .sum();
    }

    private static long read(String key) {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith(key)) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
            }
        } catch (IOException e) {
            // Said by the result.
        }
        return -1;
    }
}
