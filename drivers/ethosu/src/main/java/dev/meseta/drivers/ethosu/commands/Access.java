package dev.meseta.drivers.ethosu.commands;

import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Dma;
import dev.meseta.drivers.ethosu.commands.Operation.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.LongSummaryStatistics;

/**
 * Bytes that an operation may touch.
 *
 * @param what names them in messages
 * @param region of the stream, or {@link Operation#INSIDE}
 * @param begin the first byte
 * @param end behind the last one
 * @param written whether they are written; else they are read
 */
public record Access(String what, int region, long begin, long end, boolean written) {
    /** Bytes of tables of an activation function. */
    static final long TABLES = 2048;

    /** All that an operation touches. */
    public static List<Access> of(Operation operation) {
        List<Access> all = new ArrayList<>();
        switch (operation) {
            case Dma d -> {
                all.add(new Access("source", d.fromRegion(), d.from(), d.from() + d.length(), false));
                all.add(new Access("destination", d.toRegion(), d.to(), d.to() + d.length(), true));
            }
            case Block b -> {
                tiles(all, "operand", b.first(), false);
                FeatureMap second = b.second();
                if (second != null) tiles(all, "second operand", second, false);
                tiles(all, "result", b.result(), true);
                for (Range r : b.weights()) range(all, "weights", r);
                for (Range r : b.scales()) range(all, "scales", r);
                int table = (b.registers().unsigned("ACTIVATION") & 0x1f) - 16;
                int bytes = b.result().bytes();
                long length = bytes == 2 ? TABLES : 256L * bytes;
                Range slot = new Range(Operation.INSIDE, Operation.INSIDE_BYTES - TABLES + 256L * table, length);
                if (table >= 0) range(all, "table", slot);
            }
        }
        return all;
    }

    /** Whether they have bytes in common. */
    public boolean meets(Access a) {
        return region == a.region && begin < a.end && a.begin < end;
    }

    private static void range(List<Access> all, String what, Range r) {
        if (r.length() > 0) all.add(new Access(what, r.region(), r.begin(), r.begin() + r.length(), false));
    }

    /** The corners of each tile bound what it touches, since addresses are linear in each coordinate (but for bricks, whose first and last do). */
    private static void tiles(List<Access> all, String what, FeatureMap f, boolean written) {
        int[][] parts = {
            {0, Math.min(f.height(), f.height0()), 0, Math.min(f.width(), f.width0())},
            {0, Math.min(f.height(), f.height1()), f.width0(), f.width()},
            {f.height0(), f.height(), 0, Math.min(f.width(), f.width0())},
            {f.height1(), f.height(), f.width0(), f.width()}
        };
        int last = f.depth() - 1;
        int[] channels = {0, Math.min(15, last), last, last / 16 * 16, Math.max(0, last / 16 * 16 - 1)};
        for (int t = 0; t < parts.length; t++) {
            int[] p = parts[t];
            if (p[0] >= p[1] || p[2] >= p[3]) continue;
            LongSummaryStatistics at = new LongSummaryStatistics();
            for (int y : new int[] {p[0], p[1] - 1})
                for (int x : new int[] {p[2], p[3] - 1}) for (int c : channels) at.accept(f.address(y, x, c));
            all.add(new Access(what + ", tile " + t, f.region(), at.getMin(), at.getMax() + f.bytes(), written));
        }
    }
}
