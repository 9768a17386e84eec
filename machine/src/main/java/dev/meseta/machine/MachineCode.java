package dev.meseta.machine;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A kernel's code in this process, loaded from an object file without LLVM. Its memory is given back when neither this object nor
 * {@link #entry} is reachable. Immutable; thread-safe.
 */
public final class MachineCode {
    /** More than any kernel; a damaged file must not make us allocate what it claims. */
    private static final long MOST_BYTES = 64 << 20;

    private final MemorySegment entry;
    private final String symbol;
    private final byte[] object;

    private MachineCode(MemorySegment entry, String symbol, byte[] object) {
        this.entry = entry;
        this.symbol = symbol;
        this.object = object;
    }

    /** Address of the function {@code void (void *arguments, int64_t begin, int64_t end)}. */
    public MemorySegment entry() {
        return entry;
    }

    /** The function that it is entered by. */
    public String symbol() {
        return symbol;
    }

    /** The object file that it was loaded from; not to be changed. */
    public byte[] object() {
        return object;
    }

    /**
     * Loads an object file that was made for this processor.
     *
     * @param symbol the function to enter by
     * @throws IllegalArgumentException the file is damaged, or needs what this loader does not know or the C library does not have
     */
    public static MachineCode load(byte[] object, String symbol) {
        ElfObject parsed = ElfObject.parse(object);
        int here = System.getProperty("os.arch").equals("aarch64") ? ElfObject.AARCH64 : ElfObject.X86_64;
        if (parsed.machine() != here)
            throw new IllegalArgumentException(
                    "the object file is for processors of family " + parsed.machine() + ", not " + here);
        return new MachineCode(new Image(parsed).load(symbol), symbol, object);
    }

    /** As {@link #load}, for any processor: what is for another one must not be run. */
    public static MachineCode place(byte[] object, String symbol) {
        return new MachineCode(new Image(ElfObject.parse(object)).load(symbol), symbol, object);
    }

    /** The sections that are loaded, one after the other; behind them a jump for each function of the C library. */
    private static final class Image {
        private final ElfObject object;
        private final List<Long> begins = new ArrayList<>();
        private final Map<Integer, Long> jumps = new LinkedHashMap<>();
        private final MemorySegment memory;

        Image(ElfObject object) {
            this.object = object;
            long size = 0;
            for (ElfObject.Section s : object.sections()) {
                size = align(size, s.alignment());
                begins.add(size);
                size += s.size();
                if (size > MOST_BYTES) throw new IllegalArgumentException("the object file claims " + size + " bytes");
            }
            size = align(size, Relocations.JUMP_BYTES);
            for (ElfObject.Relocation r : object.relocations()) {
                if (!(object.symbols().get(r.symbol()).place() instanceof ElfObject.Elsewhere)) continue;
                if (jumps.putIfAbsent(r.symbol(), size) == null) size += Relocations.JUMP_BYTES;
            }
            memory = CodeMemory.allocate(size);
        }

        private static long align(long size, long alignment) {
            return (size + alignment - 1) & -alignment;
        }

        MemorySegment load(String symbol) {
            for (int i = 0; i < begins.size(); i++) {
                MemorySegment content =
                        MemorySegment.ofBuffer(object.sections().get(i).content());
                memory.asSlice(begins.get(i), content.byteSize()).copyFrom(content);
            }
            jumps.forEach((s, at) -> {
                String name = object.symbols().get(s).name();
                Relocations.jump(
                        object.machine(), memory, at, CodeMemory.function(name).address());
            });
            for (ElfObject.Relocation r : object.relocations()) relocate(r);
            long entry = entry(symbol);
            CodeMemory.seal(memory);
            return memory.asSlice(entry);
        }

        private long entry(String name) {
            Optional<ElfObject.Symbol> found =
                    object.symbols().stream().filter(s -> s.name().equals(name)).findFirst();
            if (found.isPresent() && found.get().place() instanceof ElfObject.Within w) return offset(w);
            throw new IllegalArgumentException("the object file has no function " + name);
        }

        private long offset(ElfObject.Within place) {
            if (!object.sections().get(place.section()).loaded())
                throw new IllegalArgumentException(
                        "the object file refers to its section " + place.section() + ", which is not loaded");
            return begins.get(place.section()) + place.offset();
        }

        private void relocate(ElfObject.Relocation r) {
            ElfObject.Symbol symbol = object.symbols().get(r.symbol());
            long address = switch (symbol.place()) {
                case ElfObject.Within w -> memory.address() + offset(w);
                case ElfObject.At a -> a.address();
                case ElfObject.Elsewhere _ -> {
                    if (!Relocations.isCall(object.machine(), r.type()))
                        throw new IllegalArgumentException(
                                "the object file takes the address of " + symbol.name() + ", which may only be called");
                    yield memory.address() + jumps.getOrDefault(r.symbol(), 0L);
                }
            };
            try {
                Relocations.apply(
                        object.machine(), r.type(), memory, begins.get(r.section()) + r.offset(), address + r.addend());
            } catch (IndexOutOfBoundsException e) {
                throw new IllegalArgumentException("the object file is damaged: " + e, e);
            }
        }
    }
}
