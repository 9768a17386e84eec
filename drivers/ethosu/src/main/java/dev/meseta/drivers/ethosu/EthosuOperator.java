package dev.meseta.drivers.ethosu;

import dev.meseta.drivers.ethosu.Program.Place;
import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
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
 * results do. It runs on a board of this machine if there is one for it, or else on the model.
 */
public final class EthosuOperator implements CustomOperatorProvider {
    private static final String NAME = "ethos-u";
    private static final int STREAM = 0;
    private static final int WEIGHTS = 1;
    private static final int MAPS = 2;
    private static final int FAST = 3;
    private static final int FIRST_DATA = 4;

    @Override
    public Optional<Lowering.Host> lowering(CustomOperator operator, List<Integer> given) {
        if (!operator.name().equals(NAME)) return Optional.empty();
        Program program = program(operator, given);
        LoadedProgram loaded = LoadedProgram.of(EthosuDriver.board(program), program);
        return Optional.of(data -> run(program, loaded, data));
    }

    @Override
    public List<String> describe(CustomOperator operator) {
        return operator.name().equals(NAME) ? program(operator, List.of()).listing() : List.of();
    }

    private static List<@Nullable Data> run(Program program, LoadedProgram loaded, List<@Nullable Data> data) {
        List<MemorySegment> bound = new ArrayList<>();
        for (int i = 0; i < data.size(); i++) {
            long bytes = program.inputs().get(i).type().bytes();
            if (!(data.get(i) instanceof Tensor t) || t.data().byteSize() != bytes) {
                throw new InvalidInputException(
                        "operand " + i + " of " + NAME + " is no tensor of " + bytes + " bytes");
            }
            bound.add(t.data());
        }
        List<Tensor> results =
                program.outputs().stream().map(p -> Tensor.allocate(p.type())).toList();
        results.forEach(t -> bound.add(t.data()));
        loaded.run(bound, () -> false);
        return new ArrayList<>(results);
    }

    /** The operator's stream, checked against its regions. */
    private static Program program(CustomOperator o, List<Integer> given) {
        if (o.inputs().size() < FIRST_DATA) {
            throw new InvalidInputException(o.where() + ": has " + o.inputs().size()
                    + " operands, expected a command stream, weights and two memories");
        }
        long maps = o.inputs().get(MAPS).bytes();
        long fast = o.inputs().get(FAST).bytes();
        try {
            CommandStream.Bare bare = CommandStream.bare(contents(o, STREAM));
            List<Place> inputs =
                    given.stream().map(i -> place(o.inputs().get(i))).toList();
            List<Place> outputs =
                    o.outputs().stream().map(EthosuOperator::place).toList();
            MemorySegment weights = contents(o, WEIGHTS);
            Program p =
                    new Program(bare.words(), bare.configuration(), weights, maps, fast, inputs, outputs, List.of());
            Checker.check(p.stream(), p.regionBytes());
            return p;
        } catch (InvalidInputException e) {
            throw new InvalidInputException(o.where() + ": " + e.getMessage(), e);
        }
    }

    private static Place place(Operand o) {
        return new Place(o.type().orElseGet(() -> new TensorType(DType.U8, Shape.of(o.bytes()))), o.offset());
    }

    private static MemorySegment contents(CustomOperator o, int i) {
        return o.inputs()
                .get(i)
                .constant()
                .orElseThrow(() -> new InvalidInputException("operand " + i + " is not constant"));
    }
}
