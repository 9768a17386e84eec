package dev.meseta.runtime;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.io.IOException;
import java.io.StreamCorruptedException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/**
 * A file of sections, each with a tag that says what is in it, and a checksum. All that is read is checked first: a file that is no such
 * file, of another version, cut off or damaged is a {@link StreamCorruptedException} that says so, and never more than that. Little-endian:
 *
 * <pre>
 * 0   magic number (8 bytes)      24  what kind of file it is (4)
 * 8   version (4)                 28  checksum of the first 28 bytes and the table (4)
 * 12  number of sections (4)      32  the table, for each section: tag (4), checksum (4), offset (8), bytes (8), 0 (8)
 * 16  size of the file (8)
 * </pre>
 *
 * Sections begin at multiples of {@link #ALIGNMENT}, those of a page or more at multiples of a page, so that they can be used where they
 * are mapped. Between them are zeros.
 */
final class SectionFile {
    /** The first bytes of every such file. */
    static final byte[] NAME = {'M', 'E', 'S', 'E', 'T', 'A', 0x1a, '\n'};

    static final int VERSION = 2;

    /** A file of the cache. */
    static final int CACHE = 0;

    /** A {@link ModelPackage}. */
    static final int PACKAGE = 1;

    static final long ALIGNMENT = 64;
    private static final long PAGE = 4096;
    private static final long MAGIC = 0x0a1a_4154_4553_454dL;
    private static final int HEADER = 32;
    private static final int ENTRY = 32;

    /** Below it another thread costs more than it gives. */
    private static final long WORTH_SHARING = 12 << 20;

