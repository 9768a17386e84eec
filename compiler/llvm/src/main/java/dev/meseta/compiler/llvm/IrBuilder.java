package dev.meseta.compiler.llvm;

import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes the instructions of one function of LLVM IR as text. Not thread-safe. */
final class IrBuilder {
    private final StringBuilder allocas = new StringBuilder();
    private final StringBuilder code = new StringBuilder();
    private final Set<String> declarations = new LinkedHashSet<>();
    private int next;

    /**
     * A value of the kernel language in IR.
     *
     * @param text a name or a literal
     * @param constant its value, if it is an integer literal
     */
    record Value(String text, Type type, @Nullable Long constant) {
        Value(String text, Type type) {
            this(text, type, null);
        }

        /** Type and name, as operands are written. */
        String typed() {
            return ir(type) + " " + text;
        }

        DType element() {
            return type.element();
        }

        int lanes() {
            return type.lanes();
        }
    }

    // Types

    static String ir(DType element) {
        return switch (element) {
            case F64 -> "double";
            case F32 -> "float";
            case I64, U64 -> "i64";
            case I32, U32 -> "i32";
            case I16, U16 -> "i16";
            case I8, U8 -> "i8";
            case BOOL -> "i1";
            default -> throw new IllegalArgumentException(element + " is a storage type");
        };
    }

    static String ir(Type type) {
        return vector(ir(type.element()), type.lanes());
    }

    static String vector(String scalar, int lanes) {
        return lanes == 1 ? scalar : "<" + lanes + " x " + scalar + ">";
    }

    /** The name of a type within an intrinsic's name. */
    static String suffix(String scalar, int lanes) {
        String s = switch (scalar) {
            case "float" -> "f32";
            case "double" -> "f64";
            case "half" -> "f16";
            case "ptr" -> "p0";
            default -> scalar;
        };
        return lanes == 1 ? s : "v" + lanes + s;
    }

    static String suffix(Type type) {
        return suffix(ir(type.element()), type.lanes());
    }

    // Literals

    static Value real(Type type, double v) {
        double rounded = type.element() == DType.F32 ? (float) v : v;
        String digits = "0x" + HexFormat.of().withUpperCase().toHexDigits(Double.doubleToRawLongBits(rounded));
        return new Value(spread(ir(type.element()), digits, type.lanes()), type);
    }

    static Value integer(Type type, long v) {
        String digits = type.element() == DType.BOOL ? (v != 0 ? "true" : "false") : Long.toString(v);
        return new Value(spread(ir(type.element()), digits, type.lanes()), type, v);
    }

    /** A literal in every lane. */
    static String spread(String scalar, String literal, int lanes) {
        return lanes == 1 ? literal : "splat (" + scalar + " " + literal + ")";
    }

    // Instructions

    String fresh() {
        return "%t" + next++;
    }

    String label() {
        return "b" + next++;
    }

    /** An instruction with a result, whose name is returned. */
    String emit(String instruction) {
        String name = fresh();
        code.append("  ").append(name).append(" = ").append(instruction).append('\n');
        return name;
    }

    /** An instruction without a result. */
    void run(String instruction) {
        code.append("  ").append(instruction).append('\n');
    }

    /** Begins a block; the one before must have ended with a branch. */
    void block(String label) {
        code.append(label).append(":\n");
    }

    void jump(String label) {
        run("br label %" + label);
    }

    void branch(Value condition, String yes, String no) {
        run("br i1 " + condition.text() + ", label %" + yes + ", label %" + no);
    }

    /** Memory of the function's frame; its address is returned. */
    String alloca(String type, int align) {
        String name = fresh();
        allocas.append("  ")
                .append(name)
                .append(" = alloca ")
                .append(type)
                .append(", align ")
                .append(align)
                .append('\n');
        return name;
    }

    Value value(Type type, String instruction) {
        return new Value(emit(instruction), type);
    }

    /** An instruction on operands of one type, with a result of that type. */
    Value op(String opcode, Value a, Value b) {
        return value(a.type(), opcode + " " + a.typed() + ", " + b.text());
    }

    Value compare(String opcode, Value a, Value b) {
        return value(a.type().with(DType.BOOL), opcode + " " + a.typed() + ", " + b.text());
    }

    Value select(Value condition, Value yes, Value no) {
        return value(yes.type(), "select " + condition.typed() + ", " + yes.typed() + ", " + no.typed());
    }

