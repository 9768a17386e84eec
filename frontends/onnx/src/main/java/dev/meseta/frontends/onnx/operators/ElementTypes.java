package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import org.jspecify.annotations.Nullable;

/** ONNX's numbers and names for element types ({@code TensorProto.DataType}). */
public final class ElementTypes {
    /** The number of strings, which are no element type of the op set. */
    public static final int STRING = 8;

    private ElementTypes() {}

    /** The element type with ONNX's number, or null for an unknown number and for strings. */
    public static @Nullable DType of(long code) {
        return switch (Math.clamp(code, -1, 1000)) {
            case 1 -> DType.F32;
            case 2 -> DType.U8;
            case 3 -> DType.I8;
            case 4 -> DType.U16;
            case 5 -> DType.I16;
            case 6 -> DType.I32;
            case 7 -> DType.I64;
            case 9 -> DType.BOOL;
            case 10 -> DType.F16;
            case 11 -> DType.F64;
            case 12 -> DType.U32;
            case 13 -> DType.U64;
            case 14 -> DType.C64;
            case 15 -> DType.C128;
            case 16 -> DType.BF16;
            case 17 -> DType.F8E4M3FN;
            case 18 -> DType.F8E4M3FNUZ;
            case 19 -> DType.F8E5M2;
            case 20 -> DType.F8E5M2FNUZ;
            case 21 -> DType.U4;
            case 22 -> DType.I4;
            case 23 -> DType.F4E2M1;
            case 24 -> DType.F8E8M0;
            case 25 -> DType.U2;
            case 26 -> DType.I2;
            default -> null;
        };
    }

    /** The element type with ONNX's name, as the first versions of some operators give it; null for an unknown name and for strings. */
    public static @Nullable DType named(String name) {
        return switch (name) {
            case "FLOAT" -> DType.F32;
            case "UINT8" -> DType.U8;
            case "INT8" -> DType.I8;
            case "UINT16" -> DType.U16;
            case "INT16" -> DType.I16;
            case "INT32" -> DType.I32;
            case "INT64" -> DType.I64;
            case "BOOL" -> DType.BOOL;
            case "FLOAT16" -> DType.F16;
            case "DOUBLE" -> DType.F64;
            case "UINT32" -> DType.U32;
            case "UINT64" -> DType.U64;
            case "COMPLEX64" -> DType.C64;
            case "COMPLEX128" -> DType.C128;
            default -> null;
        };
    }

    /** The element type that an attribute holds, by number; another if the node has no such attribute. */
    public static DType attribute(OperatorNode node, String name, DType otherwise) {
        if (!node.attributes().has(name)) return otherwise;
        DType type = of(node.attributes().integer(name));
        if (type == null) {
            throw node.error("attribute '" + name + "' holds "
                    + node.attributes().integer(name) + ", which is no element type of numbers");
        }
        return type;
    }
}
