package dev.meseta.drivers.ethosu.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.linux.DeviceFile;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * What can be asked of the kernel, with the structure of each (sources: {@code drm/ethosu_accel.h}, {@code drm/drm.h}). Numbers without a
 * sign; what is called {@code pad} is 0. Little-endian, as the processors are that have such a device.
 */
public enum Request {
    /** What the driver is called. */
    VERSION(
            Request.CORE,
            0x00,
            true,
            ints("major", "minor", "patch", "pad"),
            longs("name_len", "name", "date_len", "date", "desc_len", "desc")),
    /** Gives a handle back. */
    GEM_CLOSE(Request.CORE, 0x09, false, ints("handle", "pad")),
    /** A file descriptor for a handle, for other processes. */
    PRIME_HANDLE_TO_FD(Request.CORE, 0x2d, true, ints("handle", "flags", "fd")),
    PRIME_FD_TO_HANDLE(Request.CORE, 0x2e, true, ints("handle", "flags", "fd")),

    /** Copies a structure of facts of a type to where a pointer says. */
    DEV_QUERY(Request.DRIVER, 0x00, true, ints("type", "size"), longs("pointer")),
    /** Memory; the kernel rounds the size up to pages. */
    BO_CREATE(Request.DRIVER, 0x01, true, longs("size"), ints("flags", "handle")),
    /** Waits until no job writes to memory any more, or until a time of the monotonic clock. */
    BO_WAIT(Request.DRIVER, 0x02, true, ints("handle", "pad"), longs("timeout_ns")),
    /** Where in the file memory can be mapped. */
    BO_MMAP_OFFSET(Request.DRIVER, 0x03, true, ints("handle", "pad"), longs("offset")),
    /** A command stream, which the kernel reads and copies. */
    CMDSTREAM_BO_CREATE(Request.DRIVER, 0x04, true, ints("size", "flags"), longs("data"), ints("handle", "pad")),
    /** Queues jobs. */
    SUBMIT(Request.DRIVER, 0x05, true, longs("jobs"), ints("job_count", "pad"));

    /** Of {@link #DEV_QUERY} of type 0. */
    public static final StructLayout NPU_INFO = struct(ints("id", "config", "sram_size"));

    /** One of {@link #SUBMIT}. */
    public static final StructLayout JOB = struct(ints("cmd_bo", "sram_size"), new MemoryLayout[] {
        MemoryLayout.sequenceLayout(Request.REGIONS, JAVA_INT).withName("region_bo_handles")
    });

    /** Regions that a job can have memory for. */
    public static final int REGIONS = 8;

    /** The region that is in the device's fast memory. */
    public static final int FAST_REGION = 2;

    private static final int CORE = 0;
    private static final int DRIVER = 0x40;

    private final StructLayout layout;
    private final long number;

    Request(int base, int number, boolean answers, MemoryLayout[]... fields) {
        this.layout = struct(fields);
        this.number = DeviceFile.request('d', base + number, layout.byteSize(), answers);
    }

    private static MemoryLayout[] ints(String... names) {
        MemoryLayout[] fields = new MemoryLayout[names.length];
        for (int i = 0; i < names.length; i++) fields[i] = JAVA_INT.withName(names[i]);
        return fields;
    }

    private static MemoryLayout[] longs(String... names) {
        MemoryLayout[] fields = new MemoryLayout[names.length];
        for (int i = 0; i < names.length; i++) fields[i] = JAVA_LONG.withName(names[i]);
        return fields;
    }

    private static StructLayout struct(MemoryLayout[]... parts) {
        return MemoryLayout.structLayout(
                java.util.Arrays.stream(parts).flatMap(java.util.Arrays::stream).toArray(MemoryLayout[]::new));
    }

    /** The structure. */
    public StructLayout layout() {
        return layout;
    }

    /** The number that the system call takes. */
    public long number() {
        return number;
    }

    /** A field of a structure of this kind. */
    public long get(MemorySegment structure, String field) {
        return get(layout, structure, field);
    }

    /** Sets a field of a structure of this kind. */
    public void set(MemorySegment structure, String field, long value) {
        long at = offset(layout, field);
        if (isLong(layout, field)) structure.set(JAVA_LONG, at, value);
        else structure.set(JAVA_INT, at, (int) value);
    }

    /** A field of a structure. */
    public static long get(StructLayout layout, MemorySegment structure, String field) {
        long at = offset(layout, field);
        return isLong(layout, field) ? structure.get(JAVA_LONG, at) : structure.get(JAVA_INT, at) & 0xffff_ffffL;
    }

    /** Where a field is. */
    public static long offset(StructLayout layout, String field) {
        return layout.byteOffset(PathElement.groupElement(field));
    }

    private static boolean isLong(StructLayout layout, String field) {
        return layout.select(PathElement.groupElement(field)).byteSize() == Long.BYTES;
    }
}
