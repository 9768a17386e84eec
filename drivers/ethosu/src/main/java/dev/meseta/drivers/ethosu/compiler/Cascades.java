package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.Program;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Operations after each other whose maps between them do not fit into the fast memory, in stripes of rows: each computes the rows that the next
 * one lacks, and no more, and what is between two is a ring of few rows in the fast memory. Places in a ring may go beyond its end; the tiles of
 * feature maps then continue at its beginning.
 *
 * @param room bytes of the fast memory that a chain may take
 */
record Cascades(Machine machine, ToLongFunction<List<Work>> room) {
    /** Operations of a chain, at most. */
    private static final int LONGEST = 6;

    /** Rows of an operation of a chain. */
    private record Rows(int operation, int from, int to) {}

    /**
     * A way to run operations.
     *
     * @param price by {@link Cost#price}
     */
    private record Way(List<Work> works, double price) {
        Way then(Way w) {
            return new Way(Stream.concat(works.stream(), w.works.stream()).toList(), price + w.price);
        }
    }

    /** Steps whose temporaries have been placed, with those chains in stripes that then take fewer cycles. */
    List<Step> of(List<Step> steps) {
        Map<Buffer, Integer> uses = new IdentityHashMap<>();
        for (Step s : steps) s.touched().forEach(b -> uses.merge(b, 1, Integer::sum));
        List<Step> all = new ArrayList<>();
        List<Work> chain = new ArrayList<>();
        for (Step s : steps) {
            if (chain.isEmpty() || !(s instanceof Work w) || !isLinked(chain.getLast(), w, uses)) {
                all.addAll(best(chain));
                chain.clear();
            }
            if (s instanceof Work next) chain.add(next);
            else all.add(s);
        }
        all.addAll(best(chain));
        return all;
    }

    /** Whether an operation alone reads what the one before alone writes. */
    private static boolean isLinked(Work before, Work w, Map<Buffer, Integer> uses) {
        Buffer b = before.out.buffer();
        Place seen = w.second != null && w.second.buffer() == b ? w.second : w.in;
        return seen.buffer() == b
                && b.temporary
                && uses.getOrDefault(b, 0) == 2
                && before.out.equals(b.shape)
                && seen.offset() == 0
                && seen.strides().equals(before.out.strides())
                && inRows(before)
                && inRows(w);
    }

    /** Whether the fast memory has no room for a map between operations. */
    private static boolean isWorth(List<Work> chain) {
        return chain.stream()
                .limit(Math.max(0, chain.size() - 1))
                .anyMatch(w -> !w.out.buffer().isFast());
    }

    private static boolean inRows(Work w) {
        boolean same = w.second == null || w.second.height() == w.out.height();
        return same && w.window.y().operand(w.out.height()) == w.in.height();
    }

    /** The best way to cut a chain. */
    private List<Work> best(List<Work> chain) {
        if (!isWorth(chain)) return List.copyOf(chain);
        Way[] best = new Way[chain.size() + 1];
        best[0] = new Way(List.of(), 0);
        for (int end = 1; end <= chain.size(); end++) {
            Work last = chain.get(end - 1);
            best[end] = best[end - 1].then(
                    new Way(List.of(last), new Cost(last, Blocks.choose(last, machine), machine).price()));
            for (int from = Math.max(0, end - LONGEST); from < end - 1; from++) {
                List<Work> part = chain.subList(from, end);
                if (!isWorth(part)) continue;
                for (int h = 2; h < last.out.height(); h *= 2) {
                    Way striped = striped(part, h);
                    if (striped == null) continue;
                    Way all = best[from].then(striped);
                    if (all.price < best[end].price) best[end] = all;
                }
            }
        }
        return best[chain.size()].works;
    }

