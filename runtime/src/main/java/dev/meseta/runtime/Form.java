package dev.meseta.runtime;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.MesetaException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Port;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How values are written into sections, and read. */
final class Form {
    private static final DType[] DTYPES = DType.values();
    private static final Port.Kind[] KINDS = Port.Kind.values();

    private Form() {}

    @FunctionalInterface
    interface Writing {
        void write(DataOutputStream out) throws IOException;
    }

    @FunctionalInterface
    interface Reading<T> {
        T read(ByteBuffer in) throws IOException;
    }

    static MemorySegment write(Writing content) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            content.write(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return MemorySegment.ofArray(bytes.toByteArray());
    }

    /** Reads the whole of a section. */
    static <T> T read(MemorySegment section, Reading<T> content) throws IOException {
        ByteBuffer in = section.asByteBuffer();
        try {
            T value = content.read(in);
            if (in.hasRemaining()) throw new IOException("a section is longer than what is in it");
            return value;
        } catch (BufferUnderflowException
                | IndexOutOfBoundsException
                | IllegalArgumentException
                | ArithmeticException
                | NullPointerException
                | MesetaException e) {
            throw new IOException("a section does not hold what it should", e);
        }
    }

    /** A number of things, each of which takes a byte or more. */
    static int count(ByteBuffer in) throws IOException {
        int n = in.getInt();
        if (n < 0 || n > in.remaining()) throw new IOException("a section claims to hold " + n);
        return n;
    }

    static void text(DataOutputStream out, String text) throws IOException {
        bytes(out, text.getBytes(StandardCharsets.UTF_8));
    }

    static String text(ByteBuffer in) throws IOException {
        return new String(bytes(in), StandardCharsets.UTF_8);
    }

    static void bytes(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    static byte[] bytes(ByteBuffer in) throws IOException {
        byte[] bytes = new byte[count(in)];
        in.get(bytes);
        return bytes;
    }

    static void numbers(DataOutputStream out, List<Integer> numbers) throws IOException {
        out.writeInt(numbers.size());
        for (int n : numbers) out.writeInt(n);
    }

    static List<Integer> numbers(ByteBuffer in) throws IOException {
        int count = count(in);
        List<Integer> numbers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) numbers.add(in.getInt());
        return numbers;
    }

    static void type(DataOutputStream out, TensorType type) throws IOException {
        out.writeByte(type.dtype().ordinal());
        out.writeInt(type.rank());
        for (long e : type.shape().extents()) out.writeLong(e);
    }

    static TensorType type(ByteBuffer in) throws IOException {
        DType dtype = DTYPES[in.get()];
        long[] extents = new long[count(in)];
        for (int i = 0; i < extents.length; i++) {
            extents[i] = in.getLong();
            if (extents[i] < 0) throw new IOException("an extent of " + extents[i]);
        }
        return new TensorType(dtype, Shape.of(extents));
    }

    private static void port(DataOutputStream out, Port p) throws IOException {
        text(out, p.name());
        out.writeByte(p.kind().ordinal());
        out.writeByte(p.dtype() == null ? -1 : p.dtype().ordinal());
        out.writeBoolean(p.optional());
        Shape shape = p.shape();
        out.writeInt(shape == null ? -1 : shape.rank());
        if (shape == null) return;
        for (Dim d : shape.dims()) {
            out.writeLong(d.extent());
            out.writeBoolean(d.symbol() != null);
            if (d.symbol() != null) text(out, d.symbol());
        }
    }

    private static Port port(ByteBuffer in) throws IOException {
        String name = text(in);
        Port.Kind kind = KINDS[in.get()];
        int dtype = in.get();
        boolean optional = in.get() != 0;
        int rank = in.getInt();
        @Nullable Shape shape = null;
        if (rank >= 0) {
            List<Dim> dims = new ArrayList<>();
            for (int i = 0; i < rank; i++) {
                long extent = in.getLong();
                dims.add(new Dim(extent, in.get() != 0 ? text(in) : null));
            }
            shape = Shape.of(dims);
        }
        return new Port(name, kind, dtype < 0 ? null : DTYPES[dtype], shape, optional);
    }

    static void signature(DataOutputStream out, Signature s) throws IOException {
        text(out, s.name());
        out.writeInt(s.inputs().size());
        for (Port p : s.inputs()) port(out, p);
        out.writeInt(s.outputs().size());
        for (Port p : s.outputs()) port(out, p);
        out.writeInt(s.defaults().size());
        for (String name : s.defaults()) text(out, name);
    }

    static Signature signature(ByteBuffer in) throws IOException {
        String name = text(in);
        List<Port> inputs = new ArrayList<>();
        for (int n = count(in); n > 0; n--) inputs.add(port(in));
        List<Port> outputs = new ArrayList<>();
        for (int n = count(in); n > 0; n--) outputs.add(port(in));
        List<String> defaults = new ArrayList<>();
        for (int n = count(in); n > 0; n--) defaults.add(text(in));
        return new Signature(name, inputs, outputs, Set.copyOf(defaults));
    }
}
