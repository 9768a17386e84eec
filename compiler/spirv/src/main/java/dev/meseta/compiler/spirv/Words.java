package dev.meseta.compiler.spirv;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Words of a module under construction. */
final class Words {
    private int[] words = new int[256];
    private int size;

    int size() {
        return size;
    }

    void add(int word) {
        if (size == words.length) words = Arrays.copyOf(words, 2 * size);
        words[size++] = word;
    }

    void instruction(Opcode opcode, int... operands) {
        add((operands.length + 1) << 16 | opcode.number());
        for (int o : operands) add(o);
    }

    void addAll(Words other) {
        for (int i = 0; i < other.size; i++) add(other.words[i]);
    }

    int[] toArray() {
        return Arrays.copyOf(words, size);
    }

    /** A literal string: UTF-8 with at least one zero byte behind it. */
    static int[] text(String s) {
        byte[] bytes = s.getBytes(StandardCharsets.UTF_8);
        int[] result = new int[bytes.length / 4 + 1];
        for (int i = 0; i < bytes.length; i++) result[i / 4] |= (bytes[i] & 0xff) << 8 * (i % 4);
        return result;
    }

    static int[] concat(int[] a, int... b) {
        int[] r = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, r, a.length, b.length);
        return r;
    }
}
