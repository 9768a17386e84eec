package dev.meseta.machine;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** How addresses are written into code, for each family of processors: what LLVM's position-independent code for kernels needs. */
final class Relocations {
    /** Size of a jump to anywhere in memory. */
    static final int JUMP_BYTES = 16;

    private static final int X86_ADDRESS = 1;
    private static final int X86_RELATIVE = 2;
    private static final int X86_CALL = 4;
    private static final long X86_JUMP = 0x9090_0000_0002_25ffL;

    private static final int ARM_ADDRESS = 257;
    private static final int ARM_RELATIVE = 261;
    private static final int ARM_PAGE = 275;
    private static final int ARM_LOW_ADD = 277;
    private static final int ARM_LOW_1 = 278;
    private static final int ARM_JUMP_26 = 282;
    private static final int ARM_CALL_26 = 283;
    private static final int ARM_LOW_2 = 284;
    private static final int ARM_LOW_4 = 285;
    private static final int ARM_LOW_8 = 286;
    private static final int ARM_LOW_16 = 299;
    private static final long ARM_JUMP = 0xd61f_0200_5800_0050L;

    private Relocations() {}

    /** Whether a relocation is the target of a call, which may as well go to a jump to it. */
    static boolean isCall(int machine, int type) {
        return machine == ElfObject.X86_64 ? type == X86_CALL : type == ARM_CALL_26 || type == ARM_JUMP_26;
    }

    /** Writes a jump to an address. */
    static void jump(int machine, MemorySegment memory, long at, long address) {
        memory.set(JAVA_LONG_UNALIGNED, at, machine == ElfObject.X86_64 ? X86_JUMP : ARM_JUMP);
        memory.set(JAVA_LONG_UNALIGNED, at + 8, address);
    }

    /**
     * Writes one address.
     *
     * @param at where in the memory
     * @param address that of the symbol, with the addend
     */
    static void apply(int machine, int type, MemorySegment memory, long at, long address) {
        switch (machine) {
            case ElfObject.X86_64 -> x86(type, memory, at, address);
            case ElfObject.AARCH64 -> arm(type, memory, at, address);
            default -> throw new IllegalArgumentException("the object file is for processors of family " + machine);
        }
    }

    private static void x86(int type, MemorySegment memory, long at, long address) {
        switch (type) {
            case X86_ADDRESS -> memory.set(JAVA_LONG_UNALIGNED, at, address);
            case X86_RELATIVE, X86_CALL ->
                memory.set(JAVA_INT_UNALIGNED, at, (int) near(address - memory.address() - at, 32));
            default -> throw unknown(type);
        }
    }

    private static void arm(int type, MemorySegment memory, long at, long address) {
        long place = memory.address() + at;
        switch (type) {
            case ARM_ADDRESS -> memory.set(JAVA_LONG_UNALIGNED, at, address);
            case ARM_RELATIVE -> memory.set(JAVA_INT_UNALIGNED, at, (int) near(address - place, 32));
            case ARM_PAGE -> {
                long pages = near((address >> 12) - (place >> 12), 21);
                insert(memory, at, 0x60ff_ffe0, (int) ((pages & 3) << 29 | (pages >> 2 & 0x7ffff) << 5));
            }
            case ARM_CALL_26, ARM_JUMP_26 ->
                insert(memory, at, 0x03ff_ffff, (int) (near(address - place, 28) >> 2) & 0x03ff_ffff);
            case ARM_LOW_ADD, ARM_LOW_1 -> low(memory, at, address, 0);
            case ARM_LOW_2 -> low(memory, at, address, 1);
            case ARM_LOW_4 -> low(memory, at, address, 2);
            case ARM_LOW_8 -> low(memory, at, address, 3);
            case ARM_LOW_16 -> low(memory, at, address, 4);
            default -> throw unknown(type);
        }
    }

    /** The low 12 bits of an address, in units of what is accessed, as an instruction's immediate. */
    private static void low(MemorySegment memory, long at, long address, int shift) {
        long low = address & 0xfff;
        if ((low & (1L << shift) - 1) != 0)
            throw new IllegalArgumentException("the object file accesses " + (1 << shift) + " bytes unaligned");
        insert(memory, at, 0x003f_fc00, (int) (low >> shift) << 10);
    }

    private static void insert(MemorySegment memory, long at, int mask, int bits) {
        memory.set(JAVA_INT_UNALIGNED, at, memory.get(JAVA_INT_UNALIGNED, at) & ~mask | bits);
    }

    private static long near(long distance, int bits) {
        if (distance << 64 - bits >> 64 - bits != distance)
            throw new IllegalArgumentException("the object file needs what is too far away: " + distance + " bytes");
        return distance;
    }

    private static IllegalArgumentException unknown(int type) {
        return new IllegalArgumentException("the object file has a relocation of the unknown type " + type);
    }
}