    /** In stripes of so many rows of the last result; null if the fast memory has no room for that. */
    private @Nullable Way striped(List<Work> chain, int height) {
        List<Rows> rows = rows(chain, height);
        Map<Buffer, Buffer> rings = new IdentityHashMap<>();
        long bytes = 0;
        for (int i = 0; i < chain.size(); i++) {
            Work w = chain.get(i);
            if (w.product != null) {
                Weights weights = w.product.weights();
                long own = weights.values().length + 10L * weights.outputs();
                if (own > machine.fastBytes() / GraphCompiler.WEIGHTS_SHARE) return null;
                bytes += Program.aligned(own);
            }
            if (i == chain.size() - 1) continue;
            Place p = w.out;
            long n = ringRows(rows, i, chain.get(i + 1));
            Buffer ring = Buffer.temporary(n * p.stride(0) * p.bytes());
            Place.dense(ring, p.dtype(), List.of(n, p.extent(1), p.extent(2)));
            ring.bricks = p.buffer().bricks;
            rings.put(p.buffer(), ring);
            bytes += Program.aligned(ring.storage());
        }
        return bytes > room.applyAsLong(chain) ? null : works(chain, rows, rings);
    }

    /** Which rows are computed in what order. */
    private static List<Rows> rows(List<Work> chain, int height) {
        List<Rows> all = new ArrayList<>();
        int last = chain.size() - 1;
        int[] done = new int[chain.size()];
        while (done[last] < chain.get(last).out.height()) {
            int[] to = done.clone();
            to[last] = Math.min(chain.get(last).out.height(), done[last] + height);
            for (int i = last; i > 0; i--) to[i - 1] = Math.max(done[i - 1], end(chain.get(i), to[i]));
            for (int i = 0; i <= last; i++) if (to[i] > done[i]) all.add(new Rows(i, done[i], to[i]));
            done = to;
        }
        return all;
    }

    /** Rows of the operand that so many rows of the result need. */
    private static int end(Work w, int rows) {
        return Math.min(w.in.height(), w.window.y().end(rows));
    }

    /** Rows of an operation's results that are there at once: from those that are still to be read on. */
    private static int ringRows(List<Rows> rows, int operation, Work reader) {
        int most = 0;
        int from = 0;
        for (Rows r : rows) {
            if (r.operation == operation) from = r.from;
            if (r.operation == operation + 1) {
                int begin = Math.max(0, reader.window.y().begin(r.from));
                most = Math.max(most, end(reader, r.to) - Math.min(from, begin));
            }
        }
        return most;
    }

    private Way works(List<Work> chain, List<Rows> rows, Map<Buffer, Buffer> rings) {
        Work[] highest = new Work[chain.size()];
        List<Work> works = new ArrayList<>();
        for (Rows r : rows) {
            Work w = stripe(chain.get(r.operation), r, rings);
            works.add(w);
            Work before = highest[r.operation];
            if (before == null || w.out.height() > before.out.height()) highest[r.operation] = w;
        }
        double price = 0;
        for (int i = 0; i < works.size(); i++) {
            Work lead = highest[rows.get(i).operation];
            works.get(i).highest = lead;
            if (lead.block == null) lead.block = Blocks.choose(lead, machine);
            price += Cost.of(works.get(i), machine).price();
        }
        return new Way(works, price);
    }

    private static Work stripe(Work w, Rows r, Map<Buffer, Buffer> rings) {
        Window window = new Window(w.window.y().part(r.from, r.to, w.in.height()), w.window.x());
        int begin = Math.max(0, w.window.y().begin(r.from));
        Place in = part(w.in, begin, end(w, r.to), rings);
        Place second = w.second == null ? null : part(w.second, begin, end(w, r.to), rings);
        return w.on(in, second, part(w.out, r.from, r.to, rings), window);
    }

    /** Rows of a map; in its ring if it has one. */
    private static Place part(Place p, int from, int to, Map<Buffer, Buffer> rings) {
        Place part = p.slice(0, from, to - from, 1);
        Buffer ring = rings.get(p.buffer());
        if (ring == null) return part;
        long at = from * p.stride(0) % (ring.bytes / p.bytes());
        return new Place(ring, p.dtype(), part.extents(), part.strides(), at);
    }
}
