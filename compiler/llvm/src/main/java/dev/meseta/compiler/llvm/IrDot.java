package dev.meseta.compiler.llvm;

import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.llvm.IrBuilder.Value;
import dev.meseta.graph.DType;

/**
 * Sums of products of four unsigned with four signed bytes, or of two pairs of 16 bits, exact on every processor: by the instruction for it where there is one (VNNI,
 * I8MM); else on x86 by products of 16-bit halves, the even and the odd bytes by themselves, which cannot overflow as the older
 * instruction for bytes can; else by 32-bit products. Where sums of two products may saturate, by that older instruction.
 */
final class IrDot {
    private final IrBuilder b;
    private final LlvmTarget target;

    IrDot(IrBuilder b, LlvmTarget target) {
        this.b = b;
        this.target = target;
    }

    /** @param left U8, {@code right} I8 of as many lanes, {@code sum} I32 of a fourth of them; or both I16, and half of them */
    Value emit(Value left, Value right, Value sum, boolean saturates) {
        int n = sum.lanes();
        if (left.type().element() == DType.I16) return ofPairs(left, right, sum);
        boolean x86 = target.architecture().equals("x86_64") && (n == 4 || n == 8 || n == 16);
        if (saturates) return x86 ? saturating(left, right, sum) : saturatingWords(left, right, sum);
        if (x86 && hasVnni(n)) return instruction("llvm.x86.avx512.vpdpbusd." + n * 32, left, right, sum);
        if (x86) return halves(left, right, sum);
        if (target.architecture().equals("aarch64") && target.has("i8mm")) {
            if (n == 4) return usdot(left, right, sum);
            if (n * 32 == target.sveBits()) return sveUsdot(left, right, sum);
        }
        return words(left, right, sum);
    }

    private Value ofPairs(Value left, Value right, Value sum) {
        int n = sum.lanes();
        boolean x86 = target.architecture().equals("x86_64") && (n == 4 || n == 8 || n == 16);
        if (x86) return b.op("add", pairs(left, right, sum.type()), sum);
        return words(left, right, sum);
    }

    private boolean hasVnni(int n) {
        boolean wide = target.has("avx512vnni");
        return n == 16 ? wide : wide && target.has("avx512vl") || target.has("avxvnni");
    }

    private String bitcast(Value v, String to) {
        return b.emit("bitcast " + v.typed() + " to " + to);
    }

    private Value instruction(String name, Value left, Value right, Value sum) {
        String type = IrBuilder.ir(sum.type());
        b.declare("declare " + type + " @" + name + "(" + type + ", " + type + ", " + type + ")");
        return b.value(
                sum.type(),
                "call " + type + " @" + name + "(" + sum.typed() + ", " + type + " " + bitcast(left, type) + ", " + type
                        + " " + bitcast(right, type) + ")");
    }

    private Value usdot(Value left, Value right, Value sum) {
        b.declare("declare <4 x i32> @llvm.aarch64.neon.usdot.v4i32.v16i8(<4 x i32>, <16 x i8>, <16 x i8>)");
        return b.value(
                sum.type(),
                "call <4 x i32> @llvm.aarch64.neon.usdot.v4i32.v16i8(" + sum.typed() + ", " + left.typed() + ", "
                        + right.typed() + ")");
    }

    /** A whole register of SVE: the instruction is for vectors of any length, of which these are the ones that fill them here. */
    private Value sveUsdot(Value left, Value right, Value sum) {
        String sums = "<vscale x 4 x i32>";
        String bytes = "<vscale x 16 x i8>";
        b.declare("declare " + sums + " @llvm.aarch64.sve.usdot.nxv4i32(" + sums + ", " + bytes + ", " + bytes + ")");
        String r = b.emit("call " + sums + " @llvm.aarch64.sve.usdot.nxv4i32(" + sums + " " + open(sum, sums, "nxv4i32")
                + ", " + bytes + " " + open(left, bytes, "nxv16i8") + ", " + bytes + " "
                + open(right, bytes, "nxv16i8") + ")");
        String fixed = IrBuilder.ir(sum.type());
        String extract = "@llvm.vector.extract." + IrBuilder.suffix(sum.type()) + ".nxv4i32";
        b.declare("declare " + fixed + " " + extract + "(" + sums + ", i64)");
        return b.value(sum.type(), "call " + fixed + " " + extract + "(" + sums + " " + r + ", i64 0)");
    }

    private String open(Value v, String type, String suffix) {
        String insert = "@llvm.vector.insert." + suffix + "." + IrBuilder.suffix(v.type());
        b.declare("declare " + type + " " + insert + "(" + type + ", " + IrBuilder.ir(v.type()) + ", i64)");
        return b.emit("call " + type + " " + insert + "(" + type + " poison, " + v.typed() + ", i64 0)");
    }

