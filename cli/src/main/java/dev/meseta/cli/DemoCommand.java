package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.demo.Progress;
import dev.meseta.demo.ReadText;
import dev.meseta.demo.Search;
import dev.meseta.graph.InvalidInputException;
import java.awt.image.BufferedImage;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = "Real models on your own files.",
        subcommands = {DemoCommand.SearchText.class, DemoCommand.ReadPicture.class})
final class DemoCommand implements Runnable {
    /** Passages are shown on one line each. */
    private static final int WIDTH = 78;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** Work that is told how far it has come. */
    private interface Work<T> {
        T run(Progress progress);
    }

    /** Shows a bar where somebody watches. */
    private static <T> T watched(String what, Work<T> work) {
        if (!Terminal.showsErrors()) return work.run(Progress.NONE);
        try (ProgressBar bar = new ProgressBarBuilder()
                .setTaskName(what)
                .setInitialMax(1)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(100)
                .clearDisplayOnFinish()
                .build()) {
            return work.run((done, total) -> {
                bar.maxHint(total);
                bar.stepTo(done);
            });
        }
    }

    @Command(
            name = "search",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = "Finds the lines of text files that are closest in meaning to a query (MiniLM).")
    static final class SearchText implements Callable<Integer> {
        @Spec
        @SuppressWarnings("NullAway.Init") // set by picocli
        private CommandSpec spec;

        @Parameters(index = "0", paramLabel = "QUERY", description = "What to search for, in words.")
        @SuppressWarnings("NullAway.Init") // set by picocli
        private String query;

        @Parameters(index = "1..*", paramLabel = "FILE", arity = "1..*", description = "Text files.")
        private List<Path> files = new ArrayList<>();

        @Option(names = "--paragraphs", description = "Compare paragraphs instead of lines.")
        private boolean paragraphs;

        @Option(names = "--best", paramLabel = "N", description = "Number of matches (default: ${DEFAULT-VALUE}).")
        private int best = 5;

        @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
        private @Nullable String device;

        @Option(names = "--json", description = "Print JSON.")
        private boolean json;

        @Override
        public Integer call() {
            Search.Request request = new Search.Request(query, files, paragraphs, best, device);
            try (Meseta meseta = Meseta.open()) {
                Search.Result r = watched("searching", progress -> Search.search(meseta, request, progress));
                PrintWriter out = spec.commandLine().getOut();
                PrintWriter err = spec.commandLine().getErr();
                if (json) {
                    print(out, r);
                } else {
                    r.skipped().forEach((file, reason) -> err.println("meseta: " + file + " left out: " + reason));
                    for (Search.Match m : r.matches()) {
                        out.println(Text.format("%6.3f  ", m.score())
                                + m.passage().file() + ":" + m.passage().line());
                        out.println("        " + shortened(m.passage().text(), WIDTH - 8));
                    }
                    if (r.matches().isEmpty()) out.println("no text to search");
                    out.println(Text.count(r.passages(), paragraphs ? "paragraph" : "line") + " on " + r.device()
                            + "; load " + Text.milliseconds(r.loadMillis()) + ", search "
                            + Text.milliseconds(r.searchMillis()));
                }
            }
            return 0;
        }

        private static void print(PrintWriter out, Search.Result r) {
            List<Object> matches = new ArrayList<>();
            for (Search.Match m : r.matches()) {
                matches.add(Json.object(
                        "score",
                        m.score(),
                        "file",
                        m.passage().file().toString(),
                        "line",
                        m.passage().line(),
                        "text",
                        m.passage().text()));
            }
            List<Object> skipped = new ArrayList<>();
            r.skipped().forEach((file, reason) -> skipped.add(Json.object("file", file.toString(), "reason", reason)));
            Json.print(
                    out,
                    Json.object(
                            "matches",
                            matches,
                            "passages",
                            r.passages(),
                            "skipped",
                            skipped,
                            "device",
                            r.device(),
                            "ms",
                            Json.object("load", r.loadMillis(), "search", r.searchMillis())));
        }

        private static String shortened(String text, int width) {
            String line = text.replaceAll("\\s+", " ");
            if (line.codePointCount(0, line.length()) <= width) return line;
            return line.substring(0, line.offsetByCodePoints(0, width - 1)) + "…";
        }
    }

    @Command(
            name = "read",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = "Reads the text in a picture (PP-OCR).")
    static final class ReadPicture implements Callable<Integer> {
        @Spec
        @SuppressWarnings("NullAway.Init") // set by picocli
        private CommandSpec spec;

        @Parameters(paramLabel = "IMAGE", description = "A picture: png, jpg, gif, bmp.")
        @SuppressWarnings("NullAway.Init") // set by picocli
        private Path image;

        @Option(names = "--out", paramLabel = "FILE", description = "Writes the picture with boxes around the lines.")
        private @Nullable Path drawn;

        @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
        private @Nullable String device;

        @Option(names = "--json", description = "Print JSON.")
        private boolean json;

        @Override
        public Integer call() {
            if (drawn != null && drawn.toAbsolutePath().equals(image.toAbsolutePath())) {
                throw new InvalidInputException("--out " + drawn + " is the picture itself");
            }
            BufferedImage picture = ReadText.picture(image);
            try (Meseta meseta = Meseta.open()) {
                ReadText.Result r = watched("reading", progress -> ReadText.read(meseta, picture, device, progress));
                if (drawn != null) ReadText.write(ReadText.draw(picture, r.lines()), drawn);
                PrintWriter out = spec.commandLine().getOut();
                if (json) {
                    print(out, r);
                } else {
                    int number = 0;
                    for (ReadText.Line l : r.lines()) {
                        number++;
                        out.println(Text.format("%3d  %.2f  ", number, l.confidence()) + l.text());
                        out.println("           at " + corner(l, 0) + " " + corner(l, 1) + " " + corner(l, 2) + " "
                                + corner(l, 3));
                    }
                    if (r.lines().isEmpty()) out.println("no text found");
                    if (drawn != null) out.println("written to " + drawn);
                    out.println(Text.count(r.lines().size(), "line") + " in " + r.width() + "x" + r.height() + " on "
                            + r.device() + "; load " + Text.milliseconds(r.loadMillis()) + ", read "
                            + Text.milliseconds(r.readMillis()));
                }
            }
            return 0;
        }

        private static String corner(ReadText.Line line, int i) {
            return Text.format("%.0f,%.0f", line.box().x()[i], line.box().y()[i]);
        }

        private static void print(PrintWriter out, ReadText.Result r) {
            List<Object> lines = new ArrayList<>();
            for (ReadText.Line l : r.lines()) {
                List<Object> corners = new ArrayList<>();
                for (int i = 0; i < 4; i++)
                    corners.add(List.of(l.box().x()[i], l.box().y()[i]));
                lines.add(Json.object("text", l.text(), "confidence", l.confidence(), "corners", corners));
            }
            Json.print(
                    out,
                    Json.object(
                            "lines",
                            lines,
                            "width",
                            r.width(),
                            "height",
                            r.height(),
                            "device",
                            r.device(),
                            "ms",
                            Json.object("load", r.loadMillis(), "read", r.readMillis())));
        }
    }
}
