package dev.meseta.drivers.cpu;

import static dev.meseta.compiler.kernel.Kernels.add;
import static dev.meseta.compiler.kernel.Kernels.apply;
import static dev.meseta.compiler.kernel.Kernels.extent;
import static dev.meseta.compiler.kernel.Kernels.load;
import static dev.meseta.compiler.kernel.Kernels.store;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.ObjectCache;
import dev.meseta.driver.plan.PlanExecutable;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is kept on disk is used again, by this process and others, and nothing that is wrong with it is seen in a result. */
class KernelCacheTest {
    private static final int KERNELS = 12;

    /** The code that runs launches is kept beside the kernels. */
    private static final int ENTRIES = KERNELS + 1;

    @TempDir
    Path folder;

    /** y[i] = exp(x[i] + number). */
    private static Kernel kernel(int number) {
        Type t = Type.of(DType.F32);
        return new Kernel(
                "exp_add",
                List.of(
                        new Kernel.Buffer("x", DType.F32, Kernel.Access.READ, extent(0)),
                        new Kernel.Buffer("y", DType.F32, Kernel.Access.WRITE, extent(0))),
                1,
                extent(0),
                store(
                        1,
                        Kernel.GRID_VARIABLE,
                        apply(
                                MapFunction.EXP,
                                apply(
                                        MapFunction.SIN,
                                        add(
                                                load(0, Kernel.GRID_VARIABLE, t),
                                                apply(MapFunction.COS, new Expr.Real(t, number)))))));
    }

    private static CommandList commands(int number) {
        return new CommandList(
                List.of(new CommandList.InputSlot(8), new CommandList.OutputSlot(8)),
                List.of(new CommandList.Launch(
                        kernel(number),
                        List.of(CommandList.Binding.of(0), CommandList.Binding.of(1)),
                        List.of(2L),
                        "node 'test'")),
                List.of(0),
                List.of(new CommandList.Output(1, new TensorType(DType.F32, Shape.of(2)))),
                0);
    }

    /** Runs every kernel; throws if one gives something else. */
    private static void run(KernelCache cache) {
        WorkerPool pool = new WorkerPool(1);
        for (int n = 0; n < KERNELS; n++) {
            PlanExecutable e = Plan.of(commands(n), new KernelBatch(cache, 1)).executable(pool);
            float[] y = TestJob.run(e, List.of(Tensor.of(new float[] {0, 1})))
                    .getFirst()
                    .toFloats();
            for (int i = 0; i < 2; i++) assertEquals(Math.exp(Math.sin(i + Math.cos(n))), y[i], 1e-5);
        }
    }

    private static KernelCache compiling(Path folder) {
        return new KernelCache(
                new KernelCompiler("a processor", Instructions::target, false),
                new ObjectCache(Optional.of(folder)),
                2);
    }

    private static KernelCache loading(Path folder) {
        return new KernelCache(
                new KernelCompiler("a processor", () -> fail("nothing is to be compiled"), false),
                new ObjectCache(Optional.of(folder)),
                2);
    }

    private List<Path> entries() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void nothingIsCompiledTwice() {
        run(compiling(folder));
        run(loading(folder));
    }

    @Test
    void whatIsDamagedIsMadeAgain() throws IOException {
        run(compiling(folder));
        List<Path> entries = entries();
        assertEquals(ENTRIES, entries.size());
        for (int i = 0; i < ENTRIES; i++) {
            byte[] bytes = Files.readAllBytes(entries.get(i));
            switch (i % 3) {
                case 0 -> bytes[bytes.length / 2] ^= 1;
                case 1 -> bytes = Arrays.copyOf(bytes, bytes.length / 2);
                default -> bytes = new byte[0];
            }
            Files.write(entries.get(i), bytes);
        }
        run(compiling(folder));
        run(loading(folder));
    }

    @Test
    void whatIsNoObjectFileIsMadeAgain() throws IOException {
        run(compiling(folder));
        ObjectCache objects = new ObjectCache(Optional.of(folder));
        for (Path entry : entries())
            objects.put(entry.getFileName().toString(), "something else".getBytes(StandardCharsets.UTF_8));
        run(compiling(folder));
        run(loading(folder));
    }

    /** Run by the next test in processes of its own. Says whether LLVM's library was opened. */
    static final class Other {
        private Other() {}

        public static void main(String[] args) throws IOException {
            run(compiling(Path.of(args[0])));
            boolean opened = Files.readString(Path.of("/proc/self/maps")).contains("libLLVM");
            System.out.println(opened ? "opened" : "not opened");
        }
    }

    private Process start() throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        String.join(
                                File.pathSeparator,
                                System.getProperty("jdk.module.path", ""),
                                System.getProperty("java.class.path"),
                                testClasses()),
                        Other.class.getName(),
                        folder.toString())
                .redirectErrorStream(true)
                .start();
    }

    private static String testClasses() {
        return KernelCacheTest.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath();
    }

    private static String finish(Process process) throws IOException, InterruptedException {
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        return said.strip();
    }

    @Test
    void processesShareAFolderAndOpenLlvmOnlyToCompile() throws IOException, InterruptedException {
        List<Process> together = new ArrayList<>();
        for (int i = 0; i < 3; i++) together.add(start());
        for (Process p : together) finish(p);
        assertEquals(ENTRIES, entries().size());
        assertEquals("not opened", finish(start()));
    }
}
