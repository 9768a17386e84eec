package dev.meseta.graph.differentiate;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Op.Combine;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.List;

/** What reads or writes at positions. Positions take no adjoint: results change with them by leaps. */
final class IndexingRules {
    private IndexingRules() {}

    static void gather(Step s, Op.Gather o) {
        if (!s.wants(0)) return;
        GraphBuilder b = s.b;
        Value x = s.x(0);
        Value positions = s.x(1);
        int wide = positions.rank();
        // The axis first, so that positions are coordinates of whole slices.
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < wide; i++) order.add(o.axis() + i);
        for (int i = 0; i < s.y().rank(); i++) if (i < o.axis() || i >= o.axis() + wide) order.add(i);
        Value g = MovementRules.transpose(b, s.g(), order);
        List<Integer> front = new ArrayList<>(List.of(o.axis()));
        for (int i = 0; i < x.rank(); i++) if (i != o.axis()) front.add(i);
        Value zeros = MovementRules.transpose(b, s.zeros(x), front);
        Value coordinates = b.reshape(positions, positions.shape().insert(wide, Dim.of(1)));
        Value sum = b.add(new Op.ScatterNd(Combine.ADD), zeros, coordinates, g);
        s.give(0, MovementRules.transpose(b, sum, MovementRules.inverse(front)));
    }

    static void gatherElements(Step s, Op.GatherElements o) {
        if (!s.wants(0)) return;
        s.give(0, s.b.add(new Op.ScatterElements(o.axis(), Combine.ADD), s.zeros(s.x(0)), s.x(1), s.g()));
    }

    static void topK(Step s, Op.TopK o) {
        s.give(0, s.b.add(new Op.ScatterElements(o.axis(), Combine.ADD), s.zeros(s.x(0)), s.y(1), s.g()));
    }

    static void gatherNd(Step s, Op.GatherNd o) {
        if (!s.wants(0)) return;
        GraphBuilder b = s.b;
        Value coordinates = s.x(1);
        int last = coordinates.rank() - 1;
        List<Value> parts = new ArrayList<>();
        for (int i = 0; i < o.batch(); i++)
            parts.add(b.iota(coordinates.dtype(), coordinates.shape().with(last, Dim.of(1)), i));
        parts.add(coordinates);
        Value all = b.concat(last, parts);
        s.give(0, b.add(new Op.ScatterNd(Combine.ADD), s.zeros(s.x(0)), all, s.g()));
    }

    static void scatterElements(Step s, Op.ScatterElements o) {
        GraphBuilder b = s.b;
        Value positions = s.x(1);
        check(s, o.combine());
        if (o.combine() == Combine.ADD) {
            if (s.wants(0)) s.give(0, s.g());
            if (s.wants(2)) s.give(2, b.add(new Op.GatherElements(o.axis()), s.g(), positions));
            return;
        }
        if (s.wants(0)) {
            Value zeros = s.zeros(s.x(2));
            s.give(0, b.add(new Op.ScatterElements(o.axis(), Combine.SET), s.g(), positions, zeros));
        }
        if (s.wants(2)) {
            Value numbers = numbers(b, positions.shape());
            Value none = b.broadcast(b.scalar(DType.I64, -1L), s.x(0).shape());
            Value winners = b.add(new Op.ScatterElements(o.axis(), Combine.SET), none, positions, numbers);
            Value won = b.add(new Op.GatherElements(o.axis()), winners, positions);
            Value g = b.add(new Op.GatherElements(o.axis()), s.g(), positions);
            s.give(2, b.select(b.map(MapFunction.EQ, won, numbers), g, s.number(0)));
        }
    }

    static void scatterNd(Step s, Op.ScatterNd o) {
        GraphBuilder b = s.b;
        Value coordinates = s.x(1);
        Op read = new Op.GatherNd(0);
        check(s, o.combine());
        if (o.combine() == Combine.ADD) {
            if (s.wants(0)) s.give(0, s.g());
            if (s.wants(2)) s.give(2, b.add(read, s.g(), coordinates));
            return;
        }
        Op write = new Op.ScatterNd(Combine.SET);
        if (s.wants(0)) s.give(0, b.add(write, s.g(), coordinates, s.zeros(s.x(2))));
        if (s.wants(2)) {
            int last = coordinates.rank() - 1;
            int depth = (int) coordinates.extent(last);
            Shape leading = coordinates.shape().without(last);
            Value numbers = numbers(b, leading);
            Shape slices = Shape.of(s.x(0).shape().dims().subList(0, depth));
            Value none = b.broadcast(b.scalar(DType.I64, -1L), slices);
            Value won = b.add(read, b.add(write, none, coordinates, numbers), coordinates);
            Value hit = b.map(MapFunction.EQ, won, numbers);
            Shape wide = leading;
            while (wide.rank() < s.x(2).rank()) wide = wide.insert(wide.rank(), Dim.of(1));
            Value g = b.add(read, s.g(), coordinates);
            s.give(2, b.select(b.reshape(hit, wide), g, s.number(0)));
        }
    }

    private static void check(Step s, Combine combine) {
        if (combine != Combine.SET && combine != Combine.ADD) throw s.none("of scatters only set and add have a rule");
    }

    /** Row-major numbers of the places of a shape: of updates that meet at one place, the last one is what stays there. */
    private static Value numbers(GraphBuilder b, Shape shape) {
        return b.reshape(b.iota(DType.I64, Shape.of(shape.elements()), 0), shape);
    }
}
