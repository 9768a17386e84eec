package dev.meseta.drivers.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.InvalidInputException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Code for Arm's SVE states the length of the vectors that it relies on, and runs with no other. */
final class VectorLengthTest {
    private static final Instructions.Architecture ARM = Instructions.Architecture.AARCH64;

    private static String requirements(String target) {
        return CpuTarget.parse(target).requirements();
    }

    /** What a processor has whose vectors have a length. */
    private static Set<String> with(String target, int bits) {
        Set<String> features = new HashSet<>(CpuTarget.parse(target).features());
        features.removeIf(f -> f.matches("sve[0-9]{3}"));
        features.add("sve" + bits);
        return features;
    }

    @ParameterizedTest
    @CsvSource({"neoverse-v1,256", "a64fx,512", "armv8-a+sve512,512", "neoverse-n2,0", "neoverse-v2,0", "neoverse-n1,0"
    })
    void targetsHaveALength(String target, int bits) {
        CpuTarget t = CpuTarget.parse(target);
        assertEquals(bits, t.llvm().sveBits());
        assertEquals(bits == 0 ? 16 : bits / 8, t.device().target().vectorBytes());
        assertEquals(bits > 0, requirements(target).contains(" sve" + bits));
    }

    @Test
    void anotherLengthIsRefused() {
        String needs = requirements("neoverse-v1");
        assertEquals("", Instructions.lacking(needs, ARM, with("neoverse-v1", 256)));
        assertEquals(
                "its code needs vectors of SVE of 256 bits, this processor's have 128; compile the model for this length",
                Instructions.lacking(needs, ARM, with("neoverse-v1", 128)));
        String without =
                Instructions.lacking(needs, ARM, CpuTarget.parse("neoverse-n1").features());
        assertTrue(without.startsWith("this processor lacks ") && without.endsWith(" sve sve256"), without);
        assertEquals("", Instructions.lacking(requirements("neoverse-n2"), ARM, with("neoverse-n2", 512)));
    }

    @Test
    void thereIsOneLength() {
        String message = assertThrows(InvalidInputException.class, () -> CpuTarget.parse("neoverse-v1+sve512"))
                .getMessage();
        assertTrue(message.contains("one length"), message);
    }
}
