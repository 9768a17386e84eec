/** Conformance suites. */
module dev.meseta.conformance {
    exports dev.meseta.conformance;

    requires transitive dev.meseta;
    requires dev.meseta.frontends.onnx;
    requires static org.jspecify;
}
