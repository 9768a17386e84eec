package dev.meseta.files;

import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What the header of an npy file says.
 *
 * @param element how one element is stored
 * @param fortranOrder whether the first index runs fastest
 * @param extents the shape
 */
record NpyHeader(Element element, boolean fortranOrder, long[] extents) {
    /** More elements than any file holds; keeps products of extents and element sizes within 63 bits. */
    private static final long MOST_ELEMENTS = 1L << 48;

    private static final int HIGHEST_RANK = 64;

    /** How an element is stored. */
    sealed interface Element {
        /** Its size in the file in bytes. */
        long bytes();
    }

    /** Numbers; {@code swap} is the number of bytes in each group that must be reversed, 1 for none. */
    record Numbers(DType dtype, int swap) implements Element {
        @Override
        public long bytes() {
            return dtype.bytes();
        }
    }

    /** Text of a fixed number of UTF-32 code units (or bytes), padded with zeros. */
    record Text(boolean utf32, boolean bigEndian, long length) implements Element {
        @Override
        public long bytes() {
            return utf32 ? 4 * length : length;
        }
    }

    /** Number of elements; at most 2^48. */
    long elements() {
        long n = 1;
        for (long e : extents) n *= e;
        return n;
    }

    /**
     * Reads the dictionary of a header.
     *
     * @param expected tells apart types that numpy has no code for (bytes of kind V); null where nothing is known
     */
    static NpyHeader parse(String text, String where, @Nullable DType expected) {
        return new Parser(text, where).header(expected);
    }

    private static Element element(String code, String where, @Nullable DType expected) {
        if (code.equals("bfloat16")) return new Numbers(DType.BF16, 1);
        for (DType t : DType.values()) {
            // The names that the package ml_dtypes gives to types that numpy lacks.
            if (code.equals(mlDtypesName(t))) return new Numbers(t, 1);
        }
        boolean marked = !code.isEmpty() && "<>|=".indexOf(code.charAt(0)) >= 0;
        String rest = marked ? code.substring(1) : code;
        boolean big = code.startsWith(">");
        if (rest.length() < 2) throw unknownType(code, where);
        long size;
        try {
            size = Long.parseLong(rest.substring(1));
        } catch (NumberFormatException e) {
            throw unknownType(code, where);
        }
        if (size < 0 || size > 1 << 24) throw unknownType(code, where);
        if (rest.charAt(0) == 'U') return new Text(true, big, size);
        if (rest.charAt(0) == 'S' || rest.charAt(0) == 'a') return new Text(false, false, size);
        DType dtype = number(rest, expected);
        if (dtype == null) throw unknownType(code, where);
        int group = dtype.kind() == DType.Kind.COMPLEX ? dtype.bytes() / 2 : dtype.bytes();
        return new Numbers(dtype, big ? group : 1);
    }

    private static @Nullable DType number(String code, @Nullable DType expected) {
        return switch (code) {
            case "b1" -> DType.BOOL;
            case "i1" -> DType.I8;
            case "i2" -> DType.I16;
            case "i4" -> DType.I32;
            case "i8" -> DType.I64;
            case "u1" -> DType.U8;
            case "u2" -> DType.U16;
            case "u4" -> DType.U32;
            case "u8" -> DType.U64;
            case "f2" -> DType.F16;
            case "f4" -> DType.F32;
            case "f8" -> DType.F64;
            case "c8" -> DType.C64;
            case "c16" -> DType.C128;
            case "V2" -> DType.BF16;
            case "V1", "f1" -> expected != null && expected.bits() <= 8 && expected != DType.BOOL ? expected : null;
            default -> null;
        };
    }

    private static String mlDtypesName(DType t) {
        return switch (t) {
            case F8E4M3FN -> "float8_e4m3fn";
            case F8E4M3FNUZ -> "float8_e4m3fnuz";
            case F8E5M2 -> "float8_e5m2";
            case F8E5M2FNUZ -> "float8_e5m2fnuz";
            case F8E8M0 -> "float8_e8m0fnu";
            case F4E2M1 -> "float4_e2m1fn";
            case I4 -> "int4";
            case U4 -> "uint4";
            case I2 -> "int2";
            case U2 -> "uint2";
            default -> "\0" + t.name().toLowerCase(Locale.ROOT);
        };
    }

