package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.Program;
import dev.meseta.drivers.ethosu.compiler.Blocks.Block;
import dev.meseta.drivers.ethosu.compiler.Placement.Item;
import dev.meseta.drivers.ethosu.compiler.Step.Copy;
import dev.meseta.drivers.ethosu.compiler.Step.Product;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.TensorType;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Compiles graphs: nodes become steps ({@link Lowering}), steps get blocks, weights and memory, and are written as commands. */
public final class GraphCompiler {
    private static final int ALIGNMENT = 16;

    /** Of the fast memory, what the weights of one operation may take. */
    private static final int WEIGHTS_SHARE = 4;

    private final Machine machine;
    private final List<Planned> plan = new ArrayList<>();
    private final Map<Product, Map<Integer, Encoded>> encodings = new IdentityHashMap<>();
    private final Map<Encoded, Buffer> constants = new IdentityHashMap<>();

    private GraphCompiler(Machine machine) {
        this.machine = machine;
    }

    /** Why the device does not run nodes of a graph: for each, in order, the reason, or an empty string if it does. */
    public static List<String> refusals(Graph graph) {
        List<String> reasons = new ArrayList<>();
        Lowering lowering = new Lowering(graph);
        for (Node n : graph.nodes()) reasons.add(lowering.refusal(n));
        return reasons;
    }

    /** Compiles a graph, none of whose nodes is refused. */
    public static Program compile(Graph graph, Machine machine) {
        Lowering lowering = new Lowering(graph);
        return new GraphCompiler(machine).compile(graph, lowering);
    }

    /**
     * A step with what was decided about it.
     *
     * @param weights where its weights are read from
     */
    private record Planned(
            Step step,
            @Nullable Block block,
            @Nullable Encoded encoded,
            @Nullable Buffer weights) {}

    private Program compile(Graph graph, Lowering lowering) {
        List<Step> steps = lowering.run();
        Bricks.choose(steps);
        for (Step s : steps) plan(s);
        Map<Buffer, Item> lives = lives(lowering);
        long fast = placeFast(lives);
        List<Item> maps = new ArrayList<>();
        for (Item i : lives.values()) if (i.buffer().region == Buffer.MAPS) maps.add(i);
        long mapBytes = Placement.place(maps);
        byte[] blob = placeConstants();
        Emitter emitter = new Emitter(machine);
        List<String> lines = new ArrayList<>();
        for (Planned p : plan) {
            switch (p.step) {
                case Copy c -> emitter.copy(c);
                case Work w -> {
                    emitter.work(w, Objects.requireNonNull(p.block), p.encoded, p.weights);
                    lines.add(w.kind().name().toLowerCase(java.util.Locale.ROOT) + " for " + w.origin());
                }
            }
        }
        return new Program(
                MemorySegment.ofArray(emitter.finish()).asReadOnly(),
                machine.configuration(),
                MemorySegment.ofArray(blob).asReadOnly(),
                mapBytes,
                fast,
                places(graph.inputTypes(), lowering.inputs()),
                places(graph.outputTypes(), lowering.outputs()),
                lines);
    }

    private static List<Program.Place> places(List<TensorType> types, List<Place> places) {
        List<Program.Place> all = new ArrayList<>();
        for (int i = 0; i < places.size(); i++) {
            all.add(new Program.Place(types.get(i), Math.max(0, places.get(i).buffer().address)));
        }
        return all;
    }

    /** Chooses a step's block, and puts a copy of its weights before it where they are read more than once. */
    private void plan(Step s) {
        if (!(s instanceof Work w)) {
            plan.add(new Planned(s, null, null, null));
            return;
        }
        Block b = Blocks.choose(w, machine);
        Product product = w.product();
        if (product == null) {
            plan.add(new Planned(w, b, null, null));
            return;
        }
        Encoded e = encodings
                .computeIfAbsent(product, _ -> new java.util.HashMap<>())
                .computeIfAbsent(b.depth(), d -> Encoded.of(product, d, machine.cores()));
        Buffer constant = constants.computeIfAbsent(e, x -> Buffer.constant(x.contents()));
        boolean again = b.height() < w.out().height() || b.width() < w.out().width();
        if (!again || e.bytes() > machine.fastBytes() / WEIGHTS_SHARE) {
            plan.add(new Planned(w, b, e, constant));
            return;
        }
        Buffer copy = new Buffer(Buffer.Role.TEMPORARY, e.bytes());
        plan.add(new Planned(new Copy(constant, 0, copy, 0, e.bytes()), null, null, null));
        plan.add(new Planned(w, b, e, copy));
    }

