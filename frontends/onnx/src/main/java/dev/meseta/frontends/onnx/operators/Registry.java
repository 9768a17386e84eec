package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.program.OperatorDefinition;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The table of operators. An entry holds from its version on, until the next entry of the same name. */
public final class Registry {
    /** The default domain, which files also write as an empty string. */
    public static final String ONNX = "ai.onnx";

    public static final String ML = "ai.onnx.ml";
    public static final String TRAINING = "ai.onnx.preview.training";
    public static final String PREVIEW = "ai.onnx.preview";
    public static final String MICROSOFT = "com.microsoft";

    private final Map<String, TreeMap<Integer, OperatorDefinition<OperatorNode>>> entries = new HashMap<>();

    /** Adds an operator of the default domain that expands into the op set: {@code r.expand("Relu", 6, node -> c -> List.of(…))}. */
    public void expand(String name, int since, OperatorDefinition.Expansion<OperatorNode> expansion) {
        add(ONNX, name, since, expansion);
    }

    /** Adds an operator of the default domain that runs in Java. */
    public void host(String name, int since, OperatorDefinition.Hosting<OperatorNode> hosting) {
        add(ONNX, name, since, hosting);
    }

    /** Adds an operator of any domain. Throws {@link IllegalStateException} if it is there already. */
    public void add(String domain, String name, int since, OperatorDefinition<OperatorNode> definition) {
        OperatorDefinition<OperatorNode> before = entries.computeIfAbsent(domain + "::" + name, _ -> new TreeMap<>())
                .put(since, definition);
        if (before != null) throw new IllegalStateException(domain + "::" + name + "-" + since + " is defined twice");
    }

    /** Replaces every version of an operator that is there by what {@code change} makes of it. Throws {@link IllegalStateException} if there is none. */
    public void change(String domain, String name, UnaryOperator<OperatorDefinition<OperatorNode>> change) {
        TreeMap<Integer, OperatorDefinition<OperatorNode>> versions = entries.get(domain + "::" + name);
        if (versions == null) throw new IllegalStateException(domain + "::" + name + " is not defined");
        versions.replaceAll((_, definition) -> change.apply(definition));
    }

    /** Whether any operator of the domain is known. */
    public boolean knows(String domain) {
        return entries.keySet().stream().anyMatch(n -> n.startsWith(domain + "::"));
    }

    /** The definition that holds at an opset, or null. */
    public @Nullable OperatorDefinition<OperatorNode> find(String domain, String name, int opset) {
        TreeMap<Integer, OperatorDefinition<OperatorNode>> versions = entries.get(domain + "::" + name);
        if (versions == null) return null;
        Map.Entry<Integer, OperatorDefinition<OperatorNode>> e = versions.floorEntry(opset);
        return e == null ? null : e.getValue();
    }

    /** The lowest version of an operator, or 0 if the name is unknown: for messages. */
    public int firstVersion(String domain, String name) {
        TreeMap<Integer, OperatorDefinition<OperatorNode>> versions = entries.get(domain + "::" + name);
        return versions == null ? 0 : versions.firstKey();
    }

    /** Every operator as {@code domain::name}, sorted. */
    public Set<String> names() {
        return new TreeSet<>(entries.keySet());
    }
}
