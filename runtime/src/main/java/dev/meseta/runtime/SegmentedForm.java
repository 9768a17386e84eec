package dev.meseta.runtime;

import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Device;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Region;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How a divided graph is written, and read: which values its segments read and give, each with its device's own form. The constants are those
 * of all segments, one segment after the other.
 */
final class SegmentedForm {
    private static final int VERSION = 1;

    private SegmentedForm() {}

    /** Empty if a segment has no image. */
    static Optional<Image> image(Segmented s) {
        List<Image> images = new ArrayList<>();
        for (Segmented.Segment segment : s.segments())
            segment.executable().image().ifPresent(images::add);
        if (images.size() < s.segments().size()) return Optional.empty();
        List<Tensor> constants =
                images.stream().flatMap(i -> i.constants().stream()).toList();
        return Optional.of(new Image(ByteForm.write(out -> write(out, s, images)), constants));
    }

    private static void write(DataOutputStream out, Segmented s, List<Image> images) throws IOException {
        out.writeInt(VERSION);
        out.writeInt(s.inputs().size());
        for (long bytes : s.inputs()) out.writeLong(bytes);
        out.writeInt(images.size());
        for (int i = 0; i < images.size(); i++) {
            Segmented.Segment segment = s.segments().get(i);
            out.writeBoolean(segment.partial());
            ByteForm.numbers(out, segment.operands());
            ByteForm.texts(out, segment.ops());
            out.writeInt(images.get(i).constants().size());
            ByteForm.bytes(out, images.get(i).program());
        }
        ByteForm.list(out, s.outputs(), ByteForm::type);
        ByteForm.numbers(out, s.results());
        out.writeInt(s.refusals().size());
        for (Segmented.Refusal r : s.refusals()) {
            ByteForm.text(out, r.op());
            ByteForm.text(out, r.node());
            ByteForm.text(out, r.reason());
        }
        out.writeLong(s.macsOnDevice());
        out.writeLong(s.macs());
    }

    /** Loads the segments on their devices. Throws {@link IllegalArgumentException} for an image that is none. */
    static Segmented load(Image image, Loader loader) {
        return ByteForm.read(image, in -> read(in, image.constants(), loader));
    }

    private static Segmented read(ByteBuffer in, List<Tensor> constants, Loader loader) {
        int version = in.getInt();
        if (version != VERSION)
            throw new IllegalArgumentException("its form is " + version + ", " + VERSION + " is known");
        List<Long> inputs = ByteForm.list(in, ByteBuffer::getLong);
        List<Long> values = new ArrayList<>(inputs);
        List<Segmented.Segment> segments = new ArrayList<>();
        int used = 0;
        for (int n = ByteForm.count(in); n > 0; n--) {
            boolean partial = in.get() != 0;
            List<Integer> operands = ByteForm.numbers(in);
            List<String> ops = ByteForm.texts(in);
            int own = in.getInt();
            Device device = partial ? loader.device() : loader.rest();
            if (device == null) throw new IllegalArgumentException("it needs a second device, and there is none");
            Executable e =
                    device.load(new Image(ByteForm.bytes(in), constants.subList(used, Math.addExact(used, own))));
            used += own;
            check(e, operands, values);
            for (TensorType t : e.outputs()) values.add(t.bytes());
            segments.add(new Segmented.Segment(device, partial, e, ops, operands));
        }
        List<TensorType> outputs = ByteForm.list(in, ByteForm::type);
        List<Integer> results = ByteForm.numbers(in);
        if (results.size() != outputs.size()) throw new IllegalArgumentException("it has results of no type");
        for (int i = 0; i < results.size(); i++)
            fits(values, results.get(i), outputs.get(i).bytes());
        List<Segmented.Refusal> refusals = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--)
            refusals.add(new Segmented.Refusal(ByteForm.text(in), ByteForm.text(in), ByteForm.text(in)));
        return new Segmented(segments, inputs, outputs, results, refusals, in.getLong(), in.getLong());
    }

    /** A segment reads what is there by then, of the sizes that its executable takes. */
    private static void check(Executable e, List<Integer> operands, List<Long> values) {
        List<Region> regions = e.regions();
        if (operands.size() + e.outputs().size() != regions.size())
            throw new IllegalArgumentException("a segment does not fit what it runs");
        for (int i = 0; i < operands.size(); i++)
            fits(values, operands.get(i), regions.get(i).bytes());
    }

    private static void fits(List<Long> values, int number, long bytes) {
        if (values.get(number) != bytes)
            throw new IllegalArgumentException(
                    "value " + number + " has " + values.get(number) + " bytes, not " + bytes);
    }
}
