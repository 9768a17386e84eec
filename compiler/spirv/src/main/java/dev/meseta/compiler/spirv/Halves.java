package dev.meseta.compiler.spirv;

import dev.meseta.graph.DType;

/** F16 to F32 and back by the device's registers of 16 bits. What lies below the normal numbers goes by integers where it would not be kept. */
final class Halves {
    private static final double LEAST_NORMAL = 0x1p-14;
    private static final double LEAST = 0x1p-24;
    private static final int LEAST_NORMAL_CODE = 0x400;

    private final LaneBuilder b;
    private final boolean denormals;

    Halves(LaneBuilder b, FloatControls controls) {
        this.b = b;
        this.denormals = controls.denormals16();
    }

    /** The F32 of a code, an U16. */
    Value decode(Value code) {
        Value f = b.cast(Opcode.F_CONVERT, b.bits(code, DType.F16), DType.F32);
        if (denormals) return f;
        Value wide = b.cast(Opcode.U_CONVERT, code, DType.U32);
        Value magnitude = b.and(wide, b.integer(wide, 0x7fff));
        Value steps = b.cast(Opcode.CONVERT_U_TO_F, magnitude, DType.F32);
        Value small = b.copySign(b.op(Opcode.F_MUL, steps, b.real(steps, LEAST)), f);
        Value below = b.compare(Opcode.U_LESS_THAN, magnitude, b.integer(wide, LEAST_NORMAL_CODE));
        return b.select(below, small, f);
    }

    /** The code of an F32, rounded to nearest even; beyond the largest it is an infinity's. */
    Value encode(Value v) {
        Value code = b.bits(b.cast(Opcode.F_CONVERT, v, DType.F16), DType.U16);
        if (denormals) return code;
        Value magnitude = b.abs(v);
        Value below = b.compare(Opcode.F_ORD_LESS_THAN, magnitude, b.real(v, LEAST_NORMAL));
        Value inside = b.select(below, magnitude, b.real(v, 0));
        Value steps = b.whole(LaneBuilder.ROUND_EVEN, b.op(Opcode.F_MUL, inside, b.real(v, 1 / LEAST)));
        Value bits = b.bits(v, DType.U32);
        Value sign = b.op(Opcode.SHIFT_RIGHT_LOGICAL, bits, b.integer(bits, 16));
        Value small = b.or(b.cast(Opcode.CONVERT_F_TO_U, steps, DType.U32), b.and(sign, b.integer(bits, 0x8000)));
        return b.select(below, b.cast(Opcode.U_CONVERT, small, DType.U16), code);
    }
}
