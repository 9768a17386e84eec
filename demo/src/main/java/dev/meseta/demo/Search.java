package dev.meseta.demo;

import dev.meseta.Meseta;
import dev.meseta.graph.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Finds the passages of text files that are closest in meaning to a query. Files are read as a stream, and only the best passages are
 * kept: memory does not grow with what is searched.
 */
public final class Search {
    private static final int BATCH = 32;

    /** Passages are sorted by length within so many batches, so that short ones are not padded to long ones. */
    private static final int WINDOW = 16;

    private Search() {}

    /**
     * What to search for.
     *
     * @param query the question
     * @param files text files
     * @param paragraphs whether passages are paragraphs, else lines
     * @param best number of matches wanted, 1 or more
     * @param device a device's name, or null for the preferred one
     */
    public record Request(
            String query,
            List<Path> files,
            boolean paragraphs,
            int best,
            @Nullable String device) {
        public Request {
            files = List.copyOf(files);
            if (query.isBlank()) throw new InvalidInputException("the query is empty; say what to search for");
            if (files.isEmpty()) throw new InvalidInputException("no file to search");
            if (best < 1) throw new InvalidInputException("the number of matches is " + best + ", expected 1 or more");
        }
    }

    /**
     * A passage and how well it fits.
     *
     * @param passage the text and its place
     * @param score cosine of the angle to the query, -1 to 1
     */
    public record Match(Passage passage, double score) {}

    /**
     * What was found.
     *
     * @param matches the best first
     * @param passages number of passages that were compared
     * @param skipped files that were left out, with the reason
     * @param device the device that computed, with its description
     * @param loadMillis time to load the model
     * @param searchMillis time to read, embed and compare
     */
    public record Result(
            List<Match> matches,
            long passages,
            Map<Path, String> skipped,
            String device,
            double loadMillis,
            double searchMillis) {}

    /** Searches. Throws {@link InvalidInputException} for a file that is not there. */
    public static Result search(Meseta meseta, Request request, Progress progress) {
        Map<Path, String> skipped = new LinkedHashMap<>();
        List<Path> suitable = new ArrayList<>();
        long bytes = 0;
        for (Path file : request.files()) {
            String reason = Passages.unsuitable(file);
            if (reason.isEmpty()) {
                suitable.add(file);
                bytes += size(file);
            } else {
                skipped.put(file, reason);
            }
        }
        long start = System.nanoTime();
        try (SentenceEmbedder embedder = SentenceEmbedder.open(meseta, request.device())) {
            float[] query = embedder.embed(List.of(request.query()))[0];
            long loaded = System.nanoTime();
            Ranking ranking = new Ranking(embedder, query, request.best(), bytes, progress);
            for (Path file : suitable) {
                Passages.read(file, request.paragraphs() ? Passages.Unit.PARAGRAPH : Passages.Unit.LINE, ranking::add);
            }
            ranking.finish();
            long end = System.nanoTime();
            return new Result(
                    ranking.best(),
                    ranking.count,
                    skipped,
                    embedder.device() + " (" + embedder.deviceDescription() + ")",
                    (loaded - start) / 1e6,
                    (end - loaded) / 1e6);
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** Embeds passages in batches of similar length and keeps the best. */
    private static final class Ranking {
        private final SentenceEmbedder embedder;
        private final float[] query;
        private final int wanted;
        private final long bytes;
        private final Progress progress;
        private final List<Passage> waiting = new ArrayList<>();
        private final PriorityQueue<Match> kept = new PriorityQueue<>(Comparator.comparingDouble(Match::score));
        private long count;
        private long done;

        Ranking(SentenceEmbedder embedder, float[] query, int wanted, long bytes, Progress progress) {
            this.embedder = embedder;
            this.query = query;
            this.wanted = wanted;
            this.bytes = bytes;
            this.progress = progress;
        }

        void add(Passage p) {
            waiting.add(p);
            if (waiting.size() == BATCH * WINDOW) flush();
        }

        void finish() {
            flush();
            progress.at(bytes, bytes);
        }

        private void flush() {
            waiting.sort(Comparator.comparingInt(p -> p.text().length()));
            for (int i = 0; i < waiting.size(); i += BATCH) {
                List<Passage> batch = waiting.subList(i, Math.min(waiting.size(), i + BATCH));
                float[][] vectors =
                        embedder.embed(batch.stream().map(Passage::text).toList());
                for (int k = 0; k < vectors.length; k++) {
                    keep(new Match(batch.get(k), dot(query, vectors[k])));
                    done += batch.get(k).text().length() + 1;
                }
                count += vectors.length;
                progress.at(Math.min(done, bytes), bytes);
            }
            waiting.clear();
        }

        private void keep(Match m) {
            kept.add(m);
            if (kept.size() > wanted) kept.poll();
        }

        List<Match> best() {
            return kept.stream()
                    .sorted(Comparator.comparingDouble(Match::score)
                            .reversed()
                            .thenComparing(m -> m.passage().file())
                            .thenComparingLong(m -> m.passage().line()))
                    .toList();
        }

        private static double dot(float[] a, float[] b) {
            double sum = 0;
            for (int i = 0; i < a.length; i++) sum += a[i] * b[i];
            return sum;
        }
    }
}
