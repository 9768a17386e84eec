package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.program.OperatorDefinition;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The table of operators, by what TFLite calls them; custom ones by the name that models give them. */
public final class Registry {
    private static final String CUSTOM = "custom ";

    private final Map<String, OperatorDefinition<OperatorNode>> entries = new HashMap<>();
    private final Set<String> stateful = new HashSet<>();

    void expand(String name, OperatorDefinition.Expansion<OperatorNode> expansion) {
        add(name, expansion);
    }

    void host(String name, OperatorDefinition.Hosting<OperatorNode> hosting) {
        add(name, hosting);
    }

    void hostCustom(String name, OperatorDefinition.Hosting<OperatorNode> hosting) {
        add(CUSTOM + name, hosting);
    }

    void expandCustom(String name, OperatorDefinition.Expansion<OperatorNode> expansion) {
        add(CUSTOM + name, expansion);
    }

    /** An operator that changes those of its operands that are variables: its results are the stated ones, then each variable's new contents. */
    void expandStateful(String name, OperatorDefinition.Expansion<OperatorNode> expansion) {
        add(name, expansion);
        stateful.add(name);
    }

    private void add(String name, OperatorDefinition<OperatorNode> definition) {
        if (entries.put(name, definition) != null) throw new IllegalStateException(name + " is defined twice");
    }

    /** The definition, or null. */
    public @Nullable OperatorDefinition<OperatorNode> find(String name, boolean custom) {
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
