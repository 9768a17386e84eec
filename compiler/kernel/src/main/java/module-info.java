/** The kernel language. */
module dev.meseta.compiler.kernel {
    requires transitive dev.meseta.graph;
    requires static org.jspecify;

    exports dev.meseta.compiler.kernel;
}
