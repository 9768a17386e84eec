package dev.meseta.graph.program;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A file that a program was read from.
 *
 * @param path where it was found
 * @param bytes its contents, mapped; constants of the program may be slices of it
 */
public record ProgramFile(Path path, MemorySegment bytes) {}
