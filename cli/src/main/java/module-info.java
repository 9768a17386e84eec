/** Command line. */
module dev.meseta.cli {
    opens dev.meseta.cli to
            info.picocli;

    requires dev.meseta;
    requires dev.meseta.conformance;
    requires dev.meseta.demo;
    requires java.desktop;
    requires java.management;
    requires jdk.jfr;
    requires dev.meseta.frontends.onnx;
    requires dev.meseta.frontends.tflite;
    requires info.picocli;
    requires me.tongfei.progressbar;
    requires tools.jackson.databind;
    requires static org.jspecify;

    uses dev.meseta.graph.program.CustomOperatorProvider;
}
