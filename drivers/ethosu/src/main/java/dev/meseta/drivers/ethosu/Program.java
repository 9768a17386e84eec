package dev.meseta.drivers.ethosu;

import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Image;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.Disassembler;
import dev.meseta.drivers.ethosu.model.Timeline;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What a compiler makes of a graph for the device: one command stream, and the memory that it works on. Region 0 is read alone; region 1 holds
 * feature maps, among them the inputs and the results; region 2 is the fast memory, whose contents mean nothing before and after.
 *
 * @param words the stream as the kernel takes it: 32-bit words, little-endian, the last of which is {@code OP_STOP}
 * @param configuration the device that it is for, as its register {@code CONFIG} says
 * @param constants bytes of region 0
 * @param mapBytes of region 1
 * @param fastBytes of region 2
 * @param inputs where each input of the graph is put, in order
 * @param outputs where each result is found, in order
 * @param notes how it runs, for people: a line a step
 */
public record Program(
        MemorySegment words,
        int configuration,
        MemorySegment constants,
        long mapBytes,
        long fastBytes,
        List<Place> inputs,
        List<Place> outputs,
        List<String> notes) {
    /** The regions by their numbers. */
    public static final int CONSTANTS = 0;

    public static final int MAPS = 1;
    public static final int FAST = 2;
    private static final int ALIGNMENT = 16;

    /** More than any device of this kind has. */
    static final long LARGEST_MEMORY = 1L << 30;

    /**
     * A tensor in region 1: dense, row-major.
     *
     * @param offset of its first byte
     */
    public record Place(TensorType type, long offset) {
        private static void write(DataOutputStream out, Place p) throws IOException {
            ByteForm.type(out, p.type);
            out.writeLong(p.offset);
        }

        private static Place read(ByteBuffer in) {
            return new Place(ByteForm.type(in), in.getLong());
        }
    }

    public Program {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        notes = List.copyOf(notes);
        if (Math.max(mapBytes, fastBytes) > LARGEST_MEMORY)
            throw new InvalidInputException(
                    "a program asks for memories of " + mapBytes + " and " + fastBytes + " bytes");
        List<Place> all = new ArrayList<>(inputs);
        all.addAll(outputs);
        for (Place p : all) {
            if (p.offset < 0 || p.type.bytes() > mapBytes - p.offset) {
                throw new InvalidInputException(
                        "a tensor " + p.type + " lies at byte " + p.offset + " of " + mapBytes + " of feature maps");
            }
        }
    }

    /** The next multiple of 16, to which all that the device reads is aligned. */
    public static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Its stream, read. Throws {@link InvalidInputException} for words that are none. */
    public CommandStream stream() {
        return CommandStream.ofWords(words);
    }

    /** Its commands, printed, with what they are thought to cost. */
    public List<String> listing() {
        CommandStream stream = stream();
        Timeline timeline = Timeline.of(stream);
        List<String> lines = new ArrayList<>(Disassembler.lines(stream, timeline.notes()));
        lines.add(timeline.summary());
        lines.add("every access lies in its region: region 0 has " + constants.byteSize() + " bytes, region 1 "
                + mapBytes + ", region 2 " + fastBytes);
        return lines;
    }

    /** Bytes of each region, as the checker wants them. */
    public long[] regionBytes() {
        return new long[] {constants.byteSize(), mapBytes, fastBytes};
    }

    /** Version of its form as bytes; part of what a package requires. */
    static final int FORM = 1;

    /** As bytes; region 0 is the image's one constant. */
    Image image() {
        byte[] bytes = ByteForm.write(out -> {
            out.writeInt(configuration);
            out.writeLong(mapBytes);
            out.writeLong(fastBytes);
            ByteForm.list(out, inputs, Place::write);
            ByteForm.list(out, outputs, Place::write);
            ByteForm.texts(out, notes);
            ByteForm.bytes(out, words.toArray(ValueLayout.JAVA_BYTE));
        });
        return new Image(
                bytes, List.of(Tensor.wrap(new TensorType(DType.U8, Shape.of(constants.byteSize())), constants)));
    }

    /** Throws {@link IllegalArgumentException} for what is no image of a program, and what the program itself throws. */
    static Program of(Image image) {
        return ByteForm.read(image, in -> {
            if (image.constants().isEmpty()) throw new IllegalArgumentException("a program has no constants");
            int configuration = in.getInt();
            long maps = in.getLong();
            long fast = in.getLong();
            List<Place> inputs = ByteForm.list(in, Place::read);
            List<Place> outputs = ByteForm.list(in, Place::read);
            List<String> notes = ByteForm.texts(in);
            MemorySegment words = MemorySegment.ofArray(ByteForm.bytes(in));
            MemorySegment constants = image.constants().getFirst().data();
            return new Program(words, configuration, constants, maps, fast, inputs, outputs, notes);
        });
    }
}
