package dev.meseta.tests;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Another implementation of ONNX, as an oracle: one run of a model on tensors, nothing kept. */
final class OnnxRuntime {
    private OnnxRuntime() {}

    static Map<String, Tensor> run(Path model, Map<String, Tensor> inputs) throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        Map<String, OnnxTensor> given = new LinkedHashMap<>();
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
                OrtSession session = environment.createSession(model.toString(), options)) {
            for (Map.Entry<String, Tensor> input : inputs.entrySet()) {
                given.put(input.getKey(), toOnnxRuntime(environment, input.getValue()));
            }
            try (OrtSession.Result result = session.run(given)) {
                Map<String, Tensor> outputs = new LinkedHashMap<>();
                for (Map.Entry<String, OnnxValue> output : result) {
                    outputs.put(output.getKey(), fromOnnxRuntime((OnnxTensor) output.getValue()));
                }
                return outputs;
            }
        } finally {
            given.values().forEach(OnnxTensor::close);
        }
    }

    private static OnnxTensor toOnnxRuntime(OrtEnvironment environment, Tensor tensor) throws OrtException {
        int count = Math.toIntExact(tensor.elements());
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(count * tensor.dtype().bytes()).order(ByteOrder.nativeOrder());
        bytes.duplicate().put(tensor.data().asByteBuffer());
        long[] shape = tensor.shape().extents();
        return switch (tensor.dtype()) {
            case F32 -> OnnxTensor.createTensor(environment, bytes.asFloatBuffer(), shape);
            case I64 -> OnnxTensor.createTensor(environment, bytes.asLongBuffer(), shape);
            case I32 -> OnnxTensor.createTensor(environment, bytes.asIntBuffer(), shape);
            default -> throw new IllegalArgumentException("no test needs inputs of type " + tensor.dtype());
        };
    }

    private static Tensor fromOnnxRuntime(OnnxTensor value) {
        Shape shape = Shape.of(value.getInfo().getShape());
        switch (value.getInfo().type) {
            case FLOAT -> {
                FloatBuffer buffer = value.getFloatBuffer();
                Tensor tensor = Tensor.allocate(DType.F32, shape);
                tensor.data()
                        .asByteBuffer()
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asFloatBuffer()
                        .put(buffer);
                return tensor;
            }
            case INT64 -> {
                LongBuffer buffer = value.getLongBuffer();
                Tensor tensor = Tensor.allocate(DType.I64, shape);
                tensor.data()
                        .asByteBuffer()
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asLongBuffer()
                        .put(buffer);
                return tensor;
            }
            case INT32 -> {
                IntBuffer buffer = value.getIntBuffer();
                Tensor tensor = Tensor.allocate(DType.I32, shape);
                tensor.data()
                        .asByteBuffer()
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asIntBuffer()
                        .put(buffer);
                return tensor;
            }
            default -> throw new IllegalArgumentException("no test needs outputs of type " + value.getInfo().type);
        }
    }
}
