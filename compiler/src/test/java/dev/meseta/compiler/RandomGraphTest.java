package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Random graphs compile to kernels that give what the reference interpreter gives. */
class RandomGraphTest {
    /** Processors with vectors of 256, 512 and 128 bits, and a device whose threads are scalar. */
    private static final List<Target> TARGETS = List.of(
            Targets.AVX2,
            Targets.AVX512,
            Targets.NEON,
            new Target(4, 64, 1024, 32 << 10, 4096 << 10),
            Targets.LOCKSTEP,
            Targets.SUBGROUPS);

    /** The first seed and the number of graphs; -Dseed=S -Dgraphs=1 replays one. */
    private static final long SEED = Long.getLong("seed", 1);

    private static final long GRAPHS = Long.getLong("graphs", 300);

    @Test
    void graphsGiveWhatTheInterpreterGives() {
        StringBuilder failures = new StringBuilder();
        int failed = 0;
        for (long seed = SEED; seed < SEED + GRAPHS; seed++) {
            try {
                run(seed, 1 + (int) (seed % 8));
            } catch (Throwable t) {
                failed++;
                StackTraceElement at = t.getStackTrace().length > 0 ? t.getStackTrace()[0] : null;
                failures.append("seed ")
                        .append(seed)
                        .append(": ")
                        .append(t)
                        .append(" at ")
                        .append(at)
                        .append('\n');
                if (GRAPHS == 1) t.printStackTrace();
            }
        }
        if (failed > 0) fail(failed + " of " + GRAPHS + " graphs fail (replay with -Dseed=S -Dgraphs=1):\n" + failures);
    }

    static void run(long seed, int nodes) {
        RandomGraphs.Case c = RandomGraphs.of(seed, nodes);
        List<Tensor> expected = Interpreter.run(c.graph(), c.inputs());
        CommandList list = GraphCompiler.compile(c.graph(), TARGETS.get((int) (seed / 8 % TARGETS.size())));
        List<Tensor> actual = SlowDevice.run(list, c.inputs());
        for (int i = 0; i < expected.size(); i++)
            compare("output " + i, expected.get(i), actual.get(i), tolerance(c.graph()));
    }

    /** The relative tolerance that the narrowest float in a graph asks for. */
    static double tolerance(Graph graph) {
        double eps = 1e-4;
        for (Value v : graph.inputs()) eps = Math.max(eps, epsilon(v.dtype()));
        for (Node n : graph.nodes()) for (Value v : n.results()) eps = Math.max(eps, epsilon(v.dtype()));
        return eps;
    }

    private static double epsilon(DType t) {
        return switch (t) {
            case F16 -> 4e-3;
            case BF16 -> 3e-2;
            default -> t.isFloat() && t.bits() < 16 ? 0.3 : 0;
        };
    }

    static void compare(String what, Tensor e, Tensor a, double eps) {
        if (!e.type().equals(a.type())) fail(what + " is " + a.type() + ", expected " + e.type());
        if (!e.dtype().isFloat()) {
            long m = e.data().mismatch(a.data());
            if (m >= 0) fail(what + " " + e.type() + " differs at byte " + m);
            return;
        }
        double scale = 0;
        for (long i = 0; i < e.elements(); i++)
            if (Double.isFinite(e.getDouble(i))) scale = Math.max(scale, Math.abs(e.getDouble(i)));
        for (long i = 0; i < e.elements(); i++) {
            double x = e.getDouble(i);
            double y = a.getDouble(i);
            boolean same = Double.isNaN(x)
                    ? Double.isNaN(y)
                    : x == y || Math.abs(x - y) <= eps * Math.max(1, Math.max(Math.abs(x), scale * 0.1));
            if (!same) fail(what + " " + e.type() + ": element " + i + " is " + y + ", expected " + x);
        }
    }
}
