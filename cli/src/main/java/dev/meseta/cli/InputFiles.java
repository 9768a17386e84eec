package dev.meseta.cli;

import dev.meseta.Model;
import dev.meseta.files.Images;
import dev.meseta.files.Npy;
import dev.meseta.files.Npz;
import dev.meseta.files.Raw;
import dev.meseta.frontends.onnx.OnnxData;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Port;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Turns the files that {@code --input} names into a model's inputs. */
final class InputFiles {
    private final Model model;
    private final Shapes shapes;
    private final Pictures pictures;

    /**
     * The flags for pictures; null or empty where the input decides.
     *
     * @param layout order of dimensions
     * @param channels channels and their order
     * @param resize {@code WxH}
     * @param mean subtracted from each sample
     * @param scale multiplied after that; {@code 1/255} is understood
     */
    record Pictures(
            Images.@Nullable Layout layout,
            Images.@Nullable Channels channels,
            @Nullable String resize,
            List<String> mean,
            List<String> scale) {
        /** Nothing said. */
        static final Pictures NONE = new Pictures(null, null, null, List.of(), List.of());
    }

    private enum Kind {
        NPY,
        NPZ,
        PROTOBUF,
        PICTURE,
        RAW
    }

    InputFiles(Model model, Shapes shapes, Pictures pictures) {
        this.model = model;
        this.shapes = shapes;
        this.pictures = pictures;
    }

    /**
     * Reads the files.
     *
     * @param arguments {@code NAME=FILE}; {@code FILE} alone for a single input, or for an npz file with the inputs' names
     */
    Map<String, Data> read(List<String> arguments) {
        Map<String, Data> inputs = new LinkedHashMap<>();
        for (String argument : arguments) {
            Port port = named(argument);
            Path file = Path.of(
                    port == null ? argument : argument.substring(port.name().length() + 1));
            if (Files.isDirectory(file))
                throw new InvalidInputException("--input " + argument + ": is a folder, not a file");
            if (!Files.exists(file))
                throw new InvalidInputException("--input " + argument + ": " + missing(argument, port));
            if (port == null && kind(file) == Kind.NPZ) {
                Npz.read(file).forEach((name, data) -> add(inputs, byName(name, file), data, file));
                continue;
            }
            Port target = port != null ? port : only(argument);
            add(inputs, target, read(file, target), file);
        }
        return inputs;
    }

    private static void add(Map<String, Data> inputs, Port port, Data data, Path file) {
        if (inputs.put(port.name(), converted(data, port, file)) != null) {
            throw new InvalidInputException("input '" + port.name() + "' is given twice");
        }
    }

    /** The port that an argument names; null where it is a file alone. */
    private @Nullable Port named(String argument) {
        for (Port p : model.inputs()) {
            if (argument.startsWith(p.name() + "=")) return p;
        }
        return null;
    }

    private String missing(String argument, @Nullable Port port) {
        int equals = argument.indexOf('=');
        if (port != null || equals < 0) return "no such file";
        return "the model has no input '" + argument.substring(0, equals) + "'; it takes " + Text.inputs(model);
    }

    private Port only(String argument) {
        List<Port> required = model.required();
        if (required.size() == 1) return required.getFirst();
        throw new InvalidInputException(
                "--input " + argument + ": which input? write NAME=FILE; the model takes " + Text.inputs(model));
    }

    private Port byName(String name, Path file) {
        for (Port p : model.inputs()) {
            if (p.name().equals(name)) return p;
        }
        throw new InvalidInputException(
                file + " holds an array '" + name + "', but the model takes " + Text.inputs(model));
    }

    private Data read(Path file, Port port) {
        return switch (kind(file)) {
            case NPY -> Npy.read(file, port.dtype());
            case NPZ -> {
                Map<String, Data> arrays = Npz.read(file);
                Data byName = arrays.get(port.name());
                if (byName != null) yield byName;
                if (arrays.size() == 1) yield arrays.values().iterator().next();
                throw new InvalidInputException(
                        file + " holds the arrays " + arrays.keySet() + ", none of them is '" + port.name() + "'");
            }
            case PROTOBUF -> OnnxData.read(file, port.kind());
            case PICTURE -> Images.read(file, preparation(port, file));
            case RAW -> Raw.read(file, rawType(port, file));
        };
    }

