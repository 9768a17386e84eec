package dev.meseta.graph.quantized;

import java.util.List;

/**
 * The real numbers that sums are multiplied by, {@code multiplier * 2^(shift - 31)}: one, or one for each output channel.
 *
 * @param multipliers of 31 bits
 * @param shifts as many; negative ones are to the right
 * @param wide whether sums have 64 bits, are multiplied by {@code min((multiplier + 2^15) >> 16, 32767)}, and are rounded once; else they
 *     have 32 bits and are rounded twice, as {@code docs/tflite.md} states
 */
public record Scaling(List<Long> multipliers, List<Long> shifts, boolean wide) {
    public Scaling {
        multipliers = List.copyOf(multipliers);
        shifts = List.copyOf(shifts);
        if (multipliers.isEmpty() || multipliers.size() != shifts.size())
            throw new IllegalArgumentException(multipliers.size() + " multipliers with " + shifts.size() + " shifts");
    }

    public boolean isPerChannel() {
        return multipliers.size() > 1;
    }

    public long multiplier(int channel) {
        return multipliers.get(isPerChannel() ? channel : 0);
    }

    public long shift(int channel) {
        return shifts.get(isPerChannel() ? channel : 0);
    }
}
