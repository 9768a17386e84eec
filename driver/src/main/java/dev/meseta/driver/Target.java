package dev.meseta.driver;

import dev.meseta.graph.DType;
import java.util.List;

/**
 * What schedules need to know of a kernel device.
 *
 * @param vectorBytes width of a vector register in bytes
 * @param vectorRegisters number of vector registers
 * @param threads iterations that run at once
 * @param l1Bytes size of the first-level data cache
 * @param l2Bytes size of the second-level cache
 * @param byteProducts whether it has an instruction for sums of products of four bytes
 * @param saturates whether the sum of the first two of these products, and that of the others, saturate at 16 bits; wanted by nobody
 *     who has not asked for it
 * @param lockstep whether iterations of a grid run many at a time, instruction by instruction, as on a GPU: then vectors are those of one
 *     iteration, many small iterations are better than few large ones, and an access to memory costs much more than arithmetic
 * @param halved whether products of whole registers take twice as long as those of half ones
 * @param team the most members that run an iteration together; 0 where there are no teams
 * @param sharedBytes the most memory that a team shares
 * @param subgroup members of a team that read each other's registers at no cost to speak of; 0 where they do not. Accesses to shared
 *     memory cost as much as others there, and vectors of one iteration are read fastest
 * @param totals the most members of a team that combine values of theirs at little cost; 0 where they do not
 * @param matrices products of small matrices that there are instructions for
 */
public record Target(
        int vectorBytes,
        int vectorRegisters,
        int threads,
        long l1Bytes,
        long l2Bytes,
        boolean byteProducts,
        boolean saturates,
        boolean lockstep,
        boolean halved,
        int team,
        long sharedBytes,
        int subgroup,
        int totals,
        List<Matrix> matrices) {
    /**
     * A product of small matrices that a team computes by instructions: sum += left x right. With a team of one member, an iteration
     * computes it by itself, on a processor; its right factor is bytes that lie by fours.
     *
     * @param rows of the left factor and the sum
     * @param columns of the right factor and the sum
     * @param depth columns of the left factor, rows of the right
     * @param left F16, I8 or U8
     * @param right likewise
     * @param sum F32 or I32
     * @param members of the team
     */
    public record Matrix(int rows, int columns, int depth, DType left, DType right, DType sum, int members) {}

    public Target {
        matrices = List.copyOf(matrices);
    }

    /** A processor with exact products of bytes. */
    public Target(int vectorBytes, int vectorRegisters, int threads, long l1Bytes, long l2Bytes) {
        this(vectorBytes, vectorRegisters, threads, l1Bytes, l2Bytes, true, false, false, false, 0, 0, 0, 0, List.of());
    }

    /** A device whose iterations run in lockstep, and read 16 bytes at once; parameters as the record's. */
    public static Target lockstep(
            int registers,
            int threads,
            boolean byteProducts,
            int team,
            long sharedBytes,
            int subgroup,
            int totals,
            List<Matrix> matrices) {
        return new Target(
                16,
                registers,
                threads,
                32 << 10,
                512 << 10,
                byteProducts,
                false,
                true,
                false,
                team,
                sharedBytes,
                subgroup,
                totals,
                matrices);
    }

    /** All of it, to tell targets apart. */
    public String text() {
        return vectorBytes + " " + vectorRegisters + " " + threads + " " + l1Bytes + " " + l2Bytes + " " + byteProducts
                + " " + saturates + " " + lockstep + " " + halved + " " + team + " " + sharedBytes + " " + subgroup
                + " " + totals + " " + matrices;
    }
}
