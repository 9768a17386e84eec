/** Conformance suites. */
module dev.meseta.conformance {
    exports dev.meseta.conformance;

    uses dev.meseta.conformance.Peer;

    requires transitive dev.meseta;
    requires dev.meseta.frontends.onnx;
    requires java.management;
    requires static org.jspecify;
}
