package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.List;

/** Blocks of a picture that become channels or pictures, and back. */
final class SpaceOperators {
    private SpaceOperators() {}

    static void register(Registry r) {
        r.expand("SPACE_TO_DEPTH", SpaceOperators::spaceToDepth);
        r.expand("DEPTH_TO_SPACE", SpaceOperators::depthToSpace);
        r.expand("SPACE_TO_BATCH_ND", SpaceOperators::spaceToBatch);
        r.expand("BATCH_TO_SPACE_ND", node -> SpaceOperators::batchToSpace);
    }

    private static int block(OperatorNode node) {
        int block = node.options().integer(0);
        node.require(block >= 1, "block size " + block);
        return block;
    }

    private static Lowering.Expand spaceToDepth(OperatorNode node) {
        int block = block(node);
        return c -> {
            Value x = c.operand(0);
            c.require(
                    x.rank() == 4 && x.extent(1) % block == 0 && x.extent(2) % block == 0,
                    x.type() + " has no whole blocks of " + block);
            GraphBuilder b = c.builder();
            Dim k = Dim.of(block);
            Dim h = Shapes.over(x.shape().dim(1), block);
            Dim w = Shapes.over(x.shape().dim(2), block);
            Value apart = b.reshape(
                    x, Shape.of(List.of(x.shape().dim(0), h, k, w, k, x.shape().dim(3))));
            Value moved = b.transpose(apart, 0, 1, 3, 2, 4, 5);
            Dim depth = x.shape().dim(3).times(Dim.of((long) block * block));
            return List.of(b.reshape(moved, Shape.of(List.of(x.shape().dim(0), h, w, depth))));
        };
    }

    private static Lowering.Expand depthToSpace(OperatorNode node) {
        int block = block(node);
        long parts = (long) block * block;
        return c -> {
            Value x = c.operand(0);
            c.require(x.rank() == 4 && x.extent(3) % parts == 0, x.type() + " has no channels of blocks of " + block);
            GraphBuilder b = c.builder();
            Dim k = Dim.of(block);
            Dim depth = Shapes.over(x.shape().dim(3), parts);
            List<Dim> d = x.shape().dims();
            Value apart = b.reshape(x, Shape.of(List.of(d.get(0), d.get(1), d.get(2), k, k, depth)));
            Value moved = b.transpose(apart, 0, 1, 3, 2, 4, 5);
            return List.of(b.reshape(
                    moved,
                    Shape.of(List.of(d.get(0), d.get(1).times(k), d.get(2).times(k), depth))));
        };
    }

    /** Blocks of the axes behind the first: their extents, and twice as many numbers of elements around x. */
    private record Blocks(long[] block, long[] around) {
        static Blocks of(LoweringContext c) {
            long[] block = Shapes.integers(c, 1);
            long[] around = Shapes.integers(c, 2);
            int rank = c.type(0).rank();
            c.require(
                    block.length < rank && around.length == 2 * block.length,
                    block.length + " blocks and " + around.length + " paddings for " + c.type(0));
            for (long b : block) c.require(b >= 1 && b < 1 << 20, "block size " + b);
            for (long a : around) c.require(a >= 0, "a padding or cut is negative");
            return new Blocks(block, around);
        }

        long product() {
            long p = 1;
            for (long b : block) p = Math.multiplyExact(p, b);
            return p;
        }
    }

    private static Lowering.Expand spaceToBatch(OperatorNode node) {
        long zero = node.isQuantizedResult(0) ? node.outputScale(0).zeroPoint(0) : 0;
        return c -> {
            GraphBuilder b = c.builder();
            Blocks k = Blocks.of(c);
            Value x = c.operand(0);
            int n = k.block().length;
            List<Long> low = new ArrayList<>();
            List<Long> high = new ArrayList<>();
            for (int i = 0; i < x.rank(); i++) {
                boolean inside = i >= 1 && i <= n;
                low.add(inside ? k.around()[2 * i - 2] : 0L);
                high.add(inside ? k.around()[2 * i - 1] : 0L);
            }
            x = b.add(new Op.Pad(low, high), x, b.scalar(x.dtype(), zero));
            List<Dim> apart = new ArrayList<>(List.of(x.shape().dim(0)));
            for (int i = 1; i <= n; i++) {
                long block = k.block()[i - 1];
                c.require(x.extent(i) % block == 0, x.type() + " has no whole blocks of " + block);
                apart.add(Shapes.over(x.shape().dim(i), block));
                apart.add(Dim.of(block));
            }
            List<Dim> rest = x.shape().dims().subList(n + 1, x.rank());
            apart.addAll(rest);
            int[] order = new int[apart.size()];
            for (int i = 0; i < n; i++) order[i] = 2 + 2 * i;
            order[n] = 0;
            for (int i = 0; i < n; i++) order[n + 1 + i] = 1 + 2 * i;
            for (int i = 2 * n + 1; i < order.length; i++) order[i] = i;
            List<Dim> joined = new ArrayList<>(List.of(x.shape().dim(0).times(Dim.of(k.product()))));
            for (int i = 0; i < n; i++) joined.add(apart.get(1 + 2 * i));
            joined.addAll(rest);
            return List.of(b.reshape(b.transpose(b.reshape(x, Shape.of(apart)), order), Shape.of(joined)));
        };
    }

    private static List<Value> batchToSpace(LoweringContext c) {
        GraphBuilder b = c.builder();
        Blocks k = Blocks.of(c);
        Value x = c.operand(0);
        int n = k.block().length;
        c.require(x.extent(0) % k.product() == 0, x.type() + " has no whole blocks");
        Dim batch = Shapes.over(x.shape().dim(0), k.product());
        List<Dim> apart = new ArrayList<>();
        for (long block : k.block()) apart.add(Dim.of(block));
        apart.add(batch);
        apart.addAll(x.shape().dims().subList(1, x.rank()));
        int[] order = new int[apart.size()];
        order[0] = n;
        List<Dim> joined = new ArrayList<>(List.of(batch));
        for (int i = 0; i < n; i++) {
            order[1 + 2 * i] = n + 1 + i;
            order[2 + 2 * i] = i;
            joined.add(x.shape().dim(i + 1).times(Dim.of(k.block()[i])));
        }
        for (int i = 2 * n + 1; i < order.length; i++) order[i] = i;
        joined.addAll(x.shape().dims().subList(n + 1, x.rank()));
        Value y = b.reshape(b.transpose(b.reshape(x, Shape.of(apart)), order), Shape.of(joined));
        for (int i = 0; i < n; i++) {
            long low = k.around()[2 * i];
            long cut = low + k.around()[2 * i + 1];
            Dim d = y.shape().dim(i + 1);
            c.require(cut <= d.extent(), "cuts " + cut + " elements of " + y.type());
            y = b.slice(y, i + 1, low, Shapes.plus(d, -cut));
        }
        return List.of(y);
    }
}
