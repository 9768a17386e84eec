package dev.meseta.benchmarks;

import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/** A graph of a thousand checked nodes: a new input shape builds the graph anew, so this is part of what a new shape costs. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class GraphBuilderBenchmark {
    @Benchmark
    public Graph thousandNodes() {
        GraphBuilder b = new GraphBuilder("g", Interpreter::evaluate);
        Op product = new Op.Contraction(List.of(0), List.of(0), List.of(2), List.of(1), DType.F32);
        Value x = b.input("x", TensorType.of(DType.F32, 8, 128, 64));
        for (int i = 0; i < 250; i++) {
            Value square = b.add(product, x, b.transpose(x, 0, 2, 1));
            x = b.plus(b.add(product, square, x), x);
        }
        return b.build(List.of(x));
    }
}
