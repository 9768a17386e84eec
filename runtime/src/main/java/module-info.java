/** Runtime. */
module dev.meseta.runtime {
    requires transitive dev.meseta.graph;
    requires transitive dev.meseta.driver;
    requires dev.meseta.compiler;
    requires static org.jspecify;
}
