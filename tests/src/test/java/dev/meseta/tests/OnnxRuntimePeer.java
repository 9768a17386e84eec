package dev.meseta.tests;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** A model in ONNX Runtime, as an oracle. */
final class OnnxRuntimePeer implements AutoCloseable {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;

    OnnxRuntimePeer(Path model) {
        try {
            this.session = environment.createSession(model.toString(), new OrtSession.SessionOptions());
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The outputs by name; tensors of numbers only. */
    Map<String, Tensor> run(Map<String, ? extends Data> inputs) {
        Map<String, OnnxTensor> given = new HashMap<>();
        try {
            for (Map.Entry<String, ? extends Data> e : inputs.entrySet())
                given.put(e.getKey(), peer((Tensor) e.getValue()));
            Map<String, Tensor> result = new LinkedHashMap<>();
            try (OrtSession.Result r = session.run(given)) {
                for (Map.Entry<String, OnnxValue> e : r) result.put(e.getKey(), ours((OnnxTensor) e.getValue()));
            }
            return result;
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        } finally {
            given.values().forEach(OnnxTensor::close);
        }
    }

    private OnnxTensor peer(Tensor t) throws OrtException {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(Math.toIntExact(t.type().bytes())).order(ByteOrder.nativeOrder());
        bytes.put(t.data().asByteBuffer()).flip();
        OnnxJavaType type = switch (t.dtype()) {
            case F32 -> OnnxJavaType.FLOAT;
            case F64 -> OnnxJavaType.DOUBLE;
            case I64 -> OnnxJavaType.INT64;
            case I32 -> OnnxJavaType.INT32;
            case U8 -> OnnxJavaType.UINT8;
            case I8 -> OnnxJavaType.INT8;
            case BOOL -> OnnxJavaType.BOOL;
            default -> throw new IllegalArgumentException("no " + t.dtype() + " in the peer's Java interface");
        };
        return OnnxTensor.createTensor(environment, bytes, t.shape().extents(), type);
    }

    private static Tensor ours(OnnxTensor t) {
        DType type = switch (t.getInfo().type) {
            case FLOAT -> DType.F32;
            case DOUBLE -> DType.F64;
            case INT64 -> DType.I64;
            case INT32 -> DType.I32;
            case UINT8 -> DType.U8;
            case INT8 -> DType.I8;
            case BOOL -> DType.BOOL;
            default -> throw new IllegalArgumentException("unexpected " + t.getInfo());
        };
        Tensor result = Tensor.allocate(type, Shape.of(t.getInfo().getShape()));
        result.data().copyFrom(java.lang.foreign.MemorySegment.ofBuffer(t.getByteBuffer()));
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
