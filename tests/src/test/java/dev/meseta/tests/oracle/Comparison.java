package dev.meseta.tests.oracle;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.frontends.onnx.OnnxReader;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** One case on the devices and in the oracle. */
public final class Comparison {
    private static final List<String> DEVICES = List.of("reference", "cpu");
    private static final Meseta MESETA = Meseta.open();

    /** How a case ended. */
    public sealed interface Outcome {}

    public record Same() implements Outcome {}

    /** The oracle cannot run the case. */
    public record Refused(String reason) implements Outcome {}

    public record Different(String how) implements Outcome {}

    private Comparison() {}

    /** The case of this number of a row. */
    public static NodeCase draw(Catalogue.Row row, long seed, int number) {
        // A generator's first values hang together for seeds that do.
        Random random = new Random(new Random(seed * 1_000_003L + row.name().hashCode() * 31L + number).nextLong());
        int opset = row.versions().get(random.nextInt(row.versions().size()));
        return row.generator().apply(new Draw(row.domain(), row.operator(), opset, random));
    }

    public static Outcome compare(NodeCase c) {
        Map<String, Data> expected;
        try {
            expected = oracle(c);
        } catch (OnnxRuntimePeer.RefusedException e) {
            return new Refused(String.valueOf(e.getMessage()));
        }
        Model model;
        try {
            byte[] bytes = c.model().toByteArray();
            model = MESETA.load(OnnxReader.read(MemorySegment.ofArray(bytes), null));
        } catch (InvalidInputException e) {
            return new Different(c + "\n  is refused: " + e.getMessage());
        }
        for (String device : DEVICES) {
            String difference = difference(c, model, device, expected);
            if (!difference.isEmpty()) return new Different(c + "\n  on " + device + ": " + difference);
        }
        return new Same();
    }

    private static String difference(NodeCase c, Model model, String device, Map<String, Data> expected) {
        Map<String, Data> found;
        try {
            found = model.on(device).prepare().run(c.inputs()).all();
        } catch (RuntimeException | StackOverflowError e) {
            // Any exception is a finding, and the other cases are still to be run.
            StackTraceElement[] at = e.getStackTrace();
            return "fails: " + e + (at.length > 0 && !(e instanceof InvalidInputException) ? " at " + at[0] : "");
        }
        for (Map.Entry<String, Data> e : expected.entrySet()) {
            Data ours = found.get(e.getKey());
            if (ours == null) return e.getKey() + " is missing";
            String d = c.tolerance().difference(e.getValue(), ours);
            if (!d.isEmpty()) return e.getKey() + " " + d;
        }
        return "";
    }

    /** The oracle's answer, with conversions around the node for types that its interface lacks. */
    private static Map<String, Data> oracle(NodeCase c) {
        Map<String, DType> given = new HashMap<>();
        Map<String, Data> inputs = new HashMap<>();
        c.inputs().forEach((name, data) -> {
            if (data instanceof Tensor t && OnnxRuntimePeer.carrier(t.dtype()) != t.dtype()) {
                given.put(name, OnnxRuntimePeer.carrier(t.dtype()));
                inputs.put(name, convert(t, OnnxRuntimePeer.carrier(t.dtype())));
            } else {
                inputs.put(name, data);
            }
        });
        try (OnnxRuntimePeer plain =
                new OnnxRuntimePeer(c.model(given, Map.of()).toByteArray())) {
            Map<String, DType> narrow = plain.outputsToCarry();
            if (narrow.isEmpty()) return plain.answer(inputs);
            Map<String, DType> wanted = new HashMap<>();
            narrow.forEach((name, type) -> wanted.put(name, OnnxRuntimePeer.carrier(type)));
            try (OnnxRuntimePeer converting =
                    new OnnxRuntimePeer(c.model(given, wanted).toByteArray())) {
                Map<String, Data> answer = new HashMap<>(converting.answer(inputs));
                narrow.forEach((name, type) -> answer.computeIfPresent(name, (_, d) -> convert((Tensor) d, type)));
                return answer;
            }
        }
    }

    /** The same values in another type that has them all. */
    private static Tensor convert(Tensor t, DType type) {
        Tensor to = Tensor.allocate(type, t.shape());
        for (long i = 0; i < t.elements(); i++) {
            if (type.isFloat() || t.dtype().isFloat()) to.setDouble(i, t.getDouble(i));
            else to.setLong(i, t.getLong(i));
        }
        return to;
    }
}
