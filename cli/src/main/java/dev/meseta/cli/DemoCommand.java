package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.demo.Progress;
import dev.meseta.demo.Quad;
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
        subcommands = {DemoCommand.SearchText.class, DemoCommand.Read.class})
final class DemoCommand implements Runnable {
    private static final int WIDTH = 80;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    @Command(
            name = "search",
            mixinStandardHelpOptions = true,
            description = {
                "Finds the lines of text files that are closest in meaning to a query.",
                "The model is all-MiniLM-L6-v2: best on English."
            })
    static final class SearchText implements Callable<Integer> {
        /** Longest part of a passage that is shown, in characters. */
        private static final int SHOWN = 3 * (WIDTH - 4);

        @Spec
        @SuppressWarnings("NullAway.Init") // set by picocli
        private CommandSpec spec;

        @Parameters(index = "0", paramLabel = "QUERY", description = "What to search for, in plain words.")
        private String query = "";

        @Parameters(index = "1..*", arity = "1..*", paramLabel = "FILE", description = "Text files, in UTF-8.")
        private List<Path> files = new ArrayList<>();

        @Option(names = "--paragraphs", description = "Search paragraphs (parted by empty lines) in place of lines.")
        private boolean paragraphs;

        @Option(names = "--best", paramLabel = "N", description = "Number of matches (default: ${DEFAULT-VALUE}).")
        private int best = 5;

        @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
        private @Nullable String device;

        @Option(names = "--json", description = "Print JSON.")
        private boolean json;

        @Override
        public Integer call() {
            PrintWriter out = spec.commandLine().getOut();
            PrintWriter err = spec.commandLine().getErr();
            Search.Request request = new Search.Request(query, files, paragraphs, best, device);
            Search.Result result;
            try (Meseta meseta = Meseta.open();
                    Bar bar = new Bar("searching", " kB", 1024)) {
                result = Search.search(meseta, request, bar);
            }
            result.skipped().forEach((file, reason) -> err.println("meseta: left out " + file + ": " + reason));
            if (json) Json.print(out, describe(result));
            else print(out, result);
            return result.skipped().size() == files.size() ? Main.USERS_MISTAKE : 0;
        }

        private void print(PrintWriter out, Search.Result result) {
            if (result.passages() == 0) {
                out.println("nothing to search: the files hold no text");
                return;
            }
            for (Search.Match m : result.matches()) {
                out.println(Text.format("%6.3f  ", m.score()) + m.passage().file() + ":"
                        + m.passage().line());
                String text = m.passage().text().replaceAll("\\s+", " ");
                if (text.length() > SHOWN) text = text.substring(0, SHOWN - 1) + "…";
                for (String line : wrap(text, WIDTH - 8)) out.println("        " + line);
            }
            double seconds = result.searchMillis() / 1e3;
            out.println();
            out.println(Text.count(result.passages(), "passage") + " in " + Text.format("%.2f s", seconds)
                    + Text.format(" (%.0f a second)", result.passages() / Math.max(seconds, 1e-9))
                    + ", model loaded in " + Text.format("%.2f s", result.loadMillis() / 1e3));
            out.println("on " + result.device());
        }

        private static Object describe(Search.Result result) {
            List<Object> matches = new ArrayList<>();
            for (Search.Match m : result.matches()) {
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
            result.skipped()
                    .forEach((file, reason) -> skipped.add(Json.object("file", file.toString(), "reason", reason)));
            return Json.object(
                    "matches", matches,
                    "passages", result.passages(),
                    "skipped", skipped,
                    "device", result.device(),
                    "load_ms", result.loadMillis(),
                    "search_ms", result.searchMillis());
        }
    }

    @Command(
            name = "read",
            mixinStandardHelpOptions = true,
            description = {
                "Reads the text in a picture.",
                "The models are PP-OCR's (detection, direction, recognition): Chinese and English."
            })
    static final class Read implements Callable<Integer> {
        @Spec
        @SuppressWarnings("NullAway.Init") // set by picocli
        private CommandSpec spec;

