package dev.meseta.compiler;

import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Command;
import dev.meseta.driver.CommandList.Slot;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** A command list under construction: its slots, and the commands of the body that is being compiled. */
final class Assembly {
    final Target target;
    final Choices choices;
    final List<Slot> slots = new ArrayList<>();
    final Repeats repeats;
    private final Consumer<Kernel> made;
    private final Map<Tensor, Place> constants = new IdentityHashMap<>();
    private List<Command> commands = new ArrayList<>();

    /** Number of repetitions around the commands that are being added. */
    private int repetitions;

    Assembly(Target target, Choices choices, Consumer<Kernel> made, boolean checking) {
        this.made = made;
        this.target = target;
        this.choices = choices;
        this.repeats = new Repeats(this, checking);
    }

    int add(Slot slot) {
        slots.add(slot);
        return slots.size() - 1;
    }

    void add(Command command) {
        if (command instanceof CommandList.Launch l) made.accept(l.kernel());
        commands.add(command);
    }

    /** How many elements a place for a value has: two words for a 128-bit one. */
    static Size elements(TensorType type) {
        Size n = Size.product(Size.of(type.shape().dims()));
        return type.dtype() == DType.C128 ? n.times(2) : n;
    }

    Place input(TensorType type) {
        return new Place(add(new CommandList.InputSlot(type.bytes())), 0, List.of(), elements(type));
    }

    Place output(TensorType type) {
        return new Place(add(new CommandList.OutputSlot(type.bytes())), 0, List.of(), elements(type));
    }

    Place temporary(TensorType type) {
        return temporary(type.bytes(), elements(type));
    }

    Place temporary(long bytes, Size elements) {
        return new Place(add(new CommandList.TemporarySlot(bytes, 0)), 0, List.of(), elements);
    }

    Place temporary(DType dtype, List<Size> shape) {
        Size n = Size.product(shape);
        return temporary(Math.multiplyExact(n.value(), dtype.bytes()), n);
    }

    /**
     * The place of a constant that is made of another one.
     *
     * @param how makes it; of another tensor of the same type what stands for it there
     */
    Place derived(Tensor from, UnaryOperator<Tensor> how) {
        Tensor result = how.apply(from);
        Place p = constant(result);
        repeats.derived(p.slot(), from, how, result);
        return p;
    }

    Place constant(Tensor t) {
        return constants.computeIfAbsent(
                t, x -> new Place(add(new CommandList.ConstantSlot(x)), 0, List.of(), elements(x.type()), x));
    }

    /**
     * A slice of a place, as large as a type.
     *
     * @param first the number of the slice
     * @param every how many slices each step of the innermost repetition goes on by; 0 for none
     */
    Place slice(Place p, TensorType type, long first, long every) {
        List<Long> strides = new ArrayList<>(p.strides());
        if (every != 0) {
            while (strides.size() < repetitions - 1) strides.add(0L);
            strides.add(Math.multiplyExact(every, type.bytes()));
        }
        return new Place(p.slot(), p.offset() + first * type.bytes(), strides, elements(type));
    }

    /** Where a value is stored; a place is made for one that has none. */
    Place place(V v) {
        if (v.place == null) {
            if (v.producer != null && v.producer.op instanceof Op.Constant c) v.place = constant(c.value());
            else if (v.whole != null) v.place = place(v.whole);
            else if (v.producer != null && isAlias(v)) v.place = aliasOf(v);
            else v.place = temporary(v.type);
        }
        return v.place;
    }

    private Place aliasOf(V v) {
        Place p = place(operand(v));
        return p.elements().equals(elements(v.type))
                ? p
                : new Place(p.slot(), p.offset(), p.strides(), elements(v.type), p.constant());
    }

    static V operand(V v) {
        if (v.producer == null) throw new IllegalStateException("an input has no operand");
        return v.producer.in.getFirst();
    }

    /** Whether a value is the same bytes as its producer's operand. */
    static boolean isAlias(V v) {
        if (v.producer == null || v.producer.group == null || v.producer.group.root != v.producer) return false;
        V x = operandOrSelf(v);
        if (x == v) return false;
        boolean view = switch (v.producer.op) {
            case Op.Reshape _ -> x.layout.isPlain(x.shape());
            case Op.Transpose t -> v.layout.equals(x.layout.transposed(t.permutation()));
            case Op.Bitcast b ->
                Pull.isStorageBitcast(x.dtype(), b.dtype()) && !Pull.differsInMemory(x.dtype(), b.dtype());
            default -> false;
        };
        if (!view) return false;
        return x.producer == null
                || x.producer.op instanceof Op.Constant
                || x.producer.group != null && x.producer.group != v.producer.group;
    }

    private static V operandOrSelf(V v) {
        return v.producer == null || v.producer.in.isEmpty() ? v : v.producer.in.getFirst();
    }

    /** The value whose bytes a value is. */
    static V base(V v) {
        V b = v;
        while (isAlias(b)) b = operand(b);
        return b;
    }

    void copy(Place from, Place to, long bytes) {
        if (bytes > 0) add(new CommandList.Copy(from.binding(), to.binding(), bytes));
    }

    /** Runs something whose commands come into a list of their own. */
    List<Command> collect(boolean repeated, Runnable body) {
        List<Command> outer = commands;
        commands = new ArrayList<>();
        if (repeated) repetitions++;
        try {
            body.run();
            return commands;
        } finally {
            commands = outer;
            if (repeated) repetitions--;
        }
    }

    List<Command> commands() {
        return commands;
    }
}
