package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Einsum: operands are reduced to the labels that others or the result need, and contracted pairwise from the left. An axis of extent 1
 * whose label is longer elsewhere is dropped: it broadcasts.
 */
final class EinsumOperators {
    private EinsumOperators() {}

    static void register(Registry r) {
        r.expand("Einsum", 12, node -> {
            Equation e = Equation.parse(node, node.attributes().string("equation"));
            return c -> List.of(e.expand(c));
        });
    }

    /** A value whose axes have labels, each once. */
    private record Labelled(Value value, List<Integer> labels) {}

    /**
     * An equation. A term's labels are letters; the ellipsis is {@link #ELLIPSIS}.
     *
     * @param implicit whether the result is all ellipsis axes and then the letters that occur once, in order of the alphabet
     */
    private record Equation(List<List<Integer>> terms, List<Integer> result, boolean implicit) {
        private static final int ELLIPSIS = -1;

        /** Labels of the ellipsis's axes, counted from its last. */
        private static final int FIRST_ELLIPSIS_AXIS = 1 << 16;

        static Equation parse(OperatorNode node, String text) {
            String[] sides = text.replaceAll("\\s", "").split("->", -1);
            if (sides.length > 2) throw node.error("equation '" + text + "' has more than one arrow");
            List<List<Integer>> terms = new ArrayList<>();
            for (String t : sides[0].split(",", -1)) terms.add(labels(node, text, t));
            if (terms.size() != node.inputs().size())
                throw node.error("equation '" + text + "' has " + terms.size() + " terms for "
                        + node.inputs().size() + " inputs");
            if (sides.length == 1) return new Equation(terms, List.of(), true);
            List<Integer> result = labels(node, text, sides[1]);
            for (int l : result) {
                boolean known = l == ELLIPSIS || terms.stream().anyMatch(t -> t.contains(l));
                if (!known || result.indexOf(l) != result.lastIndexOf(l))
                    throw node.error("equation '" + text + "': label '" + Character.toString(l)
                            + "' of the result is unknown or repeated");
            }
            return new Equation(terms, result, false);
        }

        private static List<Integer> labels(OperatorNode node, String text, String term) {
            List<Integer> labels = new ArrayList<>();
            for (int i = 0; i < term.length(); i++) {
                char ch = term.charAt(i);
                if (term.startsWith("...", i) && !labels.contains(ELLIPSIS)) {
                    labels.add(ELLIPSIS);
                    i += 2;
                } else if (Character.isLetter(ch)) {
                    labels.add((int) ch);
                } else {
                    throw node.error("equation '" + text + "' cannot be read at '" + term.substring(i) + "'");
                }
            }
            return labels;
        }

        Value expand(LoweringContext c) {
            GraphBuilder b = c.builder();
            DType original = c.operand(0).dtype();
            List<Labelled> operands = new ArrayList<>();
            int ellipsis = 0;
            for (int i = 0; i < terms.size(); i++) {
                Value v = c.operand(i);
                List<Integer> term = terms.get(i);
                int extra = v.rank()
                        - (int) term.stream().filter(l -> l != ELLIPSIS).count();
                c.require(
                        extra == 0 || extra > 0 && term.contains(ELLIPSIS),
                        "input " + i + " " + v.type() + " does not have as many axes as its term");
                if (term.contains(ELLIPSIS)) ellipsis = Math.max(ellipsis, extra);
                operands.add(new Labelled(b.cast(v, productType(original)), spelled(term, extra)));
            }
            List<Integer> out = implicit ? implied(ellipsis) : spelled(result, ellipsis);
            Map<Integer, Dim> extents = extents(c, operands);
            for (int i = 0; i < operands.size(); i++) operands.set(i, simple(b, operands.get(i), extents));
            Labelled y = operands.getFirst();
            for (int i = 1; i < operands.size(); i++) {
                Set<Integer> later = new LinkedHashSet<>(out);
                for (Labelled o : operands.subList(i + 1, operands.size())) later.addAll(o.labels);
                y = contract(b, y, operands.get(i), later);
            }
            return b.cast(laidOut(b, summed(b, y, Set.copyOf(out)), out, extents), original);
        }

        /** The type of products: as the data's, but no integer below 32 bits. */
        private static DType productType(DType t) {
            if (!t.isInteger() || t.bits() >= 32) return t;
            return t.isSigned() ? DType.I32 : DType.U32;
        }

        private static List<Integer> spelled(List<Integer> term, int ellipsis) {
            List<Integer> labels = new ArrayList<>();
            for (int l : term) {
                if (l != ELLIPSIS) labels.add(l);
                else for (int i = ellipsis - 1; i >= 0; i--) labels.add(FIRST_ELLIPSIS_AXIS + i);
            }
            return labels;
        }

        private List<Integer> implied(int ellipsis) {
            List<Integer> all = terms.stream().flatMap(List::stream).toList();
            List<Integer> labels = new ArrayList<>(spelled(List.of(ELLIPSIS), ellipsis));
            all.stream()
                    .filter(l -> l != ELLIPSIS && all.indexOf(l) == all.lastIndexOf(l))
                    .sorted()
                    .forEach(labels::add);
            return labels;
        }

