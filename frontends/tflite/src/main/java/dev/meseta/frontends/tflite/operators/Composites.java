package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.quantized.Clamp;
import dev.meseta.graph.quantized.QuantizedOp;
import dev.meseta.graph.quantized.Scaling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Quantised operators as composites, which a device may take as a whole: what they come to in the op set is their body. */
final class Composites {
    private Composites() {}

    /**
     * A composite of these operands; what depends on constants alone is none, so that it is folded.
     *
     * @param body the result from the operands
     */
    static Value of(
            GraphBuilder b, QuantizedOp op, List<Value> operands, BiFunction<GraphBuilder, List<Value>, Value> body) {
        if (operands.stream().allMatch(v -> b.known(v) != null)) return body.apply(b, operands);
        return b.compositeOf(op.name(), op.attributes(), operands, (inner, in) -> List.of(body.apply(inner, in)))
                .getFirst();
    }

    /**
     * As above, of some operands of a call. Within the body, others are what is known of them: absent where nothing is.
     *
     * @param data numbers of the operands; those that are left out are not the composite's
     */
    static Value of(LoweringContext c, QuantizedOp op, int[] data, Function<LoweringContext, Value> body) {
        List<Integer> present = Arrays.stream(data).filter(c::has).boxed().toList();
        List<Value> operands = present.stream().map(c::operand).toList();
        return of(c.builder(), op, operands, (b, in) -> {
            List<@Nullable Value> all = new ArrayList<>(Collections.nCopies(c.operandCount(), null));
            for (int i = 0; i < all.size(); i++) {
                int place = present.indexOf(i);
                Tensor known = place < 0 ? c.constantIfKnown(i) : null;
                all.set(i, place >= 0 ? in.get(place) : known == null ? null : b.constant(known));
            }
            return body.apply(new LoweringContext(b, c.where(), all, c.outputCount()));
        });
    }

    /** A function of bytes, by the results of its own body; of wider integers, the body alone. */
    static Value function(LoweringContext c, Function<LoweringContext, Value> body) {
        GraphBuilder b = c.builder();
        DType t = c.type(0).dtype();
        if (!Tables.isByte(t)) return body.apply(c);
        Tensor all = Tables.of(t, t, i -> i).results();
        int mark = b.mark();
        LoweringContext every = new LoweringContext(b, c.where(), List.of(b.constant(all)), 1);
        Tensor results = every.known(body.apply(every));
        b.rollback(mark);
        return of(c, table(results), new int[] {0}, body);
    }

    static QuantizedOp.Table table(Tensor results) {
        List<Long> list = new ArrayList<>();
        for (long i = 0; i < results.elements(); i++) list.add(results.getLong(i));
        return new QuantizedOp.Table(list);
    }

    static Scaling scaling(boolean wide, Multiplier... multipliers) {
        return new Scaling(
                Arrays.stream(multipliers).map(m -> (long) m.mantissa()).toList(),
                Arrays.stream(multipliers).map(m -> (long) m.shift()).toList(),
                wide);
    }

    static Scaling scaling(Rescale r) {
        return scaling(r.wide(), r.multipliers());
    }

    static Clamp clamp(Rescale r) {
        return clamp(r.zeroPoint(), r.range());
    }

    static Clamp clamp(long zero, Activation.Range range) {
        return new Clamp(zero, range.low(), range.high());
    }
}
