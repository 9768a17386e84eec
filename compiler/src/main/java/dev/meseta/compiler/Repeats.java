package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.CommandList.Command;
import dev.meseta.driver.CommandList.ConstantSlot;
import dev.meseta.driver.CommandList.Launch;
import dev.meseta.driver.CommandList.Slot;
import dev.meseta.driver.CommandList.TemporarySlot;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Models repeat their layers. A group that computes what an earlier one does, from other values and other weights, gets that one's kernels
 * with other bindings, and none of the work of making them. Where kernels test their accesses, what would have been made is made and
 * compared.
 */
final class Repeats {
    /** Constants of so few elements may decide about code, and count by their contents. */
    private static final long SMALL = 16;

    private final Assembly a;
    private final boolean checking;
    private final Map<Signature, Made> known = new HashMap<>();
    private final Map<Signature, Boolean> decided = new HashMap<>();
    private final Map<Integer, Derivation> derivations = new HashMap<>();

    /** A constant that was made of another one. */
    private record Derivation(Tensor from, UnaryOperator<Tensor> how, Tensor result) {}

    /** What was made for a group: its launches, and what they are bound to. */
    private record Made(List<Launch> launches, String origin, List<Place> roles, int firstSlot, int endSlot) {}

    /** @param checking make what is repeated all the same, and compare */
    Repeats(Assembly a, boolean checking) {
        this.a = a;
        this.checking = checking;
    }

    /** Whether a group can be one kernel, from an earlier group that computes the same from other values, or found now. */
    boolean decide(Group g, BooleanSupplier answer) {
        Signature signature = signature(g);
        Boolean known = decided.get(signature);
        if (known == null) {
            known = answer.getAsBoolean();
            decided.put(signature, known);
        }
        return known;
    }

    private Signature signature(Group g) {
        if (g.signature == null) g.signature = new Signature(g);
        return g.signature;
    }

    /** Notes that the constant in a slot was made of another one, so that it can be made of a third in the same way. */
    void derived(int slot, Tensor from, UnaryOperator<Tensor> how, Tensor result) {
        derivations.put(slot, new Derivation(from, how, result));
    }

    /** Adds a group's commands, by the given way if they are not those of an earlier group. */
    void lower(Group g, Runnable lowering) {
        if (!canRepeat(g)) {
            lowering.run();
            return;
        }
        Signature signature = signature(g);
        Made made = known.get(signature);
        List<Command> again = made == null ? null : again(made, signature.roles, Lowering.origin(g));
        if (again != null && !checking) {
            again.forEach(a::add);
            return;
        }
        int first = a.slots.size();
        int begin = a.commands().size();
        lowering.run();
        List<Command> commands =
                List.copyOf(a.commands().subList(begin, a.commands().size()));
        if (again != null) compare(g, commands, again);
        else if (commands.stream().allMatch(Launch.class::isInstance))
            known.put(
                    signature,
                    new Made(
                            commands.stream().map(Launch.class::cast).toList(),
                            Lowering.origin(g),
                            signature.roles,
                            first,
                            a.slots.size()));
    }

    private static boolean canRepeat(Group g) {
        return g.root.out.size() == 1
                && g.parts == null
                && !(g.root.op instanceof Op.Scan || g.root.op instanceof Op.If || g.root.op instanceof Op.While);
    }

    /** The launches for other roles; null where one is bound to what is no role. */
    private @Nullable List<Command> again(Made made, List<Place> roles, String origin) {
        Map<Binding, Binding> bindings = new HashMap<>();
        Map<Tensor, Tensor> constants = new IdentityHashMap<>();
        for (int i = 0; i < roles.size(); i++) {
            bindings.put(made.roles.get(i).binding(), roles.get(i).binding());
            Tensor before = made.roles.get(i).constant();
            Tensor now = roles.get(i).constant();
            if (before != null && now != null) constants.put(before, now);
        }
        List<Command> again = new ArrayList<>();
        for (Launch l : made.launches) {
            List<Binding> bound = new ArrayList<>();
            for (Binding b : l.bindings()) {
                Binding other = bindings.get(b);
                if (other == null) other = own(made, b, constants);
                if (other == null) return null;
                bindings.put(b, other);
                bound.add(other);
            }
            again.add(new Launch(l.kernel(), bound, l.extents(), l.origin().equals(made.origin) ? origin : l.origin()));
        }
        return again;
    }

