package dev.meseta.tests;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.graph.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/** A process that runs a model of {@link KeptPlansTest} on a device, and says what came of it and whether it opened LLVM. */
final class KeptPlansWorker {
    private KeptPlansWorker() {}

    public static void main(String[] arguments) throws Exception {
        try (Meseta meseta = Meseta.open();
                Session session =
                        meseta.load(Path.of(arguments[0])).on(arguments[1]).prepare()) {
            System.out.println(arguments[1].equals("cpu") ? answers(session) : PackageWorker.answer(session));
        }
        System.out.println(Files.readString(Path.of("/proc/self/maps")).contains("libLLVM"));
        // The cache is written beside the work, and must be whole when the process ends, however it does.
        System.exit(0);
    }

    private static String answers(Session session) {
        StringBuilder answers = new StringBuilder();
        for (long rows : new long[] {2, 4}) {
            float[] x = new float[128];
            for (int i = 0; i < x.length; i++) x[i] = (i * 37 % 101 - 50) / 64f;
            Tensor y = session.run(Map.of("x", Tensor.of(x, 128), "s", Tensor.of(new long[] {rows, 128 / rows}, 2)))
                    .get("y");
            answers.append(y.type())
                    .append(' ')
                    .append(Arrays.hashCode(y.toLongs()))
                    .append("; ");
        }
        return answers.toString();
    }
}
