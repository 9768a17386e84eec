package dev.meseta.drivers.ethosu.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.drivers.ethosu.Program;
import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.model.Timeline;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.quantized.Clamp;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Chains in stripes, for devices whose fast memory is too small for their maps, give what the interpreter gives, to the bit. */
final class CascadesTest {
    private static final int CASES = Integer.getInteger("meseta.ethosu.cascades", 120);

    private static final long SEED = Long.getLong("meseta.ethosu.seed", 1);

    /** Two to four operators after each other, on a map of many rows. */
    private static Graph chain(Random random, DType type) {
        GraphBuilder b = new GraphBuilder("chain", Interpreter::evaluate);
        RandomOperators r = new RandomOperators(random, b, type);
        int channels = random.nextBoolean() ? 16 * random.nextInt(1, 3) : random.nextInt(1, 30);
        Value x =
                b.input("x", QuantizedBodies.picture(type, 1, random.nextInt(24, 64), random.nextInt(8, 24), channels));
        for (int i = random.nextInt(2, 5); i > 0; i--) {
            x = switch (random.nextInt(7)) {
                case 0, 1 -> r.convolution(x, false);
                case 2, 3 -> r.convolution(x, true);
                case 4 -> r.pool(x, random.nextBoolean());
                case 5 -> r.sum(x);
                default -> r.extreme(x);
            };
        }
        return b.build(List.of(x));
    }

    /** The greatest of 2 × 2 elements, three times: no map between fits into 48 KiB, and reading takes longer than comparing. */
    private static Graph three() {
        GraphBuilder b = new GraphBuilder("three", Interpreter::evaluate);
        Value x = b.input("x", QuantizedBodies.picture(DType.I8, 1, 64, 64, 32));
        List<Long> two = List.of(2L, 2L);
        List<Long> one = List.of(1L, 1L);
        List<Long> none = List.of(0L, 0L);
        QuantizedOp op = new QuantizedOp.Pool(true, two, one, none, none, new Clamp(0, -128, 127));
        for (int i = 0; i < 3; i++) x = QuantizedBodies.add(b, op, DType.I8, x);
        return b.build(List.of(x));
    }

    /** Cycles for which the memory outside is busy. */
    private static double outside(Program p) {
        return Timeline.of(p.stream()).steps().stream()
                .mapToDouble(s -> s.cost().slow())
                .sum();
    }

    @Test
    void whatIsBetweenStaysInTheFastMemory() {
        Graph graph = three();
        for (int cores = 1; cores <= 2; cores++) {
            Machine m = small(cores, 48 << 10);
            Program p = GraphCompiler.compile(graph, m);
            long ends = (64 * 64 + 61 * 61) * 32;
            assertEquals(ends, p.mapBytes(), "region 1 holds input and output alone");
            assertTrue(p.fastBytes() <= m.fastBytes());
            double without = outside(GraphCompiler.compile(graph, small(cores, 0)));
            assertTrue(outside(p) < 0.75 * without, outside(p) + " cycles against " + without);
            RandomOperatorsTest.check(graph, m, new Random(SEED), "three pools");
        }
    }

    private static Machine small(int cores, long fastBytes) {
        return new Machine(cores == 1 ? "u65-256" : "u65-512", cores, fastBytes);
    }

    /** Operations whose operand, or result, goes around the end of a ring. */
    private static int[] wrapped(Program p) {
        int[] count = new int[2];
        Checker.walk(p.stream(), (_, o, _) -> {
            if (!(o instanceof Operation.Block block)) return;
            if (block.first().height0() < block.first().height()) count[0]++;
            if (block.result().height0() < block.result().height()) count[1]++;
        });
        return count;
    }

    @Test
    void randomChains() {
        int reads = 0;
        int writes = 0;
        for (int i = 0; i < CASES; i++) {
            Random random = new Random(SEED * 1_000_003 + i);
            DType type = List.of(DType.I8, DType.U8, DType.I16, DType.I8).get(i % 4);
            Graph graph = chain(random, type);
            if (GraphCompiler.refusals(graph).stream().anyMatch(r -> !r.isEmpty())) continue;
            long fast = 1024L * random.nextInt(4, 24);
            for (int cores = 1; cores <= 2; cores++) {
                Machine m = small(cores, fast);
                RandomOperatorsTest.check(
                        graph, m, random, "-Dmeseta.ethosu.seed=" + SEED + ", chain " + i + ", " + fast + " bytes");
                int[] w = wrapped(GraphCompiler.compile(graph, m));
                reads += w[0];
                writes += w[1];
            }
        }
        assertTrue(reads > 0 && writes > 0, reads + " operands and " + writes + " results go around a ring's end");
    }
}
