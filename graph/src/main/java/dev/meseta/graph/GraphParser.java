package dev.meseta.graph;

import dev.meseta.graph.GraphLexer.Kind;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the text form by recursive descent; the grammar stands at {@link GraphText}. */
final class GraphParser {
    /** Regions and lists inside each other: deeper text is not a graph, and must not overflow the stack. */
    private static final int DEEPEST = 64;

    /** What a splat may make of a few characters. */
    private static final long LARGEST_SPLAT = 1L << 30;

    private final GraphLexer lexer;
    private int depth;
    private int nextId;

    GraphParser(String text) {
        lexer = new GraphLexer(text);
    }

    Graph graph() {
        if (!lexer.is(Kind.NAME, "graph")) throw expected("'graph'");
        lexer.next();
        Graph g = region();
        if (lexer.kind() != Kind.END) throw expected("the end");
        return g;
    }

    private Graph region() {
        deeper();
        Map<String, Value> values = new HashMap<>();
        String name = optionalString();
        List<Value> inputs = new ArrayList<>();
        sign("(");
        while (!lexer.is(Kind.SIGN, ")")) {
            if (!inputs.isEmpty()) sign(",");
            int at = lexer.position();
            String number = word(Kind.VALUE, "an input, such as %0");
            String inputName = optionalString();
            sign(":");
            inputs.add(define(values, at, number, type(), inputName));
        }
        sign(")");
        sign("{");
        List<Node> nodes = new ArrayList<>();
        while (!lexer.is(Kind.NAME, "return")) nodes.add(node(values));
        lexer.next();
        List<Value> outputs = lexer.kind() == Kind.VALUE ? uses(values) : List.of();
        sign("}");
        depth--;
        return new Graph(name, inputs, nodes, outputs);
    }

