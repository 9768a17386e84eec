/** TFLite frontend. */
module dev.meseta.frontends.tflite {
    exports dev.meseta.frontends.tflite;

    requires transitive dev.meseta.graph;
    requires static org.jspecify;

    uses dev.meseta.graph.program.CustomOperatorProvider;

    provides dev.meseta.graph.program.Frontend with
            dev.meseta.frontends.tflite.TfliteFrontend;
}
