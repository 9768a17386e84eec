package dev.meseta.drivers.ethosu.model;

import dev.meseta.drivers.ethosu.commands.Command;
import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Registers;
import dev.meseta.graph.InvalidInputException;

/**
 * What registers say of an operation beside what it touches.
 *
 * @param number the second operand where it is one, less its zero point
 * @param reversed whether the operands of a difference or shift are exchanged
 * @param globalScale whether the result has one scale
 * @param rounding 0 twice as TFLite, 1 truncates, 2 once
 * @param operandToScale 0 none or both, 1 the first, 2 the second
 * @param activation 0 none, 3 tanh, 4 logistic, 16 and more a table
 * @param accumulator how wide sums are: 0 32 bits, 1 40 bits, 2 16 bits of a float
 * @param cores that share the channels of the results
 * @param height rows of a block of results, which the device computes at a time
 * @param depth channels of a block of results
 */
record Settings(
        Block block,
        int number,
        boolean reversed,
        boolean globalScale,
        int rounding,
        int operandToScale,
        int activation,
        int minimum,
        int maximum,
        int accumulator,
        int cores,
        int height,
        int width,
        int depth,
        Scale result,
        Scale first,
        Scale second) {
    private static final int REVERSED = 1 << 6;

    /** A factor and a shift to the right. */
    record Scale(long factor, int shift) {
        private static final Scale NONE = new Scale(0, 0);

        private static Scale of(Registers r, String register) {
            Command c = r.get(register);
            return new Scale(c.payload(), c.parameter() & 0x3f);
        }
    }

    /** Throws {@link InvalidInputException} for what makes no sense. */
    static Settings of(Block b) {
        Registers r = b.registers();
        Kind kind = b.kind();
        int precision = r.unsigned("OFM_PRECISION");
        boolean global = (precision & 1 << 8) != 0;
        boolean sums = kind == Kind.ADD || kind == Kind.SUB;
        boolean isNumber = !kind.isUnary() && b.second() == null;
        boolean signed = b.result().signed();
        return new Settings(
                b,
                isNumber ? r.signed("IFM2_SCALAR") - r.signed("IFM2_ZERO_POINT") : 0,
                !kind.isUnary() && (r.unsigned("IFM2_BROADCAST") & REVERSED) != 0,
                global,
                precision >> 14 & 3,
                r.unsigned("IFM_PRECISION") >> 8 & 3,
                r.unsigned("ACTIVATION"),
                signed ? r.signed("ACTIVATION_MIN") : r.unsigned("ACTIVATION_MIN"),
                signed ? r.signed("ACTIVATION_MAX") : r.unsigned("ACTIVATION_MAX"),
                r.unsigned("ACC_FORMAT") & 3,
                r.unsigned("PARALLEL_MODE") == 0 ? 1 : 2,
                r.unsigned("OFM_BLK_HEIGHT_M1") + 1,
                r.unsigned("OFM_BLK_WIDTH_M1") + 1,
                r.unsigned("OFM_BLK_DEPTH_M1") + 1,
                global || kind.isElementwise() ? Scale.of(r, "OFM_SCALE") : Scale.NONE,
                sums ? Scale.of(r, "OPA_SCALE") : Scale.NONE,
                sums ? Scale.of(r, "OPB_SCALE") : Scale.NONE);
    }
}
