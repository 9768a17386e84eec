package dev.meseta.machine;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What a relocatable ELF file (64 bits, little-endian) has to say to a loader. Every position in the file is tested against its size: a file
 * that is cut short or damaged gives an {@link IllegalArgumentException}, never more.
 *
 * @param machine the processor family, one of the constants below
 * @param sections every section, in the file's order
 * @param symbols every symbol, in the file's order
 * @param relocations those of sections that are loaded
 */
record ElfObject(int machine, List<Section> sections, List<Symbol> symbols, List<Relocation> relocations) {
    static final int X86_64 = 62;
    static final int AARCH64 = 183;

    private static final int MAGIC = 0x464c457f;
    private static final int CLASS64_LITTLE_ENDIAN = 0x0102;
    private static final int RELOCATABLE = 1;
    private static final int SECTION_BYTES = 64;
    private static final int SYMBOL_BYTES = 24;
    private static final int RELOCATION_BYTES = 24;
    private static final int SYMBOL_TABLE = 2;
    private static final int RELOCATIONS_WITH_ADDENDS = 4;
    private static final int RELOCATIONS_WITHOUT_ADDENDS = 9;

    /** Type of a section whose bytes are in the file. */
    private static final int BYTES = 1;

    /** Type of a section of zeros, which is not in the file. */
    private static final int ZEROS = 8;

    private static final int WRITABLE = 1;
    private static final int ALLOCATED = 2;
    private static final int UNDEFINED = 0;
    private static final int ABSOLUTE = 0xfff1;
    private static final int FIRST_RESERVED = 0xff00;
    private static final int LARGEST_ALIGNMENT = 4096;

    /**
     * A section.
     *
     * @param loaded whether code needs it in memory
     * @param content its bytes; empty where it is not loaded or is all zeros
     * @param size its size in memory
     * @param alignment a power of two, at most 4096
     */
    record Section(boolean loaded, ByteBuffer content, int size, int alignment) {}

    /** Where a symbol is. */
    sealed interface Place {}

    /** In a section, at an offset of at most its size. */
    record Within(int section, int offset) implements Place {}

    /** At an address. */
    record At(long address) implements Place {}

    /** Elsewhere: by its name. */
    record Elsewhere() implements Place {}

    record Symbol(String name, Place place) {}

    /**
     * An address to be filled in.
     *
     * @param section the loaded section that holds it
     * @param offset where in it
     * @param type the processor's number of the way to do it
     * @param symbol number of the symbol that it is about
     */
    record Relocation(int section, int offset, int type, int symbol, long addend) {}

