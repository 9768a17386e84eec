package dev.meseta.runtime;

import dev.meseta.driver.ByteForm;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.MesetaException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.program.Port;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How sections are written, and read. */
final class Form {
    private static final DType[] DTYPES = DType.values();
    private static final Port.Kind[] KINDS = Port.Kind.values();

    private Form() {}

    @FunctionalInterface
    interface Reading<T> {
        T read(ByteBuffer in) throws IOException;
    }

    static MemorySegment write(ByteForm.Writing content) {
        return MemorySegment.ofArray(ByteForm.write(content));
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
            String reason = e.getMessage();
            throw new IOException("a section does not hold what it should" + (reason == null ? "" : ": " + reason), e);
        }
    }

    private static void port(DataOutputStream out, Port p) throws IOException {
        ByteForm.text(out, p.name());
        out.writeByte(p.kind().ordinal());
        out.writeByte(p.dtype() == null ? -1 : p.dtype().ordinal());
        out.writeBoolean(p.optional());
        Shape shape = p.shape();
        out.writeInt(shape == null ? -1 : shape.rank());
        if (shape == null) return;
        for (Dim d : shape.dims()) {
            out.writeLong(d.extent());
            out.writeBoolean(d.symbol() != null);
            if (d.symbol() != null) ByteForm.text(out, d.symbol());
        }
    }

    private static Port port(ByteBuffer in) throws IOException {
        String name = ByteForm.text(in);
        Port.Kind kind = KINDS[in.get()];
        int dtype = in.get();
        boolean optional = in.get() != 0;
        int rank = in.getInt();
        @Nullable Shape shape = null;
        if (rank >= 0) {
            List<Dim> dims = new ArrayList<>();
            for (int i = 0; i < rank; i++) {
                long extent = in.getLong();
                dims.add(new Dim(extent, in.get() != 0 ? ByteForm.text(in) : null));
            }
            shape = Shape.of(dims);
        }
        return new Port(name, kind, dtype < 0 ? null : DTYPES[dtype], shape, optional);
    }

    static void signature(DataOutputStream out, Signature s) throws IOException {
        ByteForm.text(out, s.name());
        out.writeInt(s.inputs().size());
        for (Port p : s.inputs()) port(out, p);
        out.writeInt(s.outputs().size());
        for (Port p : s.outputs()) port(out, p);
        out.writeInt(s.defaults().size());
        for (String name : s.defaults()) ByteForm.text(out, name);
    }

    static Signature signature(ByteBuffer in) throws IOException {
        String name = ByteForm.text(in);
        List<Port> inputs = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--) inputs.add(port(in));
        List<Port> outputs = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--) outputs.add(port(in));
        return new Signature(name, inputs, outputs, Set.copyOf(ByteForm.texts(in)));
    }
}
