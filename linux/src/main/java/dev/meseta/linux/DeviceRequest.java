package dev.meseta.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * A request to a driver of the kernel's DRM subsystem, with its structure (sources: {@code asm-generic/ioctl.h}, {@code drm/drm.h}).
 *
 * @param name for messages
 * @param number that the system call takes
 * @param layout of the structure; numbers have no sign
 */
public record DeviceRequest(String name, long number, StructLayout layout) {
    /** What the driver is called. */
    public static final DeviceRequest VERSION =
            core("VERSION", 0x00, true, "major minor patch pad name_len:8 name:8 date_len:8 date:8 desc_len:8 desc:8");

    /** Gives memory back. */
    public static final DeviceRequest GEM_CLOSE = core("GEM_CLOSE", 0x09, false, "handle pad");

    /** A file descriptor of memory, for other processes. */
    public static final DeviceRequest PRIME_HANDLE_TO_FD = core("PRIME_HANDLE_TO_FD", 0x2d, true, "handle flags fd");

    private static final int DRIVERS = 0x40;
    private static final int WRITE = 1;
    private static final int READ = 2;
    private static final int DIRECTION_SHIFT = 30;
    private static final int SIZE_SHIFT = 16;
    private static final int TYPE = 'd' << 8;

    private static DeviceRequest core(String name, int number, boolean answers, String fields) {
        StructLayout layout = structure(fields);
        long direction = answers ? READ | WRITE : WRITE;
        long all = direction << DIRECTION_SHIFT | layout.byteSize() << SIZE_SHIFT | TYPE | number;
        return new DeviceRequest(name, all, layout);
    }

    /**
     * A request of one driver, which writes its answer into the structure.
     *
     * @param number among the driver's
     * @param fields as {@link #structure} has them
     */
    public static DeviceRequest of(String name, int number, String fields) {
        return core(name, DRIVERS + number, true, fields);
    }

    /** A structure: names of fields of 32 bits, {@code name:8} of one of 64, {@code name*8} of eight of 32. */
    public static StructLayout structure(String fields) {
        String[] names = fields.split(" ");
        MemoryLayout[] layouts = new MemoryLayout[names.length];
        for (int i = 0; i < names.length; i++) {
            String n = names[i];
            int array = n.indexOf('*');
            if (n.endsWith(":8")) layouts[i] = JAVA_LONG.withName(n.substring(0, n.length() - 2));
            else if (array < 0) layouts[i] = JAVA_INT.withName(n);
            else {
                int count = Integer.parseInt(n.substring(array + 1));
                layouts[i] = MemoryLayout.sequenceLayout(count, JAVA_INT).withName(n.substring(0, array));
            }
        }
        return MemoryLayout.structLayout(layouts);
    }

    /** A field of a structure of this kind. */
    public long get(MemorySegment structure, String field) {
        return get(layout, structure, field);
    }

    /** Sets a field of a structure of this kind. */
    public void set(MemorySegment structure, String field, long value) {
        set(layout, structure, field, value);
    }

    /** A field of a structure. */
    public static long get(StructLayout layout, MemorySegment structure, String field) {
        long at = offset(layout, field);
        return isLong(layout, field) ? structure.get(JAVA_LONG, at) : structure.get(JAVA_INT, at) & 0xffff_ffffL;
    }

    /** Sets a field of a structure. */
    public static void set(StructLayout layout, MemorySegment structure, String field, long value) {
        long at = offset(layout, field);
        if (isLong(layout, field)) structure.set(JAVA_LONG, at, value);
        else structure.set(JAVA_INT, at, (int) value);
    }

    /** Where a field is. */
    public static long offset(StructLayout layout, String field) {
        return layout.byteOffset(PathElement.groupElement(field));
    }

    private static boolean isLong(StructLayout layout, String field) {
        return layout.select(PathElement.groupElement(field)) instanceof ValueLayout.OfLong;
    }
}
