package dev.meseta.tests.oracle;

import static dev.meseta.tests.oracle.Draw.ANY;
import static dev.meseta.tests.oracle.Draw.FLOATS;
import static dev.meseta.tests.oracle.Draw.FLOATS_AND_BF16;
import static dev.meseta.tests.oracle.Draw.INTEGERS;
import static dev.meseta.tests.oracle.Draw.NUMBERS;
import static dev.meseta.tests.oracle.Draw.UNSIGNED;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.List;

/** Operators on one element at a time. */
final class ElementwiseRows {
    private record Unary(String name, List<Integer> versions, double low, double high) {}

    /** Functions of floating-point numbers, with the range of arguments where the answer is no noise. */
    private static final List<Unary> FUNCTIONS = List.of(
            new Unary("Acos", List.of(7, 22), -1, 1),
            new Unary("Acosh", List.of(9, 22), 1, 20),
            new Unary("Asin", List.of(7, 22), -1, 1),
            new Unary("Asinh", List.of(9, 22), -20, 20),
            new Unary("Atan", List.of(7, 22), -20, 20),
            new Unary("Atanh", List.of(9, 22), -0.95, 0.95),
            new Unary("Cos", List.of(7, 22), -20, 20),
            new Unary("Cosh", List.of(9, 22), -8, 8),
            new Unary("Exp", List.of(6, 13), -10, 8),
            new Unary("Log", List.of(6, 13), 0.01, 50),
            new Unary("Reciprocal", List.of(6, 13), 0.1, 50),
            new Unary("Sigmoid", List.of(6, 13), -20, 20),
            new Unary("Sin", List.of(7, 22), -20, 20),
            new Unary("Sinh", List.of(9, 22), -8, 8),
            new Unary("Softplus", List.of(1, 22), -30, 30),
            new Unary("Softsign", List.of(1, 22), -30, 30),
            new Unary("Sqrt", List.of(6, 13), 0, 100),
            new Unary("Tan", List.of(7, 22), -1.4, 1.4),
            new Unary("Tanh", List.of(6, 13), -10, 10),
            new Unary("Erf", List.of(9, 13), -4, 4),
            new Unary("HardSwish", List.of(14, 22), -6, 6),
            new Unary("Mish", List.of(18, 22), -20, 20));

    private ElementwiseRows() {}

    static void addTo(Catalogue c) {
        for (Unary u : FUNCTIONS) {
            c.add(u.name(), u.versions(), d -> {
                DType t = d.pick(FLOATS_AND_BF16);
                return d.node().input(d.tensor(t, d.shape(0, 4), u.low(), u.high()));
            });
        }
        unary(c);
        activations(c);
        binary(c);
        logical(c);
        others(c);
    }

    private static NodeCase one(Draw d, DType[] types) {
        return d.node().input(d.any(d.pick(types), d.shape(0, 4)));
    }

    private static void unary(Catalogue c) {
        DType[] signed = {DType.F32, DType.F64, DType.F16, DType.I8, DType.I16, DType.I32, DType.I64};
        c.add("Abs", List.of(6, 13), d -> one(d, NUMBERS));
        c.add("Neg", List.of(6, 13), d -> one(d, signed));
        c.add("Sign", List.of(9, 13), d -> one(d, NUMBERS));
        c.add("Ceil", List.of(6, 13), d -> one(d, FLOATS_AND_BF16));
        c.add("Floor", List.of(6, 13), d -> one(d, FLOATS_AND_BF16));
        c.add("Round", List.of(11, 22), d -> one(d, FLOATS_AND_BF16));
        c.add("Identity", List.of(1, 13, 14, 16), d -> one(d, ANY));
        c.add("IsNaN", List.of(9, 13, 20), d -> d.node().input(d.extreme(d.pick(FLOATS), d.shape(0, 4))));
        c.add(
                "IsInf",
                List.of(10, 20),
                d -> d.node()
                        .input(d.extreme(d.since(20) ? d.pick(FLOATS) : d.pick(DType.F32, DType.F64), d.shape(0, 4)))
                        .with(d.flag(), "detect_negative", d.flag())
                        .with(d.flag(), "detect_positive", d.flag()));
        c.add(
                "Relu",
                List.of(6, 13, 14),
                d -> one(d, d.since(14) ? new DType[] {DType.F32, DType.F64, DType.F16, DType.I8, DType.I32} : FLOATS));
    }