    private Value halves(Value left, Value right, Value sum) {
        int n = sum.lanes();
        Type type = new Type(DType.I16, 2 * n);
        String t = IrBuilder.ir(type);
        Value l = new Value(bitcast(left, t), type);
        Value r = new Value(bitcast(right, t), type);
        Value eight = IrBuilder.integer(type, 8);
        Value evenLeft = b.op("and", l, IrBuilder.integer(type, 255));
        Value oddLeft = b.op("lshr", l, eight);
        Value evenRight = b.op("ashr", b.op("shl", r, eight), eight);
        Value oddRight = b.op("ashr", r, eight);
        Value even = pairs(evenLeft, evenRight, sum.type());
        Value odd = pairs(oddLeft, oddRight, sum.type());
        return b.op("add", b.op("add", even, odd), sum);
    }

    private Value saturating(Value left, Value right, Value sum) {
        int n = sum.lanes();
        String name = switch (n) {
            case 4 -> "llvm.x86.ssse3.pmadd.ub.sw.128";
            case 8 -> "llvm.x86.avx2.pmadd.ub.sw";
            default -> "llvm.x86.avx512.pmaddubs.w.512";
        };
        Type type = new Type(DType.I16, 2 * n);
        String in = IrBuilder.ir(left.type());
        String out = IrBuilder.ir(type);
        b.declare("declare " + out + " @" + name + "(" + in + ", " + in + ")");
        Value two = b.value(type, "call " + out + " @" + name + "(" + left.typed() + ", " + right.typed() + ")");
        return b.op("add", pairs(two, IrBuilder.integer(type, 1), sum.type()), sum);
    }

    private Value saturatingWords(Value left, Value right, Value sum) {
        Type type = sum.type();
        Value zero = IrBuilder.integer(type, 0);
        Value total = sum;
        for (int half = 0; half < 2; half++) {
            Value two = products(left, right, zero, 2 * half, 2 * half + 2);
            for (String f : new String[] {"smin", "smax"}) {
                Value bound = IrBuilder.integer(type, f.equals("smin") ? Short.MAX_VALUE : Short.MIN_VALUE);
                String t = IrBuilder.ir(type);
                String name = "llvm." + f + "." + (type.lanes() == 1 ? "i32" : "v" + type.lanes() + "i32");
                b.declare("declare " + t + " @" + name + "(" + t + ", " + t + ")");
                two = b.value(type, "call " + t + " @" + name + "(" + two.typed() + ", " + bound.typed() + ")");
            }
            total = b.op("add", total, two);
        }
        return total;
    }

    /** The sums of two neighbouring products each. */
    private Value pairs(Value x, Value y, Type to) {
        String name = switch (to.lanes()) {
            case 4 -> "llvm.x86.sse2.pmadd.wd";
            case 8 -> "llvm.x86.avx2.pmadd.wd";
            default -> "llvm.x86.avx512.pmaddw.d.512";
        };
        String in = IrBuilder.ir(x.type());
        String out = IrBuilder.ir(to);
        b.declare("declare " + out + " @" + name + "(" + in + ", " + in + ")");
        return b.value(to, "call " + out + " @" + name + "(" + x.typed() + ", " + y.typed() + ")");
    }

    private Value words(Value left, Value right, Value sum) {
        return products(left, right, sum, 0, left.lanes() / sum.lanes());
    }

    /** A sum and some of the products that belong to each of its lanes. */
    private Value products(Value left, Value right, Value sum, int first, int end) {
        int count = left.lanes() / sum.lanes();
        String extension = left.type().element() == DType.U8 ? "zext " : "sext ";
        Value total = sum;
        for (int j = first; j < end; j++) {
            Value x = every(left, j, count, sum.lanes());
            Value y = every(right, j, count, sum.lanes());
            String wide = IrBuilder.ir(sum.type());
            Value a = b.value(sum.type(), extension + x.typed() + " to " + wide);
            Value c = b.value(sum.type(), "sext " + y.typed() + " to " + wide);
            total = b.op("add", total, b.op("mul", a, c));
        }
        return total;
    }

    /** Every so manieth lane. */
    private Value every(Value v, int first, int step, int count) {
        if (count == 1) return b.lane(v, first);
        StringBuilder mask = new StringBuilder("<");
        for (int i = 0; i < count; i++)
            mask.append(i == 0 ? "" : ", ").append("i32 ").append(step * i + first);
        return b.value(
                v.type().with(count),
                "shufflevector " + v.typed() + ", " + v.typed() + ", <" + count + " x i32> " + mask.append('>'));
    }
}
