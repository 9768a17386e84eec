package dev.meseta.frontends.onnx;

import dev.meseta.frontends.onnx.format.TensorShapeProto;
import dev.meseta.frontends.onnx.format.TypeProto;
import dev.meseta.frontends.onnx.format.ValueInfoProto;
import dev.meseta.frontends.onnx.operators.ElementTypes;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.program.Port;
import java.util.ArrayList;
import java.util.List;

/** Makes ports of the types that a model states. */
final class TypeReader {
    private TypeReader() {}

    static Port port(ValueInfoProto info, boolean optional, String where) {
        return port(info.getName(), info.getType(), optional, where);
    }

    static Port port(String name, TypeProto type, boolean optional, String where) {
        return switch (type.getValueCase()) {
            case TENSOR_TYPE -> tensor(name, type.getTensorType(), optional, where);
            case SEQUENCE_TYPE ->
                holder(name, Port.Kind.SEQUENCE, type.getSequenceType().getElemType(), optional, where);
            case OPTIONAL_TYPE ->
                holder(name, Port.Kind.OPTIONAL, type.getOptionalType().getElemType(), optional, where);
            case MAP_TYPE -> new Port(name, Port.Kind.MAPPING, null, null, optional);
            case SPARSE_TENSOR_TYPE -> tensor(name, type.getSparseTensorType(), optional, where);
            case OPAQUE_TYPE ->
                throw new InvalidInputException(where + " has the opaque type '"
                        + type.getOpaqueType().getDomain() + "."
                        + type.getOpaqueType().getName()
                        + "', which only the model's author knows");
            case VALUE_NOT_SET -> new Port(name, Port.Kind.ANY, null, null, optional);
        };
    }

    private static Port tensor(String name, TypeProto.Tensor tensor, boolean optional, String where) {
        int number = tensor.getElemType();
        // A rank without a shape field is unknown; a shape without dims is a scalar's.
        Shape shape = tensor.hasShape() ? shape(tensor.getShape(), where) : null;
        if (number == ElementTypes.STRING) return new Port(name, Port.Kind.STRINGS, null, shape, optional);
        if (number == 0) return new Port(name, Port.Kind.ANY, null, shape, optional);
        DType dtype = ElementTypes.of(number);
        if (dtype == null) throw new InvalidInputException(where + " has the unknown element type " + number);
        return new Port(name, Port.Kind.TENSOR, dtype, shape, optional);
    }

    private static Port holder(String name, Port.Kind kind, TypeProto element, boolean optional, String where) {
        // Protobuf bounds the nesting of types, hence this recursion.
        Port inner = port(name, element, false, where);
        return new Port(name, kind, inner.dtype(), inner.shape(), optional);
    }

    private static Shape shape(TensorShapeProto proto, String where) {
        if (proto.getDimCount() > TensorReader.HIGHEST_RANK) {
            throw new InvalidInputException(
                    where + " has " + proto.getDimCount() + " dimensions, more than " + TensorReader.HIGHEST_RANK);
        }
        List<Dim> dims = new ArrayList<>();
        for (TensorShapeProto.Dimension d : proto.getDimList()) {
            if (d.hasDimParam() && !d.getDimParam().isEmpty()) {
                dims.add(Dim.symbolic(d.getDimParam(), Dim.UNKNOWN));
            } else if (d.hasDimValue() && d.getDimValue() >= 0) {
                dims.add(Dim.of(d.getDimValue()));
            } else {
                // Some exporters write -1 for an extent that is open.
                dims.add(new Dim(Dim.UNKNOWN, null));
            }
        }
        return Shape.of(dims);
    }
}
