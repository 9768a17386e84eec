package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.FlexBuffer;
import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.frontends.tflite.operators.Suppression.Box;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Lowering;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Boxes, classes and scores of what was detected, of encoded boxes, scores of classes, and anchors: the custom operator that detectors of
 * TFLite's model garden end with. Results have room for the options' {@code max_detections}, each with as many classes as the options say.
 */
final class DetectionPostProcess {
    private static final long MOST = 1 << 20;

    private final OperatorNode node;
    private final int most;
    private final int classesPerBox;
    private final int perClass;
    private final int classes;
    private final boolean regular;
    private final float least;
    private final float overlap;
    private final float[] scales;

    private DetectionPostProcess(OperatorNode node, Map<String, Object> options) {
        this.node = node;
        this.most = (int) number(options, "max_detections", null);
        this.classesPerBox = (int) number(options, "max_classes_per_detection", null);
        this.perClass = (int) number(options, "detections_per_class", 100.0);
        this.classes = (int) number(options, "num_classes", null);
        this.regular = number(options, "use_regular_nms", 0.0) != 0;
        this.least = (float) number(options, "nms_score_threshold", null);
        this.overlap = (float) number(options, "nms_iou_threshold", null);
        this.scales = new float[] {
            (float) number(options, "y_scale", null),
            (float) number(options, "x_scale", null),
            (float) number(options, "h_scale", null),
            (float) number(options, "w_scale", null)
        };
        boolean bounded = most >= 0 && classesPerBox >= 1 && (long) most * classesPerBox <= MOST;
        node.require(bounded && perClass >= 1 && classes >= 1, "options make no sense: " + options);
    }

    private double number(Map<String, Object> options, String name, @Nullable Double absent) {
        Object v = options.get(name);
        if (v instanceof Number n) return n.doubleValue();
        if (v instanceof Boolean b) return b ? 1 : 0;
        if (absent == null) throw node.error("has no option '" + name + "'");
        return absent;
    }

    static Lowering.Host of(OperatorNode node) {
        DetectionPostProcess p = new DetectionPostProcess(node, FlexBuffer.map(node.customOptions(), node.where()));
        return p::run;
    }

    private List<@Nullable Data> run(List<@Nullable Data> data) {
        float[] encoded = numbers(data, 0);
        float[] scores = numbers(data, 1);
        float[] anchors = numbers(data, 2);
        int count = anchors.length / 4;
        int columns = count == 0 ? classes : scores.length / count;
        boolean fits = encoded.length == 4 * count && anchors.length == 4 * count && scores.length == count * columns;
        node.require(fits && columns >= classes, "boxes, scores and anchors do not fit each other");
        List<Box> boxes = new ArrayList<>();
        for (int i = 0; i < count; i++) boxes.add(decode(encoded, anchors, 4 * i));
        // The first column is that of the background, if there is one.
        int skipped = columns - classes;
        List<Found> found =
                regular ? byClass(boxes, scores, columns, skipped) : together(boxes, scores, columns, skipped);
        return results(boxes, found);
    }

    private float[] numbers(List<@Nullable Data> data, int i) {
        Tensor t = HostOperators.tensor(node, data, i, DType.F32, DType.U8, DType.I8, DType.I16);
        if (t.dtype() == DType.F32) return t.toFloats();
        TensorInfo info = node.input(i);
        node.require(info.quantization().exists(), "operand " + i + " has no scale");
        Quantization q = info.quantization();
        float[] v = new float[Math.toIntExact(t.elements())];
        for (int k = 0; k < v.length; k++) v[k] = q.scale(0) * (t.getLong(k) - q.zeroPoint(0));
        return v;
    }

    private Box decode(float[] encoded, float[] anchors, int at) {
        float y = encoded[at] / scales[0] * anchors[at + 2] + anchors[at];
        float x = encoded[at + 1] / scales[1] * anchors[at + 3] + anchors[at + 1];
        float h = 0.5f * (float) Math.exp(encoded[at + 2] / scales[2]) * anchors[at + 2];
        float w = 0.5f * (float) Math.exp(encoded[at + 3] / scales[3]) * anchors[at + 3];
        return new Box(y - h, x - w, y + h, x + w);
    }

    private record Found(int box, int type, float score) {}

    /** Each box by the best of its classes. */
    private List<Found> together(List<Box> boxes, float[] scores, int columns, int skipped) {
        int kept = Math.min(classesPerBox, classes);
        float[] best = new float[boxes.size()];
        int[][] order = new int[boxes.size()][];
        for (int i = 0; i < best.length; i++) {
            int row = i * columns + skipped;
            order[i] = IntStream.range(0, classes)
                    .boxed()
                    .sorted(Comparator.comparingDouble((Integer k) -> -scores[row + k]))
                    .limit(kept)
                    .mapToInt(Integer::intValue)
                    .toArray();
            best[i] = scores[row + order[i][0]];
        }
        Suppression.Taken taken = take(boxes, best, most);
        List<Found> found = new ArrayList<>();
        for (int box : taken.positions()) {
            for (int k : order[box]) {
                if (found.size() < most * kept) found.add(new Found(box, k, scores[box * columns + skipped + k]));
            }
        }
        return found;
    }

    /** Each class for itself, then the best of all. */
    private List<Found> byClass(List<Box> boxes, float[] scores, int columns, int skipped) {
        List<Found> all = new ArrayList<>();
        for (int k = 0; k < classes; k++) {
            float[] column = new float[boxes.size()];
            for (int i = 0; i < column.length; i++) column[i] = scores[i * columns + skipped + k];
            for (int box : take(boxes, column, perClass).positions()) all.add(new Found(box, k, column[box]));
            all.sort(Comparator.comparingDouble((Found f) -> -f.score()));
            if (all.size() > most) all.subList(most, all.size()).clear();
        }
        return all;
    }

    private Suppression.Taken take(List<Box> boxes, float[] scores, int count) {
        // A score equal to the least one counts here.
        return Suppression.run(boxes, scores, count, overlap, Math.nextDown(least), 0);
    }

    private List<@Nullable Data> results(List<Box> boxes, List<Found> found) {
        int room = most * classesPerBox;
        int kept = regular ? 1 : Math.min(classesPerBox, classes);
        Tensor corners = Tensor.allocate(DType.F32, Shape.of(1, room, 4));
        Tensor types = Tensor.allocate(DType.F32, Shape.of(1, room));
        Tensor scores = Tensor.allocate(DType.F32, Shape.of(1, room));
        for (int i = 0; i < found.size(); i++) {
            Box b = boxes.get(found.get(i).box());
            float[] v = {b.y0(), b.x0(), b.y1(), b.x1()};
            long at = regular ? i : (long) i / kept * classesPerBox + i % kept;
            for (int k = 0; k < 4; k++) corners.setDouble(4 * at + k, v[k]);
            types.setDouble(at, found.get(i).type());
            scores.setDouble(at, found.get(i).score());
        }
        Tensor count = Tensor.allocate(DType.F32, Shape.of(1));
        // Of boxes, not of their classes.
        count.setDouble(0, found.size() / kept);
        return List.of(corners, types, scores, count);
    }
}
