/** Meseta for Java programs. */
module dev.meseta {
    requires transitive dev.meseta.runtime;
    requires dev.meseta.frontends.onnx;
    requires static org.jspecify;
}
