package dev.meseta.cli;

import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.program.CustomOperator;
import dev.meseta.graph.program.CustomOperatorProvider;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;

/** The command streams that a model holds for a device. */
final class CommandStreams {
    private CommandStreams() {}

    /** Prints them all, and says whether there are any. */
    static boolean print(PrintWriter out, Path file) {
        List<CustomOperator> operators = TfliteReader.recognizes(file) ? TfliteReader.customOperators(file) : List.of();
        boolean any = false;
        for (CustomOperator o : operators) {
            for (CustomOperatorProvider p : ServiceLoader.load(CustomOperatorProvider.class)) {
                List<String> lines = p.describe(o);
                if (lines.isEmpty()) continue;
                out.println(o.name());
                lines.forEach(out::println);
                any = true;
            }
        }
        return any;
    }
}
