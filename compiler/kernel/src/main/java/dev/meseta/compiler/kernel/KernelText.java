package dev.meseta.compiler.kernel;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Prints kernels. The text is complete and deterministic: kernels with equal text compute the same. Numbers are exact (floats in Java's
 * hexadecimal form).
 */
public final class KernelText {
    private final StringBuilder out = new StringBuilder();
    private final boolean named;
    private int depth = 1;

    private KernelText(boolean named) {
        this.named = named;
    }

    /** The kernel as text, for people. */
    public static String of(Kernel kernel) {
        return new KernelText(true).kernel(kernel);
    }

    /** The text without the names that only people need: what identifies a kernel, whichever node of whichever model it was made for. */
    public static String key(Kernel kernel) {
        return new KernelText(false).kernel(kernel);
    }

    /** A hash of {@link #key}, 32 hexadecimal digits. */
    public static String hash(Kernel kernel) {
        return hash(key(kernel));
    }

    /** A hash of a text, 32 hexadecimal digits. */
    public static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** An expression as text. */
    public static String of(Expr e) {
        KernelText text = new KernelText(true);
        text.expression(e);
        return text.out.toString();
    }

    private String kernel(Kernel k) {
        out.append("kernel ").append(named ? k.name() : "_").append('(');
        for (int i = 0; i < k.buffers().size(); i++) {
            Kernel.Buffer b = k.buffers().get(i);
            if (i > 0) out.append(", ");
            out.append(b.access().name().toLowerCase(Locale.ROOT)).append(" #").append(i);
            if (named) out.append(' ').append(b.name());
            out.append(": ").append(b.dtype()).append('[');
            expression(b.elements());
            out.append(']');
        }
        out.append(") extents ").append(k.extents()).append(" grid ");
        expression(k.grid());
        if (k.team() > 1) out.append(" team ").append(k.team());
        out.append(" {\n");
        statement(k.body());
        return out.append("}\n").toString();
    }

    private void line(String text) {
        indent().append(text).append('\n');
    }

    private StringBuilder indent() {
        return out.repeat(' ', 2 * depth);
    }

    private void body(Stmt s) {
        depth++;
        statement(s);
        depth--;
    }

    private void statement(Stmt s) {
        switch (s) {
            case Stmt.Block b -> b.statements().forEach(this::statement);
            case Stmt.For f -> {
                indent().append(f.unroll() ? "unroll " : "for ")
                        .append(f.variable())
                        .append(" = ");
                expression(f.begin());
                out.append(" .. ");
                expression(f.end());
                out.append(" step ").append(f.step()).append(" {\n");
                body(f.body());
                line("}");
            }
            case Stmt.While w -> {
                indent().append("while ");
                expression(w.condition());
                out.append(" {\n");
                body(w.body());
                line("}");
            }
            case Stmt.If i -> {
                indent().append("if ");
                expression(i.condition());
                out.append(" {\n");
                body(i.then());
                if (i.otherwise() != null) {
                    line("} else {");
                    body(i.otherwise());
                }
                line("}");
            }
            case Stmt.Let l -> value("let " + l.name(), l.value());
            case Stmt.Declare d -> value("var " + d.name() + ": " + d.initial().type(), d.initial());
            case Stmt.Assign a -> value(a.name(), a.value());
            case Stmt.Store t -> {
                indent().append("store #").append(t.buffer()).append('[');
                expression(t.index());
                out.append("] = ");
                expression(t.value());
                mask(t.mask());
                out.append('\n');
            }
            case Stmt.Prefetch p -> {
                indent().append("prefetch #").append(p.buffer()).append('[');
                expression(p.index());
                out.append("]\n");
            }
            case Stmt.LocalArray a -> line("array " + a.name() + ": " + a.element() + "[" + a.size() + "]");
            case Stmt.SharedArray a -> line("shared " + a.name() + ": " + a.element() + "[" + a.size() + "]");
            case Stmt.Barrier _ -> line("barrier");
            case Stmt.Share h -> value("share " + h.name(), h.value());
            case Stmt.Total t -> value("total " + t.kind().text() + " " + t.name(), t.value());
            case Stmt.LoadMatrix l -> {
                indent().append("matrix ").append(l.name()).append(": ").append(l.type());
                out.append(l.left() ? " left = #" : " right = #")
                        .append(l.buffer())
                        .append('[');
                expression(l.index());
                out.append("] by ")
                        .append(l.stride())
                        .append(
                                switch (l.order()) {
                                    case ROWS -> "";
                                    case COLUMNS -> " down";
                                    case FOURS -> " by fours";
                                })
                        .append('\n');
            }
            case Stmt.ZeroMatrix z -> line("matrix " + z.name() + ": " + z.type() + " = 0");
            case Stmt.MultiplyMatrices x -> line(x.sum() + " += " + x.left() + " x " + x.right());
            case Stmt.StoreMatrix t -> {
                indent().append(t.array()).append('[');
                expression(t.index());
                out.append("] by ")
                        .append(t.stride())
                        .append(" = ")
                        .append(t.sum())
                        .append('\n');
            }
            case Stmt.StoreLocal t -> {
                indent().append(t.array()).append('[');
                expression(t.index());
                out.append("] = ");
                expression(t.value());
                out.append('\n');
            }
            case Stmt.Check c -> {
                indent().append("check ").append(c.failure()).append(' ');
                expression(c.condition());
                out.append('\n');
            }
        }
    }

