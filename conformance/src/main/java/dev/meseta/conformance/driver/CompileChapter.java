package dev.meseta.conformance.driver;

import static dev.meseta.conformance.driver.Chapter.same;
import static dev.meseta.conformance.driver.Chapter.that;
import static dev.meseta.conformance.driver.Chapter.throwing;
import static dev.meseta.conformance.driver.Subject.graph;
import static dev.meseta.conformance.driver.Subject.type;

import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Region;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.runtime.scheduler.Submission;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Graphs become executables, which say what they touch and compute what the interpreter computes. */
final class CompileChapter {
    private static final List<DType> NUMBERS = List.of(
            DType.F32,
            DType.F64,
            DType.F16,
            DType.BF16,
            DType.I8,
            DType.U8,
            DType.I16,
            DType.U16,
            DType.I32,
            DType.U32,
            DType.I64,
            DType.U64);

    private CompileChapter() {}

    static List<DriverCase> cases() {
        Chapter c = new Chapter("compile");
        for (DType t : NUMBERS)
            c.add(
                    "sum of " + t.text(),
                    s -> run(s, graph(b -> List.of(b.plus(b.input("x", type(t, 33)), b.input("y", type(t, 33)))))));
        for (long n : new long[] {0, 1, 3, 16, 63, 64, 65, 1000, 100_003})
            c.add(
                    "sum of " + n + " elements",
                    s -> run(
                            s,
                            graph(b -> List.of(
                                    b.plus(b.input("x", type(DType.F32, n)), b.input("y", type(DType.F32, n)))))));
        for (DType t : List.of(DType.F32, DType.I32, DType.I8))
            c.add(
                    "maximum of " + t.text(),
                    s -> run(s, graph(b -> List.of(b.max(b.input("x", type(t, 40)), b.input("y", type(t, 40)))))));
        c.add(
                "a scalar",
                s -> run(s, graph(b -> List.of(b.plus(b.input("x", type(DType.F32)), b.input("y", type(DType.F32)))))));
        c.add("five dimensions", s -> run(s, graph(b -> List.of(b.neg(b.input("x", type(DType.F32, 2, 3, 1, 4, 5)))))));
        c.add(
                "a transposition",
                s -> run(s, graph(b -> List.of(b.transpose(b.input("x", type(DType.F32, 5, 7, 3)), 2, 0, 1)))));
        c.add("a slice", s -> run(s, graph(b -> List.of(b.slice(b.input("x", type(DType.I32, 20)), 0, 3, 11)))));
        c.add(
                "a concatenation",
                s -> run(
                        s,
                        graph(b -> List.of(b.concat(
                                1, b.input("x", type(DType.F32, 3, 4)), b.input("y", type(DType.F32, 3, 5)))))));
        c.add(
                "a reduction",
                s -> run(
                        s,
                        graph(b -> List.of(
                                b.reduce(ReduceKind.SUM, b.input("x", type(DType.F32, 9, 31)), List.of(1), false)))));
        c.add(
                "a matrix product",
                s -> run(
                        s,
                        graph(b -> List.of(b.matmul(
                                b.input("x", type(DType.F32, 17, 33)),
                                b.input("y", type(DType.F32, 33, 19)),
                                DType.F32)))));
        c.add(
                "a product of bytes",
                s -> run(
                        s,
                        graph(b -> List.of(b.matmul(
                                b.input("x", type(DType.I8, 9, 40)),
                                b.input("y", type(DType.I8, 40, 8)),
                                DType.I32)))));
        c.add("a cast", s -> run(s, graph(b -> List.of(b.cast(b.input("x", type(DType.F32, 50)), DType.I8)))));
        c.add(
                "two outputs",
                s -> run(s, graph(b -> {
                    var x = b.input("x", type(DType.F32, 30));
                    return List.of(b.plus(x, x), b.times(x, x));
                })));
        c.add(
                "an output twice",
                s -> run(s, graph(b -> {
                    var x = b.input("x", type(DType.F32, 30));
                    var y = b.plus(x, x);
                    return List.of(y, y);
                })));
        c.add("an output that is an input", s -> run(s, graph(b -> List.of(b.input("x", type(DType.I8, 30))))));
        c.add(
                "an output that is a constant",
                s -> run(
                        s,
                        graph(b -> List.of(
                                b.constant(Tensor.of(new float[] {1, 2, 3})),
                                b.neg(b.input("x", type(DType.F32, 4)))))));
        c.add(
                "a weight",
                s -> run(
                        s,
                        graph(b -> List.of(b.plus(
                                b.input("x", type(DType.F32, 3)), b.constant(Tensor.of(new float[] {1, 2, 3})))))));
        c.add(
                "an input that nothing reads",
                s -> run(s, graph(b -> {
                    b.input("unread", type(DType.F32, 7));
                    return List.of(b.neg(b.input("x", type(DType.F32, 7))));
                })));
        c.add(
                "a chain of operations",
                s -> run(s, graph(b -> {
                    var x = b.input("x", type(DType.F32, 64));
                    var y = x;
                    for (int i = 0; i < 20; i++)
                        y = b.plus(b.transpose(b.reshape(y, 8, 8), 1, 0), b.scalar(DType.F32, 1.0));
                    return List.of(b.reshape(y, 64));
                })));
        c.add(
                "describes how it runs",
                s -> that(!s.simple().executable().describe().isBlank(), "describe() is blank"));
        c.add("regions are the inputs, then the outputs", CompileChapter::regions);
        c.add("regions are the same list each time", s -> {
            Executable e = s.simple().executable();
            List<Region> regions = e.regions();
            List<TensorType> outputs = e.outputs();
            that(e.regions() == regions && e.outputs() == outputs, "lists are made anew");
        });
        c.add("output types are the graph's", s -> {
            Subject.Sample x = s.simple();
            same(
                    x.expected().stream().map(Tensor::type).toList(),
                    x.executable().outputs(),
                    "types");
        });
        c.add("the same graph twice gives two executables", s -> {
            Executable first = s.simple().executable();
            that(s.simple().executable() != first, "an executable is shared");
        });
        c.add("an image can be loaded", CompileChapter::image);
        c.add("a truncated image is refused", s -> damaged(s, p -> Arrays.copyOf(p, p.length / 2)));
        c.add("an empty image is refused", s -> damaged(s, _ -> new byte[0]));
        return c.cases();
    }

