/** Meseta for Java programs. */
module dev.meseta {
    exports dev.meseta;
    exports dev.meseta.files;

    uses dev.meseta.driver.Driver;
    uses dev.meseta.graph.program.Frontend;
    uses dev.meseta.runtime.StageMaker;

    requires transitive dev.meseta.graph;
    requires transitive dev.meseta.driver;
    requires transitive dev.meseta.runtime;
    // Not there where packages alone run; found as services, so that a module path that has them has them resolved.
    requires static dev.meseta.compiler;
    requires static dev.meseta.frontends.onnx;
    requires static dev.meseta.frontends.tflite;
    requires dev.meseta.linux;
    requires java.desktop;
    requires static org.jspecify;
}
