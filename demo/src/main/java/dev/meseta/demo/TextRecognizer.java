package dev.meseta.demo;

import dev.meseta.Session;
import dev.meseta.graph.MesetaException;
import dev.meseta.graph.Tensor;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads a line of text with PP-OCR's recognition network: at each of some places along the line the probability of each character,
 * decoded as in connectionist temporal classification (Graves et al., 2006): the likeliest class at each place, repetitions once, blanks
 * left out.
 */
final class TextRecognizer {
    private static final String CHARACTERS = "models/ppocr_keys_v1.txt";
    private static final int HEIGHT = 48;

    /** Widths are padded to a multiple of so many pixels: fewer shapes to plan for. */
    private static final int STEP = 64;

    private static final int NARROWEST = 320;
    private static final int WIDEST = 3200;

    private final Session session;
    private final String input;
    private final List<String> classes;

    TextRecognizer(Session session) {
        this.session = session;
        this.input = session.inputs().getFirst().name();
        this.classes = classes();
    }

    /** Class 0 is the blank, then the characters in the order of the list, then the space. */
    private static List<String> classes() {
        List<String> result = new ArrayList<>(List.of(""));
        InputStream in = TextRecognizer.class.getClassLoader().getResourceAsStream(CHARACTERS);
        if (in == null) throw new MesetaException("'" + CHARACTERS + "' is not on the class path");
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) result.add(line);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        result.add(" ");
        return result;
    }

    /** What a line says, and the mean probability of its characters. */
    record Reading(String text, double confidence) {}

    Reading read(BufferedImage line) {
        double natural = (double) line.getWidth() * HEIGHT / line.getHeight();
        int width = (int) Math.clamp(Math.ceil(natural / STEP) * STEP, NARROWEST, WIDEST);
        float[] values = new float[3 * HEIGHT * width];
        TextLines.write(line, HEIGHT, width, values, 0);
        Tensor out = session.run(Map.of(input, Tensor.of(values, 1, 3, HEIGHT, width)))
                .first();
        int count = (int) out.shape().extent(2);
        if (count > classes.size())
            throw new MesetaException("the network knows " + count + " characters, the list " + classes.size());
        return decode(out.toFloats(), (int) out.shape().extent(1), count);
    }

    private Reading decode(float[] probability, int places, int count) {
        StringBuilder text = new StringBuilder();
        double sum = 0;
        int kept = 0;
        int before = 0;
        for (int p = 0; p < places; p++) {
            int best = 0;
            for (int c = 1; c < count; c++) {
                if (probability[p * count + c] > probability[p * count + best]) best = c;
            }
            if (best != 0 && best != before) {
                text.append(classes.get(best));
                sum += probability[p * count + best];
                kept++;
            }
            before = best;
        }
        return new Reading(text.toString().strip(), kept == 0 ? 0 : sum / kept);
    }
}
