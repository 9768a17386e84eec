/** Demonstrations. */
module dev.meseta.demo {
    requires transitive dev.meseta;
    requires java.desktop;
    requires static org.jspecify;
}
