package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Another extent of a symbolic dimension gives the same kernels, and so does another layer. */
class ShapesTest {
    private static final int HEADS = 4;
    private static final int WIDTH = 64;

    static Tensor random(long seed, long... extents) {
        Random r = new Random(seed);
        float[] v = new float[(int) Shape.of(extents).elements()];
        for (int i = 0; i < v.length; i++) v[i] = (float) r.nextGaussian() * 0.2f;
        return Tensor.of(v, extents);
    }

    /** Transformer layers: attention and a feed-forward network, with their normalisations. */
    static Graph transformer(long seq, int layers) {
        GraphBuilder b = new GraphBuilder("transformer", Interpreter::evaluate);
        Dim s = Dim.symbolic("seq", seq);
        Value x = b.input("x", new TensorType(DType.F32, Shape.of(List.of(Dim.of(1), s, Dim.of(WIDTH)))));
        for (int l = 0; l < layers; l++) {
            Value q = heads(b, linear(b, x, WIDTH, l * 10L), s);
            Value k = heads(b, linear(b, x, WIDTH, l * 10L + 1), s);
            Value v = heads(b, linear(b, x, WIDTH, l * 10L + 2), s);
            Value scores = b.times(b.matmul(q, b.transpose(k, 0, 1, 3, 2), DType.F32), b.scalar(DType.F32, 0.25));
            Value top = b.reduce(ReduceKind.MAX, scores, List.of(3), true);
            Value e = b.add(new Op.Map(MapFunction.EXP), b.minus(scores, top));
            Value p = b.divide(e, b.sum(e, 3, true));
            Value c = b.transpose(b.matmul(p, v, DType.F32), 0, 2, 1, 3);
            Value context = b.reshape(c, Shape.of(List.of(Dim.of(1), s, Dim.of(WIDTH))));
            x = normal(b, b.plus(x, linear(b, context, WIDTH, l * 10L + 3)));
            Value h = linear(b, x, 4 * WIDTH, l * 10L + 4);
            Value erf = b.add(new Op.Map(MapFunction.ERF), b.times(h, b.scalar(DType.F32, 0.70710678)));
            Value gelu = b.times(b.times(h, b.plus(erf, b.scalar(DType.F32, 1.0))), b.scalar(DType.F32, 0.5));
            x = normal(b, b.plus(x, linear(b, gelu, WIDTH, l * 10L + 5)));
        }
        return b.build(List.of(x));
    }

    private static Value linear(GraphBuilder b, Value x, int to, long seed) {
        Value w = b.constant(random(seed, x.extent(2), to));
        return b.plus(b.matmul(x, w, DType.F32), b.constant(random(seed + 1000, to)));
    }

    private static Value heads(GraphBuilder b, Value x, Dim s) {
        return b.transpose(
                b.reshape(x, Shape.of(List.of(Dim.of(1), s, Dim.of(HEADS), Dim.of(WIDTH / HEADS)))), 0, 2, 1, 3);
    }

    private static Value normal(GraphBuilder b, Value x) {
        Value n = b.scalar(DType.F32, (double) WIDTH);
        Value centred = b.minus(x, b.divide(b.sum(x, 2, true), n));
        Value variance = b.divide(b.sum(b.times(centred, centred), 2, true), n);
        Value deviation = b.add(new Op.Map(MapFunction.SQRT), b.plus(variance, b.scalar(DType.F32, 1e-5)));
        return b.divide(centred, deviation);
    }

    static List<String> texts(CommandList list) {
        List<String> texts = new ArrayList<>();
        for (CommandList.Command c : list.commands())
            if (c instanceof CommandList.Launch l) texts.add(KernelText.of(l.kernel()));
        return texts;
    }

    @Test
    void anotherSequenceLengthGivesTheSameKernels() {
        CommandList a = GraphCompiler.compile(transformer(50, 2), Targets.AVX2);
        CommandList b = GraphCompiler.compile(transformer(90, 2), Targets.AVX2);
        assertEquals(texts(a), texts(b));
    }

    @Test
    void fewSequenceLengthsAskForKernelsOfTheirOwn() {
        Set<String> known = new HashSet<>();
        int more = 0;
        for (long seq = 1; seq <= 100; seq++)
            if (known.addAll(texts(GraphCompiler.compile(transformer(seq, 1), Targets.AVX2)))) more = (int) seq;
        assertTrue(more <= 48, "length " + more + " has kernels that shorter ones have not");
        assertTrue(known.size() < 200, known.size() + " kernels");
    }

    @Test
    void layersHaveTheSameKernels() {
        List<String> one = texts(GraphCompiler.compile(transformer(24, 1), Targets.AVX2));
        List<String> three = texts(GraphCompiler.compile(transformer(24, 3), Targets.AVX2));
        assertEquals(3 * one.size(), three.size());
        assertTrue(one.containsAll(three));
    }

    @Test
    void transformersGiveWhatTheInterpreterGives() {
        for (long seq : new long[] {1, 7, 16, 21}) {
            Graph g = transformer(seq, 1);
            List<Tensor> in = List.of(random(seq, 1, seq, WIDTH));
            in = List.of(Tensor.wrap(g.inputTypes().getFirst(), in.getFirst().data()));
            Tensor expected = Interpreter.run(g, in).getFirst();
            Tensor actual =
                    SlowDevice.run(GraphCompiler.compile(g, Targets.AVX2), in).getFirst();
            RandomGraphTest.compare("seq " + seq, expected, actual, 1e-4);
        }
    }
}
