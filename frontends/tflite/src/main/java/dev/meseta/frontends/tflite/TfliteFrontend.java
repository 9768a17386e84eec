package dev.meseta.frontends.tflite;

import dev.meseta.graph.program.Frontend;
import dev.meseta.graph.program.Program;
import java.nio.file.Path;

/** {@link TfliteReader} for whoever looks for frontends. */
public final class TfliteFrontend implements Frontend {
    @Override
    public boolean recognizes(Path file) {
        return TfliteReader.recognizes(file);
    }

    @Override
    public Program read(Path file) {
        return TfliteReader.read(file);
    }
}
