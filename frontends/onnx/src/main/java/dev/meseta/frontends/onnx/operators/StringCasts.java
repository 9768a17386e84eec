package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Lowering;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Cast and CastLike from and to strings. */
final class StringCasts {
    /** Below and from these, numbers are written with an exponent. */
    private static final BigDecimal PLAIN_FROM = new BigDecimal("1e-4");

    private static final BigDecimal PLAIN_TO = new BigDecimal("1e16");

    private StringCasts() {}

    /** Lets the casts that are there take strings and give them. */
    static void extend(Registry r) {
        r.change(Registry.ONNX, "Cast", numeric -> node -> {
            if (isString(node)) {
                Lowering.Host host = data -> List.of(format(new Operands(node, data).get(0)));
                return host;
            }
            DType to = target(node);
            if (!(numeric.define(node) instanceof Lowering.Expand expand)) return numeric.define(node);
            return new Lowering.ByKind(expand, data -> List.of(parse(new Operands(node, data), to)));
        });
        r.change(Registry.ONNX, "CastLike", numeric -> node -> {
            if (!(numeric.define(node) instanceof Lowering.Expand expand)) return numeric.define(node);
            return new Lowering.ByKind(expand, data -> {
                Operands o = new Operands(node, data);
                if (o.get(1) instanceof Data.Strings) return List.of(format(o.get(0)));
                return List.of(parse(o, o.tensor(1).dtype()));
            });
        });
    }

    private static boolean isString(OperatorNode node) {
        if (node.opset() < 6) return node.attributes().string("to", "").equals("STRING");
        return node.attributes().integer("to") == ElementTypes.STRING;
    }

    private static DType target(OperatorNode node) {
        DType t = node.opset() < 6
                ? ElementTypes.named(node.attributes().string("to", ""))
                : ElementTypes.of(node.attributes().integer("to"));
        if (t == null) throw node.error("attribute 'to' names no element type");
        return t;
    }

    /** Numbers as text: the fewest digits that read back as the same number. */
    static Data.Strings format(Data data) {
        if (data instanceof Data.Strings s) return s;
        if (!(data instanceof Tensor t)) {
            throw new InvalidInputException("Cast: cannot write " + data.describe() + " as strings");
        }
        List<String> texts = new ArrayList<>();
        for (long i = 0; i < t.elements(); i++) texts.add(format(t, i));
        return new Data.Strings(t.shape(), texts);
    }

    private static String format(Tensor t, long i) {
        return switch (t.dtype()) {
            case F64 -> format(t.getDouble(i), Double.toString(t.getDouble(i)));
            case F16, BF16, F32 -> format(t.getDouble(i), Float.toString((float) t.getDouble(i)));
            case BOOL -> t.getLong(i) != 0 ? "True" : "False";
            case U64 -> Long.toUnsignedString(t.getLong(i));
            case C64, C128 -> throw new InvalidInputException("Cast: complex numbers have no form as strings");
            default ->
                t.dtype().isFloat()
                        ? format(t.getDouble(i), Float.toString((float) t.getDouble(i)))
                        : Long.toString(t.getLong(i));
        };
    }

    /** Java's shortest digits in the usual layout: plain from 1e-4 to 1e16, an exponent of two digits or more elsewhere. */
    private static String format(double value, String java) {
        if (Double.isNaN(value)) return "NaN";
        if (Double.isInfinite(value)) return value > 0 ? "INF" : "-INF";
        if (value == 0) return 1 / value < 0 ? "-0.0" : "0.0";
        BigDecimal exact = new BigDecimal(java).stripTrailingZeros();
        BigDecimal size = exact.abs();
        if (size.compareTo(PLAIN_FROM) >= 0 && size.compareTo(PLAIN_TO) < 0) {
            String plain = exact.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String digits = exact.unscaledValue().abs().toString();
        int exponent = exact.precision() - exact.scale() - 1;
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        return (value < 0 ? "-" : "") + mantissa + "e" + (exponent < 0 ? "-" : "+")
                + String.format(Locale.ROOT, "%02d", Math.abs(exponent));
    }

    /** Text as numbers, rounded once. Throws {@link InvalidInputException} for text that is no number. */
    static Tensor parse(Operands o, DType to) {
        Data.Strings s = o.strings(0);
        Tensor t = Tensor.allocate(to, s.shape().fixed());
        for (int i = 0; i < s.values().size(); i++) {
            String text = s.values().get(i).strip();
            try {
                if (to == DType.F32) t.setDouble(i, toFloat(text));
                else if (to.isFloat()) t.setDouble(i, toDouble(text));
                else t.setLong(i, toInteger(text, to));
            } catch (NumberFormatException e) {
                throw o.error("element " + i + ", '" + text + "', is no number of type " + to);
            }
        }
        return t;
    }

    private static float toFloat(String text) {
        double special = special(text);
        return Double.isFinite(special) ? Float.parseFloat(text) : (float) special;
    }

    private static double toDouble(String text) {
        double special = special(text);
        return Double.isFinite(special) ? Double.parseDouble(text) : special;
    }

    /** NaN and the infinities; 0 for other text. */
    private static double special(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "nan", "+nan", "-nan" -> Double.NaN;
            case "inf", "+inf", "infinity", "+infinity" -> Double.POSITIVE_INFINITY;
            case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
            default -> 0;
        };
    }

    private static long toInteger(String text, DType to) {
        if (to == DType.BOOL) {
            if (text.equalsIgnoreCase("true")) return 1;
            if (text.equalsIgnoreCase("false")) return 0;
            return new BigDecimal(text).signum() == 0 ? 0 : 1;
        }
        BigDecimal number = new BigDecimal(text);
        // A huge exponent would make a huge integer.
        if (number.precision() - (long) number.scale() > 30) throw new NumberFormatException(text);
        BigInteger whole = number.signum() == 0 ? BigInteger.ZERO : number.toBigInteger();
        if (whole.bitLength() > 64) throw new NumberFormatException(text);
        return whole.longValue();
    }
}
