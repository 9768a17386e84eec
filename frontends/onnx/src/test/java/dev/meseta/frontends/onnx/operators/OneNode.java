package dev.meseta.frontends.onnx.operators;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.program.NeedValueException;
import dev.meseta.graph.program.OperatorDefinition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A model of one node, for tests of what an operator means. */
final class OneNode {
    private final String operator;
    private final int opset;
    private final Map<String, Object> attributes = new HashMap<>();
    private int outputs = 1;

    private OneNode(String operator, int opset) {
        this.operator = operator;
        this.opset = opset;
    }

    static OneNode of(String operator, int opset) {
        return new OneNode(operator, opset);
    }

    OneNode with(String attribute, Object value) {
        attributes.put(attribute, value);
        return this;
    }

    OneNode outputs(int count) {
        outputs = count;
        return this;
    }

    Tensor run(@Nullable Tensor... operands) {
        return runAll(operands).getFirst();
    }

    /** The results, after a check that they are the same whether the operands are constants or inputs with dynamic extents. */
    List<Tensor> runAll(@Nullable Tensor... operands) {
        Set<Integer> all = new HashSet<>();
        for (int i = 0; i < operands.length; i++) all.add(i);
        List<Tensor> folded = evaluate(operands, all);
        List<Tensor> computed = evaluate(operands, new HashSet<>());
        for (int i = 0; i < outputs; i++) {
            assertEquals(folded.get(i).type(), computed.get(i).type());
            assertEquals(-1, folded.get(i).data().mismatch(computed.get(i).data()), "result " + i);
        }
        return folded;
    }

    private List<Tensor> evaluate(@Nullable Tensor[] operands, Set<Integer> constants) {
        while (true) {
            GraphBuilder b = new GraphBuilder("test", Interpreter::evaluate);
            List<@Nullable Value> values = new ArrayList<>();
            List<Tensor> inputs = new ArrayList<>();
            for (int i = 0; i < operands.length; i++) {
                Tensor t = operands[i];
                if (t == null) values.add(null);
                else if (constants.contains(i)) values.add(b.constant(t));
                else {
                    values.add(b.input("x" + i, dynamic(t.type(), "x" + i)));
                    inputs.add(t);
                }
            }
            try {
                List<Value> results = lowering(operands).expand(new LoweringContext(b, operator, values, outputs));
                return Interpreter.run(b.build(results.subList(0, outputs)), inputs);
            } catch (NeedValueException e) {
                constants.add(values.indexOf(e.value()));
            }
        }
    }

    private Lowering.Expand lowering(@Nullable Tensor[] operands) {
        OperatorDefinition<OperatorNode> d = Operators.all().find(Registry.ONNX, operator, opset);
        if (d == null) throw new AssertionError("no " + operator);
        List<String> in =
                Arrays.stream(operands).map(t -> t == null ? "" : "in").toList();
        List<String> out = new ArrayList<>();
        for (int i = 0; i < outputs; i++) out.add("out" + i);
        OperatorNode node = node(in, out);
        return switch (d.define(node)) {
            case Lowering.Expand e -> e;
            case Lowering.ByKind k -> k.numbers();
            default -> throw new AssertionError(operator + " is no expansion");
        };
    }

    private OperatorNode node(List<String> in, List<String> out) {
        return new OperatorNode(
                operator, Registry.ONNX, operator, opset, new Attributes(operator, attributes), in, out);
    }

    private static TensorType dynamic(TensorType t, String name) {
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < t.rank(); i++)
            dims.add(Dim.symbolic(name + "_" + i, t.shape().extent(i)));
        return t.with(Shape.of(dims));
    }

    static Tensor floats(long[] shape, double... values) {
        float[] f = new float[values.length];
        for (int i = 0; i < f.length; i++) f[i] = (float) values[i];
        return Tensor.of(f, shape);
    }

    static Tensor floats(double... values) {
        return floats(new long[] {values.length}, values);
    }

    static Tensor longs(long... values) {
        return Tensor.of(values, values.length);
    }

    static long[] shape(long... extents) {
        return extents;
    }
}
