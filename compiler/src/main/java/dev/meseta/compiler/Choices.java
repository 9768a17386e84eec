package dev.meseta.compiler;

import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Answers to what the compiler may decide one way or another, all of them right: the size of a tile, the way of a convolution. The
 * compiler's model of costs answers where nothing else is known; a search on the device may know better. Questions and answers are texts
 * that stay the same from one process to the next. Thread-safe if the listener is.
 */
public final class Choices {
    /** Knows nothing: the model of costs decides. */
    public static final Choices NONE = new Choices(Map.of(), (_, _) -> {});

    /** What costs more than the cheapest by this factor is not worth a question, */
    private static final double WORTH_ASKING = 1.6;

    /** nor is more than this many. */
    private static final int MOST = 6;

    private final Map<String, String> answers;
    private final Listener listener;
    private final double most;

    /** Hears of each question with the answers that it may have, the model's first. */
    @FunctionalInterface
    public interface Listener {
        void asked(String question, List<String> answers);
    }

    /**
     * @param answers by question; others, and those that are no answer to their question, are left unused
     * @param listener hears of questions that have more than one answer
     */
    public Choices(Map<String, String> answers, Listener listener) {
        this(answers, listener, WORTH_ASKING);
    }

    private Choices(Map<String, String> answers, Listener listener, double most) {
        this.answers = Map.copyOf(answers);
        this.listener = listener;
        this.most = most;
    }

    /** These answers by question, also where the model thinks them much worse: to measure whether it is right. */
    public static Choices forced(Map<String, String> answers) {
        return new Choices(answers, (_, _) -> {}, Double.POSITIVE_INFINITY);
    }

    /**
     * One of the candidates.
     *
     * @param costs of each candidate, by the compiler's model; one at least
     * @param name of a candidate, as it stands in answers
     */
    <T> T pick(String question, Map<T, Double> costs, Function<T, String> name) {
        // The order among equals is that of the map.
        if (this == NONE)
            return Collections.min(costs.entrySet(), Map.Entry.comparingByValue())
                    .getKey();
        List<T> candidates = costs.entrySet().stream()
                .sorted(Comparator.comparingDouble(Map.Entry::getValue))
                .map(Map.Entry::getKey)
                .toList();
        T first = candidates.getFirst();
        double dearest = costs.getOrDefault(first, 0.0) * most;
        List<T> good = candidates.stream()
                .filter(c -> costs.getOrDefault(c, 0.0) <= dearest)
                .limit(MOST)
                .toList();
        if (good.size() > 1) listener.asked(question, good.stream().map(name).toList());
        String answer = answers.get(question);
        for (T c : good) {
            if (name.apply(c).equals(answer)) return c;
        }
        return first;
    }
}
