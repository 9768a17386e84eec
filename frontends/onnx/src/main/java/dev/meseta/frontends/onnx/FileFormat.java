package dev.meseta.frontends.onnx;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a file is that is no ONNX file, by its first bytes: for messages. */
final class FileFormat {
    /** More than the longest mark and where it stands. */
    private static final int START = 32;

    /**
     * @param at where the mark stands
     * @param mark bytes as ISO 8859-1
     * @param name what a file with the mark is
     */
    private record Mark(int at, String mark, String name) {}

    private static final List<Mark> MARKS = List.of(
            new Mark(0, "\u0089PNG", "a PNG picture"),
            new Mark(0, "\u00ff\u00d8\u00ff", "a JPEG picture"),
            new Mark(0, "\u0093NUMPY", "an npy array"),
            new Mark(0, "\u0089HDF", "an HDF5 file (Keras writes these; tf2onnx converts them)"),
            new Mark(4, "TFL3", "a TFLite model (tf2onnx converts it)"),
            new Mark(4, "ORTM", "a model in ONNX Runtime's own format (the .onnx that it was made from will do)"),
            new Mark(0, "GGUF", "a GGUF model"),
            new Mark(0, "PK\3\4", "a zip archive (PyTorch writes these; torch.onnx.export converts them)"),
            new Mark(0, "\u001f\u008b", "a gzip archive (unpack it first)"),
            new Mark(0, "version https://git-lfs", "a pointer to a file in Git LFS (git lfs pull fetches the file)"),
            new Mark(0, "<!DOCTYPE", "a web page"),
            new Mark(0, "<html", "a web page"),
            new Mark(0, "\u007fELF", "a program"));

    private FileFormat() {}

    /** The format with its article, such as {@code a PNG picture}; null if it is none that is known here. */
    static @Nullable String of(MemorySegment file) {
        int length = (int) Math.min(file.byteSize(), START);
        String start = new String(file.asSlice(0, length).toArray(JAVA_BYTE), StandardCharsets.ISO_8859_1);
        for (Mark m : MARKS) {
            if (start.startsWith(m.mark(), m.at())) return m.name();
        }
        return null;
    }
}
