package dev.meseta.drivers.vulkan;

import dev.meseta.drivers.vulkan.Submissions.Dispatch;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.FlightRecorder;

/**
 * The time stamps of a segment's launches, made only while somebody records: a launch takes from when all before it were done until it is done
 * too. Used by one run at a time.
 */
final class Stamps {
    private final Context c;
    private final CommandBuffers commands;
    private final List<Dispatch> dispatches;
    private final long queries;
    private int recorded;

    /** Records the stamp before the first launch. */
    Stamps(Context c, Handles handles, CommandBuffers commands, List<Dispatch> dispatches) {
        this.c = c;
        this.commands = commands;
        this.dispatches = dispatches;
        int count = dispatches.size() + 1;
        this.queries = handles.create("QueryPool", "queryType=VK_QUERY_TYPE_TIMESTAMP queryCount", count);
        commands.add("vkCmdResetQueryPool", queries, 0, count);
        add("VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT");
    }

    /** Whether somebody records what launches take, on a device that says it. */
    static boolean areWanted(Context c) {
        return c.physical.stampBits > 0 && FlightRecorder.isInitialized() && new DispatchEvent().isEnabled();
    }

    private void add(String stage) {
        commands.add("vkCmdWriteTimestamp", stage, queries, recorded++);
    }

    /** Records the stamp behind a launch. */
    void add() {
        add("VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT");
    }

    /** Tells of the segment, which has just ended. */
    void tell() {
        List<DispatchEvent> events = new ArrayList<>();
        for (Dispatch d : dispatches) {
            DispatchEvent e = new DispatchEvent();
            e.begin();
            e.end();
            e.device = c.name;
            e.kernel = d.launch().kernel();
            e.subject = d.launch().origin();
            events.add(e);
        }
        int last = events.size();
        long[] times = new long[last + 1];
        String flags = "VK_QUERY_RESULT_64_BIT|VK_QUERY_RESULT_WAIT_BIT";
        c.check("vkGetQueryPoolResults", c.device, queries, 0, times.length, 8 * times.length, times, 8, flags);
        for (int i = 0; i < last; i++) {
            events.get(i).nanoseconds = nanoseconds(times[i], times[i + 1]);
            events.get(i).age = nanoseconds(times[i + 1], times[last]);
            events.get(i).commit();
        }
    }

    /** From one stamp to a later one; the count may have begun anew in between. */
    private long nanoseconds(long from, long to) {
        int unused = Long.SIZE - c.physical.stampBits;
        return Math.round((to - from << unused >>> unused) * (double) c.physical.stampNanoseconds());
    }
}
