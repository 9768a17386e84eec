package dev.meseta.drivers.ethosu.compiler;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.drivers.ethosu.Program;
import dev.meseta.drivers.ethosu.commands.Access;
import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.Disassembler;
import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.commands.StreamMutations;
import dev.meseta.drivers.ethosu.commands.StreamWriter;
import dev.meseta.drivers.ethosu.model.DeviceModel;
import dev.meseta.drivers.ethosu.model.StreamUse;
import dev.meseta.drivers.ethosu.model.Timeline;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.linux.EthosuRequests;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * Streams of random operators with mistakes in them: each is refused with one message, or runs without touching anything but what the checker saw
 * (each region ends where the last access of the stream does, in memory that is checked). {@code -Dmeseta.ethosu.mutations=1000000} for many,
 * {@code -Dmeseta.ethosu.seed=N} for others.
 */
final class MutatedStreamsTest {
    private static final int MUTATIONS = Integer.getInteger("meseta.ethosu.mutations", 5_000);
    private static final long SEED = Long.getLong("meseta.ethosu.seed", 1);

    /** Mutations of one stream, before the next one. */
    private static final int EACH = 250;

    /** One in so many is printed as well. */
    private static final int PRINTED = 16;

    /** Elements that a stream may read before it is stopped: what the kernel's time-out is to the device. */
    private static final double WORK = 1e5;

    /** What no stream of these tests needs more of. */
    private static final long MOST_BYTES = 1 << 20;

    private static final List<Function<RandomOperators, Value>> OPERATORS = List.of(
            r -> r.convolution(r.input(), false),
            r -> r.convolution(r.input(), true),
            RandomOperators::fullyConnected,
            r -> r.pool(r.input(), true),
            r -> r.pool(r.input(), false),
            r -> r.sum(r.input()),
            r -> r.product(r.input()),
            r -> r.rescale(r.input()),
            r -> r.table(r.input()),
            r -> r.movement(r.input()));

    /** A stream to damage, with its memory. */
    private record Original(int[] words, MemorySegment constants, long[] bytes) {}

    @Test
    void damagedStreamsAreRefusedOrStayInside() {
        int ran = 0;
        int refused = 0;
        Original original = null;
        StreamMutations mutations = new StreamMutations(SEED);
        Random random = new Random(SEED);
        for (int i = 0; i < MUTATIONS; i++) {
            if (original == null || i % EACH == 0) original = original(random, i / EACH);
            if (attempt(original, mutations.of(original.words), i % PRINTED == 0)) ran++;
            else refused++;
        }
        System.out.println(ran + " damaged streams ran, " + refused + " were refused");
        assertTrue(ran > MUTATIONS / 20 && refused > MUTATIONS / 20, ran + " ran, " + refused + " were refused");
    }

    private static Original original(Random random, int number) {
        if (number % 4 == 3) return byHand();
        while (true) {
            GraphBuilder b = new GraphBuilder("one", Interpreter::evaluate);
            DType type = random.nextInt(3) == 0 ? DType.U8 : DType.I8;
            Function<RandomOperators, Value> operator = OPERATORS.get(random.nextInt(OPERATORS.size()));
            Graph graph = b.build(List.of(operator.apply(new RandomOperators(random, b, type))));
            if (!GraphCompiler.refusals(graph).stream().allMatch(String::isEmpty)) continue;
            Program p = GraphCompiler.compile(graph, random.nextBoolean() ? Machine.U65_256 : Machine.U65_512);
            return new Original(p.words().toArray(JAVA_INT_UNALIGNED), p.constants(), p.regionBytes());
        }
    }

    /** What no compiler of ours makes: upscaling, sums of channels, tables, and tiles. */
    private static Original byHand() {
        StreamWriter.Map in = new StreamWriter.Map(1, 0, 4, 4, 24, -1, true, 0);
        StreamWriter.Map out = new StreamWriter.Map(2, 0, 8, 8, 24, -1);
        StreamWriter.Map sums = new StreamWriter.Map(1, 1024, 8, 8, 1, -4);
        MemorySegment words = new StreamWriter()
                .copy(0, 0, Operation.INSIDE, Operation.INSIDE_BYTES - 2048, 2048)
                .first(in)
                .result(out, 0x100)
                .window(3, 3, 1, 1, 1, 1, 1, 1)
                .set("IFM_UPSCALE", 1)
                .set("ACTIVATION", 17)
                .set("OFM_SCALE", 1 << 20, 23)
                .set("OP_POOL", 1)
                .first(out)
                .result(sums, 0x100)
                .window(1, 1, 1, 1, 0, 0, 0, 0)
                .set("OFM_SCALE", 1, 0)
                .set("OP_POOL", 2)
                .words();
        return new Original(
                words.toArray(JAVA_INT_UNALIGNED), MemorySegment.ofArray(new byte[2048]), new long[] {2048, 2048, 2048
                });
    }

    /** Whether a stream ran. Whatever is thrown but a refusal is a failure. */
    private static boolean attempt(Original original, int[] words, boolean printed) {
        MemorySegment bytes = MemorySegment.ofArray(words);
        try {
            use(bytes);
            CommandStream stream = CommandStream.ofWords(bytes);
            Checker.check(stream, original.bytes);
            long[] ends = new long[EthosuRequests.REGIONS];
            Checker.walk(stream, (_, _, accesses) -> {
                for (Access a : accesses) {
                    if (a.region() < ends.length) ends[a.region()] = Math.max(ends[a.region()], a.end());
                }
            });
            if (printed) Disassembler.lines(stream, Timeline.of(stream).notes());
            List<MemorySegment> regions = new ArrayList<>();
            for (int r = 0; r < original.bytes.length; r++) {
                assertTrue(ends[r] <= original.bytes[r] && ends[r] <= MOST_BYTES);
                byte[] memory = new byte[(int) ends[r]];
                if (r == 0) MemorySegment.copy(original.constants, 0, MemorySegment.ofArray(memory), 0, ends[r]);
                regions.add(MemorySegment.ofArray(memory));
            }
            DeviceModel.run(stream, WORK, regions.toArray(MemorySegment[]::new));
            return true;
        } catch (InvalidInputException e) {
            assertFalse(String.valueOf(e.getMessage()).isBlank());
            return false;
        }
    }

    /** What the kernel makes of it is a number for each region, or a refusal as well. */
    private static void use(MemorySegment words) {
        try {
            StreamUse.of(words);
        } catch (InvalidInputException e) {
            assertFalse(String.valueOf(e.getMessage()).isBlank());
        }
    }
}
