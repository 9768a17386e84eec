package dev.meseta.benchmarks;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxSequence;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.meseta.conformance.Peer;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** ONNX Runtime through its Java interface, with its own defaults but for the number of threads and silence. */
public final class OnnxRuntimePeer implements Peer {
    private static final class Holder {
        static final OrtEnvironment ENVIRONMENT =
                OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "meseta");
    }

    @Override
    public String name() {
        return "onnxruntime";
    }

    @Override
    public String version() {
        return Holder.ENVIRONMENT.getVersion();
    }

    @Override
    public Peer.Loaded load(Path model, int threads) {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(threads);
            options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
            return new Session(Holder.ENVIRONMENT.createSession(model.toString(), options));
        } catch (OrtException e) {
            throw refused(e);
        }
    }

    private static RefusedException refused(OrtException e) {
        return new RefusedException(String.valueOf(e.getMessage()), e);
    }

    private record Session(OrtSession session) implements Peer.Loaded {
        @Override
        public Peer.Bound bind(Map<String, ? extends Data> inputs) {
            Map<String, OnnxTensor> given = new HashMap<>();
            try {
                for (Map.Entry<String, ? extends Data> e : inputs.entrySet()) {
                    given.put(e.getKey(), theirs(e.getKey(), e.getValue()));
                }
                return new Inputs(session, given);
            } catch (OrtException e) {
                given.values().forEach(OnnxTensor::close);
                throw refused(e);
            } catch (RefusedException e) {
                given.values().forEach(OnnxTensor::close);
                throw e;
            }
        }

        @Override
        public void close() {
            try {
                session.close();
            } catch (OrtException e) {
                throw refused(e);
            }
        }
    }

    private record Inputs(OrtSession session, Map<String, OnnxTensor> given) implements Peer.Bound {
        @Override
        public void run() {
            try {
                session.run(given).close();
            } catch (OrtException e) {
                throw refused(e);
            }
        }

        @Override
        public Map<String, Data> answer() {
            Map<String, Data> answer = new LinkedHashMap<>();
            try (OrtSession.Result result = session.run(given)) {
                for (Map.Entry<String, OnnxValue> e : result) answer.put(e.getKey(), ours(e.getKey(), e.getValue()));
            } catch (OrtException e) {
                throw refused(e);
            }
            return answer;
        }

        @Override
        public void close() {
            given.values().forEach(OnnxTensor::close);
        }
    }

    // ---- values ----

    private static OnnxTensor theirs(String name, Data data) throws OrtException {
        return switch (data) {
            case Tensor t -> theirs(name, t);
            case Data.Strings(Shape shape, List<String> values) ->
                OnnxTensor.createTensor(Holder.ENVIRONMENT, values.toArray(String[]::new), shape.extents());
            default -> throw unknown(name, data.describe());
        };
    }

    private static OnnxTensor theirs(String name, Tensor t) throws OrtException {
        OnnxJavaType type = switch (t.dtype()) {
            case F32 -> OnnxJavaType.FLOAT;
            case F64 -> OnnxJavaType.DOUBLE;
            case F16 -> OnnxJavaType.FLOAT16;
            case BF16 -> OnnxJavaType.BFLOAT16;
            case I64 -> OnnxJavaType.INT64;
            case I32 -> OnnxJavaType.INT32;
            case I16 -> OnnxJavaType.INT16;
            case U8 -> OnnxJavaType.UINT8;
            case I8 -> OnnxJavaType.INT8;
            case BOOL -> OnnxJavaType.BOOL;
            default -> throw unknown(name, t.describe());
        };
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(Math.toIntExact(t.type().bytes())).order(ByteOrder.nativeOrder());
        bytes.put(t.data().asByteBuffer()).flip();
        return OnnxTensor.createTensor(Holder.ENVIRONMENT, bytes, t.shape().extents(), type);
    }

    private static Data ours(String name, OnnxValue value) throws OrtException {
        return switch (value) {
            case OnnxTensor t when t.getInfo().type == OnnxJavaType.STRING -> strings(t);
            case OnnxTensor t -> ours(name, t);
            case OnnxSequence s -> {
                List<Data> items = new ArrayList<>();
                for (OnnxValue item : s.getValue()) {
                    try (item) {
                        items.add(ours(name, item));
                    }
                }
                yield new Data.Sequence(items);
            }
            default -> throw unknown(name, value.getType().toString());
        };
    }

    private static Tensor ours(String name, OnnxTensor t) {
        DType type = switch (t.getInfo().type) {
            case FLOAT -> DType.F32;
            case DOUBLE -> DType.F64;
            case FLOAT16 -> DType.F16;
            case BFLOAT16 -> DType.BF16;
            case INT64 -> DType.I64;
            case INT32 -> DType.I32;
            case INT16 -> DType.I16;
            case UINT8 -> DType.U8;
            case INT8 -> DType.I8;
            case BOOL -> DType.BOOL;
            default -> throw unknown(name, t.getInfo().toString());
        };
        Tensor result = Tensor.allocate(type, Shape.of(t.getInfo().getShape()));
        if (result.elements() > 0) result.data().copyFrom(MemorySegment.ofBuffer(t.getByteBuffer()));
        return result;
    }

    private static Data.Strings strings(OnnxTensor t) throws OrtException {
        List<String> values = new ArrayList<>();
        flatten(t.getValue(), values);
        return new Data.Strings(Shape.of(t.getInfo().getShape()), values);
    }

    private static void flatten(Object value, List<String> into) {
        if (value instanceof Object[] list) Arrays.stream(list).forEach(v -> flatten(v, into));
        else into.add((String) value);
    }

    private static RefusedException unknown(String name, String type) {
        String message = "'" + name + "' is " + type + ", which its Java interface does not have";
        return new RefusedException(message, new UnsupportedOperationException(message));
    }
}
