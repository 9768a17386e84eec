package dev.meseta.driver;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.List;

/**
 * What a device runs for one graph: commands over slots, in order; a command may run beside an earlier one where neither writes what the
 * other touches. Immutable.
 *
 * @param slots the buffers
 * @param commands what to do
 * @param inputs for each input of the graph, its slot
 * @param outputs for each output of the graph, where it is
 * @param arenaBytes size of the memory behind the temporary slots; aligned to 64 bytes
 */
public record CommandList(
        List<Slot> slots, List<Command> commands, List<Integer> inputs, List<Output> outputs, long arenaBytes) {
    public CommandList {
        slots = List.copyOf(slots);
        commands = List.copyOf(commands);
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
    }

    /** A buffer of the command list. Commands address it with byte offsets. */
    public sealed interface Slot {
        long bytes();
    }

    /** Given by the caller; read only. */
    public record InputSlot(long bytes) implements Slot {}

    /** Written by the commands, given to the caller. */
    public record OutputSlot(long bytes) implements Slot {}

    /** Bytes that the model fixes; read only. */
    public record ConstantSlot(Tensor value) implements Slot {
        @Override
        public long bytes() {
            return value.type().bytes();
        }
    }

    /**
     * Memory that lives during a run.
     *
     * @param offset place in the arena in bytes, a multiple of 64; slots whose lifetimes do not meet may share it
     */
    public record TemporarySlot(long bytes, long offset) implements Slot {}

    /** An output's slot (of any kind: an output may be an input or a constant) and type; the bytes start at its offset 0. */
    public record Output(int slot, TensorType type) {}

    /** One command. */
    public sealed interface Command {}

    /**
     * Runs a kernel.
     *
     * @param bindings one for each of the kernel's buffers, at multiples of its elements' size
     * @param extents the kernel's extent arguments
     * @param origin the nodes that it computes, for people
     */
    public record Launch(Kernel kernel, List<Binding> bindings, List<Long> extents, String origin) implements Command {
        public Launch {
            bindings = List.copyOf(bindings);
            extents = List.copyOf(extents);
        }
    }

    /** Copies bytes. */
    public record Copy(Binding from, Binding to, long bytes) implements Command {}

    /** Repeats commands a fixed number of times. In reverse the iteration number counts from steps - 1 to 0. */
    public record Repeat(long steps, boolean reverse, List<Command> body) implements Command {
        public Repeat {
            body = List.copyOf(body);
        }
    }

    /** Runs one of two lists by a byte (0 or 1). */
    public record Conditional(Binding condition, List<Command> then, List<Command> otherwise) implements Command {
        public Conditional {
            then = List.copyOf(then);
            otherwise = List.copyOf(otherwise);
        }
    }

    /** Runs {@code test}, then, while the byte is not 0, {@code body} and {@code test} again. */
    public record RepeatWhile(List<Command> test, Binding condition, List<Command> body) implements Command {
        public RepeatWhile {
            test = List.copyOf(test);
            body = List.copyOf(body);
        }
    }

    /**
     * A place in a slot: {@code offset + sum of iteration number * stride} over the enclosing {@link Repeat}s.
     *
     * @param slot number of the slot
     * @param offset bytes
     * @param strides bytes for each enclosing Repeat, outermost first; missing ones are 0
     */
    public record Binding(int slot, long offset, List<Long> strides) {
        public Binding {
            strides = List.copyOf(strides);
        }

        public static Binding of(int slot) {
            return new Binding(slot, 0, List.of());
        }

        public static Binding of(int slot, long offset) {
            return new Binding(slot, offset, List.of());
        }
    }
}
