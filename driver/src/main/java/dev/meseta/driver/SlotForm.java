package dev.meseta.driver;

import dev.meseta.graph.Tensor;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The memory of a command list as bytes, for images of drivers whose plans keep its slots; as {@link ByteForm} otherwise. */
public final class SlotForm {
    private enum Kind {
        INPUT,
        OUTPUT,
        CONSTANT,
        TEMPORARY
    }

    private SlotForm() {}

    /**
     * Writes slots, inputs and outputs.
     *
     * @param constants where constants are added, which are numbers among them in the form
     */
    public static void write(DataOutputStream out, CommandList list, List<Tensor> constants) throws IOException {
        out.writeLong(list.arenaBytes());
        out.writeInt(list.slots().size());
        for (CommandList.Slot s : list.slots()) {
            switch (s) {
                case CommandList.InputSlot x -> slot(out, Kind.INPUT, x.bytes());
                case CommandList.OutputSlot x -> slot(out, Kind.OUTPUT, x.bytes());
                case CommandList.ConstantSlot x -> {
                    slot(out, Kind.CONSTANT, constants.size());
                    constants.add(x.value());
                }
                case CommandList.TemporarySlot x -> {
                    slot(out, Kind.TEMPORARY, x.bytes());
                    out.writeLong(x.offset());
                }
            }
        }
        ByteForm.numbers(out, list.inputs());
        out.writeInt(list.outputs().size());
        for (CommandList.Output o : list.outputs()) {
            out.writeInt(o.slot());
            ByteForm.type(out, o.type());
        }
    }

    private static void slot(DataOutputStream out, Kind kind, long number) throws IOException {
        out.writeByte(kind.ordinal());
        out.writeLong(number);
    }

    /** A command list without commands, whose inputs and outputs are slots of it; throws as {@link ByteForm}. */
    public static CommandList read(ByteBuffer in, List<Tensor> constants) {
        long arenaBytes = in.getLong();
        List<CommandList.Slot> all = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--) {
            Kind kind = Kind.values()[in.get()];
            long number = in.getLong();
            all.add(
                    switch (kind) {
                        case INPUT -> new CommandList.InputSlot(number);
                        case OUTPUT -> new CommandList.OutputSlot(number);
                        case CONSTANT -> new CommandList.ConstantSlot(constants.get(Math.toIntExact(number)));
                        case TEMPORARY -> new CommandList.TemporarySlot(number, in.getLong());
                    });
        }
        List<Integer> inputs = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--) inputs.add(slot(in, all.size()));
        List<CommandList.Output> outputs = new ArrayList<>();
        for (int n = ByteForm.count(in); n > 0; n--) {
            int slot = slot(in, all.size());
            outputs.add(new CommandList.Output(slot, ByteForm.type(in)));
        }
        return new CommandList(all, List.of(), inputs, outputs, arenaBytes);
    }

    private static int slot(ByteBuffer in, int slots) {
        int slot = in.getInt();
        if (slot < 0 || slot >= slots) throw new IllegalArgumentException("an image of a plan uses slot " + slot);
        return slot;
    }
}