    private static List<Buffer> touched(Planned p) {
        List<Buffer> all = new ArrayList<>(p.step.reads());
        all.add(p.step.writes());
        if (p.weights != null) all.add(p.weights);
        return all;
    }

    /** When each buffer that is no constant is in use. */
    private Map<Buffer, Item> lives(Lowering lowering) {
        Map<Buffer, int[]> spans = new IdentityHashMap<>();
        for (Place p : lowering.inputs()) spans.put(p.buffer(), new int[] {0, 0});
        for (int i = 0; i < plan.size(); i++) {
            for (Buffer b : touched(plan.get(i))) {
                if (b.role == Buffer.Role.CONSTANT) continue;
                int at = i;
                spans.computeIfAbsent(b, _ -> new int[] {at, at})[1] = i;
            }
        }
        for (Place p : lowering.outputs()) {
            spans.computeIfAbsent(p.buffer(), _ -> new int[] {0, 0})[1] = plan.size();
        }
        for (int i = 0; i < plan.size(); i++) if (plan.get(i).step instanceof Work w) overwrite(w, i, spans);
        Map<Buffer, Item> lives = new IdentityHashMap<>();
        spans.forEach((b, s) -> {
            if (b.alias == null) lives.put(b, new Item(b, s[0], s[1]));
        });
        return lives;
    }

    /** Lets an operation element by element write over an operand that nothing reads any more. */
    private static void overwrite(Work w, int at, Map<Buffer, int[]> spans) {
        Buffer out = w.out().buffer();
        int[] span = Objects.requireNonNull(spans.get(out));
        if (!w.kind().isElementwise() || out.role != Buffer.Role.TEMPORARY || span[0] != at) return;
        View second = w.secondView();
        for (View v : second == null ? List.of(w.in()) : List.of(w.in(), second)) {
            Buffer in = v.buffer().root();
            int[] old = spans.get(in);
            boolean fits = in.role == Buffer.Role.TEMPORARY
                    && v.buffer() == in
                    && in.bytes == out.bytes
                    && (in.bricks == null) == (out.bricks == null)
                    && v.elements() * v.bytes() == in.bytes
                    && w.out().elements() == v.elements()
                    && v.offset() == w.out().offset()
                    && v.strideX() == w.out().strideX()
                    && v.strideY() == w.out().strideY();
            if (!fits || old == null || old[1] != at) continue;
            out.alias = in;
            old[1] = span[1];
            return;
        }
    }

    /** Puts what fits into the fast memory; its bytes. */
    private long placeFast(Map<Buffer, Item> lives) {
        List<Item> items = new ArrayList<>();
        for (Item i : lives.values()) {
            if (i.buffer().role != Buffer.Role.TEMPORARY) continue;
            i.buffer().region = Buffer.FAST;
            items.add(i);
        }
        items.sort(Comparator.comparingInt(Item::first).thenComparingLong(i -> -i.bytes()));
        long end = Placement.place(items);
        while (end > machine.fastBytes()) {
            Item largest =
                    items.stream().max(Comparator.comparingLong(Item::bytes)).orElseThrow();
            largest.buffer().region = Buffer.MAPS;
            items.remove(largest);
            end = Placement.place(items);
        }
        return ahead(items, end);
    }

    /** Lets copies of weights begin during the operation before, where memory is left. */
    private long ahead(List<Item> items, long limit) {
        List<Item> early = new ArrayList<>(items);
        for (int i = 0; i < early.size(); i++) {
            Item item = early.get(i);
            boolean weights = plan.get(item.first()).step instanceof Copy c
                    && c.to() == item.buffer()
                    && item.last() == item.first() + 1;
            if (!weights || item.first() == 0) continue;
            early.set(i, new Item(item.buffer(), item.first() - 1, item.last()));
            if (Placement.pressure(early) > limit) early.set(i, item);
        }
        long end = Placement.place(early);
        return end <= limit ? end : Placement.place(items);
    }

    private byte[] placeConstants() {
        ByteArrayOutputStream blob = new ByteArrayOutputStream();
        for (Planned p : plan) {
            List<Buffer> all = touched(p);
            if (p.step instanceof Work w && w.table() != null) all.add(w.table().results());
            for (Buffer b : all) {
                byte[] contents = b.contents;
                if (contents == null || b.address >= 0) continue;
                while (blob.size() % ALIGNMENT != 0) blob.write(0);
                b.address = blob.size();
                blob.writeBytes(contents);
            }
        }
        while (blob.size() % ALIGNMENT != 0) blob.write(0);
        return blob.toByteArray();
    }
}
