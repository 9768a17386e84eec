package dev.meseta.frontends.onnx;

import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.OperatorSetIdProto;
import dev.meseta.frontends.onnx.operators.Registry;
import dev.meseta.graph.InvalidInputException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What holds for all nodes of a model, or of one function for one set of attributes.
 *
 * @param label what messages call it: empty for the model's own graph
 * @param opsets version by domain
 * @param bindings values of the function's attributes; null outside of functions
 */
record Scope(
        String label, Map<String, Integer> opsets, @Nullable Map<String, AttributeProto> bindings) {
    /** The newest versions that are known. Domains that are not here have no versions to check. */
    private static final Map<String, Integer> NEWEST =
            Map.of(Registry.ONNX, 28, Registry.ML, 5, Registry.TRAINING, 1, Registry.PREVIEW, 1, Registry.MICROSOFT, 1);

    /** A domain's one name: the default domain has two. */
    static String domain(String name) {
        return name.isEmpty() ? Registry.ONNX : name;
    }

    /** Versions by domain, checked. */
    static Map<String, Integer> opsets(List<OperatorSetIdProto> imports, String where) {
        Map<String, Integer> opsets = new HashMap<>();
        for (OperatorSetIdProto i : imports) {
            String domain = domain(i.getDomain());
            long version = i.getVersion();
            if (version < 1) throw new InvalidInputException(where + " imports opset " + version + " of " + domain);
            Integer newest = NEWEST.get(domain);
            if (newest != null && version > newest) {
                throw new InvalidInputException(where + " needs opset " + version + " of " + domain + ", and " + newest
                        + " is the newest known; export the model with that or an older opset");
            }
            Integer before = opsets.put(domain, (int) Math.min(version, Integer.MAX_VALUE));
            if (before != null && before != version) {
                throw new InvalidInputException(
                        where + " imports two opsets of " + domain + ": " + before + " and " + version);
            }
        }
        return opsets;
    }
}
