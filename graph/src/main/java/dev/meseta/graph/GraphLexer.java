package dev.meseta.graph;

/** The words of the text form, each with its place. */
final class GraphLexer {
    /** What a word is; its text is without quotes and escapes for a STRING, and without the % for a VALUE. */
    enum Kind {
        NAME,
        NUMBER,
        STRING,
        VALUE,
        SIGN,
        END
    }

    private final String text;
    private int at;
    private int start;
    private Kind kind = Kind.END;
    private String word = "";

    GraphLexer(String text) {
        this.text = text;
        next();
    }

    static boolean isName(String s) {
        if (s.isEmpty() || !isNameStart(s.charAt(0))) return false;
        return s.chars().allMatch(c -> isNameStart((char) c) || isDigit((char) c));
    }

    private static boolean isNameStart(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_';
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    Kind kind() {
        return kind;
    }

    String word() {
        return word;
    }

    boolean is(Kind k, String w) {
        return kind == k && word.equals(w);
    }

    /** Where the present word begins. */
    int position() {
        return start;
    }

    /** The word for a message. */
    String found() {
        return switch (kind) {
            case END -> "the end";
            case VALUE -> "'%" + word + "'";
            case STRING -> "a string";
            default -> "'" + word + "'";
        };
    }

    InvalidInputException error(int position, String message) {
        int line = 1;
        int column = 1;
        for (int i = 0; i < position; i++) {
            column++;
            if (text.charAt(i) == '\n') {
                line++;
                column = 1;
            }
        }
        return new InvalidInputException("graph text, line " + line + ", column " + column + ": " + message);
    }

    void next() {
        skip();
        start = at;
        if (at == text.length()) {
            kind = Kind.END;
            word = "";
            return;
        }
        char c = text.charAt(at);
        if (isNameStart(c)) {
            kind = Kind.NAME;
            while (at < text.length() && (isNameStart(text.charAt(at)) || isDigit(text.charAt(at)))) at++;
            word = text.substring(start, at);
            if (word.equals("nan") || word.equals("inf")) kind = Kind.NUMBER;
        } else if (isDigit(c) || c == '-') {
            number();
        } else if (c == '"') {
            string();
        } else if (c == '%') {
            kind = Kind.VALUE;
            at++;
            while (at < text.length() && isDigit(text.charAt(at))) at++;
            word = text.substring(start + 1, at);
            if (word.isEmpty()) throw error(start, "a value is % and a number");
        } else {
            kind = Kind.SIGN;
            at++;
            word = text.substring(start, at);
            if ("(){}[],:=.".indexOf(c) < 0) throw error(start, "'" + word + "' has no meaning here");
        }
    }

    private void skip() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == ' ' || c == '\n' || c == '\t' || c == '\r') at++;
            else if (text.startsWith("//", at)) while (at < text.length() && text.charAt(at) != '\n') at++;
            else return;
        }
    }

    /** Digits with what may stand in a number; whether it is one is seen when it is read. */
    private void number() {
        kind = Kind.NUMBER;
        at++;
        while (at < text.length()) {
            char c = text.charAt(at);
            boolean sign = (c == '-' || c == '+') && (text.charAt(at - 1) == 'E' || text.charAt(at - 1) == 'e');
            if (!isDigit(c) && !isNameStart(c) && c != '.' && !sign) break;
            at++;
        }
        word = text.substring(start, at);
    }

    private void string() {
        kind = Kind.STRING;
        StringBuilder b = new StringBuilder();
        for (at++; ; at++) {
            if (at >= text.length()) throw error(start, "the string has no end");
            char c = text.charAt(at);
            if (c == '"') break;
            if (c == '\n') throw error(start, "the string has no end on its line");
            b.append(c == '\\' ? escape() : c);
        }
        at++;
        word = b.toString();
    }

    private char escape() {
        int from = at++;
        char c = at < text.length() ? text.charAt(at) : ' ';
        return switch (c) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case '"', '\\' -> c;
            case 'u' -> {
                if (at + 4 >= text.length()) throw error(from, "\\u takes four hexadecimal digits");
                String digits = text.substring(at + 1, at + 5);
                if (!digits.matches("[0-9a-fA-F]{4}")) throw error(from, "\\u takes four hexadecimal digits");
                at += 4;
                yield (char) Integer.parseInt(digits, 16);
            }
            default -> throw error(from, "an escape is one of \\n \\t \\r \\\" \\\\ \\u");
        };
    }
}
