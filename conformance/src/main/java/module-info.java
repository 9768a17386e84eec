/** Conformance suites. */
module dev.meseta.conformance {
    exports dev.meseta.conformance;
    exports dev.meseta.conformance.driver;

    uses dev.meseta.conformance.Peer;

    requires transitive dev.meseta;
    requires dev.meseta.compiler;
    requires dev.meseta.drivers.mock;
    requires dev.meseta.frontends.onnx;
    requires java.management;
    requires jdk.jfr;
    requires static org.jspecify;
}
