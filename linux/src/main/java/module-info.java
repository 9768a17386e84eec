/** Linux. */
module dev.meseta.linux {
    requires static org.jspecify;

    exports dev.meseta.linux;
}