    private static NodeCase activation(Draw d, Tensor x, String... attributes) {
        NodeCase n = d.node().input(x);
        // Values that every type has: near a threshold, its rounding would decide.
        for (String a : attributes) n.with(d.flag(), a, d.integer(1, 32) / 16.0);
        return n;
    }

    private static void activation(Catalogue c, String name, List<Integer> versions, String... attributes) {
        c.add(name, versions, d -> activation(d, d.tensor(d.pick(FLOATS), d.shape(0, 4)), attributes));
    }

    private static void activations(Catalogue c) {
        activation(c, "Elu", List.of(6, 22), "alpha");
        activation(c, "Selu", List.of(6, 22), "alpha", "gamma");
        activation(c, "LeakyRelu", List.of(6, 16), "alpha");
        activation(c, "HardSigmoid", List.of(6, 22), "alpha", "beta");
        activation(c, "ThresholdedRelu", List.of(10, 22), "alpha");
        activation(c, "Celu", List.of(12), "alpha");
        activation(c, "Swish", List.of(24), "alpha");
        c.add("Shrink", List.of(9), d -> activation(d, d.tensor(d.pick(NUMBERS), d.shape(0, 3)), "bias", "lambd"));
        c.add(
                "Gelu",
                List.of(20),
                d -> d.node()
                        .input(d.tensor(d.pick(FLOATS), d.shape(0, 4)))
                        .with(d.flag(), "approximate", d.pick("none", "tanh")));
        c.add("PRelu", List.of(7, 9, 16), d -> {
            DType t = d.since(9)
                    ? d.pick(DType.F32, DType.F64, DType.F16, DType.I32, DType.I64, DType.U32)
                    : d.pick(FLOATS);
            Shape s = d.shape(0, 4);
            return d.node().input(d.tensor(t, s)).operand(d.tensor(t, d.broadcasting(s)), d.flag());
        });
        c.add("Clip", List.of(6, 11, 12, 13), ElementwiseRows::clip);
    }

    private static NodeCase clip(Draw d) {
        if (!d.since(11)) {
            return d.node()
                    .input(d.any(DType.F32, d.shape(0, 3)))
                    .with(d.flag(), "min", d.real(-2, 0))
                    .with(d.flag(), "max", d.real(0, 2));
        }
        DType t = d.since(12) ? d.pick(NUMBERS) : DType.F32;
        // Whether a bound that is not given leaves infinities as they are, ONNX's text and its function disagree.
        NodeCase n = d.node().input(d.tensor(t, d.shape(0, 3)));
        boolean constant = d.flag();
        // The maximum wins where it is below the minimum.
        if (d.flag()) n.operand(d.tensor(t, Shape.of()), constant);
        else n.none();
        if (d.flag()) n.operand(d.tensor(t, Shape.of()), constant);
        return n;
    }

    /** Two operands of one type that broadcast with each other. */
    private static NodeCase two(Draw d, DType t, boolean extreme) {
        Shape s = d.shape(0, 4);
        Shape a = d.rarely(3) ? d.broadcasting(s) : s;
        Shape b = d.rarely(3) ? s : d.broadcasting(s);
        return d.node()
                .operand(extreme ? d.extreme(t, a) : d.tensor(t, a), d.rarely(4))
                .operand(extreme ? d.extreme(t, b) : d.tensor(t, b), d.rarely(3));
    }

