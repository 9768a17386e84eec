package dev.meseta.compiler.spirv;

import java.util.Set;

/**
 * A compute shader with the entry point {@value #ENTRY}.
 *
 * @param words in the order of the machine
 * @param needs capabilities that a device must have
 * @param rounds rounds of loops that an invocation takes at most, as far as is known
 */
public record SpirvModule(int[] words, Set<Capability> needs, long rounds) {
    public static final String ENTRY = "main";

    public SpirvModule {
        words = words.clone();
        needs = Set.copyOf(needs);
    }

    SpirvModule withRounds(long all) {
        return new SpirvModule(words, needs, all);
    }

    @Override
    public int[] words() {
        return words.clone();
    }
}
