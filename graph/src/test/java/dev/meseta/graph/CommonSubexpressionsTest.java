package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import org.junit.jupiter.api.Test;

class CommonSubexpressionsTest {
    private static Graph merged(String text) {
        Graph g = CommonSubexpressions.merge(GraphText.parse(text));
        Verifier.verify(g);
        return g;
    }

    @Test
    void equalNodesBecomeOneThroughTheirUsers() {
        Graph g = merged("""
                graph (%0: f32[2]) {
                  %1 = constant {value=dense(1.0, 2.0)} : f32[2]
                  %2 = constant {value=dense(1.0, 2.0)} : f32[2]
                  %3 = map.add %0, %1 : f32[2]
                  %4 = map.add %0, %2 : f32[2]
                  %5 = map.exp %3 : f32[2]
                  %6 = map.exp %4 : f32[2]
                  return %5, %6
                }""");
        assertEquals(3, g.nodes().size());
        assertSame(g.outputs().get(0), g.outputs().get(1));
    }

    @Test
    void whatDiffersStays() {
        Graph g = merged("""
                graph (%0: f32[2], %1: f32[2]) {
                  %2 = map.sub %0, %1 : f32[2]
                  %3 = map.sub %1, %0 : f32[2]
                  %4 = constant {value=splat(0.0)} : f32[2]
                  %5 = constant {value=splat(-0.0)} : f32[2]
                  %6 = reshape %0 : f32[n=2,1]
                  %7 = reshape %0 : f32[2,1]
                  %8 = constant {value=splat(0)} : i32[2]
                  return %2, %3, %4, %5, %6, %7, %8
                }""");
        assertEquals(7, g.nodes().size());
    }

    @Test
    void bodiesAreMergedInside() {
        Graph g = merged("""
                graph (%0: f32[2]) {
                  %1 = composite.twice %0 (%0: f32[2]) {
                    %1 = map.neg %0 : f32[2]
                    %2 = map.neg %0 : f32[2]
                    %3 = map.add %1, %2 : f32[2]
                    return %3
                  } : f32[2]
                  return %1
                }""");
        assertEquals(
                2, ((Op.Composite) g.nodes().getFirst().op()).body().nodes().size());
    }

    @Test
    void resultsStayTheSame() {
        for (int seed = 0; seed < 200; seed++) {
            Graph g = RandomGraphs.graph(seed, 40);
            Graph m = DeadCode.without(CommonSubexpressions.merge(g));
            Verifier.verify(m);
            List<Tensor> inputs = RandomGraphs.inputs(g, seed);
            GraphTextTest.sameTensors(Interpreter.run(g, inputs), Interpreter.run(m, inputs), seed);
        }
    }
}