    private static void binary(Catalogue c) {
        c.add("Add", List.of(7, 13, 14), d -> two(d, d.pick(NUMBERS), d.rarely(4)));
        c.add("Sub", List.of(7, 13, 14), d -> two(d, d.pick(NUMBERS), d.rarely(4)));
        c.add("Mul", List.of(7, 13, 14), d -> two(d, d.pick(NUMBERS), d.rarely(4)));
        c.add("Div", List.of(7, 13, 14), d -> {
            DType t = d.pick(NUMBERS);
            Shape s = d.shape(0, 4);
            Tensor by = t.isFloat() ? d.any(t, d.broadcasting(s)) : d.tensor(t, d.broadcasting(s), 1, 9);
            if (t.isSigned() && d.flag()) by = d.tensor(t, d.broadcasting(s), -9, -1);
            return d.node().input(t.isFloat() ? d.any(t, s) : d.tensor(t, s)).operand(by, d.flag());
        });
        c.add("Mod", List.of(10, 13), ElementwiseRows::mod);
        c.add("Pow", List.of(7, 12, 13, 15), ElementwiseRows::pow);
        c.add("BitShift", List.of(11), d -> {
            DType t = d.pick(UNSIGNED);
            Shape s = d.shape(0, 3);
            return d.node()
                    .input(d.extreme(t, s))
                    .input(d.tensor(t, d.broadcasting(s), 0, t.bits() - 1))
                    .with("direction", d.pick("LEFT", "RIGHT"));
        });
        for (String name : List.of("BitwiseAnd", "BitwiseOr", "BitwiseXor"))
            c.add(name, List.of(18), d -> two(d, d.pick(INTEGERS), true));
        c.add("BitwiseNot", List.of(18), d -> d.node().input(d.extreme(d.pick(INTEGERS), d.shape(0, 3))));
        for (String name : List.of("Max", "Min")) {
            c.add(name, List.of(6, 8, 12, 13), d -> many(d, d.since(12) ? d.pick(NUMBERS) : d.pick(FLOATS)));
        }
        c.add("Sum", List.of(6, 8, 13), d -> many(d, d.pick(FLOATS)));
        c.add("Mean", List.of(6, 8, 13), d -> many(d, d.pick(FLOATS)));
    }

    private static NodeCase mod(Draw d) {
        Shape s = d.shape(0, 3);
        DType t = d.pick(NUMBERS);
        Tensor by = t.isFloat() ? d.tensor(t, d.broadcasting(s), 0.5, 5) : d.tensor(t, d.broadcasting(s), 1, 9);
        if (!t.isUnsigned() && d.flag()) by = d.tensor(t, by.shape(), -9, -1);
        return d.node().input(d.tensor(t, s)).input(by).with(t.isFloat() || d.flag(), "fmod", t.isFloat() || d.flag());
    }

    private static NodeCase pow(Draw d) {
        Shape s = d.shape(0, 3);
        DType[] bases = {DType.F32, DType.F64, DType.I32, DType.I64};
        DType t = d.since(12) ? d.pick(bases) : d.pick(DType.F32, DType.F64);
        DType of = d.since(12) ? d.pick(bases) : t;
        boolean whole = !t.isFloat() || d.flag();
        Tensor base =
                t.isFloat() && whole ? d.tensor(t, s) : t.isFloat() ? d.tensor(t, s, 0.1, 4) : d.tensor(t, s, -4, 4);
        Shape es = d.broadcasting(s);
        Tensor exponent = whole ? d.whole(of, es, t.isFloat() && d.flag() ? -3 : 0, 3) : d.tensor(of, es, 0, 3);
        return d.node().input(base).operand(exponent, d.flag());
    }

    private static NodeCase many(Draw d, DType t) {
        Shape s = d.shape(0, 3);
        NodeCase n = d.node().input(d.any(t, s));
        int more = d.integer(0, 3);
        for (int i = 0; i < more; i++) n.operand(d.any(t, d.since(8) ? d.broadcasting(s) : s), d.rarely(4));
        return n;
    }

