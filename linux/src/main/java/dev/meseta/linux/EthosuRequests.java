package dev.meseta.linux;

import java.lang.foreign.StructLayout;

/**
 * What can be asked of the kernel's driver for Ethos-U ({@code /dev/accel/accelN}), with the structure of each (source: {@code
 * drm/ethosu_accel.h}). What is called {@code pad} is 0.
 */
public final class EthosuRequests {
    /** Copies facts of a type to where a pointer says. */
    public static final DeviceRequest DEV_QUERY = DeviceRequest.of("DEV_QUERY", 0, "type size pointer:8");

    /** Memory; the kernel rounds the size up to pages. */
    public static final DeviceRequest BO_CREATE = DeviceRequest.of("BO_CREATE", 1, "size:8 flags handle");

    /** Waits until no job writes to memory any more, or until a time of the monotonic clock. */
    public static final DeviceRequest BO_WAIT = DeviceRequest.of("BO_WAIT", 2, "handle pad timeout_ns:8");

    /** Where in the file memory can be mapped. */
    public static final DeviceRequest BO_MMAP_OFFSET = DeviceRequest.of("BO_MMAP_OFFSET", 3, "handle pad offset:8");

    /** A command stream, which the kernel reads and copies. */
    public static final DeviceRequest CMDSTREAM_BO_CREATE =
            DeviceRequest.of("CMDSTREAM_BO_CREATE", 4, "size flags data:8 handle pad");

    /** Queues jobs. */
    public static final DeviceRequest SUBMIT = DeviceRequest.of("SUBMIT", 5, "jobs:8 job_count pad");

    /** Of {@link #DEV_QUERY} of type 0. */
    public static final StructLayout NPU_INFO = DeviceRequest.structure("id config sram_size");

    /** One of {@link #SUBMIT}. */
    public static final StructLayout JOB = DeviceRequest.structure("cmd_bo sram_size region_bo_handles*8");

    /** Regions that a job can have memory for. */
    public static final int REGIONS = 8;

    /** The region that is in the device's fast memory. */
    public static final int FAST_REGION = 2;

    private EthosuRequests() {}
}