    private static Kind kind(Path file) {
        byte[] start;
        try (InputStream in = Files.newInputStream(file)) {
            start = in.readNBytes(8);
        } catch (IOException e) {
            throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
        }
        String magic = new String(start, StandardCharsets.ISO_8859_1);
        if (magic.startsWith("\u0093NUMPY")) return Kind.NPY;
        if (magic.startsWith("PK\3\4") || magic.startsWith("PK\5\6")) return Kind.NPZ;
        if (Stream.of("\u0089PNG", "\u00ff\u00d8\u00ff", "GIF8", "BM").anyMatch(magic::startsWith)) return Kind.PICTURE;
        String name = file.toString().toLowerCase(Locale.ROOT);
        if (name.endsWith(".npy")) return Kind.NPY;
        if (name.endsWith(".npz")) return Kind.NPZ;
        if (name.endsWith(".pb")) return Kind.PROTOBUF;
        if (name.endsWith(".raw") || name.endsWith(".bin")) return Kind.RAW;
        if (Stream.of(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff").anyMatch(name::endsWith)) {
            return Kind.PICTURE;
        }
        throw new InvalidInputException(
                file + ": not a file that can be an input; npy, npz, pb, png, jpg, and raw or bin can");
    }

    private TensorType rawType(Port port, Path file) {
        Shape shape = shapes.of(port);
        if (port.dtype() == null || shape == null) {
            throw new InvalidInputException(
                    file + ": the model does not state the type of '" + port.name() + "'; give an npy file");
        }
        return new TensorType(port.dtype(), shape);
    }

    private Images.Preparation preparation(Port port, Path file) {
        DType dtype = port.dtype() == null ? DType.F32 : port.dtype();
        Images.Layout layout = pictures.layout() != null ? pictures.layout() : layout(port, file);
        boolean batched = layout == Images.Layout.NCHW || layout == Images.Layout.NHWC;
        boolean first = layout == Images.Layout.NCHW || layout == Images.Layout.CHW;
        int offset = batched ? 1 : 0;
        long channels = extent(port, offset + (first ? 0 : 2));
        Images.Channels order = pictures.channels() != null
                ? pictures.channels()
                : channels == 1 ? Images.Channels.GRAY : Images.Channels.RGB;
        int height = clamp(extent(port, offset + (first ? 1 : 0)));
        int width = clamp(extent(port, offset + (first ? 2 : 1)));
        if (pictures.resize() != null) {
            String[] size = pictures.resize().toLowerCase(Locale.ROOT).split("x", -1);
            if (size.length != 2) throw new InvalidInputException("--resize is WIDTHxHEIGHT, got " + pictures.resize());
            width = (int) number("--resize", size[0]);
            height = (int) number("--resize", size[1]);
            if (width < 1 || height < 1)
                throw new InvalidInputException("--resize is WIDTHxHEIGHT, got " + pictures.resize());
        }
        return new Images.Preparation(
                dtype,
                layout,
                order,
                width,
                height,
                numbers("--mean", pictures.mean(), 0),
                numbers("--scale", pictures.scale(), 1));
    }

    private static int clamp(long extent) {
        return (int) Math.min(extent, Integer.MAX_VALUE);
    }

    /** A stated extent, 0 where the model leaves it open. */
    private static long extent(Port port, int axis) {
        Shape s = port.shape();
        return s == null || axis >= s.rank() || !s.dim(axis).isKnown() ? 0 : s.extent(axis);
    }

    private static Images.Layout layout(Port port, Path file) {
        Shape s = port.shape();
        if (s != null && (s.rank() == 4 || s.rank() == 3)) {
            boolean batched = s.rank() == 4;
            int offset = batched ? 1 : 0;
            if (isChannels(extent(port, offset))) return batched ? Images.Layout.NCHW : Images.Layout.CHW;
            if (isChannels(extent(port, offset + 2))) return batched ? Images.Layout.NHWC : Images.Layout.HWC;
        }
        throw new InvalidInputException(file + ": input '" + port.name() + "' is " + port.describe()
                + ", which does not say how a picture is laid out; add --layout nchw (or nhwc, chw, hwc)");
    }

    private static boolean isChannels(long extent) {
        return extent == 1 || extent == 3;
    }

    private static List<Double> numbers(String flag, List<String> texts, double otherwise) {
        return texts.isEmpty()
                ? List.of(otherwise)
                : texts.stream().map(t -> number(flag, t)).toList();
    }

    /** A number, or a fraction such as {@code 1/255}. */
    private static double number(String flag, String text) {
        try {
            String[] parts = text.strip().split("/", -1);
            double v = Double.parseDouble(parts[0]);
            if (parts.length == 2) v /= Double.parseDouble(parts[1]);
            if (parts.length <= 2 && Double.isFinite(v)) return v;
        } catch (NumberFormatException e) {
            throw new InvalidInputException(flag + ": '" + text + "' is no number", e);
        }
        throw new InvalidInputException(flag + ": '" + text + "' is no number");
    }

    /** The data in the input's element type, where every value keeps its meaning. */
    private static Data converted(Data data, Port port, Path file) {
        DType wanted = port.dtype();
        if (!(data instanceof Tensor t) || port.kind() != Port.Kind.TENSOR || wanted == null || wanted == t.dtype()) {
            return data;
        }
        String refusal = file + " is " + t.describe() + ", but input '" + port.name() + "' is " + port.describe();
        if (t.dtype().kind() == DType.Kind.COMPLEX || wanted.kind() == DType.Kind.COMPLEX) {
            throw new InvalidInputException(refusal);
        }
        Tensor c = Tensor.allocate(t.type().with(wanted));
        boolean integers = !t.dtype().isFloat() && !wanted.isFloat();
        for (long i = 0; i < t.elements(); i++) {
            if (integers) c.setLong(i, t.getLong(i));
            else c.setDouble(i, t.getDouble(i));
            boolean same = integers
                    ? c.getLong(i) == t.getLong(i)
                            && (t.getLong(i) >= 0 || t.dtype().isSigned() == wanted.isSigned())
                    : Double.compare(c.getDouble(i), t.getDouble(i)) == 0;
            if (!same) {
                throw new InvalidInputException(
                        refusal + ", and its values do not fit; convert them first (numpy:" + " a.astype)");
            }
        }
        return c;
    }
}
