package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is printed is read back: the same text again, the same results, the same bits. */
class GraphTextTest {
    @Test
    void randomGraphsComeBack() {
        for (int seed = 0; seed < 200; seed++) {
            Graph g = RandomGraphs.graph(seed, 30);
            Verifier.verify(g);
            String text = GraphText.printFull(g);
            Graph back = GraphText.parse(text);
            Verifier.verify(back);
            assertEquals(text, GraphText.printFull(back), "seed " + seed);
            List<Tensor> inputs = RandomGraphs.inputs(g, seed);
            sameTensors(Interpreter.run(g, inputs), Interpreter.run(back, inputs), seed);
        }
    }

    static void sameTensors(List<Tensor> a, List<Tensor> b, int seed) {
        assertEquals(a.size(), b.size());
        for (int i = 0; i < a.size(); i++) {
            assertEquals(a.get(i).type(), b.get(i).type(), "seed " + seed);
            assertEquals(-1, a.get(i).data().mismatch(b.get(i).data()), "seed " + seed + ", output " + i);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyBitOfEveryTypeComesBack(DType d) {
        Random random = new Random(5);
        // Below 65 elements numbers are written one by one.
        Tensor t = Tensor.allocate(TensorType.of(d, 60));
        for (int round = 0; round < 50; round++) {
            for (long i = 0; i < t.elements(); i++) {
                for (int k = 0; k < d.bytes(); k++)
                    t.data().set(java.lang.foreign.ValueLayout.JAVA_BYTE, i * d.bytes() + k, (byte) random.nextInt());
                if (d.bits() < 8) t.setLong(i, random.nextLong());
                if (d == DType.F4E2M1)
                    t.data().set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) random.nextInt(16));
            }
            comesBack(t);
        }
        if (!d.isFloat()) return;
        double[] specials = {
            0, -0.0, 1, 1e-45, 0x1p-24, 1.0 / 3, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY
        };
        Tensor s = Tensor.allocate(TensorType.of(d, specials.length));
        for (int i = 0; i < specials.length; i++) s.setDouble(i, specials[i]);
        comesBack(s);
    }

    private static void comesBack(Tensor t) {
        GraphBuilder b = new GraphBuilder("", Interpreter::evaluate);
        Graph g = b.build(List.of(b.constant(t)));
        Graph back = GraphText.parse(GraphText.printFull(g));
        Tensor u = ((Op.Constant) back.nodes().getFirst().op()).value();
        assertEquals(-1, t.data().mismatch(u.data()), GraphText.printFull(g));
    }

    @Test
    void largeConstantsAreElidedForPeopleOnly() {
        GraphBuilder b = new GraphBuilder("g", Interpreter::evaluate);
        float[] v = new float[1000];
        for (int i = 0; i < v.length; i++) v[i] = i;
        Graph g = b.build(
                List.of(b.constant(Tensor.of(v)), b.constant(Tensor.allocate(TensorType.of(DType.F32, 1 << 20)))));
        String text = GraphText.print(g);
        assertTrue(text.contains("elided(\""), text);
        assertTrue(text.contains("splat(0.0)"), text);
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> GraphText.parse(text));
        assertTrue(
                e.getMessage().contains("line 2, column 24") && e.getMessage().contains("in full"), e.getMessage());
        assertEquals(GraphText.printFull(g), GraphText.printFull(GraphText.parse(GraphText.printFull(g))));
    }

    @Test
    void commentsSymbolsAndOriginsAreUnderstood() {
        Graph g = GraphText.parse("""
                graph "net" (%7 "x": f32["my batch"=1,seq=128]) { // the input
                  %3 = map.neg %7 : f32[batch=1,seq=128] loc "conv \\u00e9 \\"1\\""
                  return %3, %7
                }""");
        assertEquals("conv \u00e9 \"1\"", g.nodes().getFirst().origin());
        assertEquals("my batch", g.inputs().getFirst().shape().dim(0).symbol());
        assertEquals(128, g.inputs().getFirst().extent(1));
        assertEquals("x", g.inputs().getFirst().name());
        assertEquals(2, g.outputs().size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`` | line 1, column 1: expected 'graph', found the end",
                "graph ( { return } | column 9: expected an input",
                "graph () { %0 = nop : f32[] return } | column 17: no op is called 'nop'",
                "graph () { %0 = iota : i64[4] return } | column 17: iota lacks attribute axis",
                "graph () { %0 = iota {axis=0,axis=1} : i64[4] return } | column 30: attribute axis is given a second time",
                "graph () { %0 = iota {axis=0,b=1} : i64[4] return } | iota has no attribute b",
                "graph () { %0 = iota {axis=5000000000} : i64[4] return } | iota's axis is beyond 32 bits",
                "graph () { %0 = iota.x {axis=0} : i64[4] return } | iota has no variant 'x'",
                "graph () { %0 = iota {axis=[[[} : i64[4] return } | column 31",
                "graph () { %0 = iota {axis=0} : i65[4] return } | unknown element type 'i65'",
                "graph () { %0 = iota {axis=0} : i64[-4] return } | -4 is not an extent",
                "graph () { %0, %1 = iota {axis=0} : i64[4] return } | 2 results have 1 types",
                "graph (%0: f32[]) { %0 = map.neg %0 : f32[] return } | %0 is defined a second time",
                "graph () { return %1 } | %1 is not defined before it is used",
                "graph (%0: f32[]) { %1 = map.what %0 : f32[] return } | there is no map.what",
                "graph () { %0 = constant {value=dense(1, 2)} : f32[3] return } | f32[3] has 3 elements, found 2",
                "graph () { %0 = constant {value=dense(300)} : u8[1] return } | 300 is not a value of u8",
                "graph () { %0 = constant {value=dense(zz)} : u8[1] return } | column 33",
                "graph () { %0 = constant {value=splat(1)} : u8[99999999999999] return } | too large for a splat",
                "graph () { %0 = constant {value=base64(\"AA\")} : u8[7] return } | u8[7] takes 7 bytes, found 1",
                "graph () { %0 = constant {value=base64(\"??\")} : u8[7] return } | Illegal base64",
                "graph () { return } trailing | expected the end, found 'trailing'",
                "graph \"x () { return } | the string has no end",
                "graph () ; { return } | ';' has no meaning here",
                "graph (%0: bool[]) { %1 = if %0 () { return } : f32[] return } | if lacks region 2",
            })
    void mistakesAreLocated(String text, String message) {
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> GraphText.parse(text));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void deepTextDoesNotOverflowTheStack() {
        String text = "graph () { %0 = iota {axis=" + "[".repeat(100_000);
        assertThrows(InvalidInputException.class, () -> GraphText.parse(text));
    }

    @Test
    void garbageIsRefusedAndNothingElse() {
        Random random = new Random(11);
        for (int round = 0; round < 20_000; round++) {
            StringBuilder text = new StringBuilder(
                    OpSpec.ALL.get(random.nextInt(OpSpec.ALL.size())).example());
            for (int i = 0; i <= random.nextInt(4); i++) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.setCharAt(at, (char) random.nextInt(32, 127));
                    case 1 -> text.deleteCharAt(at);
                    default -> text.insert(at, text.substring(at, Math.min(text.length(), at + random.nextInt(9))));
                }
            }
            try {
                Verifier.verify(GraphText.parse(text.toString()));
            } catch (InvalidInputException | VerificationException e) {
                assertTrue(e.getMessage().length() > 10, text.toString());
            }
        }
    }
}
