/** Meseta for Java programs. */
module dev.meseta {
    requires transitive dev.meseta.graph;
    requires transitive dev.meseta.driver;
    requires dev.meseta.runtime;
    requires dev.meseta.compiler;
    requires dev.meseta.frontends.onnx;
    requires static org.jspecify;

    uses dev.meseta.driver.Driver;
}