    private static InvalidInputException unknownType(String code, String where) {
        String hint = code.contains("O")
                ? "it holds Python objects; save plain numbers or text instead"
                : code.endsWith("V1")
                        ? "bytes without a type can only be read for an input of an 8-bit float type"
                        : "save the array as a bool, an integer, a float, a complex number, or text";
        return new InvalidInputException(where + ": cannot read elements of numpy type '" + code + "': " + hint);
    }

    /** A reader of the one Python literal that a header is: a dictionary of a string, a bool and a tuple of integers. */
    private static final class Parser {
        private final String text;
        private final String where;
        private int at;

        Parser(String text, String where) {
            this.text = text;
            this.where = where;
        }

        NpyHeader header(@Nullable DType expected) {
            Element element = null;
            Boolean fortran = null;
            long[] extents = null;
            expect('{');
            while (!take('}')) {
                String key = string();
                expect(':');
                switch (key) {
                    case "descr" -> {
                        if (peek() == '[') {
                            throw new InvalidInputException(
                                    where + ": it holds records with fields; save one plain array for each field");
                        }
                        element = element(string(), where, expected);
                    }
                    case "fortran_order" -> fortran = bool();
                    case "shape" -> extents = tuple();
                    default -> throw error("an unknown key '" + key + "'");
                }
                if (!take(',')) {
                    expect('}');
                    break;
                }
            }
            skip();
            if (at != text.length()) throw error("something after the dictionary");
            if (element == null || fortran == null || extents == null) throw error("no descr, fortran_order or shape");
            return new NpyHeader(element, fortran, extents);
        }

        private long[] tuple() {
            List<Long> items = new ArrayList<>();
            expect('(');
            BigInteger product = BigInteger.ONE;
            while (!take(')')) {
                int from = at;
                while (at < text.length() && Character.isDigit(text.charAt(at))) at++;
                if (from == at || at - from > 18) throw error("a shape that is not a tuple of numbers");
                long extent = Long.parseLong(text, from, at, 10);
                if (at < text.length() && text.charAt(at) == 'L') at++;
                items.add(extent);
                product = product.multiply(BigInteger.valueOf(Math.max(1, extent)));
                if (items.size() > HIGHEST_RANK || product.bitLength() > Long.numberOfTrailingZeros(MOST_ELEMENTS)) {
                    throw error("a shape larger than any file");
                }
                if (!take(',')) {
                    expect(')');
                    break;
                }
            }
            return items.stream().mapToLong(Long::longValue).toArray();
        }

        private boolean bool() {
            skip();
            for (boolean value : new boolean[] {true, false}) {
                String word = value ? "True" : "False";
                if (text.startsWith(word, at)) {
                    at += word.length();
                    return value;
                }
            }
            throw error("a fortran_order that is neither True nor False");
        }

        private String string() {
            char quote = peek();
            if (quote != '\'' && quote != '"') throw error("no quoted text where there should be some");
            int end = text.indexOf(quote, at + 1);
            if (end < 0) throw error("text without an end");
            String s = text.substring(at + 1, end);
            at = end + 1;
            return s;
        }

        private void skip() {
            while (at < text.length() && Character.isWhitespace(text.charAt(at))) at++;
        }

        private char peek() {
            skip();
            return at < text.length() ? text.charAt(at) : '\0';
        }

        private boolean take(char c) {
            boolean found = peek() == c;
            if (found) {
                at++;
                skip();
            }
            return found;
        }

        private void expect(char c) {
            if (!take(c)) throw error("no '" + c + "' where there should be one");
            skip();
        }

        private InvalidInputException error(String what) {
            return new InvalidInputException(
                    where + ": not a valid npy file: its header has " + what + " (at character " + at + ")");
        }
    }
}
