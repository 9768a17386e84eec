package dev.meseta.frontends.onnx.operators;

import static dev.meseta.frontends.onnx.operators.SequenceOperators.one;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.program.OperatorDefinition;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IllformedLocaleException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Operators on text, and what makes operators that move or compare elements work on text too. */
final class StringOperators {
    /** Operators of the default domain that move elements of any kind. */
    private static final List<String> MOVE = List.of(
            "CenterCropPad",
            "Concat",
            "DepthToSpace",
            "Expand",
            "Flatten",
            "Gather",
            "GatherElements",
            "GatherND",
            "OneHot",
            "Pad",
            "Reshape",
            "ReverseSequence",
            "Scatter",
            "ScatterElements",
            "ScatterND",
            "Slice",
            "SpaceToDepth",
            "Split",
            "Squeeze",
            "TensorScatter",
            "Tile",
            "Transpose",
            "Trilu",
            "Unsqueeze",
            "Where");

    /** Operators whose results are numbers whatever the operands are. */
    private static final List<String> MEASURE = List.of("Equal", "Shape", "Size");

    /** Looks at a text that one match may take; more is a pattern that does not end in any sensible time. */
    private static final long LONGEST_MATCH = 20_000_000;

    private StringOperators() {}

    static void register(Registry r) {
        r.host("StringNormalizer", 10, one(StringOperators::normalize));
        r.host("StringConcat", 20, one(StringOperators::concat));
        r.host("StringSplit", 20, node -> {
            Lowering.Host host = data -> split(new Operands(node, data));
            return host;
        });
        r.host("RegexFullMatch", 20, node -> {
            Pattern pattern = pattern(node);
            Lowering.Host host = data -> List.of(match(new Operands(node, data), pattern));
            return host;
        });
    }

    /** Called when all operators are there: lets those that know nothing of strings have them. */
    static void extend(Registry r) {
        for (String name : MOVE) r.change(Registry.ONNX, name, d -> onStrings(d, true));
        for (String name : MEASURE) r.change(Registry.ONNX, name, d -> onStrings(d, false));
        StringCasts.extend(r);
    }

    /** A definition that does to strings what it does to their numbers in a {@link StringTable}. */
    static OperatorDefinition<OperatorNode> onStrings(OperatorDefinition<OperatorNode> numeric, boolean decode) {
        return node -> {
            if (!(numeric.define(node) instanceof Lowering.Expand expand)) return numeric.define(node);
            return new Lowering.ByKind(expand, data -> run(node, expand, decode, data));
        };
    }

    private static List<@Nullable Data> run(
            OperatorNode node, Lowering.Expand expand, boolean decode, List<@Nullable Data> data) {
        StringTable table = new StringTable();
        GraphBuilder b = new GraphBuilder("strings", Interpreter::evaluate);
        List<@Nullable Value> operands = new ArrayList<>();
        for (Data d : data) {
            if (d != null && !(d instanceof Tensor) && !(d instanceof Data.Strings)) {
                throw node.error("takes tensors, got " + d.describe());
            }
            operands.add(d == null ? null : b.constant(table.encode(d)));
        }
        LoweringContext context =
                new LoweringContext(b, node.where(), operands, node.outputs().size());
        List<@Nullable Data> results = new ArrayList<>();
        for (Value v : expand.expand(context)) {
            Tensor t = context.known(v);
            results.add(decode ? table.decode(t) : t);
        }
        return results;
    }

    private static Data normalize(Operands o) {
        Attributes a = o.node().attributes();
        Data.Strings x = o.strings(0);
        int rank = x.shape().rank();
        if (rank < 1 || rank > 2 || rank == 2 && x.shape().extent(0) != 1) {
            throw o.error("takes [n] or [1,n], got " + x.shape());
        }
        Locale locale = locale(a.string("locale", ""));
        boolean exact = a.flag("is_case_sensitive", false);
        UnaryOperator<String> key = exact ? UnaryOperator.identity() : s -> s.toLowerCase(locale);
        Set<String> stop =
                a.strings("stopwords", List.of()).stream().map(key).collect(Collectors.toCollection(HashSet::new));
        UnaryOperator<String> change = switch (a.string("case_change_action", "NONE")) {
            case "LOWER" -> s -> s.toLowerCase(locale);
            case "UPPER" -> s -> s.toUpperCase(locale);
            case "NONE" -> UnaryOperator.identity();
            default -> throw o.error("unknown case_change_action '" + a.string("case_change_action") + "'");
        };
        List<String> kept = x.values().stream()
                .filter(s -> !stop.contains(key.apply(s)))
                .map(change)
                .collect(Collectors.toList());
        if (kept.isEmpty()) kept.add("");
        return new Data.Strings(rank == 1 ? Shape.of(kept.size()) : Shape.of(1, kept.size()), kept);
    }

    private static Locale locale(String name) {
        if (name.isEmpty()) return Locale.ROOT;
        try {
            return new Locale.Builder().setLanguageTag(name.replace('_', '-')).build();
        } catch (IllformedLocaleException e) {
            throw new InvalidInputException("'" + name + "' is no locale; en_US is one", e);
        }
    }

    private static Data concat(Operands o) {
        Data.Strings x = o.strings(0);
        Data.Strings y = o.strings(1);
        Shape shape = GraphBuilder.broadcastShape(
                List.of(x.shape(), y.shape()), o.node().where());
        long n = shape.elements();
        List<String> values = new ArrayList<>();
        for (long i = 0; i < n; i++) values.add(at(x, shape, i) + at(y, shape, i));
        return new Data.Strings(shape, values);
    }

