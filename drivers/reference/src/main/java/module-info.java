/** Reference driver. */
module dev.meseta.drivers.reference {
    requires transitive dev.meseta.driver;
    requires static org.jspecify;
}