    private static void logical(Catalogue c) {
        for (String name : List.of("And", "Or", "Xor")) c.add(name, List.of(7), d -> two(d, DType.BOOL, false));
        c.add("Not", List.of(1), d -> d.node().input(d.tensor(DType.BOOL, d.shape(0, 4))));
        c.add("Equal", List.of(7, 11, 13, 19), d -> compared(d, ANY));
        for (String name : List.of("Greater", "Less")) c.add(name, List.of(7, 9, 13), d -> compared(d, NUMBERS));
        for (String name : List.of("GreaterOrEqual", "LessOrEqual"))
            c.add(name, List.of(12, 16), d -> compared(d, NUMBERS));
        c.add("Where", List.of(9, 16), d -> {
            DType t = d.pick(ANY);
            Shape s = d.shape(0, 4);
            if (d.rarely(8)) {
                return d.node()
                        .input(d.tensor(DType.BOOL, s))
                        .input(d.strings(d.broadcasting(s), "a", "bc", ""))
                        .input(d.strings(s, "x", "yz"));
            }
            return d.node()
                    .input(d.tensor(DType.BOOL, d.flag() ? s : d.broadcasting(s)))
                    .operand(d.any(t, d.broadcasting(s)), d.rarely(4))
                    .input(d.any(t, d.flag() ? s : d.broadcasting(s)));
        });
    }

    private static NodeCase compared(Draw d, DType[] types) {
        DType t = d.pick(types);
        Shape s = d.shape(0, 3);
        if (d.rarely(4)) return two(d, t, true);
        return d.node()
                .input(d.whole(t, s, 0, t == DType.BOOL ? 1 : 3))
                .operand(d.whole(t, d.broadcasting(s), 0, t == DType.BOOL ? 1 : 3), d.flag());
    }

    private static void others(Catalogue c) {
        c.add("Cast", List.of(6, 9, 13, 19, 21, 23), ElementwiseRows::cast);
        c.add("CastLike", List.of(15, 19, 21, 23), d -> {
            DType to = d.pick(ANY);
            return d.node().input(d.tensor(d.pick(ANY), d.shape(0, 3))).input(d.tensor(to, d.shape(0, 2)));
        });
        c.add("Dropout", List.of(7, 10, 12, 13, 22), d -> {
            NodeCase n = d.node().input(d.any(d.pick(FLOATS), d.shape(0, 4)));
            if (d.since(12)) {
                if (d.flag()) n.constant(Tensor.scalar(DType.F32, d.real(0, 0.9)));
                else n.none();
                if (d.flag()) n.constant(Tensor.scalar(DType.BOOL, 0));
                return d.flag() ? n.outputs(2) : n;
            }
            // What the mask of an inference is, these versions do not say.
            return n.with("ratio", 0.4);
        });
    }

    private static NodeCase cast(Draw d) {
        DType[] narrow = {
            DType.F8E4M3FN, DType.F8E4M3FNUZ, DType.F8E5M2, DType.F8E5M2FNUZ, DType.BF16, DType.F16, DType.F32
        };
        DType[] four = {DType.I4, DType.U4, DType.I8, DType.U8, DType.F32, DType.I32, DType.F16};
        Shape s = d.shape(0, 3);
        if (d.since(19) && d.rarely(2)) {
            DType from = d.pick(narrow);
            DType to = d.pick(narrow);
            boolean saturates = to.bits() == 8 && from.bits() > 8;
            Tensor x = from.bits() > 8 && d.flag() ? d.tensor(from, s, -600, 600) : d.any(from, s);
            return d.node()
                    .input(x)
                    .with("to", (long) NodeCase.number(to).getNumber())
                    .with(saturates && d.flag(), "saturate", d.flag());
        }
        if (d.since(21) && d.flag()) {
            DType from = d.pick(four);
            return d.node()
                    .input(from.isFloat() ? d.tensor(from, s, 0, 7) : d.tensor(from, s))
                    .with("to", (long) NodeCase.number(d.pick(four)).getNumber());
        }
        DType from = d.pick(ANY);
        DType to = d.since(13) ? d.pick(d.pick(ANY), DType.BF16) : d.pick(ANY);
        // A real number outside of the integers' range has no defined conversion.
        Tensor x = from.isFloat() && !to.isFloat() && to != DType.BOOL
                ? d.tensor(from, s, to.isUnsigned() ? 0 : -100, 100)
                : from.isFloat() || to.isFloat() ? d.any(from, s) : d.extreme(from, s);
        return d.node().input(x).with("to", (long) NodeCase.number(to).getNumber());
    }
}
