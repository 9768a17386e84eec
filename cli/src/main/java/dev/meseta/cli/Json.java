package dev.meseta.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Prints answers that programs read. Loaded only where one asks for it: the mapper takes a tenth of a second to start. */
final class Json {
    private static final ObjectWriter WRITER = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build()
            .writer();

    private Json() {}

    /** Maps, lists, texts, numbers and booleans as JSON text. */
    static void print(PrintWriter out, Object value) {
        out.println(WRITER.writeValueAsString(value));
    }

    /** An object from keys and values in turn; a key whose value is null is left out. */
    static Map<String, Object> object(@Nullable Object... keysAndValues) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            Object value = keysAndValues[i + 1];
            // Numbers that JSON does not have become text.
            if (value instanceof Double d && !Double.isFinite(d)) value = d.toString();
            if (value != null) object.put(String.valueOf(keysAndValues[i]), value);
        }
        return object;
    }
}
