package dev.meseta.drivers.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.GraphCompiler;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.FloatControls;
import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Schedules of GPUs, and of processors that play one, on the device that is here: what they compute is what the reference does, and all their
 * modules are valid.
 */
class ScheduleTest {
    private static final int TEAM = 256;
    private static final int SHARED_BYTES = 32 << 10;

    /** A GPU whose subgroups combine what their members have, and one whose do not. */
    private static final Target GPU = VulkanDevice.gpu(false, TEAM, SHARED_BYTES, TEAM, List.of());

    private static final Target WITHOUT_TOTALS = VulkanDevice.gpu(false, TEAM, SHARED_BYTES, 0, List.of());

    /**
     * @param where a word of the kernels that are looked for, where the device has subgroups
     * @param error the greatest difference from the reference, of a result of about 1
     */
    private record Case(String name, Graph graph, String where, double error) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Value kept(GraphBuilder b, ReduceKind kind, Value x) {
        int axis = x.shape().rank() - 1;
        return b.broadcast(b.reduce(kind, x, List.of(axis), true), x.shape());
    }

    private static Value softmax(GraphBuilder b, Value x) {
        Value e = b.map(MapFunction.EXP, b.minus(x, kept(b, ReduceKind.MAX, x)));
        return b.divide(e, kept(b, ReduceKind.SUM, e));
    }

    private static Value normalised(GraphBuilder b, Value x) {
        Value count = b.scalar(x.dtype(), x.shape().extent(x.shape().rank() - 1));
        Value centred = b.minus(x, b.divide(kept(b, ReduceKind.SUM, x), count));
        Value variance = b.divide(kept(b, ReduceKind.SUM, b.times(centred, centred)), count);
        return b.divide(centred, b.map(MapFunction.SQRT, b.plus(variance, b.scalar(x.dtype(), 1e-3))));
    }

    private interface Body {
        Value of(GraphBuilder b);
    }

    private static Case of(String name, String where, double error, Body body) {
        GraphBuilder b = new GraphBuilder("schedule", Interpreter::evaluate);
        return new Case(name, b.build(List.of(body.of(b))), where, error);
    }

    private static Value input(GraphBuilder b, String name, DType type, long... extents) {
        return b.input(name, new TensorType(type, Shape.of(extents)));
    }

    /** Lengths that a team's vectors divide, that leave vectors over, and that leave elements over. */
    static Stream<Case> cases() {
        List<Case> all = new ArrayList<>();
        for (long n : new long[] {512, 1000, 1003, 61}) {
            for (DType t : List.of(DType.F32, DType.F16)) {
                double error = t == DType.F32 ? 1e-5 : 2e-3;
                String what = n + " of " + t;
                all.add(of("softmax " + what, "total", error, b -> softmax(b, input(b, "x", t, 3, n))));
                all.add(of("normalisation " + what, "total", error, b -> normalised(b, input(b, "x", t, 2, 3, n))));
            }
            for (ReduceKind kind : List.of(ReduceKind.SUM, ReduceKind.MAX, ReduceKind.MIN)) {
                for (DType t : List.of(DType.F32, DType.I32, DType.I8))
                    all.add(of(
                            kind.text() + " of " + n + " of " + t,
                            t == DType.I8 ? "" : "total",
                            t == DType.F32 ? 1e-6 * n : 0,
                            b -> b.reduce(kind, input(b, "x", t, 5, n), List.of(1), false)));
            }
        }
        all.add(of(
                "a sum of matrices",
                "total",
                1e-3,
                b -> b.reduce(
                        ReduceKind.SUM,
                        b.transpose(input(b, "x", DType.F32, 7, 3, 130), 1, 0, 2),
                        List.of(1, 2),
                        false)));
        for (long keys : new long[] {64, 77})
            all.add(of("attention to " + keys, "attention", 1e-5, b -> {
                Value q = input(b, "q", DType.F32, 2, 40, 32);
                Value k = input(b, "k", DType.F32, 2, keys, 32);
                Value v = input(b, "v", DType.F32, 2, keys, 32);
                Value scores = b.matmul(q, b.transpose(k, 0, 2, 1), DType.F32);
                return b.matmul(softmax(b, b.times(scores, b.scalar(DType.F32, 0.125))), v, DType.F32);
            }));
        return all.stream();
    }

    private static List<Tensor> inputs(Graph graph) {
        Random random = new Random(1);
        List<Tensor> inputs = new ArrayList<>();
        for (Value v : graph.inputs()) {
            Tensor t = Tensor.allocate(v.type());
            for (long i = 0; i < t.elements(); i++)
                t.setDouble(i, t.dtype().isFloat() ? random.nextDouble(-1, 1) : random.nextInt(-9, 10));
            inputs.add(t);
        }
        return inputs;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void agree(Case c) {
        KernelDevice device = KernelRunner.unchecked();
        List<Tensor> inputs = inputs(c.graph());
        Tensor expected = Interpreter.run(c.graph(), inputs).getFirst();
        for (Target target : List.of(device.target(), GPU, WITHOUT_TOTALS)) {
            if (target == GPU && device.target().totals() == 0) continue;
            CommandList list = GraphCompiler.compile(c.graph(), target);
            Tensor actual = KernelRunner.run(device, device.load(list), inputs).getFirst();
            for (long i = 0; i < expected.elements(); i++)
                assertEquals(expected.getDouble(i), actual.getDouble(i), c.error(), target + ", element " + i);
        }
    }

    private static Target processor(int subgroup) {
        return Target.lockstep(18, 16, false, 0, SHARED_BYTES, subgroup, subgroup, List.of());
    }

    /** For processors whose subgroups are of 8 and of 16, and for a GPU. */
    @ParameterizedTest
    @MethodSource("cases")
    void areValid(Case c) throws IOException, InterruptedException {
        Validator validator = Validator.find();
        Target processor = processor(8);
        for (Target target : List.of(processor, processor(16), GPU)) {
            boolean found = false;
            for (CommandList.Command command :
                    GraphCompiler.compile(c.graph(), target).commands()) {
                if (!(command instanceof CommandList.Launch l)) continue;
                Kernel k = l.kernel();
                found |= KernelText.of(k).contains(c.where());
                validate(validator, c.name(), k, l.extents(), target);
            }
            boolean small = c.name().contains(" 61 ") && target != processor;
            if (target == processor || c.where().equals("total") && !small) assertTrue(found, c + " for " + target);
        }
    }

    private static void validate(Validator v, String what, Kernel k, List<Long> extents, Target target)
            throws IOException, InterruptedException {
        boolean processor = target.subgroup() > 0;
        long texels = 0;
        for (int i = 0; processor && i < k.buffers().size(); i++) if (Bounds.mayBeTexels(k, i)) texels |= 1L << i;
        List<Long> aligned = Collections.nCopies(k.buffers().size(), Bounds.MOST_ALIGNED);
        ShaderOptions options =
                new ShaderOptions(64, false, FloatControls.ALL, true, processor, target.subgroup(), Long.MAX_VALUE);
        v.check(KernelEmitter.emit(k, Bounds.of(k, extents, aligned, texels), options), what, k);
    }
}