    Value cast(String opcode, Value v, DType to) {
        Type t = v.type().with(to);
        return value(t, opcode + " " + v.typed() + " to " + ir(t));
    }

    /** Casts where the types in IR differ; signedness alone needs no instruction. */
    Value retype(Value v, DType to) {
        return new Value(v.text(), v.type().with(to), v.constant());
    }

    void declare(String declaration) {
        declarations.add(declaration);
    }

    /** A call of an intrinsic whose operands and result have one type. */
    Value intrinsic(String name, Value... operands) {
        Type t = operands[0].type();
        StringBuilder types = new StringBuilder();
        StringBuilder values = new StringBuilder();
        for (Value v : operands) {
            types.append(types.isEmpty() ? "" : ", ").append(ir(t));
            values.append(values.isEmpty() ? "" : ", ").append(v.typed());
        }
        String full = "@llvm." + name + "." + suffix(t);
        declare("declare " + ir(t) + " " + full + "(" + types + ")");
        return value(t, "call " + ir(t) + " " + full + "(" + values + ")");
    }

    /** fptosi.sat and fptoui.sat: out of range gives the nearest, NaN gives 0. */
    Value saturating(String name, Value v, DType to) {
        Type t = v.type().with(to);
        String full = "@llvm." + name + ".sat." + suffix(t) + "." + suffix(v.type());
        declare("declare " + ir(t) + " " + full + "(" + ir(v.type()) + ")");
        return value(t, "call " + ir(t) + " " + full + "(" + v.typed() + ")");
    }

    Value fma(Value a, Value b, Value c) {
        return intrinsic("fma", a, b, c);
    }

    Value lane(Value v, int lane) {
        if (v.lanes() == 1) return v;
        return value(v.type().with(1), "extractelement " + v.typed() + ", i64 " + lane);
    }

    Value insert(Value vector, Value scalar, int lane) {
        return value(vector.type(), "insertelement " + vector.typed() + ", " + scalar.typed() + ", i64 " + lane);
    }

    Value splat(Value scalar, int lanes) {
        if (lanes == 1) return scalar;
        Type t = scalar.type().with(lanes);
        if (scalar.constant() != null) return integer(t, scalar.constant());
        String first = emit("insertelement " + ir(t) + " poison, " + scalar.typed() + ", i64 0");
        return value(
                t,
                "shufflevector " + ir(t) + " " + first + ", " + ir(t) + " poison, <" + lanes
                        + " x i32> zeroinitializer");
    }

    /** base, base + step, … in I64 or any other integer type. */
    Value ramp(Value base, long step, int lanes) {
        Type t = base.type().with(lanes);
        StringBuilder steps = new StringBuilder("<");
        for (int i = 0; i < lanes; i++)
            steps.append(i == 0 ? "" : ", ")
                    .append(ir(base.element()))
                    .append(' ')
                    .append(i * step);
        return value(t, "add " + splat(base, lanes).typed() + ", " + steps.append('>'));
    }

    /** A function of the C library called for each lane. */
    Value library(String name, Value... operands) {
        Type t = operands[0].type();
        String scalar = ir(t.element());
        String function = "@" + name + (t.element() == DType.F32 ? "f" : "");
        declare("declare " + scalar + " " + function + "(" + scalar + (operands.length == 2 ? ", " + scalar : "")
                + ") nounwind willreturn memory(none)");
        Value result = new Value("poison", t);
        for (int i = 0; i < t.lanes(); i++) {
            StringBuilder arguments = new StringBuilder(lane(operands[0], i).typed());
            if (operands.length == 2)
                arguments.append(", ").append(lane(operands[1], i).typed());
            Value r = value(t.with(1), "call " + scalar + " " + function + "(" + arguments + ")");
            result = t.lanes() == 1 ? r : insert(result, r, i);
        }
        return result;
    }

    /** Whether any lane of a BOOL is set. */
    Value any(Value v) {
        if (v.lanes() == 1) return v;
        String full = "@llvm.vector.reduce.or." + suffix(v.type());
        declare("declare i1 " + full + "(" + ir(v.type()) + ")");
        return value(v.type().with(1), "call i1 " + full + "(" + v.typed() + ")");
    }

    String allocas() {
        return allocas.toString();
    }

    String code() {
        return code.toString();
    }

    Set<String> declarations() {
        return declarations;
    }
}
