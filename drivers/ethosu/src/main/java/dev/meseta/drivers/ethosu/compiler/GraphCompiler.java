package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.driver.Packing;
import dev.meseta.driver.Packing.Piece;
import dev.meseta.drivers.ethosu.Program;
import dev.meseta.drivers.ethosu.compiler.Blocks.Block;
import dev.meseta.graph.Graph;
import dev.meseta.graph.TensorType;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/** Compiles graphs: nodes become steps ({@link Lowering}), steps get blocks, weights and memory, and are written as commands. */
public final class GraphCompiler {
    /** Of the fast memory, what the weights of one operation may take. */
    static final int WEIGHTS_SHARE = 4;

    /** Orders in which memory is tried to be placed, and buffers times orders. */
    private static final int MOST_ORDERS = 300;

    private static final int MOST_WORK = 60_000;

    private final Machine machine;
    private final List<Step> plan = new ArrayList<>();
    private List<Item> lives = List.of();
    private final Map<List<Object>, Encoded> encodings = new HashMap<>();

    private GraphCompiler(Machine machine) {
        this.machine = machine;
    }

    /** Why the device does not run nodes of a graph: for each, in order, the reason, or an empty string if it does. */
    public static List<String> refusals(Graph graph) {
        Lowering lowering = new Lowering(graph);
        return graph.nodes().stream().map(lowering::refusal).toList();
    }

    /** Compiles a graph, none of whose nodes is refused. */
    public static Program compile(Graph graph, Machine machine) {
        return new GraphCompiler(machine).compile(graph, new Lowering(graph));
    }

    /** When a buffer is in use: from a step of the plan to another. */
    private record Item(Buffer buffer, int first, int last) {
        long bytes() {
            return Program.aligned(buffer.storage());
        }
    }

    private static List<Piece> pieces(List<Item> items) {
        return items.stream().map(i -> new Piece(i.bytes(), i.first, i.last)).toList();
    }

    /** Gives buffers their addresses; the bytes of the memory. */
    private static long place(List<Item> items) {
        int orders = MOST_WORK / (items.size() * Math.max(1, items.size() / 16) + 1);
        Packing packing = Packing.best(pieces(items), Math.min(MOST_ORDERS, orders));
        for (int i = 0; i < items.size(); i++)
            items.get(i).buffer.address = packing.offsets().get(i);
        return packing.end();
    }

    private Program compile(Graph graph, Lowering lowering) {
        List<Step> steps = lowering.run();
        Bricks.choose(steps, machine);
        long fast = arrange(steps, lowering);
        List<Step> striped = new Cascades(machine, this::room).of(steps);
        if (striped.size() > steps.size()) fast = arrange(striped, lowering);
        long maps = place(
                lives.stream().filter(i -> i.buffer().region == Program.MAPS).toList());
        MemorySegment constants = placeConstants();
        Emitter emitter = new Emitter(machine);
        List<String> lines = new ArrayList<>();
        for (Step s : plan) {
            emitter.write(s);
            if (s instanceof Work w) lines.add(w.kind.name().toLowerCase(Locale.ROOT) + " for " + w.origin);
        }
        List<Program.Place> inputs = places(graph.inputTypes(), lowering.inputs);
        List<Program.Place> outputs = places(graph.outputTypes(), lowering.outputs);
        return new Program(emitter.finish(), machine.configuration(), constants, maps, fast, inputs, outputs, lines);
    }

    /** Plans steps, and gives temporaries places in the fast memory; its bytes. */
    private long arrange(List<Step> steps, Lowering lowering) {
        plan.clear();
        for (Step s : steps) if (s instanceof Work w) w.lead().block = null;
        steps.forEach(this::plan);
        lives = lives(lowering);
        return placeFast(lives);
    }

    /** Bytes of the fast memory for what a chain alone uses: those that nothing is in which is used before or after it as well. */
    private long room(List<Work> chain) {
        int from = plan.indexOf(chain.getFirst());
        int to = plan.indexOf(chain.getLast());
        long taken = 0;
        for (Item i : lives) {
            boolean meanwhile = i.first() <= to && from <= i.last() && (i.first() < from || to < i.last());
            if (meanwhile && i.buffer().region == Program.FAST) taken += i.bytes();
        }
        return machine.fastBytes() - taken;
    }