    /** The counterpart of a slot that was made for a group alone. */
    private @Nullable Binding own(Made made, Binding b, Map<Tensor, Tensor> constants) {
        Slot slot = a.slots.get(b.slot());
        if (b.offset() != 0 || !b.strides().isEmpty()) return null;
        if (slot instanceof TemporarySlot t && b.slot() >= made.firstSlot && b.slot() < made.endSlot)
            return Binding.of(a.add(new TemporarySlot(t.bytes(), 0)));
        Derivation d = derivations.get(b.slot());
        if (d == null) return null;
        Tensor from = source(d, constants);
        return from == null ? null : a.derived(from, d.how).binding();
    }

    /** What a constant is to be made of; that itself may have to be made. */
    private @Nullable Tensor source(Derivation d, Map<Tensor, Tensor> constants) {
        Tensor known = constants.get(d.from);
        if (known != null) return known;
        for (Derivation before : derivations.values()) {
            if (before.result != d.from) continue;
            Tensor from = source(before, constants);
            return from == null ? null : a.derived(from, before.how).constant();
        }
        return null;
    }

    private void compare(Group g, List<Command> expected, List<Command> found) {
        boolean equal = expected.size() == found.size();
        for (int i = 0; equal && i < expected.size(); i++) {
            Launch x = (Launch) expected.get(i);
            Launch y = (Launch) found.get(i);
            equal = x.kernel().equals(y.kernel())
                    && x.extents().equals(y.extents())
                    && x.origin().equals(y.origin())
                    && x.bindings().size() == y.bindings().size();
            for (int j = 0; equal && j < x.bindings().size(); j++)
                equal = same(x.bindings().get(j), y.bindings().get(j));
        }
        if (!equal)
            throw new IllegalStateException("the commands of " + Lowering.origin(g)
                    + " are not those of the group that it" + " repeats:\n" + expected + "\n" + found);
    }

    private boolean same(Binding x, Binding y) {
        if (x.equals(y)) return true;
        Slot s = a.slots.get(x.slot());
        Slot t = a.slots.get(y.slot());
        return s instanceof TemporarySlot && s.equals(t)
                || s instanceof ConstantSlot c && t instanceof ConstantSlot d && c.value() == d.value();
    }

    /** All that the code of a group depends on, and the places that it is about. */
    final class Signature {
        private final Group g;
        private final List<Object> key = new ArrayList<>();
        private final List<Place> roles = new ArrayList<>();
        private final Map<V, Integer> numbers = new IdentityHashMap<>();
        private final int hash;

        private Signature(Group g) {
            this.g = g;
            V root = g.root.result();
            key.add(root.layout);
            role(a.place(root));
            visit(root);
            hash = key.hashCode();
        }

        @Override
        public boolean equals(@Nullable Object o) {
            return o instanceof Signature s && s.hash == hash && s.key.equals(key);
        }

        @Override
        public int hashCode() {
            return hash;
        }

        private void visit(V v) {
            Integer number = numbers.putIfAbsent(v, numbers.size());
            key.add(number == null ? "new" : number);
            if (number != null) return;
            key.add(v.dtype());
            key.add(v.shape());
            Double literal = Fusion.literal(v);
            N n = v.producer;
            if (literal != null) key.add(literal);
            else if (n != null && (g.holds(n) || n.group == null && !(n.op instanceof Op.Constant))) node(v, n);
            else leaf(v);
        }

        private void node(V v, N n) {
            key.add(n.op);
            key.add(v.result);
            key.add(part(g, n));
            if (g.attention != null) {
                key.add(part(g.attention.scores(), n));
                key.add(part(g.attention.softmax(), n));
            }
            key.add(n.in.size());
            for (V x : n.in) visit(x);
        }

        private static Object part(Group of, N n) {
            return n == of.anchor ? "anchor" : n == of.root ? "root" : of.reductions.indexOf(n);
        }

        private void leaf(V v) {
            key.add(v.layout);
            key.add(v.producer == null ? "input" : v.producer.op instanceof Op.Constant ? "constant" : "computed");
            Place p = a.place(v);
            role(p);
            key.add(p.elements());
            key.add(p.constant() != null);
            if (p.constant() != null && p.constant().elements() <= SMALL)
                key.add(p.constant().data().asByteBuffer());
        }

        /** Which of the places before is the same, and which is the same memory: the first of them. */
        private void role(Place p) {
            int same = 0;
            while (same < roles.size() && roles.get(same) != p) same++;
            int memory = 0;
            while (memory < roles.size() && !roles.get(memory).binding().equals(p.binding())) memory++;
            key.add(same);
            key.add(memory);
            roles.add(p);
        }
    }
}
