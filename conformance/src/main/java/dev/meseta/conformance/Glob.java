package dev.meseta.conformance;

import java.util.regex.Pattern;

/** Patterns of names: {@code *} is any text, {@code ?} any character, everything else itself. */
public final class Glob {
    private final Pattern pattern;
    private final String text;

    /** A pattern of text. */
    public Glob(String text) {
        this.text = text;
        StringBuilder regex = new StringBuilder();
        for (char c : text.toCharArray()) {
            switch (c) {
                case '*' -> regex.append(".*");
                case '?' -> regex.append('.');
                default -> regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        this.pattern = Pattern.compile(regex.toString(), Pattern.DOTALL);
    }

    /** Whether the pattern is that of the whole name. */
    public boolean matches(String name) {
        return pattern.matcher(name).matches();
    }

    @Override
    public String toString() {
        return text;
    }
}
