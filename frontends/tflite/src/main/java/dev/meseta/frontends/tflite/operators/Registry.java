package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.program.Lowering;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The table of operators, by what TFLite calls them; custom ones by the name that models give them. */
public final class Registry {
    /** Makes a lowering of an operator; throws {@code InvalidInputException} for what makes no sense or is not supported. */
    @FunctionalInterface
    public interface Definition {
        Lowering define(OperatorNode node);
    }

    /** The common case: a definition whose lowering is an expansion into the op set. */
    @FunctionalInterface
    public interface Expansion extends Definition {
        Lowering.Expand expansion(OperatorNode node);

        @Override
        default Lowering define(OperatorNode node) {
            return expansion(node);
        }
    }

    /** A definition whose lowering runs in Java. */
    @FunctionalInterface
    public interface Hosting extends Definition {
        Lowering.Host hosting(OperatorNode node);

        @Override
        default Lowering define(OperatorNode node) {
            return hosting(node);
        }
    }

    private static final String CUSTOM = "custom ";

    private final Map<String, Definition> entries = new HashMap<>();
    private final Set<String> stateful = new HashSet<>();

    void expand(String name, Expansion expansion) {
        add(name, expansion);
    }

    void host(String name, Hosting hosting) {
        add(name, hosting);
    }

    void hostCustom(String name, Hosting hosting) {
        add(CUSTOM + name, hosting);
    }

    void expandCustom(String name, Expansion expansion) {
        add(CUSTOM + name, expansion);
    }

    /** An operator that changes those of its operands that are variables: its results are the stated ones, then each variable's new contents. */
    void expandStateful(String name, Expansion expansion) {
        add(name, expansion);
        stateful.add(name);
    }

    private void add(String name, Definition definition) {
        if (entries.put(name, definition) != null) throw new IllegalStateException(name + " is defined twice");
    }

    /** The definition, or null. */
    public @Nullable Definition find(String name, boolean custom) {
        return entries.get(custom ? CUSTOM + name : name);
    }

    public boolean isStateful(String name) {
        return stateful.contains(name);
    }

    /** Every operator, sorted. */
    public Set<String> names() {
        return new TreeSet<>(entries.keySet());
    }
}
