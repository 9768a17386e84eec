package dev.meseta.drivers.ethosu;

import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.Disassembler;
import dev.meseta.drivers.ethosu.model.DeviceModel;
import dev.meseta.drivers.ethosu.model.Timeline;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.CustomOperator;
import dev.meseta.graph.program.CustomOperator.Operand;
import dev.meseta.graph.program.CustomOperatorProvider;
import dev.meseta.graph.program.Lowering;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The custom operator {@code ethos-u} that Arm's compiler Vela writes into TFLite files. Operands: the command stream, the weights (region 0),
 * the memory of feature maps (region 1), a faster one (region 2), and then what the model computes with, which lies in region 1 as its
 * results do.
 */
public final class EthosuOperator implements CustomOperatorProvider {
    private static final String NAME = "ethos-u";
    private static final int STREAM = 0;
    private static final int WEIGHTS = 1;
    private static final int MAPS = 2;
    private static final int FAST = 3;
    private static final int FIRST_DATA = 4;

    /** More than any device of this kind has. */
    private static final long LARGEST_MEMORY = 1L << 30;

    @Override
    public Optional<Lowering.Host> lowering(CustomOperator operator, List<Integer> given) {
        if (!operator.name().equals(NAME)) return Optional.empty();
        Compiled compiled = Compiled.of(operator);
        return Optional.of(data -> compiled.run(given, data));
    }

    @Override
    public List<String> describe(CustomOperator operator) {
        if (!operator.name().equals(NAME)) return List.of();
        Compiled compiled = Compiled.of(operator);
        Timeline timeline = Timeline.of(compiled.stream());
        List<String> lines = new ArrayList<>(Disassembler.lines(compiled.stream(), timeline.notes()));
        lines.add(timeline.summary());
        lines.add("every access lies in its region: " + compiled.sizes());
        return lines;
    }

    /** A stream that was checked against its regions. */
    private record Compiled(CustomOperator operator, CommandStream stream, MemorySegment weights) {
        static Compiled of(CustomOperator o) {
            if (o.inputs().size() < FIRST_DATA) {
                throw new InvalidInputException(o.where() + ": has "
                        + o.inputs().size() + " operands, expected a command stream, weights and two memories");
            }
            MemorySegment stream = contents(o, STREAM);
            for (int i : new int[] {MAPS, FAST}) {
                long bytes = o.inputs().get(i).bytes();
                if (bytes > LARGEST_MEMORY) {
                    throw new InvalidInputException(o.where() + ": asks for a memory of " + bytes + " bytes");
                }
            }
            Compiled c = new Compiled(o, CommandStream.ofActions(stream), contents(o, WEIGHTS));
            try {
                Checker.check(c.stream, new long[] {c.weights.byteSize(), c.bytes(MAPS), c.bytes(FAST)});
            } catch (InvalidInputException e) {
                throw new InvalidInputException(o.where() + ": " + e.getMessage(), e);
            }
            return c;
        }

        private static MemorySegment contents(CustomOperator o, int i) {
            return o.inputs()
                    .get(i)
                    .constant()
                    .orElseThrow(() -> new InvalidInputException(o.where() + ": operand " + i + " is not constant"));
        }

        private long bytes(int i) {
            return operator.inputs().get(i).bytes();
        }

        String sizes() {
            return "region 0 has " + weights.byteSize() + " bytes, region 1 " + bytes(MAPS) + ", region 2 "
                    + bytes(FAST);
        }

        List<@Nullable Data> run(List<Integer> given, List<@Nullable Data> data) {
            MemorySegment maps = MemorySegment.ofArray(new byte[(int) bytes(MAPS)]);
            MemorySegment fast = MemorySegment.ofArray(new byte[(int) bytes(FAST)]);
            for (int i = 0; i < given.size(); i++) {
                if (!(data.get(i) instanceof Tensor t)) throw error("an operand is no tensor");
                Operand o = operator.inputs().get(given.get(i));
                if (t.data().byteSize() != o.bytes()) throw error("operand '" + o.name() + "' is " + t.type());
                MemorySegment.copy(t.data(), 0, place(maps, o), 0, o.bytes());
            }
            DeviceModel.run(stream, weights, maps, fast);
            List<@Nullable Data> results = new ArrayList<>();
            for (Operand o : operator.outputs()) {
                Tensor t = Tensor.allocate(
                        o.type().orElseThrow(() -> error("result '" + o.name() + "' has no known type")));
                MemorySegment.copy(place(maps, o), 0, t.data(), 0, o.bytes());
                results.add(t);
            }
            return results;
        }

        private MemorySegment place(MemorySegment maps, Operand o) {
            if (o.offset() < 0 || o.bytes() > maps.byteSize() - o.offset()) {
                throw error("'" + o.name() + "' lies at byte " + o.offset() + " of " + maps.byteSize());
            }
            return maps.asSlice(o.offset(), o.bytes());
        }

        private InvalidInputException error(String what) {
            return new InvalidInputException(operator.where() + ": " + what);
        }
    }
}
