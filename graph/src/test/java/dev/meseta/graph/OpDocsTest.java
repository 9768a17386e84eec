package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * {@code docs/ops.md} is made from the tables in the source. With {@code -Dmeseta.docs=write} this writes the file, else it fails if the
 * file is not what the tables say.
 */
class OpDocsTest {
    /** Tests run in their module's folder. */
    private static final Path FILE = Path.of("..", "docs", "ops.md");

    @Test
    void theDocumentSaysWhatTheTablesSay() throws IOException {
        String text = markdown();
        if ("write".equals(System.getProperty("meseta.docs"))) Files.writeString(FILE, text);
        assertTrue(Files.exists(FILE), "docs/ops.md is missing; CONTRIBUTING.md says how to make it");
        assertEquals(
                text,
                Files.readString(FILE),
                "docs/ops.md is stale: run ./mvnw -Dquick -pl graph test -Dtest=OpDocsTest -Dmeseta.docs=write");
    }

    private static String markdown() {
        List<String> groups = OpSpec.ALL.stream().map(OpSpec::group).distinct().toList();
        StringBuilder b = new StringBuilder();
        b.append("# The op set\n\n");
        b.append("<!-- Made from OpSpec, MapFunction and DType by OpDocsTest; do not edit. -->\n\n");
        b.append("Everything that a frontend can say lowers to these **").append(OpSpec.ALL.size());
        b.append(" primitives** (the set is closed and stays at 50 or fewer), one of which, `map`, applies one of ");
        b.append(MapFunction.values().length).append(" scalar functions. ");
        b.append("A broken constraint is cited by its number, such as `transpose C1`.\n\n");
        b.append("Constraint **C0** is common to all: ").append(OpSpec.COMMON).append(".\n\n");
        b.append(
                "Results that are integers are the same bits on every device. Examples are whole graphs in the text form ");
        b.append("(its grammar stands at `dev.meseta.graph.GraphText`); the tests parse and verify each of them.\n\n");
        for (String g : groups) {
            b.append("- ").append(g).append(": ");
            b.append(OpSpec.ALL.stream()
                    .filter(s -> s.group().equals(g))
                    .map(s -> "[`" + s.mnemonic() + "`](#" + s.mnemonic() + ")")
                    .collect(Collectors.joining(", ")));
            b.append('\n');
        }
        for (String g : groups) {
            b.append("\n## ").append(g).append('\n');
            OpSpec.ALL.stream().filter(s -> s.group().equals(g)).forEach(s -> op(b, s));
        }
        functions(b);
        types(b);
        return b.toString();
    }

    private static void op(StringBuilder b, OpSpec s) {
        b.append("\n### ").append(s.mnemonic()).append("\n\n");
        b.append(s.operands().isEmpty() ? "()" : "(" + s.operands() + ")").append(" → ");
        b.append(s.results()).append("\n\n").append(s.meaning()).append('\n');
        if (!s.constraints().isEmpty()) b.append('\n');
        for (int i = 1; i <= s.constraints().size(); i++) {
            b.append("- **C").append(i).append("** ").append(s.constraint(i)).append('\n');
        }
        b.append("\n```\n").append(s.example()).append("\n```\n");
    }

    private static void functions(StringBuilder b) {
        b.append("\n## Scalar functions of `map`\n\n");
        b.append("| function | operands | defined on | meaning |\n| --- | --- | --- | --- |\n");
        for (MapFunction f : MapFunction.values()) {
            b.append("| `").append(f.text()).append("` | ").append(f.arity()).append(" | ");
            b.append(f.domain().name().toLowerCase(java.util.Locale.ROOT)).append(" | ");
            b.append(f.meaning().replace("|", "\\|")).append(" |\n");
        }
        b.append("\n| domain | element types |\n| --- | --- |\n");
        for (MapFunction.Domain d : MapFunction.Domain.values()) {
            MapFunction one = Arrays.stream(MapFunction.values())
                    .filter(f -> f.domain() == d)
                    .findFirst()
                    .orElseThrow();
            b.append("| ").append(d.name().toLowerCase(java.util.Locale.ROOT)).append(" | ");
            b.append(Arrays.stream(DType.values())
                    .filter(one::accepts)
                    .map(DType::text)
                    .collect(Collectors.joining(", ")));
            b.append(" |\n");
        }
    }

    private static void types(StringBuilder b) {
        b.append(
                "\n## Element types\n\nIn memory an element takes whole bytes, little-endian; tensors are dense and row-major.\n\n");
        b.append("| type | kind | bits | bytes |\n| --- | --- | --- | --- |\n");
        for (DType d : DType.values()) {
            b.append("| `").append(d.text()).append("` | ");
            b.append(d.kind().name().toLowerCase(java.util.Locale.ROOT)).append(" | ");
            b.append(d.bits()).append(" | ").append(d.bytes()).append(" |\n");
        }
    }
}