    private static void run(Subject s, Graph g) throws InterruptedException {
        Subject.Sample sample = s.sample(g);
        Submission job = s.job(s.client(), sample);
        for (int i = 0; i < 2; i++) {
            job.run();
            s.check(job, sample);
        }
    }

    private static void regions(Subject s) {
        Subject.Sample x = s.simple();
        List<Region> regions = x.executable().regions();
        same(x.inputs().size() + x.expected().size(), regions.size(), "regions");
        for (int i = 0; i < regions.size(); i++) {
            boolean input = i < x.inputs().size();
            TensorType t =
                    (input ? x.inputs().get(i) : x.expected().get(i - x.inputs().size())).type();
            that(regions.get(i).bytes() >= t.bytes(), regions.get(i) + " holds " + t);
            same(!input, regions.get(i).access().writes(), "region " + i + " is written");
            that(!regions.get(i).name().isBlank(), "region " + i + " has a name");
        }
    }

    private static Image image(Executable e) {
        Optional<Image> image = e.image();
        if (image.isEmpty()) throw new Skipped("its executables cannot be kept");
        return image.get();
    }

    private static void image(Subject s) {
        Subject.Sample x = s.simple();
        Executable again = s.device().load(image(x.executable()));
        same(x.executable().regions(), again.regions(), "regions");
        same(x.executable().outputs(), again.outputs(), "outputs");
        Subject.Sample y = new Subject.Sample(again, x.inputs(), x.expected());
        Submission job = s.job(s.client(), y);
        job.run();
        s.check(job, y);
    }

    private interface Damage {
        byte[] to(byte[] program);
    }

    private static void damaged(Subject s, Damage damage) {
        Image image = image(s.simple().executable());
        throwing(
                IllegalArgumentException.class,
                () -> s.device().load(new Image(damage.to(image.program().clone()), image.constants())));
    }
}
