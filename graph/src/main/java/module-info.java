/** The op set. */
module dev.meseta.graph {
    requires static org.jspecify;
}
