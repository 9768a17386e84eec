package dev.meseta;

import dev.meseta.driver.Device;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Searches the compiler's choices on a device: one question after the other, each answer that the compiler's model thinks nearly as good is
 * tried in the whole model, in turns with the best so far. What is faster is remembered in the user's cache folder, and every session of
 * this device and number of threads that is prepared from then on, of whatever model, is made so.
 */
public final class Tuner {
    /** A trial must be faster by this factor, or the difference may be chance. */
    private static final double FASTER = 1.02;

    private static final int LEAST_PAIRS = 7;
    private static final int MOST_PAIRS = 200;
    private static final double COMPARISON_MS = 200;

    private final Model model;
    private final KernelDevice device;
    private final Map<String, ? extends Data> inputs;
    private final Race race;

    /** Hears of the search's progress. */
    @FunctionalInterface
    public interface Progress {
        /**
         * @param done questions that are answered
         * @param total questions
         */
        void at(int done, int total);
    }

    /**
     * What came of a search.
     *
     * @param questions that the compiler has for this model
     * @param tried answers that were tried
     * @param gain time of a run before over that after; 1 where nothing better was found
     * @param found answers that are better than those before, by question
     * @param complete whether all questions were answered within the time
     */
    public record Result(int questions, int tried, double gain, Map<String, String> found, boolean complete) {}

    /** How many times as fast the second is as the first. */
    @FunctionalInterface
    interface Race {
        double between(Runnable first, Runnable second);
    }

    Tuner(Model model, KernelDevice device, Map<String, ? extends Data> inputs, Race race) {
        this.model = model;
        this.device = device;
        this.inputs = inputs;
        this.race = race;
    }

    /**
     * Searches, and remembers.
     *
     * @param inputs what the model is run on; their shapes are those that it becomes fast for
     * @param limit for the search; the question that is under way is answered
     * @throws InvalidInputException if the model's device has no choices, or nothing can be remembered
     */
    public static Result tune(Model model, Map<String, ? extends Data> inputs, Duration limit, Progress progress) {
        Device device = model.device();
        if (!(device instanceof KernelDevice k)) {
            throw new InvalidInputException("there is nothing to tune on " + device.name());
        }
        return new Tuner(model, k, inputs, Tuner::race).search(Findings.of(k), limit, progress);
    }

    Result search(Findings before, Duration limit, Progress progress) {
        Path file = before.file()
                .orElseThrow(
                        () -> new InvalidInputException("what tuning finds cannot be remembered: MESETA_CACHE is off"));
        long end = System.nanoTime() + limit.toNanos();
        Map<String, List<String>> questions = Collections.synchronizedMap(new LinkedHashMap<>());
        Session first = prepare(before, questions);
        List<String> open = List.copyOf(questions.keySet());
        Findings best = before;
        Session fastest = first;
        Map<String, String> found = new LinkedHashMap<>();
        int tried = 0;
        int done = 0;
        while (done < open.size() && System.nanoTime() < end) {
            progress.at(done, open.size());
            String question = open.get(done++);
            List<String> answers = questions.getOrDefault(question, List.of());
            String current = best.answers().getOrDefault(question, answers.getFirst());
            for (String answer : answers) {
                if (answer.equals(current)) continue;
                Findings trial = best.with(question, answer);
                Session session = prepare(trial, questions);
                tried++;
                if (!isFaster(fastest, session)) continue;
                fastest = session;
                best = trial;
                found.put(question, answer);
            }
        }
        progress.at(done, open.size());
        // What won by chance, answer by answer, does not win again.
        double gain = found.isEmpty() ? 1 : compare(first, fastest);
        if (gain > 1) keep(file, found);
        return new Result(
                open.size(), tried, gain > 1 ? gain : 1, gain > 1 ? Map.copyOf(found) : Map.of(), done == open.size());
    }

    /** A session that has run once, so that all its stages are planned. */
    private Session prepare(Findings findings, Map<String, List<String>> questions) {
        Session session =
                model.session(device, Compiling.compilerFor(device, findings.choices(questions::putIfAbsent)));
        session.run(inputs);
        return session;
    }

    private static void keep(Path file, Map<String, String> found) {
        try {
            Findings.keep(file, found);
        } catch (IOException e) {
            throw new UncheckedIOException("what tuning found cannot be kept in " + file + ": " + e.getMessage(), e);
        }
    }

    private double compare(Session first, Session second) {
        return race.between(() -> first.run(inputs), () -> second.run(inputs));
    }

    /** Whether two races say that the second is faster. */
    private boolean isFaster(Session first, Session second) {
        boolean won = compare(first, second) >= FASTER;
        return won && compare(first, second) >= FASTER;
    }

    /** Runs in turns; the median of the ratios of neighbours. */
    private static double race(Runnable first, Runnable second) {
        first.run();
        second.run();
        List<Double> ratios = new ArrayList<>();
        long begin = System.nanoTime();
        while (ratios.size() < MOST_PAIRS
                && (ratios.size() < LEAST_PAIRS || (System.nanoTime() - begin) / 1e6 < COMPARISON_MS)) {
            long start = System.nanoTime();
            first.run();
            long middle = System.nanoTime();
            second.run();
            ratios.add((double) (middle - start) / (System.nanoTime() - middle));
        }
        Collections.sort(ratios);
        return ratios.get(ratios.size() / 2);
    }
}
