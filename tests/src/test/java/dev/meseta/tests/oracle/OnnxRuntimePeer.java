package dev.meseta.tests.oracle;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxSequence;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
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

/** A model in ONNX Runtime, as an oracle. Not thread-safe. */
public final class OnnxRuntimePeer implements AutoCloseable {
    private final OrtEnvironment environment =
            OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "peer");
    private final OrtSession session;

    /** ONNX Runtime does not take the model, or not these inputs; the message is its own. */
    public static final class RefusedException extends RuntimeException {
        RefusedException(OrtException cause) {
            super(cause.getMessage(), cause);
        }
    }

    /** A model with everything that ONNX Runtime does to make it fast. */
    public OnnxRuntimePeer(Path model) {
        try {
            this.session = environment.createSession(model.toString(), new OrtSession.SessionOptions());
        } catch (OrtException e) {
            throw new RefusedException(e);
        }
    }

    /** A model as it is: nothing fused or folded, on one thread. */
    public OnnxRuntimePeer(byte[] model) {
        try (OrtSession.SessionOptions plain = new OrtSession.SessionOptions()) {
            plain.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.NO_OPT);
            plain.setIntraOpNumThreads(1);
            plain.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
            this.session = environment.createSession(model, plain);
        } catch (OrtException e) {
            throw new RefusedException(e);
        }
    }

    /** The types of the outputs that {@link #answer} cannot give as they are, but in a {@link #carrier}. */
    public Map<String, DType> outputsToCarry() {
        Map<String, DType> types = new HashMap<>();
        try {
            for (Map.Entry<String, NodeInfo> e : session.getOutputInfo().entrySet()) {
                if (!(e.getValue().getInfo() instanceof TensorInfo t)) continue;
                String name = t.onnxType.name().replace("ONNX_TENSOR_ELEMENT_DATA_TYPE_", "");
                DType type = switch (name) {
                    case "UINT16" -> DType.U16;
                    case "UINT32" -> DType.U32;
                    case "UINT64" -> DType.U64;
                    case "UINT4" -> DType.U4;
                    case "INT4" -> DType.I4;
                    case "UINT2" -> DType.U2;
                    case "INT2" -> DType.I2;
                    case "FLOAT8E4M3FN" -> DType.F8E4M3FN;
                    case "FLOAT8E4M3FNUZ" -> DType.F8E4M3FNUZ;
                    case "FLOAT8E5M2" -> DType.F8E5M2;
                    case "FLOAT8E5M2FNUZ" -> DType.F8E5M2FNUZ;
                    case "FLOAT8E8M0" -> DType.F8E8M0;
                    case "FLOAT4E2M1" -> DType.F4E2M1;
                    // A type that the interface has no name for: its values are all there is.
                    case "UNDEFINED" -> DType.F32;
                    default -> null;
                };
                if (type != null) types.put(e.getKey(), type);
            }
            return types;
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The type in which a tensor of this type can be given without loss, or the type itself. */
    public static DType carrier(DType type) {
        return switch (type) {
            case U16 -> DType.I32;
            case U32, U64 -> DType.I64;
            case I4, I2 -> DType.I8;
            case U4, U2 -> DType.U8;
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 -> DType.F32;
            default -> type;
        };
    }

    /** The outputs by name, where all are tensors of numbers. */
    public Map<String, Tensor> run(Map<String, ? extends Data> inputs) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        answer(inputs).forEach((name, data) -> tensors.put(name, (Tensor) data));
        return tensors;
    }

    /** The outputs by name. */
    public Map<String, Data> answer(Map<String, ? extends Data> inputs) {
        Map<String, OnnxTensor> given = new HashMap<>();
        try {
            for (Map.Entry<String, ? extends Data> e : inputs.entrySet()) given.put(e.getKey(), peer(e.getValue()));
            Map<String, Data> result = new LinkedHashMap<>();
            try (OrtSession.Result r = session.run(given)) {
                for (Map.Entry<String, OnnxValue> e : r) result.put(e.getKey(), ours(e.getValue()));
            }
            return result;
        } catch (OrtException e) {
            throw new RefusedException(e);
        } finally {
            given.values().forEach(OnnxTensor::close);
        }
    }

    private OnnxTensor peer(Data d) throws OrtException {
        return switch (d) {
            case Tensor t -> peer(t);
            case Data.Strings(Shape shape, List<String> values) ->
                OnnxTensor.createTensor(environment, values.toArray(String[]::new), shape.extents());
            default -> throw new IllegalArgumentException("no " + d.describe() + " for the peer");
        };
    }

    private OnnxTensor peer(Tensor t) throws OrtException {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(Math.toIntExact(t.type().bytes())).order(ByteOrder.nativeOrder());
        bytes.put(t.data().asByteBuffer()).flip();
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
            default -> throw new IllegalArgumentException("no " + t.dtype() + " in the peer's Java interface");
        };
        return OnnxTensor.createTensor(environment, bytes, t.shape().extents(), type);
    }

    private static Data ours(OnnxValue v) throws OrtException {
        return switch (v) {
            case OnnxTensor t when t.getInfo().type == OnnxJavaType.STRING -> strings(t);
            case OnnxTensor t -> ours(t);
            case OnnxSequence s -> {
                List<Data> items = new ArrayList<>();
                for (OnnxValue item : s.getValue()) {
                    try (item) {
                        items.add(ours(item));
                    }
                }
                yield new Data.Sequence(items);
            }
            default -> throw new IllegalArgumentException("unexpected " + v.getType());
        };
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

    private static Tensor ours(OnnxTensor t) {
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
            default -> throw new IllegalArgumentException("unexpected " + t.getInfo());
        };
        Tensor result = Tensor.allocate(type, Shape.of(t.getInfo().getShape()));
        if (result.elements() > 0) result.data().copyFrom(MemorySegment.ofBuffer(t.getByteBuffer()));
        return result;
    }

    @Override
    public void close() {
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
