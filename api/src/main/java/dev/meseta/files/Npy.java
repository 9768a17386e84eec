package dev.meseta.files;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * numpy's npy format, versions 1 to 3 (source: numpy's {@code numpy.lib.format}). Reads bool, integers of 8 to 64 bits, floats of 16 to 64
 * bits, complex numbers and text, of either byte order and either order of indices; bytes of kind V2 are bf16, as the Python package
 * ml_dtypes writes them. Writes little-endian in C order.
 */
public final class Npy {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    /** numpy's own headers take 80 to a few hundred bytes; numpy itself refuses more than 10,000 unless told otherwise. */
    private static final int LONGEST_HEADER = 1 << 16;

    private static final int CHUNK = 1 << 16;

    private Npy() {}

    /** Reads a file; see {@link #read(Path, DType)}. */
    public static Data read(Path file) {
        return read(file, null);
    }

    /**
     * Reads a file.
     *
     * @param expected the type that the caller hopes for: tells what untyped single bytes are; the answer may still be of another type
     * @return a tensor of its own memory, or strings
     * @throws InvalidInputException if it cannot be read, is no npy file, or is longer or shorter than its header says
     */
    public static Data read(Path file, @Nullable DType expected) {
        String where = file.toString();
        try (InputStream in = Files.newInputStream(file)) {
            return read(in, Files.size(file), where, expected);
        } catch (NoSuchFileException e) {
            throw new InvalidInputException(where + ": no such file", e);
        } catch (IOException e) {
            throw new InvalidInputException(where + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /** Reads a stream of which it is known that it holds {@code size} bytes, or at least that it holds no more. */
    static Data read(InputStream in, long size, String where, @Nullable DType expected) throws IOException {
        byte[] start = in.readNBytes(10);
        if (start.length < 10 || !Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new InvalidInputException(where + ": not an npy file (it does not begin with \\x93NUMPY)");
        }
        int version = start[6];
        if (version < 1 || version > 3) {
            throw new InvalidInputException(
                    where + ": npy version " + (version & 0xff) + " is not known; 1, 2 and 3 are");
        }
        long length = (start[8] & 0xff) | (start[9] & 0xff) << 8;
        long before = 10;
        if (version > 1) {
            byte[] more = in.readNBytes(2);
            if (more.length < 2) throw truncated(where, size);
            length |= (more[0] & 0xffL) << 16 | (more[1] & 0xffL) << 24;
            before = 12;
        }
        if (length > LONGEST_HEADER || length > size - before) {
            throw new InvalidInputException(where + ": not a valid npy file: its header claims " + length
                    + " bytes (the file has " + size + ", and a header at most " + LONGEST_HEADER + ")");
        }
        byte[] text = in.readNBytes((int) length);
        if (text.length < length) throw truncated(where, size);
        NpyHeader header = NpyHeader.parse(
                new String(text, version == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1), where, expected);
        long elementBytes = header.element().bytes();
        long bytes = Math.multiplyExact(header.elements(), Math.max(1, elementBytes));
        long there = size - before - length;
        if (bytes > there || (elementBytes > 0 && bytes < there)) {
            throw new InvalidInputException(where + ": its header says " + bytes + " bytes of data, but there are "
                    + there + "; the file is " + (bytes > there ? "truncated" : "longer than it should be"));
        }
        return switch (header.element()) {
            case NpyHeader.Numbers n -> numbers(in, header, n, where);
            case NpyHeader.Text t -> strings(in, header, t, where);
        };
    }

    private static Tensor numbers(InputStream in, NpyHeader header, NpyHeader.Numbers n, String where)
            throws IOException {
        Tensor t = Tensor.allocate(n.dtype(), Shape.of(header.extents()));
        fill(in, t.data(), where);
        if (n.swap() > 1) reverse(t.data(), n.swap());
        if (n.dtype() == DType.BOOL) {
            for (long i = 0; i < t.elements(); i++) t.setLong(i, t.data().get(ValueLayout.JAVA_BYTE, i) != 0 ? 1 : 0);
        }
        return header.fortranOrder() ? toRowMajor(t) : t;
    }

    /** Fills a segment from a stream, or throws because the stream ended. */
    static void fill(InputStream in, MemorySegment to, String where) throws IOException {
        byte[] chunk = new byte[(int) Math.min(CHUNK, Math.max(1, to.byteSize()))];
        for (long at = 0; at < to.byteSize(); ) {
            int n = in.read(chunk, 0, (int) Math.min(chunk.length, to.byteSize() - at));
            if (n < 0) throw truncated(where, at);
            MemorySegment.copy(chunk, 0, to, ValueLayout.JAVA_BYTE, at, n);
            at += n;
        }
    }

    private static InvalidInputException truncated(String where, long bytes) {
        return new InvalidInputException(where + ": truncated: it ends after " + bytes + " bytes of data");
    }

    private static void reverse(MemorySegment data, int group) {
        for (long at = 0; at < data.byteSize(); at += group) {
            for (int i = 0; i < group / 2; i++) {
                byte b = data.get(ValueLayout.JAVA_BYTE, at + i);
                data.set(ValueLayout.JAVA_BYTE, at + i, data.get(ValueLayout.JAVA_BYTE, at + group - 1 - i));
                data.set(ValueLayout.JAVA_BYTE, at + group - 1 - i, b);
            }
        }
    }

    private static Tensor toRowMajor(Tensor columns) {
        Tensor rows = Tensor.allocate(columns.type());
        int width = columns.dtype().bytes();
        long[] from = columnMajorPositions(columns.shape().extents());
        for (int i = 0; i < from.length; i++) {
            MemorySegment.copy(columns.data(), from[i] * width, rows.data(), (long) i * width, width);
        }
        return rows;
    }

    /** For each row-major position, where the element is when the first index runs fastest. */
    private static long[] columnMajorPositions(long[] extents) {
        long elements = LongStream.of(extents).reduce(1, (a, b) -> a * b);
        if (elements > Integer.MAX_VALUE - 8) {
            throw new InvalidInputException("an array of " + elements
                    + " elements in Fortran order is too large; save it with numpy.ascontiguousarray");
        }
        long[] positions = new long[(int) elements];
        long[] index = new long[extents.length];
        for (int i = 0; i < positions.length; i++) {
            long position = 0;
            for (int a = extents.length - 1; a >= 0; a--) position = position * extents[a] + index[a];
            positions[i] = position;
            for (int a = extents.length - 1; a >= 0; a--) {
                if (++index[a] < extents[a]) break;
                index[a] = 0;
            }
        }
        return positions;
    }

    private static Data.Strings strings(InputStream in, NpyHeader header, NpyHeader.Text text, String where)
            throws IOException {
        int width = (int) text.bytes();
        List<String> values = new ArrayList<>();
        for (long i = 0; i < header.elements(); i++) {
            byte[] bytes = in.readNBytes(width);
            if (bytes.length < width) throw truncated(where, i * width);
            values.add(decode(bytes, text, where));
        }
        if (header.fortranOrder()) {
            List<String> rows = new ArrayList<>(values.size());
            for (long p : columnMajorPositions(header.extents())) rows.add(values.get((int) p));
            values = rows;
        }
        return new Data.Strings(Shape.of(header.extents()), values);
    }

    private static String decode(byte[] bytes, NpyHeader.Text text, String where) {
        int unit = text.utf32() ? 4 : 1;
        int end = bytes.length;
        while (end > 0 && isZero(bytes, end - unit, unit)) end -= unit;
        if (!text.utf32()) return new String(bytes, 0, end, StandardCharsets.UTF_8);
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < end; i += 4) {
            int code = 0;
            for (int k = 0; k < 4; k++) code = code << 8 | bytes[text.bigEndian() ? i + k : i + 3 - k] & 0xff;
            if (!Character.isValidCodePoint(code)) {
                throw new InvalidInputException(where + ": not text: it holds the character number "
                        + Integer.toUnsignedString(code) + ", which does not exist");
            }
            s.appendCodePoint(code);
        }
        return s.toString();
    }

    private static boolean isZero(byte[] bytes, int from, int count) {
        for (int i = from; i < from + count; i++) if (bytes[i] != 0) return false;
        return true;
    }

    /**
     * Writes a file, replacing one that is there. Elements that numpy has no type for are written so that numpy can read them: bf16 as two
     * untyped bytes ({@code array.view(ml_dtypes.bfloat16)}), narrower floats exactly as float32, integers below 8 bits as int8 or uint8.
     *
     * @param data a tensor or strings
     * @throws InvalidInputException for other kinds of data, and if the file cannot be written
     */
    public static void write(Path file, Data data) {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), CHUNK)) {
            write(out, data, file.toString());
        } catch (IOException e) {
            throw new InvalidInputException(file + ": cannot be written: " + e.getMessage(), e);
        }
    }

    static void write(OutputStream out, Data data, String where) throws IOException {
        switch (data) {
            case Tensor t -> {
                Tensor stored = storable(t);
                out.write(header(descriptor(stored.dtype()), stored.shape()));
                drain(stored.data(), out);
            }
            case Data.Strings s -> {
                int longest = s.values().stream()
                        .mapToInt(v -> v.codePointCount(0, v.length()))
                        .max()
                        .orElse(0);
                longest = Math.max(1, longest);
                out.write(header("<U" + longest, s.shape()));
                for (String v : s.values()) writeUtf32(out, v, longest);
            }
            case Data.Sequence _, Data.Optional _, Data.Mapping _ ->
                throw new InvalidInputException(where + ": an npy file holds one array, not a " + data.describe()
                        + "; write an npz file instead");
        }
    }

    private static void writeUtf32(OutputStream out, String v, int length) throws IOException {
        byte[] row = new byte[4 * length];
        int[] codes = v.codePoints().toArray();
        for (int i = 0; i < codes.length; i++) {
            for (int k = 0; k < 4; k++) row[4 * i + k] = (byte) (codes[i] >>> (8 * k));
        }
        out.write(row);
    }

    /** The tensor, or its values in a type that numpy has. */
    private static Tensor storable(Tensor t) {
        DType wider = switch (t.dtype()) {
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 -> DType.F32;
            case I4, I2 -> DType.I8;
            case U4, U2 -> DType.U8;
            default -> t.dtype();
        };
        if (wider == t.dtype()) return t;
        Tensor copy = Tensor.allocate(t.type().with(wider));
        for (long i = 0; i < t.elements(); i++) {
            if (wider.isFloat()) copy.setDouble(i, t.getDouble(i));
            else copy.setLong(i, t.getLong(i));
        }
        return copy;
    }

    private static String descriptor(DType t) {
        return switch (t) {
            case BOOL -> "|b1";
            case I8 -> "|i1";
            case U8 -> "|u1";
            case BF16 -> "<V2";
            default -> {
                String kind = switch (t.kind()) {
                    case FLOAT -> "f";
                    case SIGNED -> "i";
                    case UNSIGNED -> "u";
                    case COMPLEX -> "c";
                    case BOOL -> "b";
                };
                yield "<" + kind + t.bytes();
            }
        };
    }

    /** A header of version 1, or 2 where it is long, padded so that the data starts at a multiple of 64 bytes. */
    private static byte[] header(String descriptor, Shape shape) {
        String extents = LongStream.of(shape.extents()).mapToObj(Long::toString).collect(Collectors.joining(", "));
        if (shape.rank() == 1) extents += ",";
        String text = "{'descr': '" + descriptor + "', 'fortran_order': False, 'shape': (" + extents + "), }";
        int prefix = text.length() + 64 < 1 << 16 ? 10 : 12;
        int length = (prefix + text.length() + 1 + 63) / 64 * 64 - prefix;
        byte[] out = new byte[prefix + length];
        Arrays.fill(out, (byte) ' ');
        System.arraycopy(MAGIC, 0, out, 0, MAGIC.length);
        out[6] = (byte) (prefix == 10 ? 1 : 2);
        out[7] = 0;
        for (int i = 8; i < prefix; i++) out[i] = (byte) (length >>> 8 * (i - 8));
        System.arraycopy(text.getBytes(StandardCharsets.ISO_8859_1), 0, out, prefix, text.length());
        out[out.length - 1] = '\n';
        return out;
    }

    static void drain(MemorySegment data, OutputStream out) throws IOException {
        byte[] chunk = new byte[(int) Math.min(CHUNK, Math.max(1, data.byteSize()))];
        for (long at = 0; at < data.byteSize(); at += chunk.length) {
            int n = (int) Math.min(chunk.length, data.byteSize() - at);
            MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, chunk, 0, n);
            out.write(chunk, 0, n);
        }
    }
}
