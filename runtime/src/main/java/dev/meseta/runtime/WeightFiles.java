package dev.meseta.runtime;

import dev.meseta.driver.ByteForm;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.io.IOException;
import java.io.StreamCorruptedException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Constants that were computed for a model (packed weights, folded values), in files that its plans refer to: what a plan for another shape
 * needs too is not written twice. Each file is loaded once a process, its checksums verified. Thread-safe.
 */
final class WeightFiles {
    /** The place, size and checksum of each constant. */
    private static final int INDEX = 1;

    private static final int DATA = 2;
    private static final String KIND = ".weights";

    /** Sections are loaded side by side, each by a thread. */
    private static final long SECTION_BYTES = 8 << 20;

    private final PlanFolder folder;
    private final Map<String, WeakReference<Loaded>> loaded = new HashMap<>();
    private final Map<Tensor, Place> known = new WeakHashMap<>();

    WeightFiles(PlanFolder folder) {
        this.folder = folder;
    }

    /** A constant's place: file, section, and offset there. */
    record Place(String file, int section, long offset) {}

    /** A file in memory; the constants of others are shared as long as this is reachable. */
    record Loaded(String file, List<MemorySegment> sections) {}

    private record Indexed(Place place, long bytes) {}

    /** A file, from whoever uses it or from disk. One that is damaged is deleted, and an {@link IOException}. */
    synchronized Loaded load(String name) throws IOException {
        WeakReference<Loaded> reference = loaded.get(name);
        Loaded file = reference == null ? null : reference.get();
        if (file == null) {
            try {
                file = new Loaded(name, folder.load(name));
            } catch (StreamCorruptedException e) {
                folder.delete(name);
                throw e;
            }
            loaded.values().removeIf(r -> r.get() == null);
            loaded.put(name, new WeakReference<>(file));
        }
        return file;
    }

    /** The tensor at a place of a file. */
    synchronized Tensor read(Loaded file, TensorType type, int section, long offset) throws IOException {
        if (section < 0 || section >= file.sections.size()) throw new IOException("no section " + section);
        MemorySegment all = file.sections.get(section);
        long bytes = type.bytes();
        if (offset < 0 || offset > all.byteSize() - bytes)
            throw new IOException("a constant is outside of its section");
        Tensor t = Tensor.wrap(type, all.asSlice(offset, bytes));
        known.put(t, new Place(file.file, section, offset));
        return t;
    }

    /**
     * The place of each tensor; those that have none yet are written.
     *
     * @param prefix of the names of a model's files
     * @return by identity; empty if that would be too much
     */
    synchronized Map<Tensor, Place> keep(String prefix, List<Tensor> tensors) throws IOException {
        Map<Tensor, Place> places = new IdentityHashMap<>();
        List<Tensor> left = new ArrayList<>();
        for (Tensor t : tensors) {
            Place p = known.get(t);
            if (p != null && folder.has(p.file)) places.put(t, p);
            else left.add(t);
        }
        if (left.isEmpty()) return places;
        Map<Long, List<Indexed>> there = index(prefix);
        List<Tensor> missing = new ArrayList<>();
        for (Tensor t : left) {
            Place p = equal(there, t);
            if (p == null) missing.add(t);
            else places.put(t, p);
        }
        if (missing.stream().mapToLong(t -> t.type().bytes()).sum() > folder.largest()) return Map.of();
        if (!missing.isEmpty()) write(prefix + "-" + UUID.randomUUID() + KIND, missing, places);
        known.putAll(places);
        return places;
    }

    private static long key(int checksum, long bytes) {
        return (long) checksum << 32 ^ bytes;
    }

    private Map<Long, List<Indexed>> index(String prefix) throws IOException {
        Map<Long, List<Indexed>> all = new HashMap<>();
        for (String name : folder.list(prefix, KIND)) {
            try {
                Form.read(folder.map(name).tagged(INDEX), in -> {
                    for (int n = ByteForm.count(in); n > 0; n--) {
                        Place place = new Place(name, in.getInt(), in.getLong());
                        long bytes = in.getLong();
                        all.computeIfAbsent(key(in.getInt(), bytes), _ -> new ArrayList<>())
                                .add(new Indexed(place, bytes));
                    }
                    return all;
                });
            } catch (IOException e) {
                // It is damaged, or another process has cleaned up: what is in it is written again.
                folder.delete(name);
            }
        }
        return all;
    }

    private @Nullable Place equal(Map<Long, List<Indexed>> there, Tensor t) {
        for (Indexed i :
                there.getOrDefault(key(SectionFile.checksum(t.data()), t.data().byteSize()), List.of())) {
            try {
                MemorySegment section = folder.map(i.place.file).peek(i.place.section);
                if (section.asSlice(i.place.offset, i.bytes).mismatch(t.data()) < 0) return i.place;
            } catch (IOException | IndexOutOfBoundsException e) {
                // As if it were not there.
            }
        }
        return null;
    }

    private void write(String name, List<Tensor> tensors, Map<Tensor, Place> places) throws IOException {
        List<List<MemorySegment>> data = new ArrayList<>();
        long end = SECTION_BYTES;
        for (Tensor t : tensors) {
            if (end >= SECTION_BYTES) {
                data.add(new ArrayList<>());
                end = 0;
            }
            data.getLast().add(t.data());
            // Behind the index.
            places.put(t, new Place(name, data.size(), end));
            end = SectionFile.aligned(end + t.data().byteSize());
        }
        MemorySegment index = Form.write(out -> {
            out.writeInt(tensors.size());
            for (Tensor t : tensors) {
                Place p = Objects.requireNonNull(places.get(t));
                out.writeInt(p.section);
                out.writeLong(p.offset);
                out.writeLong(t.data().byteSize());
                out.writeInt(SectionFile.checksum(t.data()));
            }
        });
        List<SectionFile.Section> sections = new ArrayList<>();
        sections.add(new SectionFile.Section(INDEX, List.of(index)));
        for (List<MemorySegment> d : data) sections.add(new SectionFile.Section(DATA, d));
        folder.write(name, sections);
    }
}