        @Parameters(paramLabel = "IMAGE", description = "A picture: png, jpg, gif or bmp.")
        private Path image = Path.of("");

        @Option(names = "--out", paramLabel = "FILE", description = "Write the picture with the boxes drawn on it.")
        private @Nullable Path output;

        @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
        private @Nullable String device;

        @Option(names = "--json", description = "Print JSON.")
        private boolean json;

        @Override
        public Integer call() {
            PrintWriter out = spec.commandLine().getOut();
            if (output != null) {
                ReadText.checkWritable(output);
                if (output.toAbsolutePath()
                        .normalize()
                        .equals(image.toAbsolutePath().normalize())) {
                    throw new InvalidInputException("--out " + output + " is the picture itself; name another file");
                }
            }
            BufferedImage picture = ReadText.picture(image);
            ReadText.Result result;
            try (Meseta meseta = Meseta.open();
                    Bar bar = new Bar("reading", " lines", 1)) {
                result = ReadText.read(meseta, picture, device, bar);
            }
            if (output != null) ReadText.write(ReadText.draw(picture, result.lines()), output);
            if (json) Json.print(out, describe(result));
            else print(out, result);
            return 0;
        }

        private void print(PrintWriter out, ReadText.Result result) {
            int number = 1;
            for (ReadText.Line line : result.lines()) {
                out.println(
                        Text.format("%3d  %.2f  %-18s ", number++, line.confidence(), place(line.box())) + line.text());
            }
            if (result.lines().isEmpty()) out.println("no text found");
            out.println();
            out.println(Text.count(result.lines().size(), "line") + " in a picture of " + result.width() + "x"
                    + result.height()
                    + " in " + Text.format("%.2f s", result.readMillis() / 1e3) + ", models loaded in "
                    + Text.format("%.2f s", result.loadMillis() / 1e3));
            out.println("on " + result.device());
            if (output != null) out.println("drawn on " + output);
        }

        private static String place(Quad box) {
            return Text.format("%.0f,%.0f %.0fx%.0f", box.x()[0], box.y()[0], box.width(), box.height());
        }

        private static Object describe(ReadText.Result result) {
            List<Object> lines = new ArrayList<>();
            for (ReadText.Line line : result.lines()) {
                List<Object> corners = new ArrayList<>();
                for (int i = 0; i < 4; i++)
                    corners.add(List.of(line.box().x()[i], line.box().y()[i]));
                lines.add(Json.object("text", line.text(), "confidence", line.confidence(), "box", corners));
            }
            return Json.object(
                    "lines", lines,
                    "width", result.width(),
                    "height", result.height(),
                    "device", result.device(),
                    "load_ms", result.loadMillis(),
                    "read_ms", result.readMillis());
        }
    }

    /** Text in lines of at most so many characters, broken at spaces where there are some. */
    static List<String> wrap(String text, int width) {
        List<String> lines = new ArrayList<>();
        String rest = text;
        while (rest.length() > width) {
            int space = rest.lastIndexOf(' ', width);
            int end = space > width / 2 ? space : width;
            lines.add(rest.substring(0, end));
            rest = rest.substring(end).stripLeading();
        }
        if (!rest.isEmpty()) lines.add(rest);
        return lines;
    }

    /** A progress bar on a terminal; nothing elsewhere. */
    private static final class Bar implements Progress, AutoCloseable {
        private final @Nullable ProgressBar bar;
        private final long unit;

        Bar(String task, String unitName, long unit) {
            this.unit = unit;
            this.bar = Terminal.showsErrors()
                    ? new ProgressBarBuilder()
                            .setTaskName(task)
                            .setUnit(unitName, unit)
                            .setStyle(ProgressBarStyle.ASCII)
                            .setMaxRenderedLength(WIDTH - 1)
                            .clearDisplayOnFinish()
                            .build()
                    : null;
        }

        @Override
        public void at(long done, long total) {
            if (bar == null) return;
            bar.maxHint(Math.max(unit, total));
            bar.stepTo(done);
        }

        @Override
        public void close() {
            if (bar != null) bar.close();
        }
    }
}
