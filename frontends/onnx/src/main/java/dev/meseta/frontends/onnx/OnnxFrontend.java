package dev.meseta.frontends.onnx;

import dev.meseta.graph.program.Frontend;
import dev.meseta.graph.program.Program;
import java.nio.file.Path;

/** {@link OnnxReader} for whoever looks for frontends. */
public final class OnnxFrontend implements Frontend {
    /** Protobuf's messages begin with nothing of their own. */
    @Override
    public boolean recognizes(Path file) {
        return false;
    }

    @Override
    public Program read(Path file) {
        return OnnxReader.read(file);
    }
}
