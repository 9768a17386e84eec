package dev.meseta.drivers.ethosu;

import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Image;
import dev.meseta.drivers.ethosu.Program.Place;
import dev.meseta.graph.DType;
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

/** A program as bytes. Region 0 is its one constant. */
final class ProgramImage {
    /** Version of the form; part of what a package requires. */
    static final int FORM = 1;

    private ProgramImage() {}

    static Image of(Program p) {
        byte[] bytes = ByteForm.write(out -> {
            out.writeInt(p.configuration());
            out.writeLong(p.mapBytes());
            out.writeLong(p.fastBytes());
            places(out, p.inputs());
            places(out, p.outputs());
            ByteForm.texts(out, p.notes());
            ByteForm.bytes(out, p.words().toArray(ValueLayout.JAVA_BYTE));
        });
        TensorType region = new TensorType(DType.U8, Shape.of(p.constants().byteSize()));
        return new Image(bytes, List.of(Tensor.wrap(region, p.constants())));
    }

    private static void places(DataOutputStream out, List<Place> places) throws IOException {
        out.writeInt(places.size());
        for (Place p : places) {
            ByteForm.type(out, p.type());
            out.writeLong(p.offset());
        }
    }

    /** Throws {@link IllegalArgumentException} for what is no image of a program, and what the program itself throws. */
    static Program load(Image image) {
        return ByteForm.read(image, in -> {
            int configuration = in.getInt();
            long maps = in.getLong();
            long fast = in.getLong();
            List<Place> inputs = places(in);
            List<Place> outputs = places(in);
            List<String> notes = ByteForm.texts(in);
            MemorySegment words = MemorySegment.ofArray(ByteForm.bytes(in));
            MemorySegment constants = image.constants().getFirst().data();
            return new Program(words, configuration, constants, maps, fast, inputs, outputs, notes);
        });
    }

    private static List<Place> places(ByteBuffer in) {
        List<Place> places = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--) places.add(new Place(ByteForm.type(in), in.getLong()));
        return places;
    }
}
