package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.drivers.vulkan.Submissions.Segment;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(
                    arena, "VkQueryPoolCreateInfo queryType queryCount", Vk.QUERY_TIMESTAMP, Math.max(1, all));
            this.queries = handles.create("vkCreateQueryPool", info, "vkDestroyQueryPool");
        }
    }

    /** Whether somebody records what launches take, on a device that says it. */
    static boolean areWanted(Context c) {
        return c.physical.stampBits() > 0 && FlightRecorder.isInitialized() && new DispatchEvent().isEnabled();
    }

    /** Records the stamp before the first launch of a segment. */
    void begin(CommandBuffers commands, int segment) {
        commands.reset(
                queries, first[segment], segments.get(segment).dispatches().size() + 1);
        commands.stamp(Vk.PIPELINE_TOP, queries, first[segment]);
    }

    /** Records the stamp behind a launch, by its place in the segment. */
    void after(CommandBuffers commands, int segment, int launch) {
        commands.stamp(Vk.PIPELINE_BOTTOM, queries, first[segment] + 1 + launch);
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
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment times = arena.allocate(JAVA_LONG, count);
            c.check(
                    "vkGetQueryPoolResults",
                    c.device,
                    queries,
                    first[segment],
                    count,
                    times.byteSize(),
                    times,
                    8,
                    Vk.RESULT_64_WAIT);
            long age = 0;
            for (int i = count - 2; i >= 0; i--) {
                events.get(i).nanoseconds =
                        nanoseconds(times.getAtIndex(JAVA_LONG, i), times.getAtIndex(JAVA_LONG, i + 1));
                events.get(i).age = age;
                age += events.get(i).nanoseconds;
            }
        }
        events.forEach(DispatchEvent::commit);
    }

    /** From one stamp to a later one; the count may have begun anew in between. */
    private long nanoseconds(long from, long to) {
        int unused = Long.SIZE - c.physical.stampBits();
        return Math.round((to - from << unused >>> unused) * (double) c.physical.stampNanoseconds());
    }
}
