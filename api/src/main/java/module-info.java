/** Meseta for Java programs. */
module dev.meseta {
    exports dev.meseta;
    exports dev.meseta.files;

    uses dev.meseta.driver.Driver;

    requires transitive dev.meseta.graph;
    requires transitive dev.meseta.driver;
    requires transitive dev.meseta.runtime;
    requires dev.meseta.compiler;
    requires dev.meseta.frontends.onnx;
    requires dev.meseta.frontends.tflite;
    requires dev.meseta.linux;
    requires java.desktop;
    requires static org.jspecify;
}
