package dev.meseta.driver;

/**
 * What schedules need to know of a kernel device.
 *
 * @param vectorBytes width of a vector register in bytes
 * @param vectorRegisters number of vector registers
 * @param threads iterations that run at once
 * @param l1Bytes size of the first-level data cache
 * @param l2Bytes size of the second-level cache
 */
public record Target(int vectorBytes, int vectorRegisters, int threads, long l1Bytes, long l2Bytes) {
    /** All of it, to tell targets apart. */
    public String text() {
        return vectorBytes + " " + vectorRegisters + " " + threads + " " + l1Bytes + " " + l2Bytes;
    }
}
