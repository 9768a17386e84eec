package dev.meseta.graph.interpreter;

import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Loops: scan and while. */
final class Structure {
    private Structure() {}

    static List<Tensor> scan(Op.Scan o, List<Tensor> in, List<TensorType> types) {
        int own = o.carried() + o.scanned();
        List<Tensor> carried = new ArrayList<>(in.subList(0, o.carried()));
        List<Tensor> scanned = in.subList(o.carried(), own);
        List<Tensor> captured = in.subList(own, in.size());
        List<Tensor> stacked = types.subList(o.carried(), types.size()).stream()
                .map(Tensor::allocate)
                .toList();
        for (long s = 0; s < o.steps(); s++) {
            long at = o.reverse() ? o.steps() - 1 - s : s;
            List<Tensor> step = new ArrayList<>(carried);
            for (Tensor t : scanned) step.add(slice(t, at));
            step.addAll(captured);
            List<Tensor> out = Interpreter.run(o.body(), step);
            carried = out.subList(0, o.carried());
            for (int i = 0; i < stacked.size(); i++) {
                MemorySegment to = slice(stacked.get(i), at).data();
                to.copyFrom(out.get(o.carried() + i).data());
            }
        }
        List<Tensor> results = new ArrayList<>(carried);
        results.addAll(stacked);
        return results;
    }

    /** The place along axis 0, without a copy. */
    private static Tensor slice(Tensor t, long position) {
        TensorType type = t.type().with(t.shape().without(0));
        return Tensor.wrap(type, t.data().asSlice(position * type.bytes(), type.bytes()));
    }

    static List<Tensor> whileLoop(Op.While o, List<Tensor> in) {
        List<Tensor> captured = in.subList(o.carried(), in.size());
        List<Tensor> state = new ArrayList<>(in);
        while (Interpreter.run(o.condition(), state).getFirst().getLong(0) != 0) {
            state = new ArrayList<>(Interpreter.run(o.body(), state));
            state.addAll(captured);
        }
        return List.copyOf(state.subList(0, o.carried()));
    }
}