    private static final long PIECE = 256 << 10;
    private static final int MOST_SECTIONS = 1 << 20;
    private static final long LARGEST_BUFFER = 1 << 28;
    private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[(int) ALIGNMENT]);

    private static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * What is to be written.
     *
     * @param contents parts that follow each other, each at a multiple of {@link #ALIGNMENT}
     * @param paged whether it begins at a multiple of a page however small it is
     */
    record Section(int tag, List<MemorySegment> contents, boolean paged) {
        Section(int tag, MemorySegment content) {
            this(tag, List.of(content), false);
        }

        Section(int tag, List<MemorySegment> contents) {
            this(tag, contents, false);
        }

        static Section pages(int tag, List<MemorySegment> contents) {
            return new Section(tag, contents, true);
        }

        long bytes() {
            long end = 0;
            for (MemorySegment c : contents) end = aligned(end) + c.byteSize();
            return end;
        }
    }

    static long aligned(long offset) {
        return (offset + ALIGNMENT - 1) & -ALIGNMENT;
    }

    private record Entry(int tag, int checksum, long offset, long bytes) {}

    private final MemorySegment file;
    private final List<Entry> entries;

    private SectionFile(MemorySegment file, List<Entry> entries) {
        this.file = file;
        this.entries = entries;
    }

    /** The sections of a file of the cache that was read or mapped. Their contents are not looked at yet. */
    static SectionFile of(MemorySegment file) throws IOException {
        return of(file, CACHE);
    }

    /** As above, for a file of some kind. */
    static SectionFile of(MemorySegment file, int kind) throws IOException {
        if (file.byteSize() < HEADER) throw new StreamCorruptedException("it ends within its header");
        if (file.get(LONG, 0) != MAGIC) throw new StreamCorruptedException("it is no file of sections");
        if (file.get(INT, 8) != VERSION)
            throw new StreamCorruptedException("it has version " + file.get(INT, 8) + ", " + VERSION + " is known");
        int count = file.get(INT, 12);
        if (file.get(LONG, 16) != file.byteSize())
            throw new StreamCorruptedException(
                    "it has " + file.byteSize() + " bytes, and should have " + file.get(LONG, 16));
        if (count < 0 || count > MOST_SECTIONS || HEADER + (long) count * ENTRY > file.byteSize())
            throw new StreamCorruptedException("it claims " + count + " sections");
        if (tableChecksum(file, count) != file.get(INT, 28)) throw new StreamCorruptedException("its table is damaged");
        if (file.get(INT, 24) != kind)
            throw new StreamCorruptedException("it is of kind " + file.get(INT, 24) + ", expected " + kind);
        List<Entry> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            long at = HEADER + (long) i * ENTRY;
            Entry e = new Entry(
                    file.get(INT, at), file.get(INT, at + 4), file.get(LONG, at + 8), file.get(LONG, at + 16));
            if (e.offset < 0 || e.bytes < 0 || e.offset > file.byteSize() - e.bytes)
                throw new StreamCorruptedException("its section " + i + " is outside of it");
            entries.add(e);
        }
        return new SectionFile(file, entries);
    }

    private static int tableChecksum(MemorySegment file, int count) {
        CRC32C crc = new CRC32C();
        crc.update(file.asSlice(0, 28).asByteBuffer());
        crc.update(file.asSlice(HEADER, (long) count * ENTRY).asByteBuffer());
        return (int) crc.getValue();
    }

    /** The checksum of any number of bytes. */
    static int checksum(MemorySegment bytes) {
        CRC32C crc = new CRC32C();
        update(crc, bytes);
        return (int) crc.getValue();
    }

    private static void update(CRC32C crc, MemorySegment bytes) {
        for (long at = 0; at < bytes.byteSize(); at += LARGEST_BUFFER)
            crc.update(bytes.asSlice(at, Math.min(LARGEST_BUFFER, bytes.byteSize() - at))
                    .asByteBuffer());
    }

    private static int checksum(List<MemorySegment> parts) {
        CRC32C crc = new CRC32C();
        long end = 0;
        for (MemorySegment p : parts) {
            update(crc, ZEROS.asSlice(0, aligned(end) - end));
            update(crc, p);
            end = aligned(end) + p.byteSize();
        }
        return (int) crc.getValue();
    }

    /** Tests every byte of the file: the checksums of all sections, and the zeros between them. */
    void verify() throws IOException {
        long end = HEADER + (long) entries.size() * ENTRY;
        for (int i = 0; i < entries.size(); i++) {
            Entry e = entries.get(i);
            if (e.offset < end || e.offset - end >= PAGE)
                throw new StreamCorruptedException("its section " + i + " is not where the one before it ends");
            zeros(end, e.offset);
            end = e.offset + e.bytes;
        }
        if (end != file.byteSize()) throw new StreamCorruptedException("there is something behind its last section");
        IntStream sections = IntStream.range(0, entries.size());
        int damaged = (file.byteSize() > WORTH_SHARING ? sections.parallel() : sections)
                .filter(i -> checksum(peek(i)) != entries.get(i).checksum)
                .min()
                .orElse(-1);
        if (damaged >= 0) throw new StreamCorruptedException("its section " + damaged + " is damaged");
    }

    private void zeros(long begin, long end) throws IOException {
        for (long at = begin; at < end; at++)
            if (file.get(ValueLayout.JAVA_BYTE, at) != 0)
                throw new StreamCorruptedException("byte " + at + " between its sections is not 0");
    }

    int count() {
        return entries.size();
    }

    /** Bytes of the whole file. */
    long bytes() {
        return file.byteSize();
    }

    /** What is in a section. Throws {@link StreamCorruptedException} where there is no section of this number. */
    int tag(int section) throws IOException {
        if (section < 0 || section >= entries.size())
            throw new StreamCorruptedException("it has no section " + section);
        return entries.get(section).tag;
    }

    long bytes(int section) {
        return entries.get(section).bytes;
    }

    int checksum(int section) {
        return entries.get(section).checksum;
    }

    /** A section's contents, which are not checked. */
    MemorySegment peek(int section) {
        Entry e = entries.get(section);
        return file.asSlice(e.offset, e.bytes);
    }

    /** A section's contents. */
    MemorySegment get(int section) throws IOException {
        MemorySegment content = peek(section);
        if (checksum(content) != entries.get(section).checksum)
            throw new StreamCorruptedException("its section " + section + " is damaged");
        return content;
    }

    /**
     * Reads the contents of all sections of a file.
     *
     * @param allocate gives native memory of a size in bytes
     */
    static List<MemorySegment> load(FileChannel channel, LongFunction<MemorySegment> allocate) throws IOException {
        MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        SectionFile file = of(mapped);
        List<MemorySegment> contents = new ArrayList<>();
        for (Entry e : file.entries) contents.add(allocate.apply(e.bytes));
        IntStream sections = IntStream.range(0, file.count());
        try {
            (file.file.byteSize() > WORTH_SHARING ? sections.parallel() : sections)
                    .forEach(i -> read(channel, file.entries.get(i), i, contents.get(i)));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return contents;
    }

    private static void read(FileChannel channel, Entry e, int number, MemorySegment into) {
        CRC32C crc = new CRC32C();
        try {
            for (long at = 0; at < e.bytes; at += PIECE) {
                // Small pieces: the checksum finds them in the cache.
                ByteBuffer piece =
                        into.asSlice(at, Math.min(PIECE, e.bytes - at)).asByteBuffer();
                while (piece.hasRemaining())
                    if (channel.read(piece, e.offset + at + piece.position()) < 0)
                        throw new StreamCorruptedException("it was cut off");
                crc.update(piece.flip());
            }
            if ((int) crc.getValue() != e.checksum)
                throw new StreamCorruptedException("its section " + number + " is damaged");
        } catch (IOException x) {
            throw new UncheckedIOException(x);
        }
    }

    /** The contents of the one section with a tag. */
    MemorySegment tagged(int tag) throws IOException {
        for (int i = 0; i < entries.size(); i++) if (entries.get(i).tag == tag) return get(i);
        throw new StreamCorruptedException("it has no section of kind " + tag);
    }

    /** Writes a file of the cache. What is there under its name is overwritten. */
    static void write(Path file, List<Section> sections) throws IOException {
        write(file, CACHE, sections);
    }

    /** As above, for a file of some kind. */
    static void write(Path file, int kind, List<Section> sections) throws IOException {
        List<Entry> entries = new ArrayList<>(sections.size());
        long end = HEADER + (long) sections.size() * ENTRY;
        for (Section s : sections) {
            long bytes = s.bytes();
            long alignment = s.paged || bytes >= PAGE ? PAGE : ALIGNMENT;
            long offset = (end + alignment - 1) & -alignment;
            entries.add(new Entry(s.tag, checksum(s.contents), offset, bytes));
            end = offset + bytes;
        }
        try (FileChannel out = FileChannel.open(
                file, StandardOpenOption.WRITE, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING)) {
            for (int i = 0; i < sections.size(); i++) {
                long at = entries.get(i).offset;
                for (MemorySegment part : sections.get(i).contents) {
                    at = aligned(at);
                    write(out, at, part);
                    at += part.byteSize();
                }
            }
            write(out, 0, header(entries, kind, end));
            if (out.size() < end) write(out, end - 1, MemorySegment.ofArray(new byte[1]));
        }
    }

    private static MemorySegment header(List<Entry> entries, int kind, long end) {
        MemorySegment header = MemorySegment.ofArray(new byte[HEADER + entries.size() * ENTRY]);
        header.set(LONG, 0, MAGIC);
        header.set(INT, 8, VERSION);
        header.set(INT, 12, entries.size());
        header.set(LONG, 16, end);
        header.set(INT, 24, kind);
        for (int i = 0; i < entries.size(); i++) {
            long at = HEADER + (long) i * ENTRY;
            header.set(INT, at, entries.get(i).tag);
            header.set(INT, at + 4, entries.get(i).checksum);
            header.set(LONG, at + 8, entries.get(i).offset);
            header.set(LONG, at + 16, entries.get(i).bytes);
        }
        header.set(INT, 28, tableChecksum(header, entries.size()));
        return header;
    }

    private static void write(FileChannel out, long offset, MemorySegment content) throws IOException {
        long at = 0;
        while (at < content.byteSize()) {
            ByteBuffer part = content.asSlice(at, Math.min(LARGEST_BUFFER, content.byteSize() - at))
                    .asByteBuffer();
            while (part.hasRemaining()) at += out.write(part, offset + at);
        }
    }
}
