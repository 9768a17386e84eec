/** The device {@code null}: it takes every job and does nothing, which is what a driver is without its device. */
module dev.meseta.drivers.nothing {
    requires dev.meseta.driver;
    requires static org.jspecify;

    provides dev.meseta.driver.Driver with
            dev.meseta.drivers.nothing.NullDriver;
}