    /** The element that broadcasting puts at a row-major position of a shape. */
    private static String at(Data.Strings s, Shape shape, long position) {
        long[] strides = shape.strides();
        long[] own = s.shape().strides();
        int skip = shape.rank() - s.shape().rank();
        long at = 0;
        for (int a = skip; a < shape.rank(); a++) {
            long c = position / strides[a] % shape.extent(a);
            if (s.shape().extent(a - skip) != 1) at += c * own[a - skip];
        }
        return s.values().get((int) at);
    }

    private static List<@Nullable Data> split(Operands o) {
        Attributes a = o.node().attributes();
        Data.Strings x = o.strings(0);
        String delimiter = a.string("delimiter", "");
        long most = a.integer("maxsplit", Long.MAX_VALUE);
        if (most < 0) most = Long.MAX_VALUE;
        List<List<String>> parts = new ArrayList<>();
        int width = 0;
        for (String s : x.values()) {
            List<String> p = delimiter.isEmpty() ? words(s, most) : fields(s, delimiter, most);
            width = Math.max(width, p.size());
            parts.add(p);
        }
        List<String> all = new ArrayList<>();
        Tensor counts = Tensor.allocate(DType.I64, x.shape().fixed());
        for (int i = 0; i < parts.size(); i++) {
            all.addAll(parts.get(i));
            for (int k = parts.get(i).size(); k < width; k++) all.add("");
            counts.setLong(i, parts.get(i).size());
        }
        return List.of(new Data.Strings(x.shape().insert(x.shape().rank(), Dim.of(width)), all), counts);
    }

    private static List<String> fields(String s, String delimiter, long most) {
        List<String> parts = new ArrayList<>();
        int from = 0;
        while (parts.size() < most) {
            int to = s.indexOf(delimiter, from);
            if (to < 0) break;
            parts.add(s.substring(from, to));
            from = to + delimiter.length();
        }
        parts.add(s.substring(from));
        return parts;
    }

    /** Runs of anything but white space; what is left after the last split is one more, to the end of the text. */
    private static List<String> words(String s, long most) {
        List<String> parts = new ArrayList<>();
        int at = 0;
        while (true) {
            while (at < s.length() && Character.isWhitespace(s.charAt(at))) at++;
            if (at == s.length()) return parts;
            if (parts.size() >= most) {
                parts.add(s.substring(at));
                return parts;
            }
            int from = at;
            while (at < s.length() && !Character.isWhitespace(s.charAt(at))) at++;
            parts.add(s.substring(from, at));
        }
    }

    /** RE2's syntax in Java's: the two agree but for names of groups, and for what RE2 leaves out since it cannot be matched in linear time. */
    private static Pattern pattern(OperatorNode node) {
        String re2 = node.attributes().string("pattern");
        if (Pattern.compile("\\\\[1-9k]|\\(\\?<?[=!]|\\(\\?>|[*+?}]\\+")
                .matcher(withoutClasses(re2))
                .find()) {
            throw node.error("'" + re2 + "' is not of RE2's syntax: it looks around, back, or is possessive");
        }
        try {
            String java = re2.replace("(?P<", "(?<").replaceAll("\\[\\[:(\\^?)(\\w+):]]", "[$1\\\\p{$2}]");
            return Pattern.compile(posix(java), Pattern.UNIX_LINES);
        } catch (PatternSyntaxException e) {
            throw new InvalidInputException(node.where() + ": '" + re2 + "' is no pattern: " + e.getDescription(), e);
        }
    }

    private static String withoutClasses(String pattern) {
        return pattern.replaceAll("\\\\\\\\", "").replaceAll("\\[\\^?]?[^\\]]*]", "x");
    }

    /** POSIX classes are written in lower case in RE2, capitalised in Java. */
    private static String posix(String pattern) {
        Matcher m = Pattern.compile(
                        "\\\\p\\{(alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit)}")
                .matcher(pattern);
        return m.replaceAll(r -> Matcher.quoteReplacement("\\p{"
                + switch (r.group(1)) {
                    case "ascii" -> "ASCII";
                    case "xdigit" -> "XDigit";
                    default ->
                        Character.toUpperCase(r.group(1).charAt(0)) + r.group(1).substring(1);
                }
                + "}"));
    }

    private static Tensor match(Operands o, Pattern pattern) {
        Data.Strings x = o.strings(0);
        Tensor t = Tensor.allocate(DType.BOOL, x.shape().fixed());
        for (int i = 0; i < x.values().size(); i++) {
            try {
                boolean matches = pattern.matcher(new Bounded(x.values().get(i), new long[1]))
                        .matches();
                t.setLong(i, matches ? 1 : 0);
            } catch (StackOverflowError | TooLongException e) {
                throw new InvalidInputException(
                        o.node().where() + ": matching element " + i + " ("
                                + x.values().get(i).length() + " characters) with '" + pattern + "' takes too long",
                        e);
            }
        }
        return t;
    }

    private static final class TooLongException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TooLongException() {
            super("too long", null, false, false);
        }
    }

    /** A text that can be looked at so often only: Java's matcher may take exponential time. */
    private record Bounded(String text, long[] looks) implements CharSequence {
        @Override
        public int length() {
            return text.length();
        }

        @Override
        public char charAt(int i) {
            if (++looks[0] > LONGEST_MATCH) throw new TooLongException();
            return text.charAt(i);
        }

        @Override
        public CharSequence subSequence(int from, int to) {
            return new Bounded(text.substring(from, to), looks);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
