package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/** TFLite in a process of its own. A process that crashed is replaced. For one thread. */
final class TflitePeer implements AutoCloseable {
    private static final String RESOURCE = "/org/bytedeco/tensorflowlite/linux-x86_64/libjnitensorflowlite.so";
    private static final List<DType> TYPES = java.util.Arrays.asList(
            null,
            DType.F32,
            DType.I32,
            DType.U8,
            DType.I64,
            null,
            DType.BOOL,
            DType.I16,
            DType.C64,
            DType.I8,
            DType.F16,
            DType.F64,
            DType.C128,
            DType.U64,
            null,
            null,
            DType.U32,
            DType.U16,
            DType.I4);

    private final Path library;
    private Process process;
    private DataOutputStream to;
    private DataInputStream from;

    /** TFLite does not run the model, or died of it. */
    static final class Refusal extends Exception {
        private static final long serialVersionUID = 1L;

        Refusal(String message) {
            super(message);
        }
    }

    private TflitePeer(Path library) {
        this.library = library;
    }

    static TflitePeer open() throws IOException {
        Path file = Files.createTempFile("tflite", ".so");
        file.toFile().deleteOnExit();
        try (InputStream in = TflitePeer.class.getResourceAsStream(RESOURCE)) {
            if (in == null) throw new IOException("no TFLite on the class path");
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        }
        return new TflitePeer(file);
    }

    private void start() throws IOException {
        if (process != null && process.isAlive()) return;
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        ProcessBuilder builder = new ProcessBuilder(
                java,
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-XX:-CreateCoredumpOnCrash",
                "-XX:+SuppressFatalErrorMessage",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path").replace(File.pathSeparator + File.pathSeparator, ""),
                TfliteLibrary.class.getName(),
                library.toString());
        builder.redirectError(ProcessBuilder.Redirect.DISCARD);
        process = builder.start();
        to = new DataOutputStream(new java.io.BufferedOutputStream(process.getOutputStream(), 1 << 16));
        from = new DataInputStream(new java.io.BufferedInputStream(process.getInputStream(), 1 << 16));
    }

    List<Tensor> run(byte[] model, List<Tensor> inputs) throws IOException, Refusal {
        return run(model, 1, inputs);
    }

    /** The outputs of the last of several runs with the same inputs. */
    List<Tensor> run(byte[] model, int runs, List<Tensor> inputs) throws IOException, Refusal {
        start();
        try {
            send(model, runs, inputs);
            String failure = from.readUTF();
            if (!failure.isEmpty()) throw new Refusal(failure);
            List<Tensor> outputs = new ArrayList<>();
            int count = from.readInt();
            for (int i = 0; i < count; i++) outputs.add(receive());
            return outputs;
        } catch (IOException e) {
            process.destroyForcibly();
            throw new Refusal("died");
        }
    }

    private void send(byte[] model, int runs, List<Tensor> inputs) throws IOException {
        to.writeInt(model.length);
        to.write(model);
        to.writeInt(runs);
        to.writeInt(inputs.size());
        for (Tensor t : inputs) {
            to.writeInt(t.type().rank());
            for (long e : t.shape().extents()) to.writeInt((int) e);
            to.writeInt((int) t.data().byteSize());
            to.write(t.data().toArray(ValueLayout.JAVA_BYTE));
        }
        to.flush();
    }

    private Tensor receive() throws IOException {
        DType dtype = TYPES.get(from.readInt());
        long[] extents = new long[from.readInt()];
        for (int i = 0; i < extents.length; i++) extents[i] = from.readInt();
        byte[] bytes = from.readNBytes(from.readInt());
        Tensor t = Tensor.allocate(new TensorType(dtype, Shape.of(extents)));
        java.lang.foreign.MemorySegment.copy(bytes, 0, t.data(), ValueLayout.JAVA_BYTE, 0, bytes.length);
        return t;
    }

    @Override
    public void close() throws IOException {
        if (process == null) return;
        process.destroyForcibly();
    }
}