    private static List<Program.Place> places(List<TensorType> types, List<Place> places) {
        return IntStream.range(0, places.size())
                .mapToObj(i -> new Program.Place(types.get(i), places.get(i).buffer().address))
                .toList();
    }

    /** Chooses a step's block, and puts a copy of its weights before it where they are read more than once. */
    private void plan(Step s) {
        if (s instanceof Work w && w.lead().block == null) choose(w.lead());
        plan.add(s);
    }

    private void choose(Work w) {
        Block b = Blocks.choose(w, machine);
        w.block = b;
        if (!(w.product instanceof Product p)) return;
        int depth = b.out().depth();
        Encoded e = encodings.computeIfAbsent(List.of(p, depth), _ -> Encoded.of(p, depth, machine.cores()));
        w.encoded = e;
        w.home = e.buffer();
        boolean again = w.highest != null
                || b.out().height() < w.out.height()
                || b.out().width() < w.out.width();
        if (!again || w.home.bytes > machine.fastBytes() / WEIGHTS_SHARE) return;
        w.home = Buffer.temporary(e.buffer().bytes);
        plan.add(new Step.Copy(e.buffer(), 0, w.home, 0, w.home.bytes));
    }

    /** When each buffer that is no constant is in use. */
    private List<Item> lives(Lowering lowering) {
        Map<Buffer, int[]> spans = new LinkedHashMap<>();
        for (Place p : lowering.inputs) spans.put(p.buffer(), new int[] {0, 0});
        for (int i = 0; i < plan.size(); i++) {
            for (Buffer b : plan.get(i).touched()) {
                int at = i;
                if (b.contents == null) spans.computeIfAbsent(b, _ -> new int[] {at, at})[1] = i;
            }
        }
        for (Place p : lowering.outputs) {
            spans.computeIfAbsent(p.buffer(), _ -> new int[] {0, 0})[1] = plan.size();
        }
        List<Item> lives = new ArrayList<>();
        spans.forEach((b, s) -> {
            b.region = b.temporary ? Program.FAST : Program.MAPS;
            lives.add(new Item(b, s[0], s[1]));
        });
        // By what is in the graph alone, so that a graph is always compiled alike.
        lives.sort(Comparator.comparingInt(Item::first)
                .thenComparingInt(Item::last)
                .thenComparingLong(Item::bytes));
        return lives;
    }

    /** Puts what fits into the fast memory; its bytes. */
    private long placeFast(List<Item> lives) {
        List<Item> items = new ArrayList<>(
                lives.stream().filter(i -> i.buffer().region == Program.FAST).toList());
        long end = place(items);
        while (end > machine.fastBytes()) {
            Item largest =
                    items.stream().max(Comparator.comparingLong(Item::bytes)).orElseThrow();
            largest.buffer().region = Program.MAPS;
            items.remove(largest);
            end = place(items);
        }
        // Copies of weights begin during the operation before, where the memory that is needed anyhow has room.
        List<Item> early = new ArrayList<>(items);
        for (int i = 0; i < early.size(); i++) {
            Item item = early.get(i);
            boolean constant = plan.get(item.first()) instanceof Step.Copy c && c.from().contents != null;
            if (constant) early.set(i, new Item(item.buffer(), Math.max(0, item.first() - 1), item.last()));
            if (constant && Packing.pressure(pieces(early)) > end) early.set(i, item);
        }
        return place(early) <= end ? end : place(items);
    }

    private MemorySegment placeConstants() {
        ByteArrayOutputStream blob = new ByteArrayOutputStream();
        for (Step s : plan) {
            for (Buffer b : s.touched()) {
                byte[] contents = b.contents;
                if (contents == null || b.address >= 0) continue;
                b.address = blob.size();
                blob.writeBytes(contents);
                blob.writeBytes(new byte[(int) Program.aligned(blob.size()) - blob.size()]);
            }
        }
        return MemorySegment.ofArray(blob.toByteArray()).asReadOnly();
    }
}
