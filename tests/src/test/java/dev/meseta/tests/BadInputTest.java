package dev.meseta.tests;

import static dev.meseta.tests.Drafts.BOOL;
import static dev.meseta.tests.Drafts.F32;
import static dev.meseta.tests.Drafts.I64;
import static dev.meseta.tests.Drafts.body;
import static dev.meseta.tests.Drafts.external;
import static dev.meseta.tests.Drafts.graph;
import static dev.meseta.tests.Drafts.integer;
import static dev.meseta.tests.Drafts.integers;
import static dev.meseta.tests.Drafts.longs;
import static dev.meseta.tests.Drafts.model;
import static dev.meseta.tests.Drafts.node;
import static dev.meseta.tests.Drafts.opset;
import static dev.meseta.tests.Drafts.port;
import static dev.meseta.tests.Drafts.real;
import static dev.meseta.tests.Drafts.scalar;
import static dev.meseta.tests.Drafts.text;
import static dev.meseta.tests.Drafts.truth;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import dev.meseta.cli.Main;
import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.FunctionProto;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.ModelProto;
import dev.meseta.frontends.onnx.format.NodeProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever a user can get wrong is answered by one line that names it, with exit code 2, soon, and without the memory that it asks for.
 */
final class BadInputTest {
    /** Far more than an answer takes, also on a busy machine; far less than a loop over what a file claims. */
    private static final Duration SOON = Duration.ofSeconds(60);

    private static final int LONGEST_MESSAGE = 2000;
    private static final long HUGE = 1L << 40;

    @TempDir
    static Path folder;

    /** A command line, and what its one line of answer must contain. */
    private record Mistake(String what, List<String> arguments, List<String> parts) {}

    private static Mistake mistake(String what, Object model, String arguments, String... parts) {
        List<String> all = new ArrayList<>(List.of("run", model.toString()));
        if (!arguments.isEmpty()) all.addAll(List.of(arguments.split(" ")));
        return new Mistake(what, all, List.of(parts));
    }

