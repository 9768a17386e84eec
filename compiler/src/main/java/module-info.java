/** Compiler. */
module dev.meseta.compiler {
    requires transitive dev.meseta.graph;
    requires transitive dev.meseta.compiler.kernel;
    requires transitive dev.meseta.driver;
    requires static org.jspecify;
}