    private Node node(Map<String, Value> values) {
        List<String> results = new ArrayList<>();
        int start = lexer.position();
        if (lexer.kind() == Kind.VALUE) {
            results.add(word(Kind.VALUE, "a value"));
            while (accept(",")) results.add(word(Kind.VALUE, "a value"));
            sign("=");
        }
        int opAt = lexer.position();
        String mnemonic = word(Kind.NAME, results.isEmpty() ? "an op or 'return'" : "an op");
        String variant = "";
        if (accept(".")) variant = nameOrString("a variant of " + mnemonic);
        List<Value> operands = lexer.kind() == Kind.VALUE ? uses(values) : List.of();
        // Literals are read when the type is known, which stands behind them.
        Map<String, Object> attributes = lexer.is(Kind.SIGN, "{") ? attributes() : Map.of();
        List<Graph> regions = new ArrayList<>();
        while (lexer.is(Kind.SIGN, "(") || lexer.kind() == Kind.STRING) regions.add(region());
        List<TensorType> types = new ArrayList<>();
        if (accept(":")) {
            types.add(type());
            while (accept(",")) types.add(type());
        }
        if (types.size() != results.size())
            throw lexer.error(opAt, results.size() + " results have " + types.size() + " types");
        String origin = "";
        if (lexer.is(Kind.NAME, "loc")) {
            lexer.next();
            origin = word(Kind.STRING, "where the node comes from, as a string");
        }
        Op op;
        try {
            op = OpText.parse(mnemonic, variant, attributes, types, regions);
        } catch (IllegalArgumentException e) {
            throw lexer.error(opAt, String.valueOf(e.getMessage()));
        }
        List<Value> defined = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) defined.add(define(values, start, results.get(i), types.get(i), ""));
        return new Node(op, operands, defined, origin);
    }

    private Value define(Map<String, Value> values, int at, String number, TensorType type, String name) {
        Value v = new Value(nextId++, type, name);
        if (values.putIfAbsent(number, v) != null) throw lexer.error(at, "%" + number + " is defined a second time");
        return v;
    }

    private List<Value> uses(Map<String, Value> values) {
        List<Value> uses = new ArrayList<>();
        do {
            int at = lexer.position();
            String number = word(Kind.VALUE, "a value");
            Value v = values.get(number);
            if (v == null) throw lexer.error(at, "%" + number + " is not defined before it is used");
            uses.add(v);
        } while (accept(","));
        return uses;
    }

    private TensorType type() {
        int at = lexer.position();
        String name = word(Kind.NAME, "a type, such as f32[2,3]");
        DType dtype;
        try {
            dtype = DType.parse(name);
        } catch (IllegalArgumentException e) {
            throw lexer.error(at, "unknown element type '" + name + "'");
        }
        sign("[");
        List<Dim> dims = new ArrayList<>();
        while (!lexer.is(Kind.SIGN, "]")) {
            if (!dims.isEmpty()) sign(",");
            if (lexer.kind() == Kind.NUMBER) {
                dims.add(Dim.of(extent()));
            } else {
                String symbol = nameOrString("an extent");
                sign("=");
                dims.add(Dim.symbolic(symbol, extent()));
            }
        }
        sign("]");
        return new TensorType(dtype, Shape.of(dims));
    }

    private long extent() {
        int at = lexer.position();
        String n = word(Kind.NUMBER, "an extent");
        try {
            long extent = Long.parseLong(n);
            if (extent >= 0) return extent;
        } catch (NumberFormatException e) {
            throw lexer.error(at, n + " is not an extent");
        }
        throw lexer.error(at, n + " is not an extent");
    }

    private Map<String, Object> attributes() {
        Map<String, Object> attributes = new LinkedHashMap<>();
        sign("{");
        while (!lexer.is(Kind.SIGN, "}")) {
            if (!attributes.isEmpty()) sign(",");
            int at = lexer.position();
            String name = nameOrString("an attribute");
            sign("=");
            if (attributes.putIfAbsent(name, attribute()) != null)
                throw lexer.error(at, "attribute " + name + " is given a second time");
        }
        sign("}");
        return attributes;
    }

    private Object attribute() {
        int at = lexer.position();
        switch (lexer.kind()) {
            case STRING -> {
                return word(Kind.STRING, "a string");
            }
            case NUMBER -> {
                return number(at, word(Kind.NUMBER, "a number"));
            }
            case NAME -> {
                String name = word(Kind.NAME, "a value");
                if (name.equals("true") || name.equals("false")) return name.equals("true");
                return literal(at, name);
            }
            default -> {
                deeper();
                sign("[");
                List<Object> list = new ArrayList<>();
                while (!lexer.is(Kind.SIGN, "]")) {
                    if (!list.isEmpty()) sign(",");
                    list.add(attribute());
                }
                sign("]");
                depth--;
                return List.copyOf(list);
            }
        }
    }

    private Object number(int at, String n) {
        try {
            boolean isFloat = n.contains(".") || n.contains("nan") || n.contains("inf");
            // Branches box to types of their own; one conditional expression would widen them to one.
            if (!isFloat && n.endsWith("i")) return Integer.valueOf(n.substring(0, n.length() - 1));
            if (!isFloat) return Long.valueOf(n);
            if (n.endsWith("f") && !n.endsWith("inf")) return (float) real(n.substring(0, n.length() - 1), true);
            return real(n, false);
        } catch (NumberFormatException e) {
            throw lexer.error(at, n + " is not a number");
        }
    }

    private static double real(String n, boolean single) {
        return switch (n) {
            case "nan" -> Double.NaN;
            case "inf" -> Double.POSITIVE_INFINITY;
            case "-inf" -> Double.NEGATIVE_INFINITY;
            default -> single ? Float.parseFloat(n) : Double.parseDouble(n);
        };
    }

    /** A literal waits for its type. */
    private OpText.Literal literal(int at, String form) {
        sign("(");
        List<String> elements = new ArrayList<>();
        switch (form) {
            case "dense", "splat" -> {
                while (!lexer.is(Kind.SIGN, ")")) {
                    if (!elements.isEmpty()) sign(",");
                    elements.add(word(lexer.kind() == Kind.NAME ? Kind.NAME : Kind.NUMBER, "an element"));
                }
            }
            case "base64" -> elements.add(word(Kind.STRING, "the bytes as base64"));
            case "elided" ->
                throw lexer.error(at, "this constant was elided when the graph was printed; print the graph in full");
            default ->
                throw lexer.error(at, "a value is a number, a string, true, false, a list or a literal, not " + form);
        }
        sign(")");
        return type -> {
            try {
                return tensor(form, elements, type);
            } catch (IllegalArgumentException e) {
                throw lexer.error(at, String.valueOf(e.getMessage()));
            }
        };
    }

    private static Tensor tensor(String form, List<String> elements, TensorType type) {
        long n = count(type);
        switch (form) {
            case "base64" -> {
                byte[] bytes = Base64.getDecoder().decode(elements.getFirst());
                if (bytes.length != type.bytes())
                    throw new IllegalArgumentException(
                            type + " takes " + type.bytes() + " bytes, found " + bytes.length);
                Tensor t = Tensor.allocate(type);
                t.data().copyFrom(MemorySegment.ofArray(bytes));
                return t;
            }
            case "splat" -> {
                if (elements.size() != 1) throw new IllegalArgumentException("a splat has one element");
                if (type.bytes() > LARGEST_SPLAT)
                    throw new IllegalArgumentException(type + " is too large for a splat");
                Tensor t = Tensor.allocate(type);
                if (n == 0) return t;
                TensorText.read(t, 0, elements.getFirst());
                MemorySegment first = t.data().asSlice(0, type.dtype().bytes());
                for (long i = 1; i < n; i++)
                    t.data().asSlice(i * first.byteSize(), first.byteSize()).copyFrom(first);
                return t;
            }
            default -> {
                if (elements.size() != n)
                    throw new IllegalArgumentException(type + " has " + n + " elements, found " + elements.size());
                Tensor t = Tensor.allocate(type);
                for (int i = 0; i < n; i++) TensorText.read(t, i, elements.get(i));
                return t;
            }
        }
    }

    private static long count(TensorType type) {
        try {
            type.bytes();
            return type.shape().elements();
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(type + " is beyond 64 bits");
        }
    }

    private String optionalString() {
        return lexer.kind() == Kind.STRING ? word(Kind.STRING, "a name") : "";
    }

    private String nameOrString(String what) {
        return word(lexer.kind() == Kind.STRING ? Kind.STRING : Kind.NAME, what);
    }

    private String word(Kind kind, String what) {
        if (lexer.kind() != kind) throw expected(what);
        String w = lexer.word();
        lexer.next();
        return w;
    }

    private boolean accept(String sign) {
        if (!lexer.is(Kind.SIGN, sign)) return false;
        lexer.next();
        return true;
    }

    private void sign(String sign) {
        if (!accept(sign)) throw expected("'" + sign + "'");
    }

    private void deeper() {
        if (++depth > DEEPEST)
            throw lexer.error(lexer.position(), "more than " + DEEPEST + " levels inside each other");
    }

    private InvalidInputException expected(String what) {
        return lexer.error(lexer.position(), "expected " + what + ", found " + lexer.found());
    }
}