    private void value(String what, Expr e) {
        indent().append(what).append(" = ");
        expression(e);
        out.append('\n');
    }

    private void mask(@Nullable Expr mask) {
        if (mask == null) return;
        out.append(" where ");
        expression(mask);
    }

    private void expression(Expr e) {
        switch (e) {
            case Expr.Real r ->
                out.append(Double.toHexString(r.value())).append(':').append(r.type());
            case Expr.Int i -> {
                out.append(i.value());
                if (!i.type().equals(Type.INDEX)) out.append(':').append(i.type());
            }
            case Expr.Var v -> {
                out.append(v.name());
                if (!v.type().equals(Type.INDEX)) out.append(':').append(v.type());
            }
            case Expr.Extent x -> out.append('$').append(x.number());
            case Expr.Load l -> {
                out.append('#').append(l.buffer()).append('[');
                expression(l.index());
                out.append("]:").append(l.type());
                if (l.mask() != null) {
                    out.append('(');
                    mask(l.mask());
                    out.append(')');
                }
            }
            case Expr.LoadLocal l -> {
                out.append(l.array()).append('[');
                expression(l.index());
                out.append("]:").append(l.type());
            }
            case Expr.OfMember o -> {
                out.append(o.name()).append('@');
                expression(o.member());
                out.append(':').append(o.type());
            }
            case Expr.Apply a -> call(a.function().text(), a.operands());
            case Expr.Fma f -> call("fma", List.of(f.a(), f.b(), f.c()));
            case Expr.Dot d -> call(d.saturates() ? "saturating_dot" : "dot", List.of(d.left(), d.right(), d.sum()));
            case Expr.Convert c ->
                call("to_" + c.to() + "_" + c.rounding().name().toLowerCase(Locale.ROOT), List.of(c.operand()));
            case Expr.Bits b -> call("bits_" + b.to(), List.of(b.operand()));
            case Expr.Splat s -> call("splat" + s.lanes(), List.of(s.operand()));
            case Expr.Ramp r -> call("ramp" + r.lanes() + "_" + r.step(), List.of(r.base()));
            case Expr.Combine c -> call("combine_" + c.kind().text(), List.of(c.operand()));
            case Expr.Shuffle s -> {
                call("shuffle", List.of(s.a(), s.b()));
                out.append(s.lanes());
            }
        }
    }

    private void call(String name, List<Expr> operands) {
        out.append(name).append('(');
        for (int i = 0; i < operands.size(); i++) {
            if (i > 0) out.append(", ");
            expression(operands.get(i));
        }
        out.append(')');
    }
}
