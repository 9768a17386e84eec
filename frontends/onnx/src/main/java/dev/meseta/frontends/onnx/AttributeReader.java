package dev.meseta.frontends.onnx;

import com.google.protobuf.ByteString;
import dev.meseta.frontends.onnx.format.AttributeProto;
import dev.meseta.frontends.onnx.format.AttributeProto.AttributeType;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.operators.Attributes.Body;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Port;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/** Makes the values that {@link dev.meseta.frontends.onnx.operators.Attributes} holds of the attributes in a file. */
final class AttributeReader {
    private final TensorReader tensors;
    private final BiFunction<GraphProto, String, Body> bodies;

    /**
     * @param bodies reads a graph, given what messages call it
     */
    AttributeReader(TensorReader tensors, BiFunction<GraphProto, String, Body> bodies) {
        this.tensors = tensors;
        this.bodies = bodies;
    }

    Object value(AttributeProto a, String node) {
        String where = node + ", attribute '" + a.getName() + "'";
        return switch (type(a, where)) {
            case FLOAT -> a.getF();
            case INT -> a.getI();
            case STRING -> a.getS().toStringUtf8();
            case FLOATS -> floats(a);
            case INTS -> a.getIntsList().stream().mapToLong(Long::longValue).toArray();
            case STRINGS ->
                a.getStringsList().stream().map(ByteString::toStringUtf8).toList();
            case TENSOR -> tensors.read(a.getT(), where);
            case TENSORS -> tensors.readAll(a.getTensorsList(), where);
            case SPARSE_TENSOR -> tensors.dense(a.getSparseTensor(), where);
            case SPARSE_TENSORS -> {
                List<Data> all = new ArrayList<>();
                for (int i = 0; i < a.getSparseTensorsCount(); i++)
                    all.add(tensors.dense(a.getSparseTensors(i), where));
                yield all;
            }
            case GRAPH -> bodies.apply(a.getG(), where);
            case GRAPHS ->
                a.getGraphsList().stream().map(g -> bodies.apply(g, where)).toList();
            case TYPE_PROTO -> TypeReader.port(a.getName(), a.getTp(), false, where);
            case TYPE_PROTOS -> {
                List<Port> all = new ArrayList<>();
                for (int i = 0; i < a.getTypeProtosCount(); i++) {
                    all.add(TypeReader.port(a.getName(), a.getTypeProtos(i), false, where));
                }
                yield all;
            }
            case UNDEFINED -> throw new InvalidInputException(where + " has no value");
        };
    }

    private static float[] floats(AttributeProto a) {
        float[] v = new float[a.getFloatsCount()];
        for (int i = 0; i < v.length; i++) v[i] = a.getFloats(i);
        return v;
    }

    /** The stated type, or for the first files, which state none, that of the only field in use. */
    private static AttributeType type(AttributeProto a, String where) {
        AttributeType type = a.hasType() && a.getType() != AttributeType.UNDEFINED ? a.getType() : present(a);
        boolean there = switch (type) {
            case FLOAT -> a.hasF();
            case INT -> a.hasI();
            case STRING -> a.hasS();
            case TENSOR -> a.hasT();
            case GRAPH -> a.hasG();
            case SPARSE_TENSOR -> a.hasSparseTensor();
            case TYPE_PROTO -> a.hasTp();
            case UNDEFINED -> false;
            default -> true;
        };
        // A writer may leave out a value that equals protobuf's default for its field.
        boolean scalar = type == AttributeType.FLOAT || type == AttributeType.INT || type == AttributeType.STRING;
        if (!there && !(scalar && present(a) == AttributeType.UNDEFINED)) {
            throw new InvalidInputException(where + " is said to be of type " + type + ", but holds no such value");
        }
        return type;
    }

    private static AttributeType present(AttributeProto a) {
        if (a.hasF()) return AttributeType.FLOAT;
        if (a.hasI()) return AttributeType.INT;
        if (a.hasS()) return AttributeType.STRING;
        if (a.hasT()) return AttributeType.TENSOR;
        if (a.hasG()) return AttributeType.GRAPH;
        if (a.hasSparseTensor()) return AttributeType.SPARSE_TENSOR;
        if (a.hasTp()) return AttributeType.TYPE_PROTO;
        if (a.getFloatsCount() > 0) return AttributeType.FLOATS;
        if (a.getIntsCount() > 0) return AttributeType.INTS;
        if (a.getStringsCount() > 0) return AttributeType.STRINGS;
        if (a.getTensorsCount() > 0) return AttributeType.TENSORS;
        if (a.getGraphsCount() > 0) return AttributeType.GRAPHS;
        return AttributeType.UNDEFINED;
    }
}
