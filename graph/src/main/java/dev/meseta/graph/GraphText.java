package dev.meseta.graph;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The text form of graphs: {@link #print} and {@link #parse} are inverse to each other, but for constants that print elides. White space
 * and comments (from {@code //} to the end of the line) mean nothing. The grammar:
 *
 * <pre>
 * graph    = "graph" region
 * region   = [string] "(" [input {"," input}] ")" "{" {node} "return" [value {"," value}] "}"
 * input    = value [string] ":" type
 * node     = [value {"," value} "="] mnemonic ["." (name | string)] [value {"," value}] ["{" [attribute {"," attribute}] "}"]
 *            {region} [":" type {"," type}] ["loc" string]
 * attribute= name "=" (number | "true" | "false" | string | literal | "[" [attribute values] "]")
 * literal  = "dense" "(" elements ")" | "splat" "(" element ")" | "base64" "(" string ")"
 * type     = name "[" [extent {"," extent}] "]"
 * extent   = number | symbol "=" number, the symbol a name or a string
 * value    = "%" number
 * </pre>
 *
 * A region sees nothing but its own inputs, and numbers its values from 0. Types of results are part of the op: an iota's element type, a
 * reshape's shape and the like stand nowhere else. In attributes {@code 5} is a Long, {@code 5i} an Integer, {@code 0.5} a Double and
 * {@code 0.5f} a Float.
 */
public final class GraphText {
    /** Constants with more elements than this are elided for people. */
    private static final long LARGEST_SHOWN = 16;

    private GraphText() {}

    /** For people: a large constant is {@code elided} with the beginning of the SHA-256 of its bytes. */
    public static String print(Graph graph) {
        return new Printer(LARGEST_SHOWN).graph(graph);
    }

    /** Complete: {@link #parse} makes an equal graph of it. Throws {@link IllegalArgumentException} for a constant of more than 1 GiB. */
    public static String printFull(Graph graph) {
        return new Printer(Long.MAX_VALUE).graph(graph);
    }

    /**
     * The graph that a text says. It is not checked beyond its form: see {@link Verifier}. Throws {@link InvalidInputException} with line
     * and column for text that is not a graph.
     */
    public static Graph parse(String text) {
        return new GraphParser(text).graph();
    }

    /** A type such as {@code f32[batch=1,128]}, as {@link #parse} reads it. */
    public static String print(TensorType type) {
        return type.dtype().text()
                + type.shape().dims().stream().map(GraphText::dim).collect(Collectors.joining(",", "[", "]"));
    }

    private static String dim(Dim d) {
        return d.symbol() == null ? Long.toString(d.extent()) : nameOrString(d.symbol()) + "=" + d.extent();
    }

    private static String nameOrString(String s) {
        return GraphLexer.isName(s) ? s : quoted(s);
    }

    /** With the escapes of Java's strings, all in printable ASCII. */
    static String quoted(String s) {
        StringBuilder b = new StringBuilder("\"");
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            switch (c) {
                case '"' -> b.append("\\\"");
                case '\\' -> b.append("\\\\");
                case '\n' -> b.append("\\n");
                case '\t' -> b.append("\\t");
                case '\r' -> b.append("\\r");
                default -> {
                    if (c >= ' ' && c <= '~') b.append(c);
                    else b.append(String.format("\\u%04x", (int) c));
                }
            }
        }
        return b.append('"').toString();
    }

    private static final class Printer {
        private final long largestShown;
        private final StringBuilder out = new StringBuilder();

        Printer(long largestShown) {
            this.largestShown = largestShown;
        }

        String graph(Graph g) {
            out.append("graph ");
            region(g, 0);
            return out.append('\n').toString();
        }

        private void region(Graph g, int indent) {
            Map<Value, Integer> numbers = new HashMap<>();
            if (!g.name().isEmpty()) out.append(quoted(g.name()));
            out.append('(');
            for (int i = 0; i < g.inputs().size(); i++) {
                Value v = g.inputs().get(i);
                if (i > 0) out.append(", ");
                out.append(define(numbers, v));
                if (!v.name().isEmpty()) out.append(' ').append(quoted(v.name()));
                out.append(": ").append(print(v.type()));
            }
            out.append(") {\n");
            for (Node n : g.nodes()) {
                out.append("  ".repeat(indent + 1));
                node(n, numbers, indent + 1);
                out.append('\n');
            }
            out.append("  ".repeat(indent + 1)).append("return");
            if (!g.outputs().isEmpty()) out.append(' ').append(uses(numbers, g.outputs()));
            out.append('\n').append("  ".repeat(indent)).append('}');
        }

        private void node(Node n, Map<Value, Integer> numbers, int indent) {
            // Operands come first: a node that reads its own result must not look as if it were right.
            String operands = uses(numbers, n.operands());
            String results = n.results().stream().map(v -> define(numbers, v)).collect(Collectors.joining(", "));
            if (!results.isEmpty()) out.append(results).append(" = ");
            out.append(n.op().mnemonic());
            String variant = OpText.variant(n.op());
            if (!variant.isEmpty()) out.append('.').append(nameOrString(variant));
            if (!operands.isEmpty()) out.append(' ').append(operands);
            attributes(OpText.attributes(n.op()));
            for (Graph body : OpText.regions(n.op())) {
                out.append(' ');
                region(body, indent);
            }
            if (!n.results().isEmpty()) {
                out.append(" : ")
                        .append(n.results().stream().map(v -> print(v.type())).collect(Collectors.joining(", ")));
            }
            if (!n.origin().isEmpty()) out.append(" loc ").append(quoted(n.origin()));
        }

        private static String define(Map<Value, Integer> numbers, Value v) {
            numbers.putIfAbsent(v, numbers.size());
            return "%" + numbers.get(v);
        }

        /** A value that nothing has defined yet shows as %? with its id: graphs are printed to find what is wrong with them, too. */
        private static String uses(Map<Value, Integer> numbers, List<Value> values) {
            return values.stream()
                    .map(v -> numbers.containsKey(v) ? "%" + numbers.get(v) : "%?" + v.id())
                    .collect(Collectors.joining(", "));
        }

        private void attributes(Map<String, Object> attributes) {
            if (attributes.isEmpty()) return;
            out.append(attributes.entrySet().stream()
                    .map(e -> nameOrString(e.getKey()) + "=" + attribute(e.getValue()))
                    .collect(Collectors.joining(",", " {", "}")));
        }

        private String attribute(Object o) {
            return switch (o) {
                case Boolean b -> b.toString();
                case Long l -> l.toString();
                case Integer i -> i + "i";
                case Double d -> TensorText.number(d);
                case Float f -> TensorText.number(f) + "f";
                case String s -> quoted(s);
                case List<?> l -> l.stream().map(this::attribute).collect(Collectors.joining(",", "[", "]"));
                case Tensor t -> TensorText.print(t, largestShown);
                default ->
                    throw new IllegalArgumentException("an attribute of " + o.getClass()
                            + " has no text form; use numbers, strings, booleans and lists");
            };
        }
    }
}
