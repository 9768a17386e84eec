package dev.meseta.tests.tflite;

import dev.meseta.tests.tflite.FlatBufferWriter.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Damages models, in two ways: as files (bits, bytes, numbers that are known to be awkward, numbers exchanged or copied from elsewhere, the end
 * cut off), of which most are no FlatBuffers any more; and as the tables that a file is made of, of which most are, and say something
 * else. In files it prefers words that could be an offset, a count or an extent, since most of a model is weights, where damage is not
 * interesting. For one thread; the same seed gives the same models.
 */
final class ModelMutations {
    private static final List<Integer> AWKWARD = List.of(
            0, 1, -1, 2, 3, 4, 127, 128, 255, 256, 1000, 4096, 65535, 65536, 1 << 20, 1 << 28, 0x7fffffff, 0x80000000);

    private static final List<Float> AWKWARD_REALS =
            List.of(0f, -1f, 1f, 1e-30f, 1e30f, Float.NaN, Float.POSITIVE_INFINITY, Float.MIN_VALUE, 0.5f, 3f);

    /** Bytes of a constant that may be a shape, or axes. */
    private static final int SMALL = 64;

    /** Attempts to find a word that looks like one of a table. */
    private static final int ATTEMPTS = 64;

    private final Random random;

    ModelMutations(long seed) {
        this.random = new Random(seed);
    }

    /** A copy of a file with one to three mistakes. */
    byte[] of(byte[] file) {
        byte[] bytes = file.clone();
        for (int k = 1 + random.nextInt(3) * random.nextInt(2); k > 0; k--) bytes = once(bytes);
        return bytes;
    }

    private byte[] once(byte[] bytes) {
        if (bytes.length < 16) return bytes;
        ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int at = word(words);
        switch (random.nextInt(8)) {
            case 0 -> bytes[at + random.nextInt(4)] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            case 2 -> bytes[at + random.nextInt(4)] = (byte) random.nextInt();
            case 3 -> words.putInt(at, AWKWARD.get(random.nextInt(AWKWARD.size())));
            case 4 -> words.putInt(at, words.getInt(at) + random.nextInt(-8, 9));
            case 5 -> {
                int other = word(words);
                int value = words.getInt(at);
                words.putInt(at, words.getInt(other));
                words.putInt(other, value);
            }
            case 6 -> words.putInt(at, words.getInt(word(words)));
            default -> {
                if (random.nextInt(4) == 0) return Arrays.copyOf(bytes, random.nextInt(bytes.length));
                words.putShort(at, (short) (int) AWKWARD.get(random.nextInt(AWKWARD.size())));
            }
        }
        return bytes;
    }

    /** The place of a word that is small enough for what tables hold. */
    private int word(ByteBuffer bytes) {
        int at = 0;
        for (int i = 0; i < ATTEMPTS; i++) {
            at = 4 * random.nextInt(bytes.capacity() / 4);
            if (Math.abs((long) bytes.getInt(at)) <= bytes.capacity()) return at;
        }
        return at;
    }

    /** Changes one to three numbers of a model's tables, or of one of them, of which most say what is computed. */
    void damage(Table model, Table preferred) {
        List<Runnable> all = new ArrayList<>();
        if (random.nextBoolean()) collect(preferred, all);
        if (all.isEmpty()) collect(model, all);
        for (int k = random.nextInt(1, 4); k > 0; k--)
            all.get(random.nextInt(all.size())).run();
    }

    /** What could be changed in a table and those below it, each as the change. */
    private void collect(Table t, List<Runnable> all) {
        t.fields.forEach((field, value) -> {
            switch (value) {
                case Table below -> collect(below, all);
                case List<?> list -> {
                    for (Object o : list) if (o instanceof Table below) collect(below, all);
                }
                case byte[] v -> {
                    if (v.length > 0 && v.length <= SMALL) all.add(() -> t.set(field, changed(v)));
                }
                case int[] v -> all.add(() -> t.set(field, changed(v)));
                case float[] v -> {
                    if (v.length > 0) all.add(() -> v[random.nextInt(v.length)] = awkwardReal());
                }
                case long[] v -> {
                    if (v.length > 0) all.add(() -> v[random.nextInt(v.length)] = awkward());
                }
                case Byte _ -> all.add(() -> t.set(field, (byte) random.nextInt(-1, 20)));
                case Boolean v -> all.add(() -> t.set(field, !v));
                case Integer v -> all.add(() -> t.set(field, random.nextBoolean() ? awkward() : near(v)));
                case Long _ -> all.add(() -> t.set(field, (long) awkward()));
                case Float _ -> all.add(() -> t.set(field, awkwardReal()));
                default -> {}
            }
        });
    }

    private int awkward() {
        return AWKWARD.get(random.nextInt(AWKWARD.size()));
    }

    private float awkwardReal() {
        return AWKWARD_REALS.get(random.nextInt(AWKWARD_REALS.size()));
    }

    private int near(int x) {
        return x + random.nextInt(-3, 4);
    }

    private byte[] changed(byte[] v) {
        byte[] changed = v.clone();
        if (v.length % 4 != 0 || random.nextInt(4) == 0)
            changed[random.nextInt(v.length)] ^= (byte) (1 << random.nextInt(8));
        else {
            ByteBuffer words = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
            int at = 4 * random.nextInt(v.length / 4);
            words.putInt(at, random.nextBoolean() ? awkward() : near(words.getInt(at)));
        }
        return changed;
    }

    /** One element changed, or one more or less. */
    private int[] changed(int[] v) {
        int choice = random.nextInt(6);
        if (v.length == 0 || choice == 0) {
            int[] longer = Arrays.copyOf(v, v.length + 1);
            longer[v.length] = awkward();
            return longer;
        }
        if (choice == 1) return Arrays.copyOf(v, v.length - 1);
        int[] changed = v.clone();
        int at = random.nextInt(v.length);
        changed[at] = random.nextBoolean() ? awkward() : near(v[at]);
        return changed;
    }
}
