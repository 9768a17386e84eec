package dev.meseta.drivers.ethosu.compiler;

/**
 * A device to compile for.
 *
 * @param target its name, such as {@code u65-256}
 * @param cores each of which computes every {@code cores}-th channel of results
 * @param fastBytes of the memory of region 2 that a stream may use
 */
public record Machine(String target, int cores, long fastBytes) {
    /** Of i.MX93's on-chip memory, what Linux gives to the device. */
    private static final long FAST_BYTES = 384 << 10;

    public static final Machine U65_256 = new Machine("u65-256", 1, FAST_BYTES);
    public static final Machine U65_512 = new Machine("u65-512", 2, FAST_BYTES);

    /** Products of a core in a cycle. */
    private static final int MACS = 256;

    /** The memory inside: banks of 1 KiB, of which the first two hold results on their way out, and the last two tables. */
    static final int BANKS = 48;

    static final int BANK_BYTES = 1024;
    static final int OUTPUT_BANKS = 2;
    static final int TABLE_BANKS = 2;

    /** What the device's register {@code CONFIG} says. */
    public int configuration() {
        return 1 << 28 | cores * BANKS << 8 | Integer.numberOfTrailingZeros(MACS * cores);
    }
}
