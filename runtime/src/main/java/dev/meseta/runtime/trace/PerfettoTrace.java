package dev.meseta.runtime.trace;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/**
 * A recording of the Flight Recorder as a trace that Perfetto shows: a track for each thread of the host and each queue of a device, and for
 * each job a flow from where it was submitted over where it ran to where its end was signalled. Immutable.
 */
public final class PerfettoTrace {
    /** All packets come from one writer. */
    private static final int WRITER = 1;

    private static final long PROCESS_TRACK = 1;

    /** What names of tracks of jobs begin with; beside them are those of kernels, where a device tells of these. */
    static final String QUEUE = "queue of ";

    private final List<Track> threads;
    private final List<Track> queues;
    private final long process;

    private PerfettoTrace(TraceReader reader) {
        this.threads = List.copyOf(reader.threads());
        this.queues = List.copyOf(reader.queues());
        this.process = reader.process();
    }

    /** What a file that the Flight Recorder wrote tells of Meseta. Throws {@link IOException} for a file that is none. */
    public static PerfettoTrace read(Path recording) throws IOException {
        return of(RecordingFile.readAllEvents(recording));
    }

    /** What events tell; those of others than Meseta are passed over. */
    public static PerfettoTrace of(Collection<RecordedEvent> events) {
        return new PerfettoTrace(new TraceReader(events));
    }

    /** Threads of which something is told. */
    public int threadCount() {
        return threads.size();
    }

    /** Queues of devices that ran something; jobs that run beside each other have one each. */
    public int queueCount() {
        return (int) queues.stream().filter(t -> t.name().startsWith(QUEUE)).count();
    }

    /** Writes it in Perfetto's protocol-buffer form. */
    public void write(Path file) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            packet(out, describeProcess());
            for (Track t : threads) packet(out, describe(t));
            for (Track t : queues) packet(out, describe(t));
            for (Track t : threads) t.emit(new Packets(out, t));
            for (Track t : queues) t.emit(new Packets(out, t));
        }
    }

    private static void packet(OutputStream out, ProtoWriter packet) throws IOException {
        packet.number(Form.PACKET_WRITER, WRITER);
        out.write(new ProtoWriter().message(Form.TRACE_PACKET, packet).toBytes());
    }

    private ProtoWriter describeProcess() {
        ProtoWriter of = new ProtoWriter().number(Form.PROCESS_PID, process).text(Form.PROCESS_NAME, "meseta");
        ProtoWriter track =
                new ProtoWriter().number(Form.TRACK_NUMBER, PROCESS_TRACK).message(Form.TRACK_PROCESS, of);
        return new ProtoWriter()
                .message(Form.PACKET_TRACK, track)
                .number(Form.PACKET_FLAGS, Form.NOTHING_CAME_BEFORE)
                .number(Form.PACKET_IS_FIRST, 1);
    }

    private ProtoWriter describe(Track t) {
        ProtoWriter track = new ProtoWriter()
                .number(Form.TRACK_NUMBER, t.number())
                .number(Form.TRACK_PARENT, PROCESS_TRACK)
                .text(Form.TRACK_NAME, t.name());
        if (t.thread() != 0)
            track.message(
                    Form.TRACK_THREAD,
                    new ProtoWriter()
                            .number(Form.THREAD_PID, process)
                            .number(Form.THREAD_ID, t.thread())
                            .text(Form.THREAD_NAME, t.name()));
        return new ProtoWriter().message(Form.PACKET_TRACK, track);
    }

    /** Writes the packets of a track. */
    private record Packets(OutputStream out, Track track) implements Track.Sink {
        @Override
        public void begin(long time, Track.Item item) throws IOException {
            write(time, Form.BEGIN, List.of(item));
        }

        @Override
        public void end(long time) throws IOException {
            write(time, Form.END, List.of());
        }

        @Override
        public void instant(long time, Track.Item item) throws IOException {
            write(time, Form.INSTANT, List.of(item));
        }

        private void write(long time, int kind, List<Track.Item> items) throws IOException {
            ProtoWriter event =
                    new ProtoWriter().number(Form.EVENT_KIND, kind).number(Form.EVENT_TRACK, track.number());
            for (Track.Item i : items) fill(event, i);
            packet(out, new ProtoWriter().number(Form.PACKET_TIME, time).message(Form.PACKET_EVENT, event));
        }

        private static void fill(ProtoWriter event, Track.Item item) {
            event.text(Form.EVENT_CATEGORY, item.category()).text(Form.EVENT_NAME, item.name());
            switch (item.flowEnd()) {
                case NONE -> {}
                case PASSES -> event.fixed(Form.EVENT_FLOW, item.flow());
                case ENDS -> event.fixed(Form.EVENT_LAST_OF_FLOW, item.flow());
            }
            for (Map.Entry<String, Object> a : item.arguments().entrySet()) {
                ProtoWriter note = new ProtoWriter().text(Form.NOTE_NAME, a.getKey());
                switch (a.getValue()) {
                    case Long n -> note.number(Form.NOTE_INTEGER, n);
                    case Object o -> note.text(Form.NOTE_TEXT, o.toString());
                }
                event.message(Form.EVENT_NOTE, note);
            }
        }
    }

    /** The numbers of fields and values in Perfetto's messages Trace, TracePacket, TrackDescriptor, TrackEvent and DebugAnnotation. */
    private static final class Form {
        static final int TRACE_PACKET = 1;

        static final int PACKET_TIME = 8;
        static final int PACKET_WRITER = 10;
        static final int PACKET_EVENT = 11;
        static final int PACKET_FLAGS = 13;
        static final int PACKET_TRACK = 60;
        static final int PACKET_IS_FIRST = 87;
        static final int NOTHING_CAME_BEFORE = 1;

        static final int TRACK_NUMBER = 1;
        static final int TRACK_NAME = 2;
        static final int TRACK_PROCESS = 3;
        static final int TRACK_THREAD = 4;
        static final int TRACK_PARENT = 5;

        static final int PROCESS_PID = 1;
        static final int PROCESS_NAME = 6;
        static final int THREAD_PID = 1;
        static final int THREAD_ID = 2;
        static final int THREAD_NAME = 5;

        static final int EVENT_NOTE = 4;
        static final int EVENT_KIND = 9;
        static final int EVENT_TRACK = 11;
        static final int EVENT_CATEGORY = 22;
        static final int EVENT_NAME = 23;
        static final int EVENT_FLOW = 47;
        static final int EVENT_LAST_OF_FLOW = 48;
        static final int BEGIN = 1;
        static final int END = 2;
        static final int INSTANT = 3;

        static final int NOTE_INTEGER = 4;
        static final int NOTE_TEXT = 6;
        static final int NOTE_NAME = 10;

        private Form() {}
    }
}
