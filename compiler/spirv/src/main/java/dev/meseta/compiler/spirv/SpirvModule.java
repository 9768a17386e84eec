package dev.meseta.compiler.spirv;

import java.util.Set;

/**
 * A compute shader with the entry point {@value #ENTRY}.
 *
 * @param words in the order of the machine
 * @param needs capabilities that a device must have
 */
public record SpirvModule(int[] words, Set<Capability> needs) {
    public static final String ENTRY = "main";

    public SpirvModule {
        words = words.clone();
        needs = Set.copyOf(needs);
    }

    @Override
    public int[] words() {
        return words.clone();
    }
}
