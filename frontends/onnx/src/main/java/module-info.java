/** ONNX frontend. */
module dev.meseta.frontends.onnx {
    exports dev.meseta.frontends.onnx;

    requires transitive dev.meseta.graph;
    requires com.google.protobuf;
    requires java.desktop;
    requires static org.jspecify;

    provides dev.meseta.graph.program.Frontend with
            dev.meseta.frontends.onnx.OnnxFrontend;
}
