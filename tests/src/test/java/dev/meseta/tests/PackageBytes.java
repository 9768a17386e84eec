package dev.meseta.tests;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32C;

/** Files of the form that {@code docs/packages.md} describes, written from that description: whole ones, with whatever in them. */
final class PackageBytes {
    static final int TARGET = 16;
    static final int SIGNATURE = 17;
    static final int PLANS = 18;
    static final int PROGRAM = 19;
    static final int WEIGHTS = 20;

    static final int HEADER = 32;
    static final int ENTRY = 32;
    private static final int PAGE = 4096;
    private static final int ALIGNMENT = 64;
    private static final byte[] MAGIC = {'M', 'E', 'S', 'E', 'T', 'A', 0x1a, '\n'};

    private PackageBytes() {}

    @FunctionalInterface
    interface Content {
        void write(DataOutputStream out) throws IOException;
    }

    record Section(int tag, byte[] bytes) {
        static Section of(int tag, Content content) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try {
                content.write(new DataOutputStream(bytes));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            return new Section(tag, bytes.toByteArray());
        }
    }

    static void text(DataOutputStream out, String s) throws IOException {
        byte[] bytes = s.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /** A section that names a target. */
    static Section target(String driver, String requirements) {
        return Section.of(TARGET, out -> {
            out.writeInt(1);
            text(out, driver);
            text(out, "a target");
            text(out, requirements);
            text(out, "a test");
        });
    }

    /** A file of these sections. */
    static byte[] of(List<Section> sections) {
        int end = HEADER + ENTRY * sections.size();
        int[] offsets = new int[sections.size()];
        for (int i = 0; i < offsets.length; i++) {
            Section s = sections.get(i);
            int alignment = s.tag == WEIGHTS || s.bytes.length >= PAGE ? PAGE : ALIGNMENT;
            offsets[i] = (end + alignment - 1) / alignment * alignment;
            end = offsets[i] + s.bytes.length;
        }
        byte[] file = new byte[end];
        MemorySegment m = MemorySegment.ofArray(file);
        m.set(JAVA_INT_UNALIGNED, 12, offsets.length);
        for (int i = 0; i < offsets.length; i++) {
            Section s = sections.get(i);
            System.arraycopy(s.bytes, 0, file, offsets[i], s.bytes.length);
            m.set(JAVA_INT_UNALIGNED, HEADER + (long) ENTRY * i, s.tag);
            m.set(JAVA_LONG_UNALIGNED, HEADER + (long) ENTRY * i + 8, offsets[i]);
            m.set(JAVA_LONG_UNALIGNED, HEADER + (long) ENTRY * i + 16, s.bytes.length);
        }
        return sealed(file);
    }

    /** The file with the header and all checksums made right, as far as its table allows. */
    static byte[] sealed(byte[] file) {
        if (file.length < HEADER) return file;
        MemorySegment m = MemorySegment.ofArray(file);
        System.arraycopy(MAGIC, 0, file, 0, MAGIC.length);
        m.set(JAVA_INT_UNALIGNED, 8, 2);
        m.set(JAVA_LONG_UNALIGNED, 16, file.length);
        m.set(JAVA_INT_UNALIGNED, 24, 1);
        int count = m.get(JAVA_INT_UNALIGNED, 12);
        if (count < 0 || HEADER + (long) ENTRY * count > file.length) return file;
        for (int i = 0; i < count; i++) {
            long entry = HEADER + (long) ENTRY * i;
            long offset = m.get(JAVA_LONG_UNALIGNED, entry + 8);
            long bytes = m.get(JAVA_LONG_UNALIGNED, entry + 16);
            if (offset < 0 || bytes < 0 || offset > file.length - bytes) continue;
            m.set(JAVA_INT_UNALIGNED, entry + 4, checksum(file, (int) offset, (int) bytes));
        }
        CRC32C crc = new CRC32C();
        crc.update(file, 0, 28);
        crc.update(file, HEADER, ENTRY * count);
        m.set(JAVA_INT_UNALIGNED, 28, (int) crc.getValue());
        return file;
    }

    private static int checksum(byte[] file, int offset, int bytes) {
        CRC32C crc = new CRC32C();
        crc.update(file, offset, bytes);
        return (int) crc.getValue();
    }
}
