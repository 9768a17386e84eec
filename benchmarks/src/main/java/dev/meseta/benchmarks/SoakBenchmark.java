package dev.meseta.benchmarks;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.Session;
import dev.meseta.driver.Access;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.Device;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Sessions, tensors and buffers that nobody closes, very many of them; then threads that hammer one session, which others close and open
 * meanwhile. Prints the memory of the process as it goes; ends with 1 where a result is wrong.
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.SoakBenchmark ./meseta [COUNT [SECONDS]]
 * }</pre>
 */
public final class SoakBenchmark {
    private static final int USUAL_COUNT = 100_000;
    private static final int USUAL_SECONDS = 60;
    private static final int THREADS = 32;
    private static final int REPORTS = 10;

    private static final Lowering.Expand TWICE = c -> {
        var x = c.operand(0);
        return List.of(c.builder().plus(x, x));
    };

    private static final Program PROGRAM = new Program(
            "twice",
            List.of(Port.tensor("x", DType.F32, Shape.of(List.of(new Dim(Dim.UNKNOWN, "n"))))),
            List.of(Port.any("y")),
            Map.of(),
            List.of(new Call("op", "benchmark.Twice", List.of("x"), List.of("y"), TWICE)));

    private SoakBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        int count = arguments.length > 0 ? Integer.parseInt(arguments[0]) : USUAL_COUNT;
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : USUAL_SECONDS;
        try (Meseta meseta = Meseta.open()) {
            Model model = meseta.load(PROGRAM).on("cpu");
            forgotten(model, meseta.device("cpu"), count);
            hammered(model, seconds);
        }
    }

    // ---- what nobody closes ----

    private static void forgotten(Model model, Device device, int count) throws IOException {
        System.out.printf(Locale.ROOT, "%12s %16s %12s%n", "forgotten", "resident, MB", "Java, MB");
        for (int i = 1; i <= count; i++) {
            Session session = model.prepare();
            float[] x = {i, 2, 3};
            Tensor y = session.run(Map.of("x", Tensor.of(x, 3))).first();
            if (y.getDouble(0) != 2.0 * (float) i)
                throw new IllegalStateException("twice " + i + " is " + y.getDouble(0));
            Buffer buffer = Buffer.allocate(device, 64 << 10, i % 4 == 0);
            buffer.begin(Access.WRITE).set(ValueLayout.JAVA_INT, 0, i);
            buffer.end();
            if (i % Math.max(1, count / REPORTS) == 0) report(i);
        }
    }

    private static void report(long number) throws IOException {
        Runtime r = Runtime.getRuntime();
        System.out.printf(
                Locale.ROOT, "%12d %16d %12d%n", number, resident() >> 20, (r.totalMemory() - r.freeMemory()) >> 20);
    }

    private static long resident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        return 0;
    }

    // ---- one session, many threads ----

    private static void hammered(Model model, int seconds) throws Exception {
        AtomicReference<Session> current = new AtomicReference<>(model.prepare());
        AtomicLong runs = new AtomicLong();
        AtomicLong refused = new AtomicLong();
        AtomicLong closed = new AtomicLong();
        List<Throwable> wrong = new ArrayList<>();
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            int number = t;
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    while (System.nanoTime() < end) once(Objects.requireNonNull(current.get()), number, runs, refused);
                } catch (Throwable e) {
                    synchronized (wrong) {
                        wrong.add(e);
                    }
                }
            }));
        }
        while (System.nanoTime() < end) {
            Thread.sleep(1);
            current.getAndSet(model.prepare()).close();
            closed.incrementAndGet();
        }
        for (Thread t : threads) t.join();
        System.out.printf(
                Locale.ROOT,
                "%n%d threads, %d s: %d runs, %d refused by a closed session, %d sessions closed meanwhile%n",
                THREADS,
                seconds,
                runs.get(),
                refused.get(),
                closed.get());
        report(runs.get());
        for (Throwable e : wrong) e.printStackTrace();
        if (!wrong.isEmpty()) System.exit(1);
    }

    private static void once(Session session, int number, AtomicLong runs, AtomicLong refused) {
        int n = 1 + number % 8;
        float[] x = new float[n];
        java.util.Arrays.fill(x, number);
        try {
            Tensor y = number % 2 == 0
                    ? session.run(Map.of("x", Tensor.of(x, n))).first()
                    : session.runAsync(Map.of("x", Tensor.of(x, n)))
                            .toCompletableFuture()
                            .join()
                            .first();
            for (float f : y.toFloats()) if (f != 2f * number) throw new AssertionError("got " + f);
            runs.incrementAndGet();
        } catch (IllegalStateException e) {
            refused.incrementAndGet();
        }
    }
}
