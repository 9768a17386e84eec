package dev.meseta.frontends.onnx;

import dev.meseta.frontends.onnx.format.MapProto;
import dev.meseta.frontends.onnx.format.OptionalProto;
import dev.meseta.frontends.onnx.format.SequenceProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads data in ONNX's own form: files with one TensorProto, SequenceProto, OptionalProto or MapProto. */
public final class OnnxData {
    private OnnxData() {}

    /**
     * Reads a file, which is mapped and must not change while the data is in use.
     *
     * @param kind what the file holds, which it does not say itself; ANY is a tensor
     */
    public static Data read(Path file, Port.Kind kind) {
        MemorySegment bytes = OnnxReader.map(file);
        return read(bytes, new ExternalFiles(file.toAbsolutePath().getParent()), kind, "'" + file + "'");
    }

    /** Reads data in memory. */
    public static Data read(MemorySegment bytes, Port.Kind kind) {
        return read(bytes, new ExternalFiles(null), kind, "the data");
    }

    private static Data read(MemorySegment bytes, ExternalFiles external, Port.Kind kind, String where) {
        DataReader reader = new DataReader(new TensorReader(bytes, external));
        return switch (kind) {
            case TENSOR, STRINGS, ANY ->
                reader.tensors.read(
                        OnnxReader.parse(bytes, Skeleton.Message.TENSOR, TensorProto.parser(), where), where);
            case SEQUENCE ->
                reader.sequence(
                        OnnxReader.parse(bytes, Skeleton.Message.SEQUENCE, SequenceProto.parser(), where), where);
            case OPTIONAL ->
                reader.optional(
                        OnnxReader.parse(bytes, Skeleton.Message.OPTIONAL, OptionalProto.parser(), where), where);
            case MAPPING ->
                reader.mapping(OnnxReader.parse(bytes, Skeleton.Message.MAP, MapProto.parser(), where), where);
        };
    }

    /** Protobuf bounds the nesting, hence the recursion. */
    private record DataReader(TensorReader tensors) {
        Data sequence(SequenceProto proto, String where) {
            List<Data> items = new ArrayList<>(tensors.readAll(proto.getTensorValuesList(), where));
            for (var p : proto.getSparseTensorValuesList()) items.add(tensors.dense(p, where));
            for (var p : proto.getSequenceValuesList()) items.add(sequence(p, where));
            for (var p : proto.getMapValuesList()) items.add(mapping(p, where));
            for (var p : proto.getOptionalValuesList()) items.add(optional(p, where));
            return new Data.Sequence(items);
        }

        Data optional(OptionalProto proto, String where) {
            if (proto.hasTensorValue()) return new Data.Optional(tensors.read(proto.getTensorValue(), where));
            if (proto.hasSparseTensorValue())
                return new Data.Optional(tensors.dense(proto.getSparseTensorValue(), where));
            if (proto.hasSequenceValue()) return new Data.Optional(sequence(proto.getSequenceValue(), where));
            if (proto.hasMapValue()) return new Data.Optional(mapping(proto.getMapValue(), where));
            if (proto.hasOptionalValue()) return new Data.Optional(optional(proto.getOptionalValue(), where));
            return new Data.Optional(null);
        }

        Data mapping(MapProto proto, String where) {
            List<Object> keys = new ArrayList<>(proto.getKeysList());
            proto.getStringKeysList().forEach(k -> keys.add(k.toStringUtf8()));
            SequenceProto values = proto.getValues();
            // A map to numbers or strings holds one tensor with an element for each key.
            if (keys.size() != 1 && values.getTensorValuesCount() == 1) {
                return spread(keys, tensors.read(values.getTensorValues(0), where), where);
            }
            List<Data> items = ((Data.Sequence) sequence(values, where)).items();
            if (items.size() != keys.size()) throw uneven(keys.size(), items.size(), where);
            Map<Object, Data> entries = new HashMap<>();
            for (int i = 0; i < items.size(); i++) entries.put(keys.get(i), items.get(i));
            return new Data.Mapping(entries);
        }

        private static Data spread(List<Object> keys, Data values, String where) {
            Map<Object, Data> entries = new HashMap<>();
            long n = values instanceof Tensor t
                    ? t.elements()
                    : values instanceof Data.Strings s ? s.values().size() : 0;
            if (n != keys.size()) throw uneven(keys.size(), n, where);
            for (int i = 0; i < keys.size(); i++) {
                if (values instanceof Tensor t) {
                    int width = t.dtype().bytes();
                    entries.put(
                            keys.get(i),
                            Tensor.wrap(
                                    new dev.meseta.graph.TensorType(t.dtype(), dev.meseta.graph.Shape.SCALAR),
                                    t.data().asSlice((long) i * width, width)));
                } else if (values instanceof Data.Strings s) {
                    entries.put(
                            keys.get(i),
                            new Data.Strings(
                                    dev.meseta.graph.Shape.SCALAR,
                                    List.of(s.values().get(i))));
                }
            }
            return new Data.Mapping(entries);
        }

        private static InvalidInputException uneven(long keys, long values, String where) {
            return new InvalidInputException(where + ": a map has " + keys + " keys and " + values + " values");
        }
    }
}
