package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.OneOperator.Scale;
import dev.meseta.tests.tflite.OperatorRows.Row;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Random models of custom operators that TFLite knows. */
final class CustomRows {
    private CustomRows() {}

    static void add(List<Row> rows) {
        rows.add(new Row("AudioSpectrogram", 0, CustomRows::spectrogram));
        rows.add(new Row("Mfcc", 0, CustomRows::cepstrum));
        for (boolean regular : new boolean[] {false, true}) {
            for (DType t : List.of(DType.F32, DType.U8)) {
                String name = "TFLite_Detection_PostProcess " + (regular ? "by class " : "") + t;
                rows.add(new Row(name, 0, d -> detections(d, t, regular)));
            }
        }
    }

    private static OneOperator spectrogram(Draws d) {
        int window = d.between(2, 600);
        int stride = d.between(1, 300);
        int samples = window + d.between(0, 1000);
        Map<String, Object> options = new HashMap<>();
        options.put("window_size", window);
        options.put("stride", stride);
        options.put("magnitude_squared", d.flag());
        return OneOperator.custom("AudioSpectrogram", FlexBufferWriter.map(options))
                .input(d.floats(-1, 1, samples, d.between(1, 2)))
                .output(DType.F32, null, 1, 1, 1);
    }

    private static OneOperator cepstrum(Draws d) {
        int bins = (1 << d.between(4, 9)) + 1;
        int rate = d.one(8000, 16000, 44100);
        Map<String, Object> options = new HashMap<>();
        options.put("upper_frequency_limit", (float) d.real(2000, 0.5 * rate));
        options.put("lower_frequency_limit", (float) d.real(10, 100));
        options.put("filterbank_channel_count", d.between(13, 40));
        options.put("dct_coefficient_count", d.between(1, 13));
        return OneOperator.custom("Mfcc", FlexBufferWriter.map(options))
                .input(d.floats(0, 1000, d.between(1, 2), d.between(1, 5), bins))
                .constant(Tensor.of(new int[] {rate}, 1))
                .output(DType.F32, null, 1, 1, 1);
    }

    /** So many boxes that there are always as many detections as there is room for: TFLite leaves the rest as it was. */
    private static OneOperator detections(Draws d, DType t, boolean regular) {
        int boxes = d.between(60, 90);
        int classes = d.between(1, 4);
        int background = d.between(0, 1);
        int most = d.between(1, 5);
        int perBox = regular ? 1 : d.between(1, Math.min(2, classes));
        Map<String, Object> options = new HashMap<>();
        options.put("max_detections", most);
        options.put("max_classes_per_detection", perBox);
        options.put("detections_per_class", d.between(20, 30));
        options.put("num_classes", classes);
        options.put("use_regular_nms", regular);
        options.put("nms_score_threshold", 0.1f);
        options.put("nms_iou_threshold", (float) d.real(0.3, 0.7));
        options.put("y_scale", 10f);
        options.put("x_scale", 10f);
        options.put("h_scale", 5f);
        options.put("w_scale", 5f);
        Scale encoded = t == DType.F32 ? null : Scale.of(0.03, d.between(100, 150));
        Scale placed = t == DType.F32 ? null : Scale.of(0.004, 0);
        Tensor anchors = t == DType.F32 ? d.floats(0.05, 1, boxes, 4) : d.integers(t, 12, 255, boxes, 4);
        long room = (long) most * perBox;
        return OneOperator.custom("TFLite_Detection_PostProcess", FlexBufferWriter.map(options))
                .input(d.tensor(t, 1, boxes, 4), encoded)
                .input(d.floats(0, 1, 1, boxes, classes + background))
                .constant(anchors, placed)
                .output(DType.F32, null, 1, room, 4)
                .output(DType.F32, null, 1, room)
                .output(DType.F32, null, 1, room)
                .output(DType.F32, null, 1);
    }
}