    /** Reads a file. Throws {@link IllegalArgumentException} for anything else. */
    static ElfObject parse(byte[] file) {
        try {
            return new Parser(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN)).object();
        } catch (IndexOutOfBoundsException | BufferUnderflowException | ArithmeticException e) {
            throw new IllegalArgumentException("the object file is damaged: " + e, e);
        }
    }

    private static void require(boolean condition, String what) {
        if (!condition) throw new IllegalArgumentException("the object file is damaged or of another kind: " + what);
    }

    private static final class Parser {
        private final ByteBuffer file;
        private final int headers;
        private final int count;

        Parser(ByteBuffer file) {
            this.file = file;
            require(file.getInt(0) == MAGIC && file.getShort(4) == CLASS64_LITTLE_ENDIAN, "no 64-bit ELF");
            require(file.getShort(16) == RELOCATABLE, "not relocatable");
            require(Short.toUnsignedInt(file.getShort(58)) == SECTION_BYTES, "section headers of another size");
            this.headers = Math.toIntExact(file.getLong(40));
            this.count = Short.toUnsignedInt(file.getShort(60));
        }

        private int header(int section) {
            return Math.addExact(headers, section * SECTION_BYTES);
        }

        private int type(int section) {
            return file.getInt(header(section) + 4);
        }

        private int link(int section) {
            return file.getInt(header(section) + 40);
        }

        private int info(int section) {
            return file.getInt(header(section) + 44);
        }

        private ByteBuffer content(int section) {
            int offset = Math.toIntExact(file.getLong(header(section) + 24));
            int size = Math.toIntExact(file.getLong(header(section) + 32));
            return file.slice(offset, size).order(ByteOrder.LITTLE_ENDIAN);
        }

        ElfObject object() {
            List<Section> sections = new ArrayList<>();
            for (int i = 0; i < count; i++) sections.add(section(i));
            List<Symbol> symbols = List.of();
            for (int i = 0; i < count; i++) if (type(i) == SYMBOL_TABLE) symbols = symbols(i, sections);
            List<Relocation> relocations = new ArrayList<>();
            for (int i = 0; i < count; i++) relocations(i, sections, symbols.size(), relocations);
            return new ElfObject(
                    Short.toUnsignedInt(file.getShort(18)),
                    List.copyOf(sections),
                    List.copyOf(symbols),
                    List.copyOf(relocations));
        }

        private Section section(int i) {
            long flags = file.getLong(header(i) + 8);
            int type = type(i);
            boolean loaded = (flags & ALLOCATED) != 0 && (type == BYTES || type == ZEROS);
            ByteBuffer none = ByteBuffer.allocate(0);
            if (!loaded) return new Section(false, none, 0, 1);
            require((flags & WRITABLE) == 0, "section " + i + " is writable");
            long alignment = Math.max(1, file.getLong(header(i) + 48));
            require(Long.bitCount(alignment) == 1 && alignment <= LARGEST_ALIGNMENT, "alignment " + alignment);
            int size = Math.toIntExact(file.getLong(header(i) + 32));
            require(size >= 0, "a section of " + size + " bytes");
            return new Section(true, type == BYTES ? content(i) : none, size, (int) alignment);
        }

        private List<Symbol> symbols(int table, List<Section> sections) {
            ByteBuffer entries = content(table);
            ByteBuffer names = content(link(table));
            List<Symbol> symbols = new ArrayList<>();
            for (int at = 0; at < entries.capacity(); at += SYMBOL_BYTES) {
                int section = Short.toUnsignedInt(entries.getShort(at + 6));
                long value = entries.getLong(at + 8);
                symbols.add(new Symbol(name(names, entries.getInt(at)), place(section, value, sections)));
            }
            return symbols;
        }

        private static Place place(int section, long value, List<Section> sections) {
            if (section == UNDEFINED) return new Elsewhere();
            if (section == ABSOLUTE) return new At(value);
            require(section < FIRST_RESERVED && section < sections.size(), "a symbol of section " + section);
            Section s = sections.get(section);
            require(!s.loaded() || value >= 0 && value <= s.size(), "a symbol at " + value);
            return new Within(section, Math.toIntExact(value));
        }

        private static String name(ByteBuffer names, int at) {
            int end = at;
            while (names.get(end) != 0) end++;
            byte[] bytes = new byte[end - at];
            names.get(at, bytes);
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }

        private void relocations(int table, List<Section> sections, int symbols, List<Relocation> into) {
            int type = type(table);
            if (type != RELOCATIONS_WITH_ADDENDS && type != RELOCATIONS_WITHOUT_ADDENDS) return;
            int target = info(table);
            if (!sections.get(target).loaded()) return;
            require(type == RELOCATIONS_WITH_ADDENDS, "relocations without addends");
            ByteBuffer entries = content(table);
            for (int at = 0; at < entries.capacity(); at += RELOCATION_BYTES) {
                int symbol = entries.getInt(at + 12);
                require(symbol >= 0 && symbol < symbols, "a relocation of symbol " + symbol);
                int offset = Math.toIntExact(entries.getLong(at));
                require(offset >= 0 && offset < sections.get(target).size(), "a relocation at " + offset);
                into.add(new Relocation(target, offset, entries.getInt(at + 8), symbol, entries.getLong(at + 16)));
            }
        }
    }
}