    private static Path file(String name, byte[] bytes) {
        try {
            return Files.write(folder.resolve(name), bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int number;

    private static Path file(ModelProto.Builder model) {
        return file("model" + number++ + ".onnx", model.build().toByteArray());
    }

    private static Mistake random(String what, ModelProto.Builder model, String... parts) {
        return mistake(what, file(model), "--random 1", parts);
    }

    /** The same mistake on each device. */
    private static Stream<Mistake> everywhere(String what, ModelProto.Builder model, String... parts) {
        Path file = file(model);
        return Stream.of("cpu", "reference")
                .map(d -> mistake(what + " on " + d, file, "--random 1 --device " + d, parts));
    }

    private static Stream<Mistake> everywhere(String what, GraphProto.Builder graph, String... parts) {
        return everywhere(what, model(graph), parts);
    }

    private static Stream<DynamicTest> tests(Stream<Mistake> mistakes) {
        return mistakes.map(m -> DynamicTest.dynamicTest(m.what(), () -> answeredByOneLine(m)));
    }

    private static void answeredByOneLine(Mistake m) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int[] code = {-1};
        Assertions.assertTimeoutPreemptively(
                SOON,
                () -> code[0] = Main.run(
                        new PrintWriter(out),
                        new PrintWriter(err),
                        m.arguments().toArray(String[]::new)));
        String said = err.toString();
        Assertions.assertEquals(2, code[0], said);
        // One line; where a model has several faults, one for each beneath it.
        if (!said.contains(" reasons:\n"))
            Assertions.assertEquals(1, said.lines().count(), said);
        Assertions.assertTrue(said.startsWith("meseta: "), said);
        Assertions.assertTrue(said.length() < LONGEST_MESSAGE, said);
        Assertions.assertFalse(said.contains("Exception"), said);
        Assertions.assertEquals("", out.toString());
        for (String part : m.parts()) Assertions.assertTrue(said.contains(part), "'" + part + "' is not in: " + said);
    }

    private static GraphProto.Builder neg() {
        return graph(node("Neg", "x", "y")).addInput(port("x", F32, 2, 3));
    }

    private static byte[] picture() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            ImageIO.write(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB), "png", out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    @TestFactory
    Stream<DynamicTest> filesThatAreNoModels() throws IOException {
        byte[] noise = new byte[5000];
        new Random(1).nextBytes(noise);
        byte[] whole =
                model(neg().addInitializer(longs("w", new long[1000]))).build().toByteArray();
        Path folderAsModel = Files.createDirectories(folder.resolve("folder.onnx"));
        List<Mistake> all = new ArrayList<>(List.of(
                mistake("no file", folder.resolve("absent.onnx"), "--random 1", "absent.onnx", "no file"),
                mistake("a folder", folderAsModel, "--random 1", "folder.onnx", "folder"),
                mistake("an empty file", file("empty.onnx", new byte[0]), "--random 1", "empty.onnx", "empty"),
                mistake("noise", file("noise.onnx", noise), "--random 1", "noise.onnx", "not a whole ONNX file"),
                mistake("a picture", file("picture.onnx", picture()), "--random 1", "picture.onnx", "is a PNG picture"),
                mistake(
                        "text",
                        file("text.onnx", "to be or not to be\n".getBytes(StandardCharsets.UTF_8)),
                        "--random 1",
                        "text.onnx",
                        "not a whole ONNX file"),
                mistake(
                        "zeros",
                        file("zeros.onnx", new byte[100]),
                        "--random 1",
                        "zeros.onnx",
                        "not a whole ONNX file")));
        for (int length : new int[] {1, 10, whole.length / 2, whole.length - 1}) {
            String name = "cut" + length + ".onnx";
            all.add(mistake(name, file(name, Arrays.copyOf(whole, length)), "--random 1", name));
        }
        return tests(all.stream());
    }

    private static TensorProto.Builder claims(String name, int type, long... dims) {
        TensorProto.Builder t =
                TensorProto.newBuilder().setName(name).setDataType(type).setRawData(ByteString.copyFrom(new byte[8]));
        for (long d : dims) t.addDims(d);
        return t;
    }

    private static ModelProto.Builder weights(TensorProto.Builder w) {
        return model(graph(node("Add", "x w", "y")).addInput(port("x", F32, 2)).addInitializer(w));
    }

    @TestFactory
    Stream<DynamicTest> weightsThatAreNotThere() throws IOException {
        Files.write(folder.resolve("eight"), new byte[8]);
        Path outside = Files.createTempFile("outside", ".bin");
        Files.write(outside, new byte[8]);
        outside.toFile().deleteOnExit();
        Files.createSymbolicLink(folder.resolve("link"), outside);
        Files.createDirectories(folder.resolve("sub"));
        return tests(Stream.of(
                random("more than the file", weights(claims("w", F32, 1000)), "'w'", "4000", "8"),
                random("product of dims overflows", weights(claims("w", F32, 1L << 32, 1L << 32)), "'w'"),
                random("bytes overflow", weights(claims("w", F32, 1L << 61)), "'w'"),
                random("largest dims", weights(claims("w", F32, Long.MAX_VALUE, Long.MAX_VALUE, 0)), "'w'"),
                random("a negative dim", weights(claims("w", F32, -2)), "'w'", "-2"),
                random("unknown type", weights(claims("w", 99, 2)), "'w'", "99"),
                random("no type", weights(claims("w", 0, 2)), "'w'"),
                random(
                        "huge packed",
                        weights(TensorProto.newBuilder()
                                .setName("w")
                                .setDataType(F32)
                                .addDims(HUGE)),
                        "'w'"),
                random("missing", weights(external("w", 2, "absent", 0, 8)), "'w'", "absent"),
                random("absolute", weights(external("w", 2, outside.toString(), 0, 8)), "'w'", outside.toString()),
                random("dots", weights(external("w", 2, "../eight", 0, 8)), "'w'", "../eight"),
                random("dots inside", weights(external("w", 2, "sub/../../eight", 0, 8)), "'w'", "sub/../../eight"),
                random("link outside", weights(external("w", 2, "link", 0, 8)), "'w'", "link"),
                random("a folder", weights(external("w", 2, "sub", 0, 8)), "'w'", "sub"),
                random("no location", weights(external("w", 2, "", 0, 8)), "'w'"),
                random("zero in location", weights(external("w", 2, "ei\0ght", 0, 8)), "'w'"),
                random("offset outside", weights(external("w", 2, "eight", 4, 8)), "'w'", "eight"),
                random("offset negative", weights(external("w", 2, "eight", -4, 8)), "'w'"),
                random("offset overflows", weights(external("w", 2, "eight", Long.MAX_VALUE, 8)), "'w'"),
                random("length outside", weights(external("w", 3, "eight", 0, 12)), "'w'", "eight"),
                random("length wrong", weights(external("w", 2, "eight", 0, 4)), "'w'"),
                random("length negative", weights(external("w", 2, "eight", 0, -8)), "'w'"),
                random("itself", weights(external("w", 2, "model0.onnx", 0, 1L << 50)), "'w'")));
    }

    /** An If in an If in an If; written by hand from the inside out, as the library would not go so deep. */
    private static byte[] nested(int depth) {
        ByteString graph = graph(node("Neg", "x", "y")).build().toByteString();
        ByteString other = graph;
        for (int i = 0; i < depth; i++) {
            ByteString then = field(1, ByteString.copyFromUtf8("then_branch"))
                    .concat(field(6, graph))
                    .concat(kind());
            ByteString otherwise = field(1, ByteString.copyFromUtf8("else_branch"))
                    .concat(field(6, other))
                    .concat(kind());
            ByteString choice = node("If", "c", "y").build().toByteString();
            graph = field(1, choice.concat(field(5, then)).concat(field(5, otherwise)))
                    .concat(graph().build().toByteString());
        }
        graph = graph.concat(GraphProto.newBuilder()
                .addInput(port("c", BOOL))
                .addInput(port("x", F32, 2))
                .build()
                .toByteString());
        return field(7, graph)
                .concat(ModelProto.newBuilder()
                        .setIrVersion(8)
                        .addOpsetImport(opset("", 17))
                        .build()
                        .toByteString())
                .toByteArray();
    }

    /** Of an attribute that is a graph. */
    private static ByteString kind() {
        return AttributeProto.newBuilder()
                .setType(AttributeProto.AttributeType.GRAPH)
                .build()
                .toByteString();
    }

    private static ByteString field(int number, ByteString content) {
        return UnknownFieldSet.newBuilder()
                .addField(
                        number,
                        UnknownFieldSet.Field.newBuilder()
                                .addLengthDelimited(content)
                                .build())
                .build()
                .toByteString();
    }

    private static FunctionProto.Builder function(String name, String calls) {
        return FunctionProto.newBuilder()
                .setName(name)
                .setDomain("own")
                .addInput("a")
                .addOutput("b")
                .addOpsetImport(opset("own", 1))
                .addNode(node(calls, "a", "b").setDomain("own"));
    }

    private static NodeProto.Builder own(String name) {
        return node(name, "x", "y").setDomain("own");
    }

    @TestFactory
    Stream<DynamicTest> modelsThatMakeNoSense() {
        GraphProto.Builder cycle = graph(node("Add", "x b", "a"), node("Neg", "a", "b"), node("Neg", "b", "y"))
                .addInput(port("x", F32, 2));
        ModelProto.Builder noOpset = model(neg()).clearOpsetImport();
        return tests(Stream.of(
                random("no graph", ModelProto.newBuilder().setIrVersion(8).addOpsetImport(opset("", 17)), "graph"),
                random("a cycle", model(cycle), "a"),
                random("a node that reads itself", model(graph(node("Neg", "y", "y")))),
                random(
                        "unknown operators, all of them",
                        model(graph(
                                        node("Foo", "x", "a"),
                                        node("Bar", "a", "b"),
                                        node("Foo", "b", "y"),
                                        node("Neg", "y", "z"))
                                .addInput(port("x", F32, 2))),
                        "Foo",
                        "Bar"),
                random(
                        "unknown operators in a body",
                        model(graph(node(
                                        "If",
                                        "c",
                                        "y",
                                        body("then_branch", graph(node("Foo", "x", "y"))),
                                        body("else_branch", graph(node("Bar", "x", "y")))))
                                .addInput(port("c", BOOL))
                                .addInput(port("x", F32, 2))),
                        "Foo",
                        "Bar"),
                random(
                        "unknown domain",
                        model(graph(node("Foo", "x", "y").setDomain("org.nowhere"))
                                        .addInput(port("x", F32, 2)))
                                .addOpsetImport(opset("org.nowhere", 1)),
                        "org.nowhere",
                        "Foo"),
                random(
                        "a domain that is not imported",
                        model(graph(node("Gelu", "x", "y").setDomain("com.microsoft"))
                                .addInput(port("x", F32, 2))),
                        "com.microsoft"),
                random("opset 99", model(neg()).clearOpsetImport().addOpsetImport(opset("", 99)), "99"),
                random("opset 0", model(neg()).clearOpsetImport().addOpsetImport(opset("", 0)), "0"),
                random("opset -1", model(neg()).clearOpsetImport().addOpsetImport(opset("", -1)), "-1"),
                random(
                        "an operator before its opset",
                        model(graph(node("Gelu", "x", "y")).addInput(port("x", F32, 2)))
                                .clearOpsetImport()
                                .addOpsetImport(opset("", 9)),
                        "Gelu",
                        "9"),
                random("IR version 99", model(neg()).setIrVersion(99), "99"),
                random("IR version -1", model(neg()).setIrVersion(-1), "-1"),
                random("no opset", noOpset, "opset"),
                random(
                        "a name made twice",
                        model(graph(node("Neg", "x", "y"), node("Abs", "x", "y"))
                                .addInput(port("x", F32, 2))),
                        "'y'"),
                random("an input twice", model(neg().addInput(port("x", F32, 3))), "'x'"),
                random(
                        "a constant twice",
                        weights(longs("w", 1))
                                .setGraph(graph(node("Add", "x w", "y"))
                                        .addInput(port("x", I64, 2))
                                        .addInitializer(longs("w", 1))
                                        .addInitializer(longs("w", 2))),
                        "'w'"),
                random(
                        "an undefined input",
                        model(graph(node("Add", "x nobody", "y")).addInput(port("x", F32, 2))),
                        "'nobody'",
                        "the Add"),
                random("an undefined output", model(graph(node("Neg", "x", "z")).addInput(port("x", F32, 2))), "'y'"),
                random("a missing operand", model(graph(node("Add", "x", "y")).addInput(port("x", F32, 2))), "the Add"),
                random(
                        "too many results",
                        model(graph(node("Neg", "x", "y z")).addInput(port("x", F32, 2))),
                        "the Neg"),
                random(
                        "a missing attribute",
                        model(graph(node("Concat", "x x", "y")).addInput(port("x", F32, 2))),
                        "the Concat",
                        "axis"),
                random(
                        "an attribute of another type",
                        model(graph(node("Concat", "x x", "y", text("axis", "one")))
                                .addInput(port("x", F32, 2))),
                        "the Concat",
                        "axis"),
                mistake("deep nesting", file("deep.onnx", nested(1000)), "--random 1", "nested"),
                random(
                        "a function that calls itself",
                        model(graph(own("f")).addInput(port("x", F32, 2)))
                                .addOpsetImport(opset("own", 1))
                                .addFunctions(function("f", "f")),
                        "f"),
                random(
                        "functions that call each other",
                        model(graph(own("f")).addInput(port("x", F32, 2)))
                                .addOpsetImport(opset("own", 1))
                                .addFunctions(function("f", "g"))
                                .addFunctions(function("g", "f")),
                        "f"),
                random(
                        "an input of a petabyte",
                        model(graph(node("Neg", "x", "y")).addInput(port("x", F32, 1L << 25, 1L << 25))),
                        "'x'"),
                random(
                        "an input beyond count",
                        model(graph(node("Neg", "x", "y")).addInput(port("x", F32, 1L << 40, 1L << 40))),
                        "'x'"),
                random(
                        "an input of no type",
                        model(graph(node("Neg", "x", "y")).addInput(port("x", 77, 2))),
                        "'x'",
                        "77")));
    }

    private static GraphProto.Builder two(String operator, long[] a, long[] b, AttributeProto.Builder... attributes) {
        return graph(node(operator, "a b", "y", attributes))
                .addInput(port("a", F32, a))
                .addInput(port("b", F32, b));
    }

    private static long[] l(long... v) {
        return v;
    }

    @TestFactory
    Stream<DynamicTest> operandsThatDoNotFit() {
        GraphProto.Builder mixed =
                graph(node("Add", "a b", "y")).addInput(port("a", F32, 2)).addInput(port("b", I64, 2));
        return tests(Stream.of(
                        everywhere("Add of two types", mixed, "the Add", "ai.onnx.Add", "f32", "i64"),
                        everywhere("Add of two shapes", two("Add", l(2, 3), l(4)), "the Add", "[2,3]", "[4]"),
                        everywhere("MatMul", two("MatMul", l(2, 3), l(4, 5)), "the MatMul", "[2,3]", "[4,5]"),
                        everywhere("MatMul of scalars", two("MatMul", l(), l(4, 5)), "the MatMul"),
                        everywhere("Gemm", two("Gemm", l(2, 3), l(4, 5)), "the Gemm", "[2,3]", "[4,5]"),
                        everywhere(
                                "Conv channels",
                                two("Conv", l(1, 3, 8, 8), l(4, 5, 3, 3)),
                                "the Conv",
                                "[1,3,8,8]",
                                "[4,5,3,3]"),
                        everywhere(
                                "Conv groups",
                                two("Conv", l(1, 3, 8, 8), l(4, 1, 3, 3), integer("group", 2)),
                                "the Conv",
                                "group"),
                        everywhere(
                                "Conv group 0",
                                two("Conv", l(1, 3, 8, 8), l(4, 1, 3, 3), integer("group", 0)),
                                "the Conv",
                                "group"),
                        everywhere(
                                "Conv too large", two("Conv", l(1, 3, 2, 2), l(4, 3, 3, 3)), "the Conv", "[1,3,2,2]"),
                        everywhere(
                                "Conv stride 0",
                                two("Conv", l(1, 3, 8, 8), l(4, 3, 3, 3), integers("strides", 0, 1)),
                                "the Conv",
                                "strides"),
                        everywhere(
                                "Concat",
                                two("Concat", l(2, 3), l(2, 4), integer("axis", 0)),
                                "the Concat",
                                "[2,3]",
                                "[2,4]"),
                        everywhere(
                                "Concat axis", two("Concat", l(2, 3), l(2, 3), integer("axis", 7)), "the Concat", "7"),
                        everywhere(
                                "Reshape",
                                graph(node("Reshape", "x s", "y"))
                                        .addInput(port("x", F32, 6))
                                        .addInitializer(longs("s", 4, 2)),
                                "the Reshape",
                                "[6]",
                                "4"),
                        everywhere(
                                "Reshape -1 twice",
                                graph(node("Reshape", "x s", "y"))
                                        .addInput(port("x", F32, 6))
                                        .addInitializer(longs("s", -1, -1)),
                                "the Reshape"),
                        everywhere(
                                "Reshape by floats",
                                graph(node("Reshape", "x s", "y"))
                                        .addInput(port("x", F32, 6))
                                        .addInitializer(real("s", 6)),
                                "the Reshape"),
                        everywhere(
                                "Transpose",
                                graph(node("Transpose", "x", "y", integers("perm", 0, 0)))
                                        .addInput(port("x", F32, 2, 3)),
                                "the Transpose"),
                        everywhere(
                                "Squeeze",
                                graph(node("Squeeze", "x s", "y"))
                                        .addInput(port("x", F32, 2, 3))
                                        .addInitializer(longs("s", 1)),
                                "the Squeeze",
                                "[2,3]"),
                        everywhere(
                                "Gather axis",
                                graph(node("Gather", "x s", "y", integer("axis", 4)))
                                        .addInput(port("x", F32, 2, 3))
                                        .addInitializer(longs("s", 1)),
                                "the Gather"),
                        everywhere(
                                "Gather place",
                                graph(node("Gather", "x s", "y"))
                                        .addInput(port("x", F32, 2, 3))
                                        .addInitializer(longs("s", 5)),
                                "node 'the Gather'"),
                        everywhere(
                                "Gather place that is computed",
                                graph(node("Add", "i k", "s"), node("Gather", "x s", "y"))
                                        .addInput(port("x", F32, 2, 3))
                                        .addInput(port("i", I64, 1))
                                        .addInitializer(longs("k", 50)),
                                "node 'the Gather'"),
                        everywhere(
                                "ScatterElements place that is computed",
                                graph(node("Add", "i k", "s"), node("ScatterElements", "x s u", "y"))
                                        .addInput(port("x", F32, 3))
                                        .addInput(port("u", F32, 1))
                                        .addInput(port("i", I64, 1))
                                        .addInitializer(longs("k", 50)),
                                "node 'the ScatterElements'"),
                        everywhere(
                                "OneHot depth",
                                graph(node("OneHot", "x d v", "y"))
                                        .addInput(port("x", I64, 3))
                                        .addInput(port("v", F32, 2))
                                        .addInitializer(scalar("d", -3)),
                                "the OneHot",
                                "-3"),
                        everywhere(
                                "Cast",
                                graph(node("Cast", "x", "y", integer("to", 77))).addInput(port("x", F32, 3)),
                                "the Cast",
                                "'to'"),
                        everywhere(
                                "Slice step 0",
                                graph(node("Slice", "x a a a a", "y"))
                                        .addInput(port("x", F32, 3))
                                        .addInitializer(longs("a", 0)),
                                "the Slice"),
                        everywhere(
                                "Split",
                                graph(node("Split", "x s", "y z"))
                                        .addInput(port("x", F32, 5))
                                        .addInitializer(longs("s", 2, 2)),
                                "the Split",
                                "5"),
                        everywhere(
                                "STFT with a rank-0 signal",
                                graph(node("STFT", "x f", "y"))
                                        .addInput(port("x", F32))
                                        .addInitializer(scalar("f", 4)),
                                "the STFT"),
                        everywhere(
                                "STFT with a list of steps",
                                graph(node("STFT", "x f _ n", "y"))
                                        .addInput(port("x", F32, 1, 64, 1))
                                        .addInitializer(longs("f"))
                                        .addInitializer(scalar("n", 16)),
                                "the STFT"),
                        everywhere(
                                "Attention with a scalar length",
                                model(graph(node("Attention", "q q q _ _ _ n", "y"))
                                                .addInput(port("q", F32, 1, 2, 4, 8))
                                                .addInitializer(scalar("n", 1)))
                                        .clearOpsetImport()
                                        .addOpsetImport(opset("", 24)),
                                "the Attention"),
                        everywhere(
                                "FlexAttention with V of rank 3",
                                model(graph(node("FlexAttention", "q q v", "y").setDomain("ai.onnx.preview"))
                                                .addInput(port("q", F32, 1, 2, 4, 8))
                                                .addInput(port("v", F32, 2, 4, 8)))
                                        .addOpsetImport(opset("ai.onnx.preview", 1)),
                                "the FlexAttention"),
                        everywhere(
                                "Einsum", two("Einsum", l(2, 3), l(4, 5), text("equation", "ij,jk->ik")), "the Einsum"),
                        everywhere(
                                "Einsum without sense",
                                two("Einsum", l(2, 3), l(4, 5), text("equation", "i->->((")),
                                "the Einsum"),
                        everywhere(
                                "a string added",
                                graph(node("Add", "s s", "y"))
                                        .addInitializer(TensorProto.newBuilder()
                                                .setName("s")
                                                .setDataType(Drafts.STRING)
                                                .addStringData(ByteString.copyFromUtf8("a"))),
                                "the Add"),
                        everywhere(
                                "If on floats",
                                graph(node(
                                                "If",
                                                "c",
                                                "y",
                                                body("then_branch", graph(node("Neg", "x", "y"))),
                                                body("else_branch", graph(node("Abs", "x", "y")))))
                                        .addInput(port("c", F32, 3))
                                        .addInput(port("x", F32, 2)),
                                "the If"))
                .flatMap(s -> s));
    }

    private static GraphProto.Builder pool(String operator, AttributeProto.Builder... attributes) {
        return graph(node(operator, "x", "y", attributes)).addInput(port("x", F32, 1, 1, 4, 4));
    }

    private static GraphProto.Builder loop(Long trips, Boolean condition) {
        GraphProto.Builder body = GraphProto.newBuilder()
                .setName("b")
                .addInput(port("i", I64))
                .addInput(port("c", BOOL))
                .addInput(port("v", F32, 1))
                .addNode(node("Identity", "c", "cc"))
                .addNode(node("Neg", "v", "vv"))
                .addOutput(port("cc", BOOL))
                .addOutput(port("vv", F32, 1));
        GraphProto.Builder g = graph(node(
                        "Loop",
                        (trips == null ? "_" : "n") + (condition == null ? " _" : " t") + " x",
                        "y",
                        body("body", body)))
                .addInput(port("x", F32, 1));
        if (trips != null) g.addInitializer(scalar("n", trips));
        if (condition != null) g.addInitializer(truth("t", condition));
        return g;
    }

    @TestFactory
    Stream<DynamicTest> thingsTooLarge() {
        long m = Integer.MAX_VALUE;
        return tests(Stream.of(
                        everywhere(
                                "ConstantOfShape",
                                graph(node("ConstantOfShape", "s", "y")).addInitializer(longs("s", HUGE)),
                                "the ConstantOfShape"),
                        everywhere(
                                "ConstantOfShape beyond count",
                                graph(node("ConstantOfShape", "s", "y")).addInitializer(longs("s", HUGE, HUGE)),
                                "the ConstantOfShape"),
                        everywhere(
                                "ConstantOfShape negative",
                                graph(node("ConstantOfShape", "s", "y")).addInitializer(longs("s", -1)),
                                "the ConstantOfShape",
                                "-1"),
                        everywhere(
                                "Expand",
                                graph(node("Expand", "x s", "y"))
                                        .addInput(port("x", F32, 1))
                                        .addInitializer(longs("s", HUGE)),
                                "the Expand"),
                        everywhere(
                                "Expand and Neg",
                                graph(node("Expand", "x s", "z"), node("Neg", "z", "y"))
                                        .addInput(port("x", F32, 1))
                                        .addInitializer(longs("s", HUGE))),
                        everywhere(
                                "Tile",
                                graph(node("Tile", "x s", "y"))
                                        .addInput(port("x", F32, 1))
                                        .addInitializer(longs("s", HUGE)),
                                "the Tile"),
                        everywhere(
                                "Range",
                                graph(node("Range", "a b c", "y"))
                                        .addInitializer(scalar("a", 0))
                                        .addInitializer(scalar("b", HUGE))
                                        .addInitializer(scalar("c", 1)),
                                "the Range"),
                        everywhere(
                                "Range step 0",
                                graph(node("Range", "a b c", "y"))
                                        .addInitializer(scalar("a", 0))
                                        .addInitializer(scalar("b", 9))
                                        .addInitializer(scalar("c", 0)),
                                "the Range"),
                        everywhere(
                                "Resize",
                                graph(node("Resize", "x _ _ s", "y"))
                                        .addInput(port("x", F32, 1, 1, 2, 2))
                                        .addInitializer(longs("s", 1, 1, 1 << 24, 1 << 24)),
                                "the Resize"),
                        everywhere(
                                "Pad",
                                graph(node("Pad", "x s", "y"))
                                        .addInput(port("x", F32, 1))
                                        .addInitializer(longs("s", HUGE, HUGE)),
                                "the Pad"),
                        everywhere(
                                "Pad beyond count",
                                graph(node("Pad", "x s", "y"))
                                        .addInput(port("x", F32, 1))
                                        .addInitializer(longs("s", Long.MAX_VALUE, Long.MAX_VALUE)),
                                "the Pad"),
                        everywhere(
                                "EyeLike of RandomNormal",
                                graph(node("RandomNormal", "", "y", integers("shape", HUGE))),
                                "the RandomNormal"),
                        everywhere(
                                "Trilu after Expand",
                                graph(node("Expand", "x s", "z"), node("ReduceSum", "z", "y"))
                                        .addInput(port("x", F32, 1))
                                        .addInitializer(longs("s", 1L << 62))),
                        everywhere(
                                "OneHot",
                                graph(node("OneHot", "x d v", "y"))
                                        .addInput(port("x", I64, 3))
                                        .addInput(port("v", F32, 2))
                                        .addInitializer(scalar("d", HUGE)),
                                "the OneHot"),
                        everywhere(
                                "HannWindow",
                                graph(node("HannWindow", "n", "y")).addInitializer(scalar("n", HUGE)),
                                "the HannWindow"),
                        everywhere(
                                "AveragePool pads",
                                pool("AveragePool", integers("kernel_shape", m, m), integers("pads", m, m, m, m)),
                                "the AveragePool"),
                        everywhere(
                                "MaxPool pads",
                                pool("MaxPool", integers("kernel_shape", 2, 2), integers("pads", m, m, m, m)),
                                "the MaxPool"),
                        everywhere(
                                "MaxPool 2^62", pool("MaxPool", integers("kernel_shape", 1L << 62, 1)), "the MaxPool"),
                        everywhere(
                                "MaxPool dilation",
                                pool("MaxPool", integers("kernel_shape", m, m), integers("dilations", m, m)),
                                "the MaxPool"),
                        everywhere(
                                "Conv pads",
                                two("Conv", l(1, 1, 4, 4), l(1, 1, 3, 3), integers("pads", m, m, m, m)),
                                "the Conv"),
                        everywhere(
                                "ConvTranspose pads",
                                two("ConvTranspose", l(1, 1, 4, 4), l(1, 1, 3, 3), integers("strides", m, m)),
                                "the ConvTranspose"),
                        everywhere("Loop without end", loop(null, true), "the Loop"),
                        everywhere("Loop without anything", loop(null, null), "the Loop"))
                .flatMap(s -> s));
    }

    /** No mistake, but a trap: nearly all of the window is padding. */
    @TestFactory
    Stream<DynamicTest> windowsMuchLargerThanTheInput() {
        long m = Integer.MAX_VALUE;
        AttributeProto.Builder same = text("auto_pad", "SAME_UPPER");
        AttributeProto.Builder kernel = integers("kernel_shape", m, m);
        return Stream.of(
                        pool("MaxPool", same, kernel),
                        pool("AveragePool", same, kernel),
                        pool("AveragePool", same, kernel, integer("count_include_pad", 1)),
                        pool("LpPool", same, kernel),
                        graph(node("MaxPool", "x", "y i", same, kernel)).addInput(port("x", F32, 1, 1, 4, 4)))
                .map(g -> file(model(g)))
                .flatMap(f -> Stream.of("cpu", "reference")
                        .map(d -> DynamicTest.dynamicTest(f.getFileName() + " on " + d, () -> {
                            StringWriter err = new StringWriter();
                            PrintWriter out = new PrintWriter(new StringWriter());
                            Assertions.assertTimeoutPreemptively(
                                    SOON,
                                    () -> Assertions.assertEquals(
                                            0,
                                            Main.run(
                                                    out,
                                                    new PrintWriter(err),
                                                    "run",
                                                    f.toString(),
                                                    "--random",
                                                    "1",
                                                    "--device",
                                                    d),
                                            err::toString));
                        })));
    }

    /** A model may ask for a loop of years; who runs it can stop it. */
    @Test
    void longLoopsEndWhenTheirThreadIsInterrupted() throws InterruptedException {
        Path model = file(model(loop(1L << 62, null)));
        StringWriter err = new StringWriter();
        int[] code = {-1};
        Thread t = Thread.ofPlatform()
                .start(() -> code[0] = Main.run(
                        new PrintWriter(new StringWriter()),
                        new PrintWriter(err),
                        "run",
                        model.toString(),
                        "--random",
                        "1"));
        Assertions.assertFalse(t.join(Duration.ofSeconds(2)), err::toString);
        t.interrupt();
        Assertions.assertTrue(t.join(SOON));
        Assertions.assertEquals(1, code[0]);
        Assertions.assertTrue(err.toString().contains("'the Loop'"), err.toString());
        Assertions.assertTrue(err.toString().contains("interrupted in iteration"), err.toString());
    }

    @TestFactory
    Stream<DynamicTest> filesThatAreNoInputs() {
        Path model = file(model(neg()));
        Path images = file(model(graph(node("Neg", "x", "y")).addInput(port("x", F32, 1, 3, 8, 8))));
        byte[] npy = "\u0093NUMPY\1\0\166\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
                .getBytes(StandardCharsets.ISO_8859_1);
        byte[] good = Arrays.copyOf(npy, 128 + 24);
        Arrays.fill(good, npy.length, 127, (byte) ' ');
        good[127] = '\n';
        Path fine = file("fine.npy", good);
        byte[] i8 = new String(good, StandardCharsets.ISO_8859_1)
                .replace("<f4", "<i8")
                .replace("(2, 3)", "(3,)  ")
                .getBytes(StandardCharsets.ISO_8859_1);
        byte[] huge = new String(good, StandardCharsets.ISO_8859_1)
                .replace("(2, 3), }       ", "(99999999, 99999)")
                .getBytes(StandardCharsets.ISO_8859_1);
        Path cut = file("cut.npy", Arrays.copyOf(good, 140));
        return tests(Stream.of(
                mistake("an input left out", model, "", "'x'", "f32[2,3]", "--input"),
                mistake("unknown name", model, "--input z=" + fine, "'z'", "'x'"),
                mistake("given twice", model, "--input " + fine + " --input " + fine, "'x'", "twice"),
                mistake("no such file", model, "--input x=" + folder.resolve("absent.npy"), "no such file"),
                mistake("a folder", model, "--input x=" + folder, "is a folder"),
                mistake("wrong rank and type", model, "--input x=" + file("i8.npy", i8), "'x'", "f32[2,3]", "[3]"),
                mistake("wrong rank", images, "--input x=" + fine, "'x'", "f32[1,3,8,8]", "f32[2,3]"),
                mistake("cut npy", model, "--input x=" + cut, "cut.npy"),
                mistake("cut header", model, "--input x=" + file("head.npy", Arrays.copyOf(good, 20)), "head.npy"),
                mistake("empty npy", model, "--input x=" + file("empty.npy", new byte[0]), "empty.npy"),
                mistake("huge npy", model, "--input x=" + file("huge.npy", huge), "huge.npy"),
                mistake("cut npz", model, "--input x=" + file("cut.npz", new byte[] {'P', 'K', 3, 4, 0, 0}), "cut.npz"),
                mistake(
                        "noise as pb",
                        model,
                        "--input x=" + file("noise.pb", "what is this".getBytes(StandardCharsets.UTF_8)),
                        "noise.pb"),
                mistake(
                        "huge pb",
                        model,
                        "--input x="
                                + file("huge.pb", claims("x", F32, HUGE).build().toByteArray()),
                        "huge.pb"),
                mistake("raw of another size", model, "--input x=" + file("x.raw", new byte[7]), "x.raw", "7", "24"),
                mistake(
                        "text",
                        model,
                        "--input x=" + file("x.txt", "1,2,3,NaN".getBytes(StandardCharsets.UTF_8)),
                        "x.txt"),
                mistake(
                        "a picture where none is wanted",
                        model,
                        "--input x=" + file("p.png", picture()),
                        "p.png",
                        "'x'"),
                mistake(
                        "a cut picture",
                        images,
                        "--input x=" + file("cut.png", Arrays.copyOf(picture(), 40)),
                        "cut.png"),
                mistake(
                        "mean that is no number",
                        images,
                        "--input x=" + file("q.png", picture()) + " --mean NaN",
                        "--mean"),
                mistake("too many means", images, "--input x=" + folder.resolve("q.png") + " --mean 1,2", "mean"),
                mistake("resize nonsense", images, "--input x=" + folder.resolve("q.png") + " --resize 3", "--resize"),
                mistake(
                        "resize to another size",
                        images,
                        "--input x=" + folder.resolve("q.png") + " --resize 3x3",
                        "x"),
                mistake(
                        "resize beyond reason",
                        images,
                        "--input x=" + folder.resolve("q.png") + " --resize 2000000000x2000000000"),
                mistake(
                        "layout nonsense",
                        images,
                        "--input x=" + folder.resolve("q.png") + " --layout sideways",
                        "sideways"),
                mistake("random of no number", model, "--random seed", "seed", "whole number"),
                mistake("unknown flag", model, "--radnom 1", "--radnom"),
                mistake("shape nonsense", model, "--random 1 --shape x=2,three", "three"),
                mistake("shape negative", model, "--random 1 --shape x=2,-3", "-3"),
                mistake("shape of another rank", model, "--random 1 --shape x=2", "f32[2,3]"),
                mistake("shape of nobody", model, "--random 1 --shape z=2", "'z'"),
                mistake("output in no folder", model, "--random 1 --output " + folder.resolve("no/y.npz"), "folder"),
                mistake("output without an end", model, "--random 1 --output " + folder.resolve("y"), ".npy"),
                mistake("output is a folder", model, "--random 1 --output " + folder, "--output"),
                mistake("no such device", model, "--random 1 --device abacus", "abacus", "cpu", "reference"),
                mistake("runs 0", model, "--random 1 --runs 0", "--runs")));
    }
}
