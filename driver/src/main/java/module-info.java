/** Driver contract. */
module dev.meseta.driver {
    requires transitive dev.meseta.graph;
    requires transitive dev.meseta.compiler.kernel;
    requires static org.jspecify;
}