        private static Map<Integer, Dim> extents(LoweringContext c, List<Labelled> operands) {
            Map<Integer, Dim> extents = new LinkedHashMap<>();
            for (Labelled o : operands) {
                for (int i = 0; i < o.labels.size(); i++) {
                    Dim d = o.value.shape().dim(i);
                    Dim known = extents.get(o.labels.get(i));
                    if (known == null || known.extent() == 1) extents.put(o.labels.get(i), d);
                    else
                        c.require(
                                d.extent() == 1 || d.equals(known),
                                "a label stands for the extents " + known.extent() + " and " + d.extent());
                }
            }
            return extents;
        }

        /** Without broadcast axes and with each label once: repeated ones become the diagonal. */
        private static Labelled simple(GraphBuilder b, Labelled o, Map<Integer, Dim> extents) {
            Value v = o.value;
            List<Integer> labels = new ArrayList<>(o.labels);
            for (int i = labels.size() - 1; i >= 0; i--) {
                boolean broadcast = v.extent(i) == 1
                        && extents.getOrDefault(labels.get(i), Dim.of(1)).extent() != 1;
                if (broadcast) {
                    v = b.reshape(v, v.shape().without(i));
                    labels.remove(i);
                }
            }
            for (int i = 0; i < labels.size(); i++) {
                int j = labels.lastIndexOf(labels.get(i));
                while (j > i) {
                    v = diagonal(b, v, i, j);
                    labels.remove(j);
                    j = labels.lastIndexOf(labels.get(i));
                }
            }
            return new Labelled(v, labels);
        }

        /** Axes i and j as one at i: both last, flat, and every (n + 1)th element. */
        private static Value diagonal(GraphBuilder b, Value x, int i, int j) {
            List<Integer> order = new ArrayList<>();
            for (int a = 0; a < x.rank(); a++) if (a != i && a != j) order.add(a);
            order.add(i);
            order.add(j);
            int last = x.rank() - 2;
            Dim n = x.shape().dim(i);
            Value v = Shorthand.merge(b, b.add(new Op.Transpose(order), x), last, last + 2);
            v = b.slice(v, last, 0, n, n.extent() + 1);
            int[] back = new int[last + 1];
            for (int a = 0; a <= last; a++) back[a] = a < i ? a : a == i ? last : a - 1;
            return b.transpose(v, back);
        }

        private static Labelled summed(GraphBuilder b, Labelled o, Set<Integer> needed) {
            List<Integer> axes = new ArrayList<>();
            List<Integer> labels = new ArrayList<>();
            for (int i = 0; i < o.labels.size(); i++) {
                if (needed.contains(o.labels.get(i))) labels.add(o.labels.get(i));
                else axes.add(i);
            }
            return new Labelled(b.reduce(ReduceKind.SUM, o.value, axes, false), labels);
        }

        private static Labelled contract(GraphBuilder b, Labelled left, Labelled right, Set<Integer> later) {
            Set<Integer> forLeft = new LinkedHashSet<>(later);
            forLeft.addAll(right.labels);
            Set<Integer> forRight = new LinkedHashSet<>(later);
            forRight.addAll(left.labels);
            Labelled l = summed(b, left, forLeft);
            Labelled r = summed(b, right, forRight);
            List<Integer> leftBatch = new ArrayList<>();
            List<Integer> rightBatch = new ArrayList<>();
            List<Integer> leftSum = new ArrayList<>();
            List<Integer> rightSum = new ArrayList<>();
            List<Integer> labels = new ArrayList<>();
            for (int i = 0; i < l.labels.size(); i++) {
                int j = r.labels.indexOf(l.labels.get(i));
                if (j < 0) continue;
                boolean kept = later.contains(l.labels.get(i));
                (kept ? leftBatch : leftSum).add(i);
                (kept ? rightBatch : rightSum).add(j);
                if (kept) labels.add(l.labels.get(i));
            }
            for (int label : l.labels) if (!r.labels.contains(label)) labels.add(label);
            for (int label : r.labels) if (!l.labels.contains(label)) labels.add(label);
            Value y = b.add(
                    new Op.Contraction(leftBatch, rightBatch, leftSum, rightSum, l.value.dtype()), l.value, r.value);
            return new Labelled(y, labels);
        }

        /** The axes in the result's order; labels that only broadcast get their extent. */
        private static Value laidOut(GraphBuilder b, Labelled o, List<Integer> out, Map<Integer, Dim> extents) {
            List<Integer> order = new ArrayList<>();
            List<Dim> narrow = new ArrayList<>();
            List<Dim> full = new ArrayList<>();
            for (int label : out) {
                int at = o.labels.indexOf(label);
                if (at >= 0) order.add(at);
                Dim d = extents.getOrDefault(label, Dim.of(1));
                narrow.add(at >= 0 ? d : Dim.of(1));
                full.add(d);
            }
            Value v = b.add(new Op.Transpose(order), o.value);
            return b.broadcast(b.reshape(v, Shape.of(narrow)), Shape.of(full));
        }
    }
}
