package dev.meseta.tests.tflite;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Path;

/**
 * The main class of the process that runs TFLite: reads models and inputs from its standard input, writes outputs to its standard output.
 * Calls TFLite's C interface, and its table of reference kernels, which is a C++ class whose constructor and methods are exported.
 */
final class TfliteLibrary {
    private static final String RESOLVER = "_ZN6tflite3ops7builtin20BuiltinRefOpResolverC1Ev";
    private static final String FIND_BUILTIN =
            "_ZNK6tflite3ops7builtin20BuiltinRefOpResolver6FindOpENS_15BuiltinOperatorEi";
    private static final String OTHER_RESOLVER = "_ZN6tflite3ops7builtin17BuiltinOpResolverC1Ev";
    private static final String FIND_OTHER = "_ZNK6tflite17MutableOpResolver6FindOpENS_15BuiltinOperatorEi";
    private static final String FIND_CUSTOM = "_ZNK6tflite3ops7builtin20BuiltinRefOpResolver6FindOpEPKci";

    /** More than the class has. */
    private static final long RESOLVER_BYTES = 1 << 16;

    private final SymbolLookup library;
    private final MemorySegment resolver;
    private final MemorySegment others;
    private final MemorySegment finder;

    private TfliteLibrary(Path file) throws Throwable {
        library = SymbolLookup.libraryLookup(file, Arena.global());
        resolver = Arena.global().allocate(RESOLVER_BYTES, 64);
        call(RESOLVER, null, resolver);
        others = Arena.global().allocate(RESOLVER_BYTES, 64);
        call(OTHER_RESOLVER, null, others);
        MethodType type = MethodType.methodType(MemorySegment.class, MemorySegment.class, int.class, int.class);
        finder = Linker.nativeLinker()
                .upcallStub(
                        MethodHandles.lookup()
                                .findVirtual(TfliteLibrary.class, "find", type)
                                .bindTo(this),
                        FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT, JAVA_INT),
                        Arena.global());
    }

    /** The reference kernel of an operator, or the only one if there is no reference for it. */
    private MemorySegment find(MemorySegment resolver, int operator, int version) {
        try {
            MemorySegment found = (MemorySegment) call(FIND_BUILTIN, ADDRESS, resolver, operator, version);
            return found.address() != 0 ? found : (MemorySegment) call(FIND_OTHER, ADDRESS, others, operator, version);
        } catch (Throwable e) {
            return MemorySegment.NULL;
        }
    }

    /** Argument: the shared library. */
    public static void main(String[] args) throws Throwable {
        TfliteLibrary library = new TfliteLibrary(Path.of(args[0]));
        DataInputStream in = new DataInputStream(System.in);
        DataOutputStream out = new DataOutputStream(System.out);
        while (true) {
            int size = in.readInt();
            if (size < 0) return;
            byte[] model = in.readNBytes(size);
            int runs = in.readInt();
            int[][] shapes = new int[in.readInt()][];
            byte[][] inputs = new byte[shapes.length][];
            for (int i = 0; i < inputs.length; i++) {
                shapes[i] = new int[in.readInt()];
                for (int k = 0; k < shapes[i].length; k++) shapes[i][k] = in.readInt();
                inputs[i] = in.readNBytes(in.readInt());
            }
            library.run(model, runs, shapes, inputs, out);
            out.flush();
        }
    }

    /** Runs a model some times with the same inputs, which matters to one that keeps state; writes the last outputs. */
    private void run(byte[] bytes, int runs, int[][] shapes, byte[][] inputs, DataOutputStream out) throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment model = arena.allocate(bytes.length + 64L, 64);
            MemorySegment.copy(bytes, 0, model, ValueLayout.JAVA_BYTE, 0, bytes.length);
            MemorySegment handle = (MemorySegment) call("TfLiteModelCreate", ADDRESS, model, (long) bytes.length);
            MemorySegment options = (MemorySegment) call("TfLiteInterpreterOptionsCreate", ADDRESS);
            call("TfLiteInterpreterOptionsSetNumThreads", null, options, 1);
            call("TfLiteInterpreterOptionsSetOpResolver", null, options, finder, find(FIND_CUSTOM), resolver);
            MemorySegment interpreter = handle.address() == 0
                    ? MemorySegment.NULL
                    : (MemorySegment) call("TfLiteInterpreterCreate", ADDRESS, handle, options);
            String failure =
                    interpreter.address() == 0 ? "no interpreter" : prepare(arena, interpreter, shapes, inputs);
            for (int i = 0; i < runs && failure.isEmpty(); i++) {
                if ((int) call("TfLiteInterpreterInvoke", JAVA_INT, interpreter) != 0) failure = "does not run";
            }
            out.writeUTF(failure);
            if (failure.isEmpty()) outputs(interpreter, out);
            if (interpreter.address() != 0) call("TfLiteInterpreterDelete", null, interpreter);
            call("TfLiteInterpreterOptionsDelete", null, options);
            if (handle.address() != 0) call("TfLiteModelDelete", null, handle);
        }
    }

    private String prepare(Arena arena, MemorySegment interpreter, int[][] shapes, byte[][] inputs) throws Throwable {
        int count = (int) call("TfLiteInterpreterGetInputTensorCount", JAVA_INT, interpreter);
        if (count != inputs.length) return count + " inputs instead of " + inputs.length;
        for (int i = 0; i < count; i++) {
            MemorySegment dims = arena.allocateFrom(JAVA_INT, shapes[i]);
            int n = shapes[i].length;
            if ((int) call("TfLiteInterpreterResizeInputTensor", JAVA_INT, interpreter, i, dims, n) != 0) {
                return "input " + i + " does not take the shape";
            }
        }
        if ((int) call("TfLiteInterpreterAllocateTensors", JAVA_INT, interpreter) != 0) return "does not prepare";
        for (int i = 0; i < count; i++) {
            MemorySegment tensor = (MemorySegment) call("TfLiteInterpreterGetInputTensor", ADDRESS, interpreter, i);
            MemorySegment data = arena.allocate(inputs[i].length + 1L, 64);
            MemorySegment.copy(inputs[i], 0, data, ValueLayout.JAVA_BYTE, 0, inputs[i].length);
            if ((int) call("TfLiteTensorCopyFromBuffer", JAVA_INT, tensor, data, (long) inputs[i].length) != 0) {
                return "input " + i + " does not take the bytes";
            }
        }
        return "";
    }

    private void outputs(MemorySegment interpreter, DataOutputStream out) throws Throwable {
        int count = (int) call("TfLiteInterpreterGetOutputTensorCount", JAVA_INT, interpreter);
        out.writeInt(count);
        for (int i = 0; i < count; i++) {
            MemorySegment tensor = (MemorySegment) call("TfLiteInterpreterGetOutputTensor", ADDRESS, interpreter, i);
            out.writeInt((int) call("TfLiteTensorType", JAVA_INT, tensor));
            int rank = (int) call("TfLiteTensorNumDims", JAVA_INT, tensor);
            out.writeInt(rank);
            for (int d = 0; d < rank; d++) out.writeInt((int) call("TfLiteTensorDim", JAVA_INT, tensor, d));
            long size = (long) call("TfLiteTensorByteSize", JAVA_LONG, tensor);
            out.writeInt((int) size);
            MemorySegment data = (MemorySegment) call("TfLiteTensorData", ADDRESS, tensor);
            if (size > 0) out.write(data.reinterpret(size).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    private MemorySegment find(String name) throws IOException {
        return library.find(name).orElseThrow(() -> new IOException("the library has no " + name));
    }

    private Object call(String name, MemoryLayout result, Object... arguments) throws Throwable {
        MemoryLayout[] layouts = new MemoryLayout[arguments.length];
        for (int i = 0; i < layouts.length; i++) {
            layouts[i] = switch (arguments[i]) {
                case Integer _ -> JAVA_INT;
                case Long _ -> JAVA_LONG;
                default -> ADDRESS;
            };
        }
        FunctionDescriptor type =
                result == null ? FunctionDescriptor.ofVoid(layouts) : FunctionDescriptor.of(result, layouts);
        return Linker.nativeLinker().downcallHandle(find(name), type).invokeWithArguments(arguments);
    }
}
