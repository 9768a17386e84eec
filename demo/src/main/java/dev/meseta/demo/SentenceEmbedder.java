package dev.meseta.demo;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Sentences to vectors with all-MiniLM-L6-v2: tokens through the network, the mean over the tokens, scaled to length 1, so that the dot
 * product of two vectors is the cosine of their angle. Thread-safe.
 */
public final class SentenceEmbedder implements AutoCloseable {
    /** Length of a vector. */
    public static final int WIDTH = 384;

    /** Longest sentence in tokens; what is longer is cut, as the model was trained. */
    private static final int LONGEST = 256;

    /** Batches are padded to a multiple of so many tokens: fewer shapes to plan for. */
    private static final int STEP = 16;

    private static final String MODEL = "all-minilm-l6-v2.onnx";
    private static final String TOKENIZER = "all-minilm-l6-v2-tokenizer.json";

    private final HuggingFaceTokenizer tokenizer;
    private final Session session;

    private SentenceEmbedder(HuggingFaceTokenizer tokenizer, Session session) {
        this.tokenizer = tokenizer;
        this.session = session;
    }

    /** @param device a device's name, or null for the preferred one */
    public static SentenceEmbedder open(Meseta meseta, @Nullable String device) {
        var model = meseta.load(ModelFiles.unpack(MODEL));
        return new SentenceEmbedder(tokenizer(), (device == null ? model : model.on(device)).prepare());
    }

    private static HuggingFaceTokenizer tokenizer() {
        try (InputStream in = SentenceEmbedder.class.getClassLoader().getResourceAsStream(TOKENIZER)) {
            if (in == null)
                throw new InvalidInputException("the tokenizer '" + TOKENIZER + "' is not on the class path");
            return HuggingFaceTokenizer.newInstance(
                    in, Map.of("padding", "false", "truncation", "true", "maxLength", Integer.toString(LONGEST)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Name of the device that computes. */
    public String device() {
        return session.device().name();
    }

    /** What the device is. */
    public String deviceDescription() {
        return session.device().description();
    }

    /** One vector of {@value #WIDTH} numbers a sentence, in order. */
    public float[][] embed(List<String> sentences) {
        if (sentences.isEmpty()) return new float[0][];
        Encoding[] encodings = tokenizer.batchEncode(sentences);
        int batch = encodings.length;
        int tokens = 1;
        for (Encoding e : encodings) tokens = Math.max(tokens, e.getIds().length);
        tokens = (tokens + STEP - 1) / STEP * STEP;
        long[] ids = new long[batch * tokens];
        long[] mask = new long[batch * tokens];
        long[] kinds = new long[batch * tokens];
        for (int i = 0; i < batch; i++) {
            int n = encodings[i].getIds().length;
            System.arraycopy(encodings[i].getIds(), 0, ids, i * tokens, n);
            System.arraycopy(encodings[i].getAttentionMask(), 0, mask, i * tokens, n);
            System.arraycopy(encodings[i].getTypeIds(), 0, kinds, i * tokens, n);
        }
        Tensor hidden = session.run(Map.of(
                        "input_ids", Tensor.of(ids, batch, tokens),
                        "attention_mask", Tensor.of(mask, batch, tokens),
                        "token_type_ids", Tensor.of(kinds, batch, tokens)))
                .get("last_hidden_state");
        return pool(hidden.toFloats(), mask, batch, tokens);
    }

    private static float[][] pool(float[] hidden, long[] mask, int batch, int tokens) {
        float[][] vectors = new float[batch][WIDTH];
        for (int i = 0; i < batch; i++) {
            float[] v = vectors[i];
            for (int t = 0; t < tokens; t++) {
                if (mask[i * tokens + t] == 0) continue;
                int at = (i * tokens + t) * WIDTH;
                for (int k = 0; k < WIDTH; k++) v[k] += hidden[at + k];
            }
            normalise(v);
        }
        return vectors;
    }

    private static void normalise(float[] v) {
        double sum = 0;
        for (float x : v) sum += (double) x * x;
        float scale = (float) (1 / Math.max(Math.sqrt(sum), 1e-12));
        for (int k = 0; k < v.length; k++) v[k] *= scale;
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
