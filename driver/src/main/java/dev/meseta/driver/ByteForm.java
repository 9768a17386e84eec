package dev.meseta.driver;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Texts, lists and types as bytes, for {@link Image}s and the files that hold them. Numbers are big-endian; a text is its size in bytes and
 * UTF-8, a list its count and its parts, a type the number of its element type, its rank and its extents. Readers throw {@link
 * IllegalArgumentException}, {@link BufferUnderflowException} or {@link IndexOutOfBoundsException} for what is none, and allocate nothing
 * that a count claims and the bytes do not have.
 */
public final class ByteForm {
    private static final DType[] DTYPES = DType.values();

    private ByteForm() {}

    /** Writes a whole. */
    @FunctionalInterface
    public interface Writing {
        void write(DataOutputStream out) throws IOException;
    }

    /** Reads a whole. */
    @FunctionalInterface
    public interface Reading<T> {
        T read(ByteBuffer in);
    }

    /** What is written. */
    public static byte[] write(Writing content) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            content.write(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** What is in an image's program, all of which must be read. Throws {@link IllegalArgumentException} for a damaged one, whatever the reader throws. */
    public static <T> T read(Image image, Reading<T> content) {
        ByteBuffer in = ByteBuffer.wrap(image.program());
        T value;
        try {
            value = content.read(in);
        } catch (BufferUnderflowException | IndexOutOfBoundsException | ArithmeticException e) {
            throw new IllegalArgumentException("an image is damaged: " + e, e);
        }
        if (in.hasRemaining()) throw new IllegalArgumentException("an image is longer than what is in it");
        return value;
    }

    /** A number of things, each of which takes a byte or more. */
    public static int count(ByteBuffer in) {
        int n = in.getInt();
        if (n < 0 || n > in.remaining()) throw new IllegalArgumentException("it claims to hold " + n);
        return n;
    }

    /** Writes a part of a list. */
    @FunctionalInterface
    public interface Part<T> {
        void write(DataOutputStream out, T part) throws IOException;
    }

    public static <T> void list(DataOutputStream out, List<T> parts, Part<T> each) throws IOException {
        out.writeInt(parts.size());
        for (T p : parts) each.write(out, p);
    }

    /** A list, whose parts take a byte or more. */
    public static <T> List<T> list(ByteBuffer in, Reading<T> each) {
        List<T> parts = new ArrayList<>();
        for (int n = count(in); n > 0; n--) parts.add(each.read(in));
        return parts;
    }

    public static void text(DataOutputStream out, String text) throws IOException {
        bytes(out, text.getBytes(StandardCharsets.UTF_8));
    }

    public static String text(ByteBuffer in) {
        return new String(bytes(in), StandardCharsets.UTF_8);
    }

    public static void texts(DataOutputStream out, List<String> texts) throws IOException {
        list(out, texts, ByteForm::text);
    }

    public static List<String> texts(ByteBuffer in) {
        return list(in, ByteForm::text);
    }

    public static void bytes(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    public static byte[] bytes(ByteBuffer in) {
        byte[] bytes = new byte[count(in)];
        in.get(bytes);
        return bytes;
    }

    public static void numbers(DataOutputStream out, List<Integer> numbers) throws IOException {
        list(out, numbers, DataOutputStream::writeInt);
    }

    public static List<Integer> numbers(ByteBuffer in) {
        return list(in, ByteBuffer::getInt);
    }

    public static void longs(DataOutputStream out, long[] values) throws IOException {
        out.writeInt(values.length);
        for (long v : values) out.writeLong(v);
    }

    public static long[] longs(ByteBuffer in) {
        long[] values = new long[count(in)];
        for (int i = 0; i < values.length; i++) values[i] = in.getLong();
        return values;
    }

    public static void type(DataOutputStream out, TensorType type) throws IOException {
        out.writeByte(type.dtype().ordinal());
        longs(out, type.shape().extents());
    }

    public static TensorType type(ByteBuffer in) {
        DType dtype = DTYPES[in.get()];
        long[] extents = longs(in);
        for (long e : extents) if (e < 0) throw new IllegalArgumentException("an extent of " + e);
        return new TensorType(dtype, Shape.of(extents));
    }
}
