package dev.meseta.drivers.vulkan;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** A launch that a device has done, told of when its submission has ended. Loaded with the first recording. */
@Name("meseta.Dispatch")
@Label("Dispatch")
@Category("Meseta")
@StackTrace(false)
final class DispatchEvent extends Event {
    @Label("Device")
    String device = "";

    @Label("Kernel")
    String kernel = "";

    @Label("Subject")
    String subject = "";

    @Label("Time on the device")
    @Timespan
    long nanoseconds;

    /** From its end to that of its submission, which is when this event begins. */
    @Label("Age")
    @Timespan
    long age;
}
