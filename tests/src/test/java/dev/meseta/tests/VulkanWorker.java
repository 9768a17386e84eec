package dev.meseta.tests;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.meseta.Meseta;
import dev.meseta.conformance.Engine;
import dev.meseta.conformance.OnnxCase;
import dev.meseta.conformance.OnnxSuite;
import dev.meseta.conformance.Report;
import dev.meseta.conformance.TestData;
import dev.meseta.conformance.driver.DriverSuite;
import dev.meseta.driver.Device;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** A process of {@link VulkanLayersTest}: what the environment says of Vulkan holds for it alone. */
final class VulkanWorker {
    /** Cases that submit more than once, because the host looks at conditions. */
    private static final Pattern HOST = Pattern.compile("test_(if|loop)");

    private VulkanWorker() {}

    /**
     * @param arguments {@code wrong}, and a call is made that the layers must find; or {@code suites EVERY CHAPTERS…}: one ONNX case in so many,
     *     and those with conditions, in all ways, and these chapters of the driver suite, after which the counts are printed and what was not expected
     */
    public static void main(String[] arguments) throws Throwable {
        if (arguments[0].equals("wrong")) wrong();
        else suites(Integer.parseInt(arguments[1]), List.of(arguments).subList(2, arguments.length));
        System.exit(0);
    }

    /** Asks for an instance by a structure of another type. */
    private static void wrong() throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment function =
                    SymbolLookup.libraryLookup("libvulkan.so.1", arena).findOrThrow("vkCreateInstance");
            MemorySegment info = arena.allocate(64, 8);
            info.set(JAVA_INT, 0, 3);
            int result = (int) Linker.nativeLinker()
                    .downcallHandle(function, FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS))
                    .invokeExact(info, MemorySegment.NULL, arena.allocate(8, 8));
            System.out.println("vkCreateInstance gave " + result);
        }
    }

    private static void suites(int every, List<String> chapters) {
        Meseta meseta = Meseta.open();
        Device device = meseta.device("vulkan");
        List<Report.Result> results = new ArrayList<>();
        List<OnnxCase> all = TestData.ofThisMachine().debianCases() instanceof TestData.Found(String _, var folder)
                ? OnnxCase.find(folder)
                : List.of();
        List<OnnxCase> some = IntStream.range(0, all.size())
                .filter(i -> i % every == every / 2
                        || HOST.matcher(all.get(i).name()).lookingAt())
                .mapToObj(all::get)
                .filter(c -> !c.name().startsWith("light_"))
                .toList();
        Report.Summary onnx = new OnnxSuite(
                        Engine.of(meseta, device),
                        OnnxSuite.expectedFailures(device.name()),
                        OnnxSuite.Options.defaults())
                .run(some, results::add);
        Report.Summary driver = new DriverSuite(meseta.driver(device), device, chapters).run(results::add);
        System.out.println("onnx pass:" + onnx.pass() + " skip:" + onnx.skip() + ", driver pass:" + driver.pass()
                + " skip:" + driver.skip());
        for (Report.Result r : results)
            if (!r.outcome().isExpected()) System.out.println("not expected: " + r.name() + " " + r.details());
    }
}
