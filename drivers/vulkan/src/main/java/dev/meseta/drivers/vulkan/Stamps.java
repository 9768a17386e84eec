package dev.meseta.drivers.vulkan;

import dev.meseta.drivers.vulkan.Submissions.Segment;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.FlightRecorder;

/**
 * The time stamps of a run's launches, made only while somebody records: a launch takes from when all before it were done until it is done
 * too. Used by one run at a time.
 */
final class Stamps {
    private final Context c;
    private final long queries;
    private final List<Segment> segments;
    private final int[] first;

    Stamps(Context c, Handles handles, List<Segment> segments) {
        this.c = c;
        this.segments = segments;
        this.first = new int[segments.size()];
        int all = 0;
        for (int i = 0; i < first.length; i++) {
            first[i] = all;
            all += segments.get(i).dispatches().size() + 1;
        }
        Struct info = Struct.of("VkQueryPoolCreateInfo queryType=VK_QUERY_TYPE_TIMESTAMP queryCount", Math.max(1, all));
        this.queries = handles.create("vkCreateQueryPool", info, "vkDestroyQueryPool");
    }

    /** Whether somebody records what launches take, on a device that says it. */
    static boolean areWanted(Context c) {
        return c.physical.stampBits > 0 && FlightRecorder.isInitialized() && new DispatchEvent().isEnabled();
    }

    /** Records the stamp before the first launch of a segment. */
    void begin(CommandBuffers commands, int segment) {
        int count = segments.get(segment).dispatches().size() + 1;
        commands.add("vkCmdResetQueryPool", queries, first[segment], count);
        commands.add("vkCmdWriteTimestamp", "VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT", queries, first[segment]);
    }

    /** Records the stamp behind a launch, by its place in the segment. */
    void after(CommandBuffers commands, int segment, int launch) {
        int at = first[segment] + 1 + launch;
        commands.add("vkCmdWriteTimestamp", "VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT", queries, at);
    }

    /** Tells of a segment that has just ended. */
    void tell(int segment) {
        List<DispatchEvent> events = new ArrayList<>();
        for (Submissions.Dispatch d : segments.get(segment).dispatches()) {
            DispatchEvent e = new DispatchEvent();
            e.begin();
            e.end();
            e.device = c.name;
            e.kernel = d.launch().kernel();
            e.subject = d.launch().origin();
            events.add(e);
        }
        int count = events.size() + 1;
        long[] times = new long[count];
        String flags = "VK_QUERY_RESULT_64_BIT|VK_QUERY_RESULT_WAIT_BIT";
        c.check("vkGetQueryPoolResults", c.device, queries, first[segment], count, 8 * count, times, 8, flags);
        long age = 0;
        for (int i = count - 2; i >= 0; i--) {
            events.get(i).nanoseconds = nanoseconds(times[i], times[i + 1]);
            events.get(i).age = age;
            age += events.get(i).nanoseconds;
        }
        events.forEach(DispatchEvent::commit);
    }

    /** From one stamp to a later one; the count may have begun anew in between. */
    private long nanoseconds(long from, long to) {
        int unused = Long.SIZE - c.physical.stampBits;
        return Math.round((to - from << unused >>> unused) * (double) c.physical.stampNanoseconds());
    }
}
