package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The examples of the specification are graphs. */
class ExamplesTest {
    @TestFactory
    Stream<DynamicTest> everyExampleIsAGraphOfItsOp() {
        return OpSpec.ALL.stream()
                .map(s -> DynamicTest.dynamicTest(s.mnemonic(), () -> {
                    Graph g = GraphText.parse(s.example());
                    Verifier.verify(g);
                    assertEquals(s.mnemonic(), g.nodes().getFirst().op().mnemonic());
                    String text = GraphText.printFull(g);
                    assertEquals(text, GraphText.printFull(GraphText.parse(text)));
                }));
    }

    @Test
    void everyOpHasASpecification() {
        Set<String> names = new HashSet<>();
        for (OpSpec s : OpSpec.ALL) assertTrue(names.add(s.mnemonic()), s.mnemonic() + " is there twice");
        assertEquals(Op.class.getPermittedSubclasses().length, names.size());
        assertTrue(names.size() <= 50, "the op set is small: at most 50 primitives");
    }
}
