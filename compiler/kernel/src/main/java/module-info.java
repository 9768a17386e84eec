/** Kernel language. */
module dev.meseta.compiler.kernel {
    requires transitive dev.meseta.graph;
    requires static org.jspecify;
}
