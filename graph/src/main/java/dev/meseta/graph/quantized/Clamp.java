package dev.meseta.graph.quantized;

/**
 * How a scaled number becomes an integer of the result: the zero point is added, and what leaves the range is the nearest that does not.
 *
 * @param zero the zero point
 * @param min the least integer
 * @param max the greatest integer
 */
public record Clamp(long zero, long min, long max) {}
